"""Who may build on an OUT. Permissions are asked as nobody, because root may write anywhere."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders.slices import Slice
from builders.workspace import Workspace
from schemas.errors import UsageError

_NOBODY = 65534
_ENTER = """
import os, sys
from pathlib import Path
from builders.workspace import Workspace
from schemas.errors import UsageError
if os.getuid() == 0:
    os.setuid(int(sys.argv[2]))
try:
    with Workspace(Path(sys.argv[1])):
        print("entered")
except UsageError as error:
    print(error)
"""


def _enter(out: Path) -> str:
    done = subprocess.run([sys.executable, "-c", _ENTER, str(out), str(_NOBODY)], capture_output=True, text=True,
                          check=True)
    return done.stdout.strip()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that nobody may enter and write, unlike those below `tmp_path`."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


def _out(parent: Path) -> Path:
    """An OUT of an earlier build, every part of it writable for all."""
    out = parent / "out"
    for folder in (out, out / ".state", out / ".annotations"):
        folder.mkdir()
        folder.chmod(0o777)
    (out / ".state" / "lock").touch()
    (out / ".state" / "lock").chmod(0o666)
    return out


def test_nobody_may_build_where_nobody_may_write(open_folder: Path) -> None:
    assert _enter(_out(open_folder)) == "entered"
    assert _enter(open_folder / "new") == "entered"


@pytest.mark.parametrize("shut", [".", ".state", ".annotations", ".state/lock"])
def test_an_out_that_cannot_be_written_is_refused_at_once(open_folder: Path, shut: str) -> None:
    out = _out(open_folder)
    (out / shut).chmod(0o444 if shut.endswith("lock") else 0o555)
    assert _enter(out) == (f"--out cannot be written: Permission denied (got {str(out / shut)!r}); allowed: a folder "
                           "that can be written; try: another --out")


def test_an_out_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="--out cannot be written: Not a directory"), Workspace(tmp_path / "file"):
        pass


def test_one_build_at_a_time(tmp_path: Path) -> None:
    with Workspace(tmp_path), pytest.raises(UsageError, match="another build is running"), Workspace(tmp_path):
        pass
    with Workspace(tmp_path):
        pass


@pytest.mark.parametrize("folder", [".annotations/faces-1", ".state/tars", ".state/shards"])
def test_leftovers_of_a_killed_run_are_swept(tmp_path: Path, folder: str) -> None:
    part = tmp_path / folder / f".tmp-{os.getpid()}-x.parquet"
    part.parent.mkdir(parents=True)
    part.touch()
    with Workspace(tmp_path):
        assert not part.exists()


def test_staging_keeps_the_same_rows_alone(tmp_path: Path) -> None:
    with Workspace(tmp_path) as work:
        first = work.staging("1.0.0", "a" * 64)
        (first / "done").touch()
        assert work.staging("1.0.0", "a" * 64) == first and (first / "done").exists()
        second = work.staging("1.0.0", "b" * 64)
        assert second.exists() and not first.exists()
        work.clear("1.0.1")
        assert second.exists()
        work.clear("1.0.0")
        assert not second.exists()


def test_jobs_for_other_slices_run_together(tmp_path: Path) -> None:
    with Workspace(tmp_path, Slice(1, 2)) as first, Workspace(tmp_path, Slice(2, 2)) as second:
        assert first.scratch != second.scratch and first.annotations == second.annotations
        with pytest.raises(UsageError, match="shard 2/2 is running already"), Workspace(tmp_path, Slice(2, 2)):
            pass
        with pytest.raises(UsageError, match="another build is running"), Workspace(tmp_path):
            pass
    assert not first.scratch.exists()
    with Workspace(tmp_path), pytest.raises(UsageError, match="another build is running"), \
            Workspace(tmp_path, Slice(1, 2)):
        pass
    with Workspace(tmp_path, Slice(2, 2)):
        pass


def test_a_shard_job_sweeps_nothing(tmp_path: Path) -> None:
    written = tmp_path / ".annotations" / "faces-1" / ".tmp-of-another-job-x.parquet"
    written.parent.mkdir(parents=True)
    written.touch()
    with Workspace(tmp_path, Slice(1, 2)):
        assert written.exists()
    with Workspace(tmp_path):
        assert not written.exists()
