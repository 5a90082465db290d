"""Files that appear whole or not at all: temporary name, fsync, rename, fsync of the folder.

Object stores do so by themselves; there a file is made on this machine first.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.locations import Location

TEMPORARY = ".tmp-"
"""Prefix of unfinished files and folders; whoever holds the lock of an OUT may delete them."""


@contextmanager
def replacing(path: Location) -> Iterator[Path]:
    """Yields a temporary path on this machine; when the block ends well the file becomes `path`, else it is removed."""
    if not isinstance(path, Path):
        with tempfile.TemporaryDirectory(prefix="likeness-") as folder:
            yield Path(folder, path.name)
            path.fs.put_file(str(Path(folder, path.name)), path.path)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not the process id, which can be the same on two machines that share the folder.
    temporary = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex[:16]}-{path.name}")
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def write(path: Location, data: bytes) -> None:
    """Writes `data` to `path` atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """Yields an empty folder that becomes `folder`, on the disk with all its files, when the block ends well; else it
    is removed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f"{TEMPORARY}{uuid.uuid4().hex[:16]}-{folder.name}")
    temporary.mkdir()
    try:
        yield temporary
        for path in [*sorted(temporary.rglob("*")), temporary]:
            sync(path)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync(folder.parent)


def sync(path: Path) -> None:
    """Flushes a file's data, or a folder's entries, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(folder: Location) -> None:
    """Deletes a folder and all below it."""
    if isinstance(folder, Path):
        shutil.rmtree(folder)
    else:
        folder.fs.rm(folder.path, recursive=True)


def sweep(folder: Path) -> None:
    """Deletes what killed runs left unfinished below `folder`: files, and folders with all that is in them."""
    for path in list(folder.rglob(f"{TEMPORARY}*")):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)  # perhaps it went with the one around it
        else:
            path.unlink(missing_ok=True)
