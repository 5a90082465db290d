"""The layout of an OUT folder, and its lock.

    OUT/1.0.0/          a published version, never changed
    OUT/.annotations/   the sidecar store, shared by all versions
    OUT/.state/         lock, ledger, staging, the sample's mirror: safe to delete when no build runs
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from builders import atomic
from schemas.errors import UsageError


class Workspace:
    """An OUT folder held by one build at a time."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.annotations = out / ".annotations"
        self.state = out / ".state"
        self._lock = -1

    def __enter__(self) -> Self:
        try:
            self.state.mkdir(parents=True, exist_ok=True)
            for folder in (self.out, self.state, self.annotations):
                # Asked now: a build should not fail hours later, when its version is renamed into OUT.
                if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
            self._lock = os.open(self.state / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise UsageError(f"--out cannot be written: {error.strerror}", seen=error.filename,
                             allowed="a folder that can be written", next_command="another --out") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise UsageError("another build is running on this --out", seen=str(self.out),
                             allowed="one build at a time on one folder",
                             next_command="wait for it to end, or choose another --out") from None
        atomic.sweep(self.annotations)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        os.close(self._lock)

    def staging(self, version: str, rows_digest: str) -> Path:
        """Folder in which a version is prepared; what another set of rows left there is removed.

        Named after the rows, so that shards finished before a kill are found again.
        """
        folder = self.state / "staging" / f"{version}-{rows_digest[:16]}"
        if folder.parent.exists():
            for other in folder.parent.iterdir():
                if other != folder:
                    shutil.rmtree(other)
        folder.mkdir(parents=True, exist_ok=True)
        atomic.sweep(folder)
        return folder
