"""Published Parquet shards as streams: nothing here holds more than one row group of pixels."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageFile

from schemas.locations import Location, readable

Data = Mapping[str, Sequence[Location]]
"""Split name -> its Parquet shards, in order."""

Run = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""Runs a function on each of many things and gives what it returns, in any order: `map`, or workers."""

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


class Hit(NamedTuple):
    """A row group that holds wanted rows, which are True in `rows`."""

    path: Location
    group: int
    rows: list[bool]


def hits(data: Data, ids: Set[str]) -> Iterator[Hit]:
    """Where the rows with these ids lie."""
    for split in splits(data):
        for path in data[split]:
            with pq.ParquetFile(readable(path)) as file:
                for group in range(file.num_row_groups):
                    names = file.read_row_group(group, columns=["id"], use_threads=False)["id"].to_pylist()
                    rows = [name in ids for name in names]
                    if any(rows):
                        yield Hit(path, group, rows)


def read(hit: Hit, columns: Sequence[str]) -> list[dict[str, Any]]:
    """The wanted rows of a row group."""
    with pq.ParquetFile(readable(hit.path)) as file:
        whole = file.read_row_group(hit.group, columns=list(columns), use_threads=False)
    found: list[dict[str, Any]] = whole.filter(pa.array(hit.rows)).to_pylist()
    return found


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
