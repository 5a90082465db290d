"""`build verify`: what the manifest says of the whole, and whether every row that left is accounted for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Set
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.features import REJECTED, arrow_schema
from schemas.locations import Location, readable
from schemas.manifest import Manifest
from schemas.records import REASONS, STAGES

_FORMAT = 1
_ROLES: dict[str, tuple[str, ...]] = {"retribooru": ("faces", "masks", "answers", "hashes"), "subject": (),
                                      "regularization": ("generator",), "coti": ("embeddings", "aesthetics", "hashes")}
_SOMETIMES = "figure"  # a stage that only builds with whole pictures have
_ALSO = {"singleton": ("file", "figure", "faces", "masks", "answers"), "excluded": ("file",),
         "too_small": ("figure", "source"), "opted_out": ("file",),
         **dict.fromkeys(("bad_url", "not_an_image", "truncated", "animated"), ("fetch",)),
         **dict.fromkeys(("empty", "too_large", "corrupt"), ("fetch", "source")),
         **dict.fromkeys(("http_status", "robots_tag", "timeout", "unreachable"), ("source",))}
"""Stages at which a reason can strike beside its own in REASONS."""

_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")

Leaves = Counter[tuple[str, str]]
"""Rows that left, by stage and reason."""


def count_faults(folder: Location, manifest: Manifest, kept: Set[str]) -> Iterator[str]:
    """What is wrong with the manifest's own words, its funnel and rejected.parquet. `kept` are the published ids. The
    recipe must be one that is known."""
    yield from (f"manifest.json: {fault}" for fault in _words(folder, manifest))
    yield from _funnel(manifest, len(kept))
    funnel: Leaves = Counter()
    for step in manifest.funnel:
        funnel.update({(step.stage, reason): count for reason, count in step.drops.items()})
    path = folder / "rejected.parquet"
    left: Leaves = Counter()
    try:
        with pq.ParquetFile(readable(path)) as rejected:
            if not rejected.schema_arrow.equals(arrow_schema(REJECTED)):
                yield f"{path.name} has other columns"
                return
            yield from (f"{path.name}: {fault}" for fault in _rejected(rejected, left, kept))
    except (OSError, ValueError, MemoryError, pa.ArrowException) as error:
        yield f"{path.name} cannot be read: {error}"
        return
    for stage, reason in sorted(funnel.keys() | left.keys()):
        yield from (f"stage {stage}: {fault}" for fault in _reason(stage, reason))
        if left[stage, reason] != funnel[stage, reason]:
            yield (f"stage {stage}: {path.name} has {left[stage, reason]} rows of {reason}, "
                   f"the funnel dropped {funnel[stage, reason]}")


def _words(folder: Location, manifest: Manifest) -> Iterator[str]:
    if manifest.format != _FORMAT:
        yield f"format {manifest.format} is unknown, this program reads {_FORMAT}"
    name = folder.resolve().name
    if not _VERSION.fullmatch(manifest.version):
        yield f"version {manifest.version} is not three numbers"
    # A copy may bear any name, but not that of another version.
    if _VERSION.fullmatch(name) and name != manifest.version:
        yield f"version {manifest.version} stands in folder {name}"
    if manifest.options.get("version") != manifest.version:
        yield f"version {manifest.version} was built as {manifest.options.get('version')}"
    if manifest.near_copies < 0:
        yield f"near_copies is {manifest.near_copies}"
    roles = [model.role for model in manifest.models]
    yield from (f"no model is named for {role}" for role in _ROLES[manifest.recipe] if role not in roles)
    yield from (f"the model of {model.role} has no identity" for model in manifest.models if not model.identity)


def _funnel(manifest: Manifest, rows: int) -> Iterator[str]:
    funnel = manifest.funnel
    stages = [step.stage for step in funnel]
    expected = [stage for stage in STAGES[manifest.recipe] if stage != _SOMETIMES or stage in stages]
    if stages != expected:
        yield f"the funnel's stages are {', '.join(stages) or 'none'}, not {', '.join(expected)}"
    for step in funnel:
        drops = sum(step.drops.values())
        if step.rows_in != step.rows_out + drops:
            yield f"stage {step.stage}: {step.rows_in} in, {step.rows_out} out, {drops} dropped"
    for before, step in pairwise(funnel):
        if step.rows_in != before.rows_out:
            yield f"stage {step.stage}: {step.rows_in} in, but {before.rows_out} came out of {before.stage}"
    if funnel and funnel[-1].rows_out != rows:
        yield f"the funnel ends with {funnel[-1].rows_out} rows, the dataset has {rows}"


def _rejected(rejected: pq.ParquetFile, left: Leaves, kept: Set[str]) -> Iterator[str]:
    """Counts what left into `left`. Who has no id of its own is named by its path, which may be a row's id as well:
    a folder's picture a/b.png.png has the id a/b.png."""
    ids: set[str] = set()
    names = ["id", "path", "stage", "reason"]
    for batch in rejected.iter_batches(columns=names):
        for row in batch.to_pylist():
            if nulls := [name for name in names if row[name] is None]:
                yield f"row {row['id']}: null: {', '.join(nulls)}"
                continue
            left[row["stage"], row["reason"]] += 1
            if row["id"] == row["path"]:
                continue
            if row["id"] in kept:
                yield f"row {row['id']} stands in the dataset, too"
            if row["id"] in ids:
                yield f"row {row['id']}: the id stands twice"
            ids.add(row["id"])


def _reason(stage: str, reason: str) -> Iterator[str]:
    if reason not in REASONS:
        yield f"unknown reason {reason}"
    elif stage != REASONS[reason][0] and stage not in _ALSO.get(reason, ()):
        yield f"no row leaves here for {reason}"
