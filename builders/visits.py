"""What a worker does with a shard: visit the files once each, and leave a finished part in the store.

Both tasks are plain picklable objects; models load in the worker, at its first shard.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from annotators import images
from annotators.base import Annotator, Picture
from builders import files, store
from schemas.errors import BuildError, RowError
from schemas.records import Drop

BATCH = 8
"""Pictures decoded at a time; no answer depends on it, memory does."""

FILE_FACTS = pa.schema([("sha256", pa.string()), ("md5", pa.string()), ("width", pa.int32()), ("height", pa.int32()),
                        ("bytes", pa.int64()), ("reason", pa.string()), ("detail", pa.string())])
"""What is learnt of a file by reading it; `reason` is empty for a good picture; md5 is how booru sites name files."""

RETRYABLE = frozenset({"missing_file", "unreadable"})
"""Reasons that another run may find gone; they are never stored."""


@dataclass(frozen=True)
class Limits:
    """What a file may cost: size in bytes, and pixels as its header claims them."""

    max_bytes: int
    max_pixels: int


class FileRow(NamedTuple):
    """A file to read: its key in the store, and its path."""

    key: str
    path: str


@dataclass(frozen=True)
class ReadFiles:
    """Reads, hashes and decodes files. Returns how many were done, how many of them are pictures, and what
    failed for now: {key: (reason, detail)}.
    """

    folder: Path
    limits: Limits

    def __call__(self, shard: Sequence[FileRow]) -> tuple[int, int, dict[str, tuple[str, str]]]:
        keys: list[str] = []
        columns: dict[str, list[Any]] = {name: [] for name in FILE_FACTS.names}
        failed: dict[str, tuple[str, str]] = {}
        for row in shard:
            facts = self._facts(row.path)
            if facts["reason"] in RETRYABLE:
                failed[row.key] = facts["reason"], facts["detail"]
                continue
            keys.append(row.key)
            for name, value in facts.items():
                columns[name].append(value)
        if keys:
            store.write_part(self.folder, FILE_FACTS, keys, columns)
        return len(shard), columns["reason"].count(""), failed

    def _facts(self, path: str) -> dict[str, Any]:
        facts: dict[str, Any] = {"sha256": "", "md5": "", "width": 0, "height": 0, "bytes": 0,
                                 "reason": "", "detail": ""}
        try:
            data = files.read(path, self.limits.max_bytes)
            facts |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data),
                      "md5": hashlib.md5(data, usedforsecurity=False).hexdigest()}
            decoded = images.decode(data, max_pixels=self.limits.max_pixels)
            facts |= {"width": decoded.width, "height": decoded.height}
        except RowError as error:
            facts |= {"reason": error.reason, "detail": error.detail}
        return facts


class PictureRow(NamedTuple):
    """A picture to show an annotator."""

    key: str
    path: str
    sha256: str
    box: tuple[int, int, int, int] | None
    places: Mapping[str, store.Place]
    """Where the other annotators' answers that it needs lie, by column."""
    values: Mapping[str, Any]
    """Columns of the post that it needs."""


class Keeps(NamedTuple):
    """A filter on one column of an annotator. Only progress hears of it: verdicts are given when all answers are in."""

    column: str
    filter: Callable[[Any], Drop | None]


@dataclass(frozen=True)
class Annotate:
    """Shows the pictures of a shard to one annotator and stores its answers. Returns how many rows there were, and how
    many of them `keeps` keeps, None when there is none to ask.
    """

    annotator: Annotator
    folder: Path
    inputs: Mapping[str, Path]
    """Store folder by column, for the columns of other annotators."""
    limits: Limits
    keeps: Keeps | None = None

    def __call__(self, shard: Sequence[PictureRow]) -> tuple[int, int | None]:
        columns: dict[str, list[Any]] = {name: [] for name in self.annotator.features.names}
        given = {name: store.read(folder, [row.places[name] for row in shard], [name])[name]
                 for name, folder in self.inputs.items()}
        for start in range(0, len(shard), BATCH):
            some = slice(start, start + BATCH)
            batch = {name: values[some] for name, values in given.items()} | self._batch(shard[some])
            for name, values in self.annotator(batch).items():
                columns[name].extend(values)
        store.write_part(self.folder, self.annotator.features, [row.key for row in shard], columns)
        if self.keeps is None:
            return len(shard), None
        return len(shard), sum(self.keeps.filter(value) is None for value in columns[self.keeps.column])

    def _batch(self, rows: Sequence[PictureRow]) -> dict[str, list[Any]]:
        batch: dict[str, list[Any]] = {}
        for name in self.annotator.needs:
            if name == "image":
                batch[name] = [picture(row.path, row.sha256, row.box, self.limits) for row in rows]
            elif name not in self.inputs:
                batch[name] = [row.values[name] for row in rows]
        return batch


def picture(path: str, sha256: str, box: tuple[int, int, int, int] | None, limits: Limits) -> Picture:
    """Decoded and, for whole pictures, cut to the figure. Raises BuildError when the file is no longer the one seen."""
    decoded = images.decode(contents(path, sha256, limits), max_pixels=limits.max_pixels).picture
    return decoded if box is None else images.crop(decoded, box)


def contents(path: str, sha256: str, limits: Limits) -> bytes:
    """A file's bytes, known to be those seen before. Raises BuildError when they are not."""
    try:
        data = files.read(path, limits.max_bytes)
    except RowError as error:
        raise BuildError(f"{path}: {error}; it was there earlier in this build: run the same command again") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise BuildError(f"{path}: the file changed during the build: run the same command again")
    return data
