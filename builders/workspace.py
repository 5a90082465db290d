"""The layout of an OUT folder, and its lock.

    OUT/1.0.0/          a published version, never changed
    OUT/.annotations/   the sidecar store, shared by all versions
    OUT/.state/         lock, ledger, staging, indexes of tars, the sample's mirror: safe to delete when no build runs
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from builders import atomic
from builders.locks import locked
from builders.slices import Slice
from schemas.errors import UsageError


class Workspace:
    """An OUT folder held by one build at a time, or by jobs for other slices of one build.

    `scratch` is a folder for what nobody else may touch while it is held.
    """

    def __init__(self, out: Path, part: Slice | None = None) -> None:
        self.out = out
        self.part = part
        self.annotations = out / ".annotations"
        self.state = out / ".state"
        self.jobs = self.state / "shards"
        self.scratch = self.state
        self._held = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as held:
            self._hold(held)
            if self.part is None:
                atomic.sweep(self.annotations)
            else:
                self.scratch = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="likeness-")))
            self._held = held.pop_all()
        return self

    def _hold(self, held: ExitStack) -> None:
        try:
            (self.state if self.part is None else self.jobs).mkdir(parents=True, exist_ok=True)
            for folder in (self.out, self.state, self.annotations):
                # Asked now: a build should not fail hours later, when its version is renamed into OUT.
                if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
            self._lock(held)
        except OSError as error:
            raise UsageError(f"--out cannot be written: {error.strerror}", seen=error.filename or str(self.out),
                             allowed="a folder that can be written", next_command="another --out") from error

    def _lock(self, held: ExitStack) -> None:
        running = "another build is running on this --out"
        try:
            held.enter_context(locked(self.state / "lock", shared=self.part is not None))
            if self.part is not None:
                running = f"shard {self.part} is running already on this --out"
                held.enter_context(locked(self.jobs / f"{self.part.name}.lock"))
        except BlockingIOError:
            raise UsageError(running, seen=str(self.out),
                             allowed="one build at a time on one folder, or shards of one build",
                             next_command="wait for it to end, or choose another --out") from None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._held.close()

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
