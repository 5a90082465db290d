"""Locks on files that come and go, in one process: two handles of a file exclude each other there as well."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from schemas.locks import locked


def test_one_at_a_time_or_many_that_share(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path), pytest.raises(BlockingIOError), locked(path, shared=True):
        pass
    with locked(path, shared=True), locked(path, shared=True), pytest.raises(BlockingIOError), locked(path):
        pass
    with locked(path):
        pass


def test_who_waited_for_a_file_that_was_removed_keeps_others_out(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    held, done = threading.Event(), threading.Event()

    def wait() -> None:
        with locked(path, wait=True):
            held.set()
            done.wait(60)

    second = threading.Thread(target=wait)
    with locked(path):
        second.start()
        while _handles(path) < 2:
            time.sleep(0.002)
        path.unlink()
    assert held.wait(60)
    try:
        with pytest.raises(BlockingIOError), locked(path):
            pass
    finally:
        done.set()
        second.join()


def _handles(path: Path) -> int:
    """How often this process has the file open."""
    count = 0
    for handle in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # of the listing itself
            count += handle.readlink() == path
    return count
