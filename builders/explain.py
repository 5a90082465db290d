"""`build explain DIR ID`: why a post was kept or dropped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builders.published import shards
from schemas import manifest as manifests
from schemas.errors import UsageError
from schemas.locations import Location, readable
from schemas.manifest import Manifest
from schemas.records import REASONS

_COLUMNS = ["id", "character", "artists", "outfit", "bbox", "face_score", "coverage", "rating", "rating_raw", "cloths",
            "answers", "similar", "width", "height", "sha256", "post_url"]
_NULLABLE = {"bbox", "face_score"}

_CROP = "(_crop_[0-9]+)?"
_NUMBERED = re.compile(rf"0*([0-9]+?){_CROP}", re.ASCII)
"""A mirror's file name without extension, or a post id; group 1 is the post id."""


def run(folder: Location, wanted: str) -> int:
    """Prints the story of every row of that id, post or path. Raises UsageError when there is none."""
    manifest = manifests.read(folder)
    wanted = wanted.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    foldered = manifest.source.get("name") == "folder"
    try:
        dropped = list(_dropped(folder, wanted, foldered))
        kept = list(_kept(folder, manifest, _meant(wanted, foldered, bool(dropped))))
        stories = [*dropped, *kept] if "/" in wanted else [*kept, *dropped]  # a path means its own file first
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:  # among them what is said of a damaged file
        raise UsageError(f"this version is damaged: {error}", seen=str(folder),
                         next_command=f"build verify {folder}") from None
    if not stories:
        raise UsageError("no row of this version has that id", seen=wanted,
                         allowed="a row id, a post id or a path below the root, as in `id` and `path` of "
                                 "data/*.parquet and rejected.parquet; metadata without a figure file is no row")
    print("\n\n".join("\n".join(story) for story in stories))
    return 0


def _meant(wanted: str, foldered: bool, dropped: bool) -> list[str]:
    """Patterns of kept rows' ids, of which the first that finds any is right: ids are made of paths, but not always
    of the whole path. What is only a guess is left out for a file that was `dropped`."""
    path = PurePosixPath(wanted)
    if foldered:  # the id is the percent-encoded path without extension, and "!png" for a second picture of that name
        plain = quote(str(path.with_suffix("")) if path.suffix else wanted, safe="/")
        names = [wanted, quote(wanted, safe="/"), f"{plain}!{path.suffix[1:]}", plain]
        found = [f"^{re.escape(name)}$" for name in names]
    elif number := _NUMBERED.fullmatch(wanted):
        return [f"^{number[1]}{number[2] or _CROP}$"]
    elif number := _NUMBERED.fullmatch(path.stem):
        found = [f"^{number[1]}{number[2] or ''}$", f"^{number[1]}$"]  # the first of a post's crops has the post's id
    else:
        return [f"^{re.escape(wanted)}$"]
    return found[:-1] if dropped else found


def _kept(folder: Location, manifest: Manifest, ids: Sequence[str]) -> Iterator[list[str]]:
    files = [(split, path) for split in manifest.splits for path in shards(folder, split)]
    known = [pq.read_table(readable(path), columns=["id"])["id"] for _, path in files]
    for pattern in ids:
        found = [pc.indices_nonzero(pc.match_substring_regex(column, pattern)) for column in known]
        if not any(map(len, found)):
            continue
        for (split, path), rows in zip(files, found, strict=True):
            for row in pq.read_table(readable(path), columns=_COLUMNS).take(rows).to_pylist() if len(rows) else []:
                if nulls := [name for name in _COLUMNS if row[name] is None and name not in _NULLABLE]:
                    raise ValueError(f"{path.name}: row {row['id']}: null: {', '.join(nulls)}")
                yield _story(row, split, manifest)
        return


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


def _dropped(folder: Location, wanted: str, foldered: bool) -> Iterator[list[str]]:
    number = None if foldered else _NUMBERED.fullmatch(wanted)
    paths = rf"^{re.escape(wanted)}(\.[^./]+)?$"
    if number:  # a post's files, also those that have no id but their path
        paths += rf"|(^|/)0*{number[1]}{number[2] or _CROP}\.[^./]+$"
    rejected = pq.read_table(readable(folder / "rejected.parquet"))
    same = pc.or_kleene(pc.match_substring_regex(rejected["id"], f"^{re.escape(wanted)}{_CROP}$"),
                        pc.match_substring_regex(rejected["path"], paths))
    for row in rejected.filter(same).to_pylist():
        meaning = REASONS[row["reason"]][1] if row["reason"] in REASONS else "no reason that this program knows"
        story = [f"{row['id']}: dropped at stage {row['stage']}", f"  file       {row['path']}",
                 f"  rule       {row['reason']}: {meaning}"]
        if row["value"] or row["threshold"]:
            story.append(f"  seen       {row['value'] or '(nothing)'}"
                         + (f", allowed {row['threshold']}" if row["threshold"] else ""))
        if row["model"]:
            story.append(f"  model      {row['model']}")
        yield story
