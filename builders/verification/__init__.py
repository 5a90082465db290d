"""`build verify DIR`: does a published version keep what its manifest and its columns promise?

Everything is read again from the files; nothing is taken from the build that wrote them. Whatever is wrong is a
fault of one file or row, and the check goes on.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from builders.published import shards
from builders.sources.trees import printable
from builders.verification.counts import count_faults
from builders.verification.indexes import index_faults
from builders.verification.pools import concept_faults
from builders.verification.recipes import Recipe, recipe_of
from builders.write import file_entry, row_digest
from schemas import manifest as manifests
from schemas.features import arrow_schema
from schemas.locations import Location, readable
from schemas.manifest import FileEntry, Manifest

_SHOWN = 20
"""Faults printed before the rest is only counted."""

_OF_THE_HUB = (".gitattributes", ".cache/huggingface/")
"""What lies beside a version's files when it was downloaded from the Hub."""


class _Seen:
    """What the rows leave behind for the checks that need all of them."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()  # by split
        self.ids: set[str] = set()
        self.digests: list[tuple[str, str]] = []


def run(folder: Location) -> int:
    """Prints what was checked and every fault. Returns 0 for a sound version, 1 otherwise."""
    manifest = manifests.read(folder)
    faults = list(faults_of(folder, manifest))
    for fault in faults[:_SHOWN]:
        print(f"fault: {printable(fault)}")
    if len(faults) > _SHOWN:
        print(f"... and {len(faults) - _SHOWN} more")
    rows = sum(manifest.splits.values())
    state = f"{len(faults)} faults" if faults else "sound"
    print(f"{folder}: {state}; {rows:,} rows in {len(manifest.splits)} splits, {len(manifest.files)} files, "
          f"content {manifest.content_digest[:16]}")
    return 1 if faults else 0


def faults_of(folder: Location, manifest: Manifest) -> Iterator[str]:
    """Everything that is wrong with a published version, in words."""
    yield from file_faults(folder, manifest)
    recipe = recipe_of(manifest)
    if recipe is None:
        yield f"manifest.json: recipe {manifest.recipe} is unknown"
        return
    seen = _Seen()
    yield from _data(folder, manifest, recipe, seen)
    if manifests.content_digest(digest for _, digest in sorted(seen.digests)) != manifest.content_digest:
        yield "the content digest differs from the manifest's"
    yield from recipe.whole()
    if manifest.recipe == "coti":
        yield from concept_faults(folder, manifest)
        yield from index_faults(folder, manifest)
    yield from count_faults(folder, manifest, seen.ids)


def file_faults(folder: Location, manifest: Manifest) -> Iterator[str]:
    """What is wrong with the files themselves: missing, added, or other bytes than the manifest says."""
    unlisted: list[OSError] = []
    found = {name for name in _found(folder, unlisted) if name != manifests.NAME and not name.startswith(_OF_THE_HUB)}
    yield from (f"a folder cannot be listed: {error}" for error in unlisted)
    for name in sorted(manifest.files.keys() | found):
        if name not in found:
            yield f"{name} is missing"
        elif name not in manifest.files:
            yield f"{name} stands in the folder but not in the manifest"
        else:
            yield from _file(name, folder / name, manifest.files[name])


def _found(folder: Location, unlisted: list[OSError]) -> set[str]:
    """Names of all files below the folder."""
    if not isinstance(folder, Path):
        return {name.removeprefix(f"{folder.path}/") for name in folder.fs.find(folder.path)}
    paths = (Path(parent, name) for parent, _, names in os.walk(folder, onerror=unlisted.append) for name in names)
    return {path.relative_to(folder).as_posix() for path in paths if path.is_file()}


def _file(name: str, path: Location, said: FileEntry) -> Iterator[str]:
    try:
        seen = file_entry(path)
    except OSError as error:
        yield f"{name} cannot be read: {error.strerror or error}"
        return
    if seen.sha256 != said.sha256:
        yield f"{name} has sha256 {seen.sha256[:16]}, the manifest says {said.sha256[:16]}"
    elif seen.bytes != said.bytes:
        yield f"{name} has {seen.bytes} bytes, the manifest says {said.bytes}"


def _data(folder: Location, manifest: Manifest, recipe: Recipe, seen: _Seen) -> Iterator[str]:
    unread = {name for name in manifest.files if name.startswith("data/")}
    for split, rows in manifest.splits.items():
        if split not in recipe.splits:
            yield f"split {split} is none of {', '.join(recipe.splits)}"
        try:
            paths = shards(folder, split)
        except OSError as error:
            yield f"data/ cannot be listed: {error.strerror}"
            return
        unread -= {f"data/{path.name}" for path in paths}
        for path in paths:
            yield from (f"{path.name}: {fault}" for fault in _shard(path, split, recipe, seen))
        if seen.rows[split] != rows:
            yield f"split {split} has {seen.rows[split]} rows, the manifest says {rows}"
    yield from (f"{name} belongs to no split" for name in sorted(unread) if (folder / name).exists())


def _shard(path: Location, split: str, recipe: Recipe, seen: _Seen) -> Iterator[str]:
    try:
        with pq.ParquetFile(readable(path)) as shard:
            published = arrow_schema(recipe.columns)
            if not shard.schema_arrow.equals(published):
                other = [str(field) for field in shard.schema_arrow if field not in list(published)]
                yield f"its columns are {', '.join(other or shard.schema_arrow.names)}, not the published ones"
                return
            number = 0
            for group in range(shard.num_row_groups):
                for row in shard.read_row_group(group).to_pylist():
                    number += 1
                    name = f"row {row['id']}" if row["id"] else f"row number {number}"
                    yield from (f"{name}: {fault}" for fault in _row(row, split, recipe, seen))
    except (OSError, ValueError, MemoryError, pa.ArrowException) as error:
        yield f"cannot be read: {error}"


def _row(row: dict[str, Any], split: str, recipe: Recipe, seen: _Seen) -> Iterator[str]:
    seen.rows[split] += 1
    yield from recipe.row(row, split)
    if not row["id"]:
        return  # nothing can refer to it
    if row["id"] in seen.ids:
        yield "the id stands twice"
    seen.ids.add(row["id"])
    try:
        seen.digests.append((row["id"], row_digest(row)))
    except Exception:  # the pixels were told of as a fault above; without its digest the content's is wrong, too
        return
