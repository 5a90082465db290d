"""Published Parquet shards as streams: nothing here holds more than one row group of pixels."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageFile

from schemas.locations import Location, readable

Data = Mapping[str, Sequence[Location]]
"""Split name -> its Parquet shards, in order."""

_ORDER = ("train", "test_seen", "test_unseen")


def splits(names: Iterable[str]) -> list[str]:
    """Split names: those of a RetriBooru build in their usual order, any other after them by name."""
    return sorted(names, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))


def rows(data: Data, columns: Sequence[str], batch: int = 1024) -> Iterator[tuple[str, dict[str, Any]]]:
    """(split, row) for every row, with the named columns alone. Give a small `batch` when pixels are among them."""
    for split in splits(data):
        for path in data[split]:
            with pq.ParquetFile(readable(path)) as file:
                for part in file.iter_batches(batch, columns=list(columns), use_threads=False):
                    for row in part.to_pylist():
                        yield split, row


def pick(data: Data, ids: set[str], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows with these ids. A row group's pixels are read only when one of its ids is wanted."""
    for split in splits(data):
        for path in data[split]:
            with pq.ParquetFile(readable(path)) as file:
                for group in range(file.num_row_groups):
                    names = file.read_row_group(group, columns=["id"], use_threads=False)["id"].to_pylist()
                    hit = [name in ids for name in names]
                    if any(hit):
                        whole = file.read_row_group(group, columns=list(columns), use_threads=False)
                        yield from whole.filter(pa.array(hit)).to_pylist()


@contextmanager
def opened(data: bytes) -> Iterator[ImageFile.ImageFile]:
    """A published picture or matte, opened but not decoded. Pillow's warnings (odd EXIF) stay unsaid: the build has
    decoded these bytes before and judged them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data)) as picture:
            yield picture


def sizes(paths: Sequence[Location]) -> tuple[int, int, int]:
    """(rows, bytes decoded, bytes on disk) of these shards, from their footers."""
    count = decoded = stored = 0
    for path in paths:
        footer = pq.read_metadata(readable(path))
        count += footer.num_rows
        decoded += sum(footer.row_group(n).total_byte_size for n in range(footer.num_row_groups))
        stored += path.stat().st_size
    return count, decoded, stored
