"""Locks on files: between processes, and between machines where the file system passes them on, as NFS does."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def locked(path: Path, *, shared: bool = False, wait: bool = False) -> Iterator[None]:
    """Holds `path`, which is made if need be, alone or with others that share it.

    Raises BlockingIOError when somebody else holds it, unless told to wait; OSError when it cannot be locked at all.
    """
    handle = _held(path, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    try:
        yield
    finally:
        os.close(handle)


def _held(path: Path, how: int) -> int:
    """The handle of the locked file. Whoever holds it may remove it; then it is made anew, as others will find it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, how)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), path.stat()):
                    return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
