"""From planned rows to a published version, whatever the recipe: shards, rejects, pages, manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from builders import publish
from builders.engines import Engine
from builders.publish import VERSION
from builders.workspace import Workspace
from builders.write import Filled, Shard, WriteShard, Written, file_entry, write_rejected
from schemas import manifest as manifests
from schemas.features import Column
from schemas.locations import Location
from schemas.manifest import Manifest
from schemas.records import Rejected
from schemas.terminal.progress import Progress

Run = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
More = Callable[[Path, Manifest], Iterable[Path]]
"""Writes what else belongs to a version into its folder, whose shards are whole, and names each file."""
Pages = Callable[[Manifest, Mapping[str, Sequence[Location]], Location, Run], Iterable[tuple[str, bytes]]]
"""Relative path and bytes of each page, from the manifest, the shards of each split, the rejects' file, and an engine's
way to run workers."""


@dataclass(frozen=True)
class Content:
    """What a version holds, made only when it is asked for."""

    columns: tuple[Column, ...]
    fill: Callable[[Sequence[Any]], Sequence[Filled]]
    """As in `builders.write.WriteShard`."""
    shards: Callable[[], Iterator[Shard]]
    rows: int
    rejected: Callable[[], Iterable[Rejected]]
    pages: Pages
    more: More | None = None
    """None where nothing more is to be written. What writes needs a folder of this machine."""


def release(work: Workspace, engine: Engine, progress: Progress, draft: Manifest,
            content: Content) -> tuple[Location, Manifest]:
    """Publishes the content as OUT/VERSION and returns that folder and its manifest.

    `draft` is the manifest without what follows from the files. Raises UsageError when the version stands there with
    other rows.
    """
    folder = work.out / draft.version
    there = publish.published(folder, draft.rows_digest)
    if there is not None:
        progress.say(f"version {draft.version} is published already, with these very rows")
        return folder, there
    try:
        there = _published(work, engine, progress, draft, content)
    except OSError:
        # Below a URL another build of the same may have published it, and removed what both had prepared.
        there = publish.published(folder, draft.rows_digest)
        if there is None:
            raise
    finally:
        if (folder / manifests.NAME).exists():
            work.clear(draft.version)
    return folder, there


def how_to_load(folder: Location) -> str:
    """The Python that opens a version."""
    name = json.dumps(str(folder), ensure_ascii=False)
    if not isinstance(folder, Path):  # `datasets` reads no card below a URL
        name = f'"parquet", data_files={{"train": {name[:-1]}/data/train-*.parquet"}}'
    return f"datasets.load_dataset({name})"


def _published(work: Workspace, engine: Engine, progress: Progress, draft: Manifest, content: Content) -> Manifest:
    """Writes all that `draft` tells of and publishes it. Returns the whole manifest."""
    staging = work.staging(draft.version, hashlib.sha256(manifests.encode(draft)).hexdigest())
    whole = staging / VERSION
    task = WriteShard(whole, staging / "receipts", content.columns, content.fill)
    written: list[Written] = []
    with progress.bar("write", content.rows) as bar:
        for one in engine.run(task, content.shards()):
            written.append(one)
            bar.advance(len(one.digests))
    rejected = whole / "rejected.parquet"
    write_rejected(rejected, content.rejected())
    files = {one.name: one.file for one in written} | {rejected.name: file_entry(rejected)}
    digest = manifests.content_digest(row for _, row in sorted(pair for one in written for pair in one.digests))
    draft = msgspec.structs.replace(draft, files=files, content_digest=digest)
    if content.more is not None and isinstance(whole, Path):
        more = {path.relative_to(whole).as_posix(): file_entry(path) for path in content.more(whole, draft)}
        draft = msgspec.structs.replace(draft, files=files | more)
    data = {split: [whole / name for name in sorted(files) if name.startswith(f"data/{split}-")]
            for split in draft.splits}
    with progress.bar("card", None, "page") as bar:
        pages = _counted(content.pages(draft, data, rejected, engine.run), bar.advance)
        return publish.publish(staging, work.out / draft.version, draft, pages)


def _counted(pages: Iterable[tuple[str, bytes]], advance: Callable[[int], None]) -> Iterator[tuple[str, bytes]]:
    for page in pages:
        yield page
        advance(1)
