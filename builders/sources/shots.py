"""A subject's pictures in one folder, with captions by hand where there are any.

`captions.txt` has one line a picture, in the order of the sorted file names; or NAME.txt stands beside each NAME.jpg.
Folders inside are not entered.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from annotators import images
from builders import files
from builders.sources.folder import row_id, text_of
from builders.sources.trees import Listed, check_root, is_picture, printable, walk
from builders.visits import Limits
from schemas.errors import RowError, UsageError
from schemas.manifest import Step
from schemas.prompts import split
from schemas.records import Rejected, drop

LISTED = "captions.txt"
LIMITS = Limits(images.MAX_BYTES, images.MAX_PIXELS)
_COUNTED = ("hidden_files", "other_files")


class Shot(NamedTuple):
    """A picture that can be published. `scene` is what its caption by hand says of it, None without one."""

    id: str
    path: str
    """As `builders.files` reads it; never published."""
    sha256: str
    bytes: int
    width: int
    height: int
    scene: str | None


class _Caption(NamedTuple):
    """A caption by hand; `line` is 0 in a file of its own."""

    text: str
    file: str
    line: int = 0


class Shots(NamedTuple):
    """What a folder holds. `kept` is in the order of the ids; `digest` is over names, bytes and captions by hand."""

    kept: list[Shot]
    rejected: list[Rejected]
    funnel: list[Step]
    counts: dict[str, int]
    digest: str
    by_hand: bool


def read_shots(folder: Path, name: str, class_name: str, token: str, flag: str) -> Shots:
    """Reads and judges every picture of the subject `name`. `flag` is the option that gave the folder.

    Raises UsageError for a folder that cannot be read, captions by hand that cannot be used, or no picture left.
    """
    check_root(folder, flag)
    counts = Counter(dict.fromkeys(_COUNTED, 0))
    listed: list[Listed] = []
    for one in takewhile(lambda one: "/" not in one.path, walk(folder)):
        if is_picture(one.path) and one.verdict not in _COUNTED:
            listed.append(one)
        elif one.verdict in _COUNTED:
            counts[one.verdict] += 1
    if not listed:
        raise UsageError(f"{flag} holds no picture", seen=str(folder), allowed="files such as 00.jpg or 01.png in it")
    captions = _by_hand(folder, [one.path for one in listed])
    scenes = {path: _scene(caption, class_name, token) for path, caption in captions.items()}
    counts["other_files"] -= len({caption.file for caption in captions.values()})
    kept, left = _judged(folder, name, listed, scenes)
    if not kept:
        why = ", ".join(f"{reason} {count}" for reason, count in Counter(one.drop.reason for one in left).most_common())
        raise UsageError(f"no picture is left to publish ({why})", seen=str(folder), allowed="one good picture or more")
    seen = [[one.id, one.sha256] for one in kept] + [[one.path, one.sha256] for one in left]
    digest = hashlib.sha256(json.dumps([seen, scenes]).encode()).hexdigest()
    return Shots(kept, left, _funnel(len(listed), left), dict(counts), digest, bool(captions))


def _judged(folder: Path, name: str, listed: Sequence[Listed],
            scenes: dict[str, str]) -> tuple[list[Shot], list[Rejected]]:
    """The pictures that stay, in the order of their ids, and those that leave."""
    kept: list[Shot] = []
    left: list[Rejected] = []
    taken: set[str] = set()
    first: dict[str, str] = {}
    for one in listed:
        below, path, sha = f"{name}/{printable(one.path)}", str(folder / one.path), ""
        if one.verdict or not one.path.isprintable():
            left.append(Rejected(below, below, drop(one.verdict or "bad_name")))
            continue
        row = row_id(below, taken)
        try:
            data = files.read(path, LIMITS.max_bytes)
            sha = hashlib.sha256(data).hexdigest()
            if first.setdefault(sha, row) != row:
                left.append(Rejected(row, below, drop("duplicate_file", value=f"the bytes of {first[sha]}"), sha))
                continue
            seen = images.decode(data, max_pixels=LIMITS.max_pixels)
        except RowError as error:
            allowed = LIMITS.told if error.reason == "too_large" else ""
            left.append(Rejected(row, below, drop(error.reason, value=error.detail, threshold=allowed), sha))
            continue
        kept.append(Shot(row, path, sha, len(data), seen.width, seen.height, scenes.get(one.path)))
    return sorted(kept), left


def _funnel(rows: int, left: Sequence[Rejected]) -> list[Step]:
    steps = []
    for stage in ("source", "file"):
        drops = Counter(one.drop.reason for one in left if one.drop.stage == stage)
        steps.append(Step(stage, rows, rows - drops.total(), dict(sorted(drops.items()))))
        rows -= drops.total()
    return steps


def _by_hand(folder: Path, names: Sequence[str]) -> dict[str, _Caption]:
    """The caption of each picture; {} when there are none.

    Raises UsageError when they are of both kinds, not as many as the pictures, or cannot be read.
    """
    beside = {name: f"{name.rpartition('.')[0]}.txt" for name in names}
    there = {name for name, file in beside.items() if file != LISTED and os.path.lexists(folder / file)}
    if os.path.lexists(folder / LISTED):
        if there:
            raise UsageError("captions stand twice", seen=f"{LISTED} and {beside[min(there)]} in {folder}",
                             allowed="one file of captions, or one beside each picture")
        lines = _text(folder, LISTED).rstrip().split("\n")
        if len(lines) != len(names):
            raise UsageError(f"{folder / LISTED} does not have a line for each picture",
                             seen=f"{len(lines)} lines, {len(names)} pictures",
                             allowed="one line a picture, in the order of the sorted file names")
        return {name: _Caption(line, LISTED, number)
                for number, (name, line) in enumerate(zip(names, lines, strict=True), start=1)}
    if there and (bare := [name for name in names if name not in there]):
        raise UsageError(f"{len(bare)} of {len(names)} pictures have no caption beside them", seen=bare[0],
                         allowed=f"{beside[bare[0]]} in {folder}, or no captions by hand at all")
    return {name: _Caption(_text(folder, beside[name]), beside[name]) for name in names if name in there}


def _text(folder: Path, file: str) -> str:
    text = text_of(folder, folder / file)
    if text is None:
        raise UsageError("captions cannot be read", seen=str(folder / file),
                         allowed="a file of UTF-8 text, at most 1 MiB")
    return text


def _scene(caption: _Caption, class_name: str, token: str) -> str:
    """What a caption says of the subject. Raises UsageError where it lacks the class name, or has the token apart from
    it: then the caption composed anew would be another."""
    text = " ".join(caption.text.split())
    scene = split(text, class_name, token)
    seen = f"{caption.file}{f', line {caption.line}' if caption.line else ''}: {text}"
    if scene is None:
        raise UsageError("a caption lacks the class name", seen=seen,
                         allowed=f'"{class_name}" in each caption, as in "a {class_name} on a rock"')
    if split(text, token) is not None and f"{token} {class_name}".casefold() not in text.casefold():
        raise UsageError("a caption has the token apart from the class name", seen=seen,
                         allowed=f'"{token} {class_name}", or no token: it is put in')
    return scene
