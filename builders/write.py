"""Parquet shards of a version, prepared in a staging folder.

Original image bytes pass through untouched. Row groups are cut at exact counts, because the same rows in other
batches give other bytes; page indexes and content-defined chunks let a new version upload only what changed.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from schemas import atomic
from schemas.features import REJECTED, Column, arrow_schema
from schemas.locations import Location
from schemas.manifest import FileEntry, pixels_digest
from schemas.records import Rejected

ROW_GROUP = 100
"""Rows of a row group: what a reader that skips to one row must load."""

SHARD_BYTES = 100_000_000
"""Image bytes of a shard at most, about: small enough for several workers to write one dataset, and for a kill to cost
little; the Hub likes files under 500 MB, and not too many of them."""


class Filled(NamedTuple):
    """A row as it will stand in the file, pixels included, and its digest: `columns_digest` of what `row_digest` would
    see of it."""

    row: Mapping[str, Any]
    digest: str


class Shard(NamedTuple):
    """One file to write, under its final name below the version's folder; `rows` are what `WriteShard.fill` reads."""

    name: str
    rows: Sequence[Any]


class Written(msgspec.Struct, frozen=True):
    """A finished shard: what stands in the manifest of its file, and its rows' digests in order."""

    name: str
    file: FileEntry
    digests: list[tuple[str, str]]
    """(row id, digest) pairs."""


@dataclass(frozen=True)
class WriteShard:
    """Writes one shard, or finds it written by a run that was killed later."""

    version: Location
    """Folder that becomes the published version."""
    receipts: Location
    """Folder that remembers which shards are whole, with their rows' digests."""
    columns: tuple[Column, ...]
    fill: Callable[[Sequence[Any]], Sequence[Filled]]
    """Gives the planned rows of a row group their pixels. Travels to the workers."""

    def __call__(self, shard: Shard) -> Written:
        path = self.version / shard.name
        receipt = self.receipts / f"{path.name}.json"
        if path.exists() and receipt.exists():
            return msgspec.json.decode(receipt.read_bytes(), type=Written)
        digests: list[tuple[str, str]] = []
        whole = hashlib.sha256()
        with atomic.replacing(path) as temporary:
            with _writer(temporary, arrow_schema(self.columns), ROW_GROUP, whole.update) as put:
                for start in range(0, len(shard.rows), ROW_GROUP):
                    filled = self.fill(shard.rows[start:start + ROW_GROUP])
                    put([one.row for one in filled])
                    digests += [(one.row["id"], one.digest) for one in filled]
            written = Written(shard.name, FileEntry(whole.hexdigest(), temporary.stat().st_size), digests)
        atomic.write(receipt, msgspec.json.encode(written))
        return written


def file_entry(path: Location) -> FileEntry:
    """A file's sha256 and size. Raises OSError."""
    handle: Any
    with path.open("rb") as handle:
        return FileEntry(hashlib.file_digest(handle, "sha256").hexdigest(), handle.tell())


def row_digest(row: Mapping[str, Any]) -> str:
    """Digest of a published row: its columns, the image's bytes and, where there are such, the matte's decoded pixels
    and the embedding's float32 numbers."""
    said = {**row, "image": hashlib.sha256(row["image"]["bytes"]).hexdigest()}
    if "mask" in row:
        with Image.open(io.BytesIO(row["mask"]["bytes"])) as matte:
            said["mask"] = pixels_digest(matte.mode, matte.size, matte.tobytes())
    if "embedding" in row:
        said["embedding"] = numbers_digest(np.asarray(row["embedding"], np.float32))
    return columns_digest(said)


def numbers_digest(numbers: npt.NDArray[np.float32]) -> str:
    """Digest of an embedding as a row's digest takes it: as JSON it would take a hundred times as long."""
    return hashlib.sha256(np.ascontiguousarray(numbers, "<f4").tobytes()).hexdigest()


def columns_digest(columns: Mapping[str, Any]) -> str:
    """Digest of columns as sorted JSON."""
    return hashlib.sha256(json.dumps(columns, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def cut_shards(split: str, rows: Iterable[Any], sizes: Sequence[int]) -> Iterator[Shard]:
    """Cuts one split's rows, in id order, into as few shards of SHARD_BYTES as hold them, all about equally large.

    `sizes` are the rows' image bytes, known beforehand because a shard's name tells how many there are.
    """
    begins = np.cumsum([0, *sizes])
    whole = int(begins[-1])
    shard = begins[:-1] * -(-whole // SHARD_BYTES) // whole
    counts = np.unique(shard, return_counts=True)[1].tolist()
    left = iter(rows)
    for at, count in enumerate(counts):
        yield Shard(f"data/{split}-{at:05d}-of-{len(counts):05d}.parquet", [next(left) for _ in range(count)])


def write_rejected(path: Location, rejected: Iterable[Rejected]) -> int:
    """Writes what left, without pixels, and returns how many there are."""
    schema = arrow_schema(REJECTED)
    total, group = 0, 10_000
    left = iter(rejected)
    with atomic.replacing(path) as temporary, _writer(temporary, schema, group) as put:
        while batch := [_flat(item) for item in islice(left, group)]:
            put(batch)
            total += len(batch)
    return total


def _flat(item: Rejected) -> dict[str, str]:
    return {"id": item.id, "path": item.path, "sha256": item.sha256, **msgspec.structs.asdict(item.drop)}


@contextmanager
def _writer(path: Path, schema: pa.Schema, group: int, heard: Callable[[memoryview], None] = lambda part: None,
            ) -> Iterator[Callable[[Sequence[Mapping[str, Any]]], None]]:
    """Yields a function that adds at most `group` rows to the file as one row group. `heard` is told of every byte that
    is written, in order. Raises OSError: the disk is full.

    pyarrow aborts the whole process when a write of content-defined chunks fails, or is interrupted by Ctrl-C. So it
    writes to memory, which does not fail, and every row group goes from there to the disk.
    """
    memory = io.BytesIO()
    with path.open("wb") as file:
        def pour() -> None:
            with memory.getbuffer() as part:
                file.write(part)
                heard(part)
            memory.seek(0)
            memory.truncate()

        def put(rows: Sequence[Mapping[str, Any]]) -> None:
            writer.write_table(pa.Table.from_pylist(rows, schema=schema), row_group_size=group)
            pour()

        with pq.ParquetWriter(memory, schema, compression="snappy", write_page_index=True,
                              use_content_defined_chunking=True) as writer:
            yield put
        pour()
