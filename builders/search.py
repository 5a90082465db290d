"""`build search DIR "text" | --image FILE`: the pictures of a pool that are nearest to a text or a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from annotators import images
from annotators.base import Picture
from annotators.embeddings import Embeddings
from annotators.recalled import embeddings_of
from builders.published import shards
from builders.vector_index import FILE, FOLDER, POOL, read_facts, read_index
from cards.results import MOST, Tile, sheet
from schemas import atomic
from schemas import manifest as manifests
from schemas.errors import RowError, UsageError
from schemas.locations import Location, readable
from schemas.manifest import Manifest
from schemas.text import visible

_SHOWN = ("id", "image", "text", "license", "url")
"""Columns that are read of a row that was found."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """What to look for: a text or a picture, one of both."""

    text: str = ""
    image: Path | None = None
    count: int = 20
    """Rows to find, 1 to MOST."""
    embeddings: str = ""
    """Weights, "" for those that the manifest names: needed where it cannot say where they are."""

    def __post_init__(self) -> None:
        if bool(self.text.strip()) == (self.image is not None):
            raise UsageError("one text or one --image to search for", seen="both" if self.image else "none",
                             allowed='build search DIR "a penguin chick", or build search DIR --image FILE')
        if not 1 <= self.count <= MOST:
            raise UsageError("-k is out of range", seen=self.count, allowed=f"1 to {MOST}")


class Hit(NamedTuple):
    """A row that was found, with its cosine to the query, -1..1."""

    cosine: float
    row: dict[str, Any]


def run(folder: Location, query: Query, out: Path) -> int:
    """Prints what was found, best first, and writes it to `out` as a contact sheet. Returns 0.

    Raises UsageError when there is no such pool, its index is damaged or another's, or the query cannot be embedded as
    its pictures were.
    """
    if out.is_dir():
        raise UsageError("--out is a folder", seen=str(out), allowed="a file for the contact sheet: found.png")
    shown, picture = (b"", None) if query.image is None else _read(query.image)
    hits = search(folder, query, picture)
    asked = [Tile(shown, head="query", marked=True)] if shown else []
    found = [Tile(hit.row["image"]["bytes"], str(rank), f"{hit.cosine:.3f}", hit.row["text"])
             for rank, hit in enumerate(hits, 1)]
    try:
        page = sheet([*asked, *found], query.image.name if query.image else query.text, f"{len(hits)} nearest")
    except Exception as error:  # Pillow's decoders raise whatever their parsing stumbles on
        raise _damaged(folder, f"a picture cannot be drawn: {error}") from None
    atomic.write(out, page)
    wide = max((len(visible(hit.row["id"])) for hit in hits), default=0)
    for rank, hit in enumerate(hits, 1):
        said = [visible(hit.row[name]) for name in ("text", "license", "url") if hit.row[name]]
        print(f"{rank:>3}  {hit.cosine:6.3f}  {visible(hit.row['id']):<{wide}}  {'  '.join(said)}".rstrip())
    print(f"{out}: contact sheet")
    return 0


def search(folder: Location, query: Query, picture: Picture | None = None) -> list[Hit]:
    """The rows nearest to the query, best first; `picture` is its image, decoded. Raises UsageError."""
    manifest = manifests.read(folder)
    index = _index(folder, manifest)
    vector = _embedded(embeddings_of(manifest, query.embeddings, index.d), query.text, picture)
    cosines, rows = index.search(vector, min(query.count, index.ntotal))
    found = [(float(cosine), int(row)) for cosine, row in zip(cosines[0], rows[0], strict=True) if row >= 0]
    try:
        there = _rows(shards(folder, POOL), {row for _, row in found})
        return [Hit(cosine, there[row]) for cosine, row in found]
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _damaged(folder, f"rows cannot be read: {error}") from None


def _index(folder: Location, manifest: Manifest) -> Any:
    if manifest.recipe != "coti":
        raise UsageError("only pools have an index to search", seen=f"{folder}, a {manifest.recipe} dataset",
                         allowed="what `build coti` published")
    facts = read_facts(folder)
    if facts.dataset != manifest.content_digest:
        raise _damaged(folder, f"its index is of dataset {facts.dataset[:16]}, not of {manifest.content_digest[:16]}")
    try:
        index = read_index(folder)
    except (OSError, ValueError, MemoryError) as error:
        raise _damaged(folder, f"{FOLDER}/{FILE} cannot be read: {error}") from None
    if index.ntotal != manifest.splits.get(POOL) or index.d != facts.width:
        raise _damaged(folder, f"its index has {index.ntotal} rows of {index.d} numbers, not "
                               f"{manifest.splits.get(POOL)} of {facts.width}")
    return index


def _damaged(folder: Location, what: str) -> UsageError:
    return UsageError(f"this version is damaged: {what}", seen=str(folder), next_command=f"build verify {folder}")


def _read(path: Path) -> tuple[bytes, Picture]:
    """The file's bytes and what they show."""
    try:
        data = images.read(path)
        return data, images.decode(data).picture
    except RowError as error:
        raise UsageError(f"--image cannot be used: {error}", seen=str(path),
                         allowed=f"one picture: {', '.join(images.FORMATS)}") from None


def _embedded(embeddings: Embeddings, text: str, picture: Picture | None) -> npt.NDArray[np.float32]:
    """1 x width, of unit length. Raises UsageError for a text where the embeddings read none."""
    if picture is not None:
        return np.asarray(embeddings({"image": [picture]})[embeddings.features.names[0]], np.float32)
    return embeddings.texts([text])


def _rows(paths: Sequence[Location], numbers: set[int]) -> dict[int, dict[str, Any]]:
    """The rows of those numbers, counted through all shards."""
    found: dict[int, dict[str, Any]] = {}
    start = 0
    for path in paths:
        with pq.ParquetFile(readable(path), pre_buffer=False) as shard:
            for group in range(shard.num_row_groups):
                rows = range(start, start + shard.metadata.row_group(group).num_rows)
                start = rows.stop
                if here := sorted(numbers.intersection(rows)):
                    table = shard.read_row_group(group, columns=list(_SHOWN)).take([row - rows.start for row in here])
                    found |= dict(zip(here, table.to_pylist(), strict=True))
    if missing := numbers - found.keys():
        raise ValueError(f"row {min(missing)} of the pool is missing")
    if nulls := [row["id"] for row in found.values() if None in (*row.values(), (row["image"] or {}).get("bytes"))]:
        raise ValueError(f"row {nulls[0]} has nulls")
    return found
