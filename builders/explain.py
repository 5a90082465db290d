"""`build explain DIR ID`: why a row was kept or dropped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builders.pools.base import id_of
from builders.published import shards
from builders.sources.trees import printable
from builders.stories import TELLERS
from schemas import manifest as manifests
from schemas.errors import UsageError
from schemas.locations import Location, readable
from schemas.manifest import Manifest
from schemas.records import REASONS

_UNTOLD = {"image", "mask", "embedding"}

_CROP = "(_crop_[0-9]+)?"
_NUMBERED = re.compile(rf"0*([0-9]+?){_CROP}", re.ASCII)
"""A mirror's file name without extension, or a post id; group 1 is the post id."""


def run(folder: Location, wanted: str) -> int:
    """Prints the story of every row of that id, post or path. Raises UsageError when there is none."""
    manifest = manifests.read(folder)
    wanted = wanted.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if manifest.recipe not in TELLERS:
        raise UsageError("no recipe that this program knows", seen=manifest.recipe, allowed=", ".join(TELLERS))
    numbered = manifest.recipe == "retribooru" and manifest.source.get("name") != "folder"
    before = TELLERS[manifest.recipe].before
    try:
        dropped = list(_dropped(folder, wanted, numbered, before))
        name = id_of(wanted) if manifest.recipe == "coti" and "://" in wanted else wanted
        kept = list(_kept(folder, manifest, _meant(name, numbered, bool(dropped), before)))
        stories = [*dropped, *kept] if "/" in wanted else [*kept, *dropped]  # a path means its own file first
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:  # among them what is said of a damaged file
        raise UsageError(f"this version is damaged: {error}", seen=str(folder),
                         next_command=f"build verify {folder}") from None
    if not stories:
        raise UsageError("no row of this version has that id", seen=wanted,
                         allowed="a row id, a post id or a path below the root, as in `id` and `path` of "
                                 "data/*.parquet and rejected.parquet; metadata without a figure file is no row")
    print("\n\n".join("\n".join(map(printable, story)) for story in stories))  # it may be anybody's dataset
    return 0


def _meant(wanted: str, numbered: bool, dropped: bool, before: str) -> list[str]:
    """Patterns of kept rows' ids, of which the first that finds any is right: ids are numbers of posts, or made of
    paths, but not always of the whole path. What is only a guess is left out for a file that was `dropped`."""
    path = PurePosixPath(wanted)
    if not numbered:  # the id is the percent-encoded path without extension, and "!png" for a second one of that name
        plain = quote(str(path.with_suffix("")) if path.suffix else wanted, safe="/")
        names = [wanted, quote(wanted, safe="/"), f"{plain}!{path.suffix[1:]}", plain]
        found = [f"^{before}{re.escape(name)}$" for name in names]
    elif number := _NUMBERED.fullmatch(wanted):
        return [f"^{number[1]}{number[2] or _CROP}$"]
    elif number := _NUMBERED.fullmatch(path.stem):
        found = [f"^{number[1]}{number[2] or ''}$", f"^{number[1]}$"]  # the first of a post's crops has the post's id
    else:
        return [f"^{re.escape(wanted)}$"]
    return found[:-1] if dropped else found


def _kept(folder: Location, manifest: Manifest, ids: Sequence[str]) -> Iterator[list[str]]:
    teller = TELLERS[manifest.recipe]
    files = [(split, path) for split in manifest.splits for path in shards(folder, split)]
    known = [pq.read_table(readable(path), columns=["id"])["id"] for _, path in files]
    for pattern in ids:
        found = [pc.indices_nonzero(pc.match_substring_regex(column, pattern)) for column in known]
        if not any(map(len, found)):
            continue
        for (split, path), rows in zip(files, found, strict=True):
            if not len(rows):
                continue
            columns = [name for name in pq.read_schema(readable(path)).names if name not in _UNTOLD]
            for row in pq.read_table(readable(path), columns=columns).take(rows).to_pylist():
                if nulls := [name for name in columns if row[name] is None and name not in teller.nullable]:
                    raise ValueError(f"{path.name}: row {row['id']}: null: {', '.join(nulls)}")
                yield [f"{row['id']}: kept, split {split}", *teller.story(row, manifest)]
        return


def _dropped(folder: Location, wanted: str, numbered: bool, before: str) -> Iterator[list[str]]:
    number = _NUMBERED.fullmatch(wanted) if numbered else None
    paths = rf"^{before}{re.escape(wanted)}(\.[^./]+)?$"
    if number:  # a post's files, also those that have no id but their path
        paths += rf"|(^|/)0*{number[1]}{number[2] or _CROP}\.[^./]+$"
    rejected = pq.read_table(readable(folder / "rejected.parquet"))
    same = pc.or_kleene(pc.match_substring_regex(rejected["id"], f"^{before}{re.escape(wanted)}{_CROP}$"),
                        pc.match_substring_regex(rejected["path"], paths))
    for row in rejected.filter(same).to_pylist():
        meaning = REASONS[row["reason"]][1] if row["reason"] in REASONS else "no reason that this program knows"
        story = [f"{row['id']}: dropped at stage {row['stage']}"]
        if row["path"]:  # a row of a plan never was a file
            story.append(f"  file       {row['path']}")
        story.append(f"  rule       {row['reason']}: {meaning}")
        if row["value"] or row["threshold"]:
            story.append(f"  seen       {row['value'] or '(nothing)'}"
                         + (f", allowed {row['threshold']}" if row["threshold"] else ""))
        if row["model"]:
            story.append(f"  model      {row['model']}")
        yield story
