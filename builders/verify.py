"""`build verify DIR`: does a published version keep what its manifest and its columns promise?

Everything is read again from the files; nothing is taken from the build that wrote them.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from PIL import Image, ImageOps

from builders.publish import entries
from builders.write import row_digest
from schemas import manifest as manifests
from schemas.features import REJECTED, RETRIBOORU, features
from schemas.manifest import Manifest
from schemas.records import REASONS

_SHOWN = 20
"""Faults printed before the rest is only counted."""


class _Reference(NamedTuple):
    split: str
    outfit: str
    similar: tuple[str, ...]


def run(folder: Path) -> int:
    """Prints what was checked and every fault. Returns 0 for a sound version, 1 otherwise."""
    manifest = manifests.read(folder)
    faults = list(faults_of(folder, manifest))
    for fault in faults[:_SHOWN]:
        print(f"fault: {fault}")
    if len(faults) > _SHOWN:
        print(f"... and {len(faults) - _SHOWN} more")
    rows = sum(manifest.splits.values())
    state = f"{len(faults)} faults" if faults else "sound"
    print(f"{folder}: {state}; {rows:,} rows in {len(manifest.splits)} splits, {len(manifest.files)} files, "
          f"content {manifest.content_digest[:16]}")
    return 1 if faults else 0


def faults_of(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Everything that is wrong with a published version, in words."""
    yield from _files(folder, manifest)
    references: dict[str, _Reference] = {}
    digests: list[tuple[str, str]] = []
    for split in manifest.splits:
        for path in sorted((folder / "data").glob(f"{split}-*.parquet")):
            for fault in _shard(path, split, references, digests):
                yield f"{path.name}: {fault}"
        rows = sum(1 for reference in references.values() if reference.split == split)
        if rows != manifest.splits[split]:
            yield f"split {split} has {rows} rows, the manifest says {manifest.splits[split]}"
    if manifests.content_digest(digest for _, digest in sorted(digests)) != manifest.content_digest:
        yield "the content digest differs from the manifest's"
    yield from _references(references)
    yield from _counts(folder, manifest, len(references))


def _files(folder: Path, manifest: Manifest) -> Iterator[str]:
    found = entries(folder)
    for name in sorted(manifest.files.keys() | found.keys()):
        if name not in found:
            yield f"{name} is missing"
        elif name not in manifest.files:
            yield f"{name} stands in the folder but not in the manifest"
        elif found[name] != manifest.files[name]:
            yield f"{name} has sha256 {found[name].sha256[:16]}, the manifest says {manifest.files[name].sha256[:16]}"


def _shard(path: Path, split: str, references: dict[str, _Reference],
           digests: list[tuple[str, str]]) -> Iterator[str]:
    try:
        shard = pq.ParquetFile(path)
        if not shard.schema_arrow.equals(features(RETRIBOORU).arrow_schema):
            yield f"its columns are {shard.schema_arrow.names}, not the published ones"
            return
        for group in range(shard.num_row_groups):
            for row in shard.read_row_group(group).to_pylist():
                if row["id"] in references:
                    yield f"row {row['id']}: the id stands twice"
                references[row["id"]] = _Reference(split, row["outfit"], tuple(row["similar"]))
                yield from (f"row {row['id']}: {fault}" for fault in _row(row))
                digests.append((row["id"], row_digest(row)))
    except (OSError, ValueError) as error:  # pyarrow's and Pillow's errors on damaged files are among these
        yield f"cannot be read: {error}"


def _row(row: dict[str, Any]) -> Iterator[str]:
    with warnings.catch_warnings(), Image.open(io.BytesIO(row["image"]["bytes"])) as image:
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata in pictures that it reads well
        size = ImageOps.exif_transpose(image).size
    with Image.open(io.BytesIO(row["mask"]["bytes"])) as matte:
        if matte.mode != "L":
            yield f"matte has mode {matte.mode}, not L"
        if matte.size != size:
            yield f"matte is {matte.size}, image is {size}"
    if size != (row["width"], row["height"]):
        yield f"image is {size}, its columns say {(row['width'], row['height'])}"
    if row["bbox"] is not None:
        yield from _face(row["bbox"], row["face_score"])


def _face(box: list[float], score: float | None) -> Iterator[str]:
    cx, cy, w, h = box
    edges = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
    if w <= 0 or h <= 0 or min(edges) < -1e-6 or max(edges) > 1 + 1e-6:
        yield f"face box {box} leaves the image"
    if score is None or not 0 <= score <= 1:
        yield f"face score {score} is not within 0..1"


def _references(references: dict[str, _Reference]) -> Iterator[str]:
    for row, reference in references.items():
        if not reference.similar:
            yield f"row {row}: it has no reference"
        if len(set(reference.similar)) != len(reference.similar):
            yield f"row {row}: a reference stands twice"
        for other in reference.similar:
            if other == row:
                yield f"row {row}: it is its own reference"
            elif other not in references:
                yield f"row {row}: its reference {other} is not in the dataset"
            elif references[other].split != reference.split:
                yield f"row {row}: its reference {other} is in split {references[other].split}"
            elif references[other].outfit != reference.outfit:
                yield f"row {row}: its reference {other} has another outfit"


def _counts(folder: Path, manifest: Manifest, rows: int) -> Iterator[str]:
    drops = 0
    for step in manifest.funnel:
        drops += sum(step.drops.values())
        if step.rows_in != step.rows_out + sum(step.drops.values()):
            yield f"stage {step.stage}: {step.rows_in} in, {step.rows_out} out, {sum(step.drops.values())} dropped"
        yield from (f"stage {step.stage}: unknown reason {reason}" for reason in step.drops.keys() - REASONS.keys())
    if manifest.funnel and manifest.funnel[-1].rows_out != rows:
        yield f"the funnel ends with {manifest.funnel[-1].rows_out} rows, the dataset has {rows}"
    yield from _rejected(folder / "rejected.parquet", drops)


def _rejected(path: Path, drops: int) -> Iterator[str]:
    try:
        rejected = pq.ParquetFile(path)
    except (OSError, ValueError) as error:
        yield f"{path.name} cannot be read: {error}"
        return
    if not rejected.schema_arrow.equals(features(REJECTED).arrow_schema):
        yield f"{path.name} has other columns"
    if rejected.metadata.num_rows != drops:
        yield f"{path.name} has {rejected.metadata.num_rows} rows, the funnel dropped {drops}"
