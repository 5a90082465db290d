"""The layout of an OUT folder, and who may work in it.

    OUT/1.0.0/          a published version, never changed
    OUT/.annotations/   the sidecar store, shared by all versions
    OUT/.state/         lock, ledger, staging, indexes of tars, the sample's mirror: safe to delete when no build runs

Below a URL there is no lock, and what is this machine's own lies in a temporary folder. Parts of the store are named
after their keys, and staging folders after all that the version will say, so that builds side by side write the same
files or other ones; who copies them to a version claims it first, and it is the manifest that makes it.
"""

from __future__ import annotations

import errno
import os
import tempfile
import uuid
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from builders.slices import Slice
from schemas import atomic
from schemas.errors import UsageError
from schemas.locations import Location
from schemas.locks import locked


class Workspace:
    """An OUT folder held by one build at a time, or by jobs for other slices of one build."""

    state: Path
    """On this machine: what may be kept for the next run. Known, as `scratch` is, while the workspace is held."""
    scratch: Path
    """On this machine: what nobody else may touch."""

    def __init__(self, out: Location, part: Slice | None = None) -> None:
        self.out = out
        self.part = part
        self.annotations = out / ".annotations"
        self.jobs = out / ".state" / "shards"
        self._held = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as held:
            alone = isinstance(self.out, Path) and self.part is None
            if not alone:
                self.scratch = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="likeness-")))
            if isinstance(self.out, Path):
                self.state = self.out / ".state"
                self._hold(held, self.out)
            else:
                self.state = self.scratch
                self._reach()
            if alone:
                self.scratch = self.state
                for folder in (self.state.parent / ".annotations", self.state / "tars", self.state / "shards"):
                    atomic.sweep(folder)
            self._held = held.pop_all()
        return self

    def _hold(self, held: ExitStack, out: Path) -> None:
        jobs = self.state / "shards"
        try:
            (self.state if self.part is None else jobs).mkdir(parents=True, exist_ok=True)
            for folder in (out, self.state, out / ".annotations"):
                # Asked now: a build should not fail hours later, when its version is renamed into OUT.
                if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
            self._lock(held, jobs)
        except OSError as error:
            raise UsageError(f"--out cannot be written: {error.strerror}", seen=error.filename or str(self.out),
                             allowed="a folder that can be written", next_command="another --out") from error

    def _lock(self, held: ExitStack, jobs: Path) -> None:
        running = "another build is running on this --out"
        try:
            held.enter_context(locked(self.state / "lock", shared=self.part is not None))
            if self.part is not None:
                running = f"shard {self.part} is running already on this --out"
                held.enter_context(locked(jobs / f"{self.part.name}.lock"))
        except BlockingIOError:
            raise UsageError(running, seen=str(self.out),
                             allowed="one build at a time on one folder, or shards of one build",
                             next_command="wait for it to end, or choose another --out") from None

    def _reach(self) -> None:
        """Writes and deletes an object, for the reason for which `_hold` asks for permissions."""
        probe = self.out / ".state" / f"probe-{uuid.uuid4().hex}"
        try:
            probe.write_bytes(b"")
            probe.unlink()
        except Exception as error:  # every file system has errors of its own
            raise UsageError(f"--out cannot be written: {error}", seen=str(self.out),
                             allowed="a URL whose bucket exists and whose credentials are known here",
                             next_command="another --out") from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._held.close()

    def staging(self, version: str, digest: str) -> Location:
        """Folder in which a version is prepared, named after the digest of what it will say, so that shards finished
        before a kill are found again.

        What another build left there is removed; without a lock it stays, as that build may still run.
        """
        folder = self.out / ".state" / "staging" / f"{version}-{digest[:16]}"
        if isinstance(folder, Path):
            for other in folder.parent.glob("*"):
                if other.name != folder.name:
                    atomic.remove(other)
            folder.mkdir(parents=True, exist_ok=True)
            atomic.sweep(folder)
        return folder

    def clear(self, version: str) -> None:
        """Removes all that was prepared of a version that is published: nobody can need it any more."""
        for folder in (self.out / ".state" / "staging").glob(f"{version}-*"):
            with suppress(FileNotFoundError):  # another build does the same
                atomic.remove(folder)
