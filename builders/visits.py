"""What a worker does with a shard: visit the files once each, and leave finished parts in the store.

Both tasks are plain picklable objects; models load in the worker, at its first shard.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa

from annotators import images
from annotators.base import Annotator, Batch, Picture, identity
from builders import files, store
from schemas.errors import BuildError, RowError
from schemas.locations import Location
from schemas.records import Drop, Stage

BATCH = 8
"""Pictures decoded at a time; no answer depends on it, memory does."""

FILE_FACTS = pa.schema([("sha256", pa.string()), ("md5", pa.string()), ("bytes", pa.int64()), ("reason", pa.string()),
                        ("detail", pa.string())])
"""What is learnt of a file by reading it; `reason` is empty for one that can be; md5 is how booru sites name files."""

RETRYABLE = frozenset({"missing_file", "unreadable"})
"""Reasons that another run may find gone; they are never stored."""


@dataclass(frozen=True)
class Limits:
    """What a file may cost: size in bytes, and pixels as its header claims them."""

    max_bytes: int
    max_pixels: int

    @property
    def told(self) -> str:
        """Both, for people."""
        return f"{self.max_pixels} pixels, {self.max_bytes} bytes"


class FileRow(NamedTuple):
    """A file to read: its key in the store, and its path."""

    key: str
    path: str


@dataclass(frozen=True)
class ReadFiles:
    """Reads and hashes files. Returns how many were done, and what failed for now: {key: (reason, detail)}."""

    folder: Location
    limits: Limits

    def __call__(self, shard: Sequence[FileRow]) -> tuple[int, dict[str, tuple[str, str]]]:
        keys: list[str] = []
        columns: dict[str, list[Any]] = {name: [] for name in FILE_FACTS.names}
        failed: dict[str, tuple[str, str]] = {}
        for row in shard:
            facts = self.facts(row.path)
            if facts["reason"] in RETRYABLE:
                failed[row.key] = facts["reason"], facts["detail"]
                continue
            keys.append(row.key)
            for name, value in facts.items():
                columns[name].append(value)
        if keys:
            store.write_part(self.folder, FILE_FACTS, keys, columns)
        return len(shard), failed

    def facts(self, path: str) -> dict[str, Any]:
        """What reading a file gave."""
        facts: dict[str, Any] = {"sha256": "", "md5": "", "bytes": 0, "reason": "", "detail": ""}
        try:
            data = files.read(path, self.limits.max_bytes)
        except RowError as error:
            return facts | {"reason": error.reason, "detail": error.detail}
        return facts | {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data),
                        "md5": hashlib.md5(data, usedforsecurity=False).hexdigest()}


class Pixels:
    """Annotator `pixels`: what decoding a file's bytes gave. `width` and `height` in pixels; `reason` is empty for a
    good picture, else it and `detail` say what is wrong with it.
    """

    name = "pixels"
    needs: tuple[str, ...] = ("decoded",)
    features = pa.schema([("width", pa.int32()), ("height", pa.int32()), ("reason", pa.string()),
                          ("detail", pa.string())])

    def __init__(self, limits: Limits) -> None:
        self.identity = identity(self.name, 1, {"max_pixels": limits.max_pixels})
        self.provenance = {"backend": "Pillow", "weights": "none"}

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """Facts of each `images.Decoded`, or of the RowError that was raised instead."""
        facts = [(0, 0, one.reason, one.detail) if isinstance(one, RowError) else (one.width, one.height, "", "")
                 for one in batch["decoded"]]
        return {name: list(values) for name, values in zip(self.features.names, zip(*facts, strict=True), strict=True)}


class Keeps(NamedTuple):
    """A filter after an annotator: what it reads, columns of annotators or of the post, and its verdict on them."""

    columns: tuple[str, ...]
    filter: Callable[..., Drop | None]

    def __call__(self, said: Mapping[str, Any]) -> Drop | None:
        """The verdict on one row's columns."""
        return self.filter(*(said[name] for name in self.columns))


class Link(NamedTuple):
    """An annotator in a chain: those after it look only at what it keeps."""

    annotator: Annotator
    stage: Stage
    keeps: Keeps | None = None


class PictureRow(NamedTuple):
    """A picture to visit."""

    keys: tuple[str, ...]
    """Under which each link stores its answer, "" where it did already."""
    path: str
    sha256: str
    box: tuple[int, int, int, int] | None
    places: Mapping[str, store.Place]
    """Where the stored answers that it needs lie, by column."""
    values: Mapping[str, Any]
    """Columns of the post that it needs."""


@dataclass
class Seen:
    """A picture on its way along the chain: its columns so far."""

    row: PictureRow
    said: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Visit:
    """Decodes each picture of a shard once, shows it to the annotators of a chain that never saw it, as far as their
    filters let it pass, and stores what they say. Returns how many rows there were, and how many passed all of it.
    """

    chain: Sequence[Link]
    folders: Sequence[Location]
    """Store folder of each link."""
    inputs: Mapping[str, Location]
    """Store folder by column, for what annotators need of others."""
    limits: Limits

    def __call__(self, shard: Sequence[PictureRow]) -> tuple[int, int]:
        keys: list[list[str]] = [[] for _ in self.chain]
        columns: list[dict[str, list[Any]]] = [{name: [] for name in link.annotator.features.names}
                                               for link in self.chain]
        rows = [Seen(row, dict(row.values)) for row in shard]
        self._recall(rows)
        passed = 0
        for start in range(0, len(rows), BATCH):
            left = self._opened(rows[start : start + BATCH])
            for at, link in enumerate(self.chain):
                unseen = [one for one in left if one.row.keys[at]]
                for name, values in self._asked(link.annotator, unseen).items():
                    columns[at][name].extend(values)
                keys[at].extend(one.row.keys[at] for one in unseen)
                left = [one for one in left if not one.row.keys[at] or link.keeps is None
                        or link.keeps(one.said) is None]
            passed += len(left)
            for one in rows[start : start + BATCH]:
                one.said.clear()  # the pictures most of all
        for link, folder, known, said in zip(self.chain, self.folders, keys, columns, strict=True):
            if known:
                store.write_part(folder, link.annotator.features, known, said)
        return len(shard), passed

    def _recall(self, rows: Sequence[Seen]) -> None:
        """Reads the stored answers that are needed."""
        for name, folder in self.inputs.items():
            there = [one for one in rows if name in one.row.places]
            found = store.read(folder, [one.row.places[name] for one in there], [name])[name]
            for one, value in zip(there, found, strict=True):
                one.said[name] = value

    def _opened(self, rows: Sequence[Seen]) -> list[Seen]:
        for one in rows:
            data = contents(one.row.path, one.row.sha256, self.limits)
            try:
                decoded = one.said["decoded"] = images.decode(data, max_pixels=self.limits.max_pixels)
            except RowError as error:
                one.said["decoded"] = error
                continue
            one.said["image"] = decoded.picture if one.row.box is None else images.crop(decoded.picture, one.row.box)
        return list(rows)

    def _asked(self, annotator: Annotator, rows: Sequence[Seen]) -> dict[str, list[Any]]:
        if not rows:
            return {}
        given = annotator({name: [one.said[name] for one in rows] for name in annotator.needs})
        for name, values in given.items():
            for one, value in zip(rows, values, strict=True):
                one.said[name] = value
        return given


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
