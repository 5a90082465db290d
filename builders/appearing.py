"""Folders that appear whole or not at all: made under another name beside it, by one run at a time, then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from schemas import atomic
from schemas.errors import UsageError
from schemas.locks import locked


def home_of(out: Path) -> Path:
    """The whole path of OUT. Raises UsageError for one that a text file with a path on each line cannot hold."""
    home = out.absolute()
    if home.name in ("", ".."):
        raise UsageError("--out is no new folder", seen=str(out), allowed="a folder that is made or empty")
    try:
        lines = str(home).encode().decode().splitlines()
    except UnicodeEncodeError:
        lines = []
    if len(lines) != 1:
        raise UsageError("--out cannot be written as one line of text", seen=str(out), allowed="a name in UTF-8")
    return home


@contextmanager
def appearing(home: Path, *, keep: bool = False) -> Iterator[Path]:
    """Yields an empty folder that becomes `home` when the block ends well, and is removed otherwise.

    What a killed run left there is removed, too; with `keep` the files of both stay, for the next run to go on with.
    Raises UsageError when another run is writing there, or nobody can.
    """
    temporary = home.with_name(f"{atomic.TEMPORARY}{home.name}")
    with _alone(home, temporary.with_name(f"{temporary.name}.lock")):
        try:
            if temporary.exists() and not keep:
                shutil.rmtree(temporary)
            temporary.mkdir(exist_ok=keep)
            yield temporary
            os.sync()  # once: a flush of every single picture would take longer than writing them
            temporary.rename(home)  # onto an empty folder, too
        except BaseException:
            if keep:
                _prune(temporary)
            else:
                shutil.rmtree(temporary, ignore_errors=True)
            raise
        atomic.sync(home.parent)


@contextmanager
def _alone(home: Path, lock: Path) -> Iterator[None]:
    with ExitStack() as held:
        try:
            home.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(lock))
        except BlockingIOError:
            raise UsageError("another run is writing there", seen=str(home), allowed="one at a time",
                             next_command="wait for it to end, or take another --out") from None
        except OSError as error:
            raise UsageError(f"--out cannot be written: {error.strerror}", seen=error.filename or str(home),
                             allowed="a folder that can be written", next_command="another --out") from None
        held.callback(lock.unlink, missing_ok=True)  # while it is held: `locked` notices
        yield


def _prune(folder: Path) -> None:
    """Removes the empty folders in `folder`, and itself when it holds no file."""
    for path, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):  # it is not empty
            Path(path).rmdir()
