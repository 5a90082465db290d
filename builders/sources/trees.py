"""Listing a folder of pictures: sorted, never out of the root, never into a loop, nothing silent."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from builders.engines import Engine, in_order
from schemas.errors import UsageError

PICTURES = frozenset({".jpg", ".jpeg", ".jfif", ".png", ".gif", ".bmp", ".webp"})
"""Extensions (lower case) that make a file a row; whether it is a picture is judged by its bytes."""

COUNTED = ("hidden_files", "other_files", "linked_folders", "unreadable_folders")
"""Verdicts that are counted; every other verdict but "" and OUTPUT is a reason of `schemas.records.REASONS`."""

OUTPUT = "output_folder"
"""Verdict on the folder that `walk` was told to skip, and on what other builds wrote: OUT folders and versions."""


_FOLDER = "folder"
"""What `_entries` says of a folder to enter."""

_AT_ONCE = 16
"""Folders that a worker lists at once: a thousand buckets in some sixty shards."""


class Listed(NamedTuple):
    """A file below the root: path with slashes, size in bytes, "" or what is wrong with it."""

    path: str
    size: int
    verdict: str


def is_picture(name: str) -> bool:
    """Whether the name ends like a picture's."""
    dot = name.rfind(".")
    return dot > 0 and name[dot:].lower() in PICTURES


def inside(root: Path, path: Path) -> bool:
    """Whether `path`, links followed, lies in `root`."""
    # Path.resolve raises on a link that points to itself; realpath gives an answer.
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def check_root(root: Path, flag: str = "--root") -> None:
    """Raises UsageError unless `root` is a folder that may be entered and listed, with a path in UTF-8. `flag` names
    the option that gave it."""
    try:
        str(root).encode()
        found = root.stat()
        if not stat.S_ISDIR(found.st_mode):
            raise UsageError(f"{flag} is not a folder", seen=str(root), allowed="the folder that holds the pictures")
        shut = _shut(found) or not os.access(root, os.R_OK | os.X_OK)
    except UnicodeEncodeError:
        raise UsageError(f"{flag} has a name that is not UTF-8", seen=str(root), allowed="a path in UTF-8") from None
    except OSError as error:
        raise UsageError(f"{flag} is not a folder: {error.strerror}", seen=str(root)) from None
    if shut:
        raise UsageError(f"{flag} cannot be read", seen=str(root), allowed="a folder with permission to list it")


def walk(root: Path, top: str = "", wanted: Callable[[str], bool] = is_picture,
         skip: Path | None = None) -> Iterator[Listed]:
    """Everything below `root/top` in a fixed order: a folder's files by name, then its folders by name.

    Wanted files come with the verdict "", or `outside_root` (a link leads out of the root) or `not_a_file`.
    What is not wanted comes with a verdict of COUNTED. Links to folders are not followed. The folder `skip`, and
    every other folder below the root that a build wrote into, is not entered: it comes with the verdict OUTPUT.
    """
    home = str(root)
    apart = "" if skip is None else _below(root, skip)
    pending = [top]
    while pending:
        below = []
        for listed in _entries(home, pending.pop(), wanted):
            if listed.verdict != _FOLDER:
                yield listed
            elif listed.path == apart:
                yield Listed(listed.path, 0, OUTPUT)
            else:
                below.append(listed.path)
        pending.extend(reversed(below))


def walk_with(engine: Engine, root: Path, top: str) -> Iterator[tuple[str, int, str]]:
    """What `walk(root, top)` yields, as plain tuples, the folders of `top` listed by the workers of `engine`."""
    below = []
    for listed in _entries(str(root), top, is_picture):
        if listed.verdict == _FOLDER:
            below.append(listed.path)
        else:
            yield listed
    shards = (below[at:at + _AT_ONCE] for at in range(0, len(below), _AT_ONCE))
    for found in in_order(engine, partial(_walked, root), shards):
        yield from found


def _walked(root: Path, folders: list[str]) -> list[tuple[str, int, str]]:
    # A named tuple takes several times as long between processes.
    return [(*listed,) for folder in folders for listed in walk(root, folder)]


def _entries(home: str, folder: str, wanted: Callable[[str], bool]) -> Iterator[Listed]:
    """One folder below the root `home`, by name, folders in it with the verdict _FOLDER."""
    try:
        names = _names(Path(home, folder))
    except OSError:
        yield Listed(folder, 0, "unreadable_folders")
        return
    if folder and _built(set(names)):
        yield Listed(folder, 0, OUTPUT)
        return
    for name in names:
        path = f"{folder}/{name}" if folder else name
        yield Listed(path, *_judge(home, path, name, wanted))


def _built(names: set[str]) -> bool:
    """Whether a folder with these names in it is one that a build wrote, or a version cut out of one."""
    return ".state" in names or ".annotations" in names or names >= {"manifest.json", "rejected.parquet"}


def printable(path: str) -> str:
    """The path with undecodable and unprintable characters escaped, fit for a table or a terminal."""
    if path.isprintable():
        return path
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path)


def _below(root: Path, path: Path) -> str:
    """`path` as `walk` names it, "" when it does not lie below the root."""
    resolved, top = Path(os.path.realpath(path)), os.path.realpath(root)
    return resolved.relative_to(top).as_posix() if resolved.is_relative_to(top) else ""


def _names(folder: Path) -> list[str]:
    """What a folder holds, sorted. Raises OSError, also where only the superuser could look."""
    if _shut(folder.stat()):
        raise PermissionError
    with os.scandir(folder) as listing:  # names alone: a folder of a million files is one list
        return sorted(entry.name for entry in listing)


def _shut(folder: os.stat_result) -> bool:
    """Whether nobody at all may list or enter the folder; the superuser then keeps out as well."""
    return not (folder.st_mode & 0o444 and folder.st_mode & 0o111)


def _judge(root: str, path: str, name: str, wanted: Callable[[str], bool]) -> tuple[int, str]:
    """Size, and verdict or _FOLDER for one to enter."""
    if name.startswith("."):
        return 0, "hidden_files"
    row = wanted(name)
    try:
        here = f"{root}/{path}"  # a Path for each of a million files takes longer than the call
        found = os.lstat(here)
        if row and stat.S_ISREG(found.st_mode):
            return found.st_size, ""
        if stat.S_ISLNK(found.st_mode):
            stays = inside(Path(root), Path(here))
            if row and not stays:
                return 0, "outside_root"
            found = Path(here).stat()
            if stat.S_ISDIR(found.st_mode):
                return 0, "linked_folders" if stays else "outside_root"
        if stat.S_ISDIR(found.st_mode):
            return 0, "not_a_file" if row else _FOLDER
        if not row:
            return 0, "other_files"
        return (found.st_size, "") if stat.S_ISREG(found.st_mode) else (0, "not_a_file")
    except OSError:  # vanished since it was listed, or a link that points to itself
        return 0, "not_a_file" if row else "other_files"
