"""Listing a folder of pictures: sorted, never out of the root, never into a loop, nothing silent."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

PICTURES = frozenset({".jpg", ".jpeg", ".jfif", ".png", ".gif", ".bmp", ".webp"})
"""Extensions (lower case) that make a file a row; whether it is a picture is judged by its bytes."""

COUNTED = ("hidden_files", "other_files", "linked_folders", "unreadable_folders")
"""Verdicts that are counted; every other verdict but "" is a reason of `schemas.records.REASONS`."""


class Listed(NamedTuple):
    """A file below the root: path with slashes, size in bytes, "" or what is wrong with it."""

    path: str
    size: int
    verdict: str


def is_picture(name: str) -> bool:
    """Whether the name ends like a picture's."""
    return PurePosixPath(name).suffix.lower() in PICTURES


def inside(root: Path, path: Path) -> bool:
    """Whether `path`, links followed, lies in `root`."""
    # Path.resolve raises on a link that points to itself; realpath gives an answer.
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def walk(root: Path, top: str = "", wanted: Callable[[str], bool] = is_picture) -> Iterator[Listed]:
    """Everything below `root/top` in a fixed order: a folder's files by name, then its folders by name.

    Wanted files come with the verdict "", or `outside_root` (a link leads out of the root) or `not_a_file`.
    What is not wanted comes with a verdict of COUNTED. Links to folders are not followed.
    """
    pending = [top]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(root / folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError:
            yield Listed(folder, 0, "unreadable_folders")
            continue
        below = []
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            verdict, size = _judge(root, entry, wanted)
            if verdict == "folder":
                below.append(path)
            else:
                yield Listed(path, size, verdict)
        pending.extend(reversed(below))


def printable(path: str) -> str:
    """The path with undecodable and unprintable characters escaped, fit for a table or a terminal."""
    if path.isprintable():
        return path
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path)


def _judge(root: Path, entry: os.DirEntry[str], wanted: Callable[[str], bool]) -> tuple[str, int]:
    """Verdict (or "folder" for one to enter) and size."""
    if entry.name.startswith("."):
        return "hidden_files", 0
    row = wanted(entry.name)
    try:
        folder = entry.is_dir()
        if entry.is_symlink() and (row or folder):
            if not inside(root, Path(entry.path)):
                return "outside_root", 0
            if folder:
                return "linked_folders", 0
        if folder:
            return ("not_a_file", 0) if row else ("folder", 0)
        if not row:
            return "other_files", 0
        return ("", entry.stat().st_size) if entry.is_file() else ("not_a_file", 0)
    except OSError:  # vanished since it was listed, or a link that points to itself
        return ("not_a_file" if row else "other_files"), 0
