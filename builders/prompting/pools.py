"""The word pools that prompts are made of: one text file a part, packaged or from a folder of the user's own.

A pool is UTF-8, one entry a line; lines that begin with "#" are comments. Case and order are kept.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from schemas.errors import UsageError
from schemas.prompts import ADJECTIVES, FORM, SCENE, SLOT, Form, Kind, compose

WORDS = Path(__file__).parent / "words"
"""The packaged pools."""

STYLES = {"photographic": "styles_photographic.txt", "styled": "styles_other.txt"}
"""Files of the styles by family of prompts."""

_PLURAL = {
    "shape": "shapes", "color": "colors", "texture": "textures", "background": "backgrounds",
    "body": "bodies", "skin": "skins", "emotion": "emotions", "motion": "motions",
}  # fmt: skip


@dataclass(frozen=True)
class Pools:
    """The entries of each part of a form, the styles of each family, and the sha256 of all with their files' names."""

    words: Mapping[str, tuple[str, ...]]
    styles: Mapping[str, tuple[str, ...]]
    digest: str


def pool_files(kind: Kind, form: Form) -> dict[str, str]:
    """File names by part. Living things in the static form take the words of objects, as the control arm does.

    Raises UsageError for objects in the living form, for which there are no words.
    """
    if form not in (FORM[kind], "static"):
        raise UsageError("there are no word pools for this form", seen=f"{kind}, {form}", allowed=f"{kind}, static")
    owner = "object" if form == "static" else kind
    return {part: f"{owner}_{_PLURAL[part]}.txt" for part in (*ADJECTIVES[form], SCENE[form])}


def read_pools(kind: Kind, form: Form, folder: Path | None = None) -> Pools:
    """The pools of a kind in a form; a file in `folder` stands for the packaged one of that name.

    Raises UsageError, one line that names the file, when the folder has pools of other kinds alone or one of
    another name, or when a pool cannot be read, is empty, has a blank line, an entry twice or a slot out of place.
    """
    parts = pool_files(kind, form)
    own = {} if folder is None else _own(folder, set(parts.values()))
    words = {part: _read(own.get(name, WORDS / name), part) for part, name in parts.items()}
    styles = {family: _read(own.get(name, WORDS / name), "style") for family, name in STYLES.items()}
    said = {parts[part]: entries for part, entries in words.items()}
    said |= {STYLES[family]: entries for family, entries in styles.items()}
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    return Pools(words, styles, digest)


def check_class(class_name: str, pools: Pools) -> None:
    """Raises UsageError when the class and an adjective share their words, whole and case-folded, or a style is of it.

    "wooden chair" would be "a tall red wooden wooden chair"; in "a lemon yellow lemon" the class is found too early;
    "a photo of a photo" shows none. Scenes may name the class: chairs stand among chairs; so may a style in passing:
    "a comic book panel of a book", "a polaroid of a polaroid camera".
    """
    name = f" {' '.join(class_name.casefold().split())} "
    for part, entries in pools.words.items():
        for entry in entries if part not in SCENE.values() else ():
            word = f" {entry.casefold()} "
            if word in name or name in word:
                raise _collision(class_name, entry, _PLURAL[part])
    for style in chain.from_iterable(pools.styles.values()):
        if f" {style.casefold().removesuffix(' of')} ".endswith(name):
            raise _collision(class_name, style, "styles")


def _collision(class_name: str, entry: str, pool: str) -> UsageError:
    return UsageError(f"the class name collides with {entry!r} of the pool of {pool}", seen=class_name,
                      allowed="a class name without it, or a pool of your own without it")


def _own(folder: Path, wanted: set[str]) -> dict[str, Path]:
    """The user's pools by file name: some of those `wanted`, or styles alone.

    A misspelt name would go unseen, so each .txt must be a pool's name; and so would the pools of another kind, beside
    which `build pools` writes styles.
    """
    styles = set(STYLES.values())
    known = {name for kind in FORM for name in pool_files(kind, FORM[kind]).values()} | styles
    try:
        found = {path.name: path for path in sorted(folder.iterdir()) if path.suffix.lower() == ".txt"}
    except OSError as error:
        raise UsageError(f"the folder of word pools cannot be read: {error.strerror}", seen=str(folder)) from None
    for name in sorted(found.keys() - known):
        near = difflib.get_close_matches(name, sorted(known), n=3) or sorted(known)
        raise UsageError("no word pool has this name", seen=str(found[name]), allowed=", ".join(near))
    if not found.keys() & wanted and (found.keys() - styles or not found):
        seen = ", ".join(found) or "no .txt"
        raise UsageError("the folder has no word pool for these prompts", seen=f"{folder}: {seen}",
                         allowed=", ".join(sorted(wanted)), next_command="build pools, or another --kind")
    return found


def _read(path: Path, part: str) -> tuple[str, ...]:
    """The entries of a pool, spaces squeezed, in the file's order."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"a word pool cannot be read: {why}", seen=str(path),
                         allowed="a UTF-8 text file, one entry a line") from None
    first: dict[str, int] = {}
    entries = []
    for number, line in enumerate(lines, 1):
        if line.startswith("#"):
            continue
        entry = " ".join(line.split())
        why = fault(entry, part)
        if entry.casefold() in first:
            why = f"stands in line {first[entry.casefold()]} already"
        if why:
            raise UsageError(f"{path}, line {number}: {why}", seen=entry, allowed="one entry a line, each once")
        first[entry.casefold()] = number
        entries.append(entry)
    if not entries:
        raise UsageError("a word pool is empty", seen=str(path), allowed="a UTF-8 text file, one entry a line")
    return tuple(entries)


def fault(entry: str, part: str) -> str:
    """What is wrong with an entry of a part by itself, "" when nothing is."""
    if not entry:
        return "the line is blank"
    if part == "motion" and SLOT not in entry:
        return f"a motion needs the slot: a {SLOT} sleeping"
    if SLOT in entry and part not in SCENE.values():
        return f"the slot {SLOT} belongs into motions and backgrounds"
    if SLOT in entry and SLOT in compose({part: entry}, "thing"):
        return f"the slot {SLOT} does not stand alone"
    return ""
