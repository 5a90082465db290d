"""`build explain DIR ID`: why a post was kept or dropped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas import manifest as manifests
from schemas.errors import UsageError
from schemas.manifest import Manifest
from schemas.records import REASONS

_COLUMNS = ["id", "character", "artists", "outfit", "bbox", "face_score", "coverage", "rating", "rating_raw", "cloths",
            "answers", "similar", "width", "height", "sha256", "post_url"]


def run(folder: Path, wanted: str) -> int:
    """Prints the story of every row of that id, post or path. Raises UsageError when there is none."""
    manifest = manifests.read(folder)
    wanted = wanted.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    try:
        stories = [*_kept(folder, manifest, wanted), *_dropped(folder, wanted)]
    except (OSError, ValueError) as error:  # among them what pyarrow says of a damaged file
        raise UsageError(f"this version is damaged: {error}", seen=str(folder),
                         next_command=f"build verify {folder}") from None
    if not stories:
        raise UsageError("no row of this version has that id", seen=wanted,
                         allowed="a row id, a post id or a path below the root, as in `id` and `path` of "
                                 "data/*.parquet and rejected.parquet; metadata without a figure file is no row")
    print("\n\n".join("\n".join(story) for story in stories))
    return 0


def _kept(folder: Path, manifest: Manifest, wanted: str) -> Iterator[list[str]]:
    pattern = f"^{re.escape(wanted)}(_crop_[0-9]+)?$"
    for split in manifest.splits:
        for path in sorted((folder / "data").glob(f"{split}-*.parquet")):
            ids = pq.read_table(path, columns=["id"])["id"]
            found = pc.indices_nonzero(pc.match_substring_regex(ids, pattern))
            for row in pq.read_table(path, columns=_COLUMNS).take(found).to_pylist() if len(found) else []:
                yield _story(row, split, manifest)


def _story(row: dict[str, Any], split: str, manifest: Manifest) -> list[str]:
    options = manifest.options
    models = {model.role: f"{model.role}:{model.identity[:12]}" for model in manifest.models}
    face = "no single face" if row["face_score"] is None else f"score {row['face_score']:.3f}"
    answers = "; ".join(f"{one['question']} {one['answer']}" for one in row["answers"])
    return [
        f"{row['id']}: kept, split {split}",
        f"  character  {row['character']}   artist {row['artists'] or '(none)'}   {row['post_url']}",
        f"  rating     {row['rating']} (raw {row['rating_raw']!r}), allowed {options.get('ratings')}",
        f"  file       {row['width']}x{row['height']}, shorter side at least {options.get('min_side')}, "
        f"sha256 {row['sha256'][:16]}",
        f"  face       {face}, at least {options.get('face_score')} ({models.get('faces')})",
        f"  matte      covers {row['coverage']:.3f}, within {options.get('matte_min')}..{options.get('matte_max')} "
        f"({models.get('masks')})",
        f"  answers    {answers} ({models.get('answers')})",
        f"  cloths     {', '.join(row['cloths'])}",
        f"  outfit     {row['outfit']}: {len(row['similar'])} references: {', '.join(row['similar'][:12])}"
        + (" ..." if len(row["similar"]) > 12 else ""),
    ]


def _dropped(folder: Path, wanted: str) -> Iterator[list[str]]:
    rejected = pq.read_table(folder / "rejected.parquet")
    same_id = pc.match_substring_regex(rejected["id"], f"^{re.escape(wanted)}(_crop_[0-9]+)?$")
    same_path = pc.equal(rejected["path"], wanted)
    for row in rejected.filter(pc.or_(same_id, same_path)).to_pylist():
        story = [f"{row['id']}: dropped at stage {row['stage']}", f"  file       {row['path']}",
                 f"  rule       {row['reason']}: {REASONS[row['reason']][1]}"]
        if row["value"] or row["threshold"]:
            story.append(f"  seen       {row['value'] or '(nothing)'}"
                         + (f", allowed {row['threshold']}" if row["threshold"] else ""))
        if row["model"]:
            story.append(f"  model      {row['model']}")
        yield story
