"""Builds that are killed, interrupted, starved of disk, or two at once."""

import fcntl
import os
import random
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.builders.conftest import kill_tree
from tests.conftest import command, run

from .test_retribooru import _files, _parts

# One process draws the mirror and builds it once for all of these.
pytestmark = pytest.mark.xdist_group("build")

KILLS = 4


def _start(words: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def test_kill_at_any_moment_and_run_again(whole: Path, mirror: Path, tmp_path: Path) -> None:
    words = command(mirror, tmp_path / "out", "--workers", "2")
    chance = random.Random(11)
    finished: dict[str, int] = {}
    killed = 0
    for _ in range(KILLS):
        process = _start(words)
        # Import takes about two seconds; the kill falls anywhere after it.
        time.sleep(2 + 5 * chance.random())
        if process.poll() is None:
            kill_tree(process)
            killed += 1
        now = _parts(tmp_path / "out")
        assert {name: now.get(name) for name in finished} == finished, "a finished shard was done again"
        finished = now
    assert killed
    done = run(words)
    assert done.returncode == 0, done.stderr
    assert {name: at for name, at in _parts(tmp_path / "out").items() if name in finished} == finished
    assert _files(tmp_path / "out" / "1.0.0") == _files(whole / "1.0.0")
    assert not list((tmp_path / "out").rglob(".tmp-*"))


def test_ctrl_c_stops_cleanly_and_resumes(whole: Path, mirror: Path, tmp_path: Path) -> None:
    words = command(mirror, tmp_path / "out", "--workers", "2")
    process = _start(words)
    store = tmp_path / "out" / ".annotations"
    while process.poll() is None and not any(store.glob("faces-*/*.parquet")):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "goes on from there" in error and "Traceback" not in error
    assert run(words).returncode == 0
    assert _files(tmp_path / "out" / "1.0.0") == _files(whole / "1.0.0")


@pytest.mark.parametrize("delay", [0.05, 0.1, 0.2, 0.5])
def test_ctrl_c_says_no_traceback_while_workers_start(mirror: Path, tmp_path: Path, delay: float) -> None:
    # A terminal sends it to the workers too. They start when the ledger stands, and import for about a second.
    process = _start(command(mirror, tmp_path / "out", "--workers", "2"))
    while process.poll() is None and not (tmp_path / "out" / ".state" / "ledger.sqlite").exists():
        time.sleep(0.01)
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert "Traceback" not in error
    assert "goes on from there" in error.splitlines()[-1]


@pytest.mark.parametrize("delay", [0.3, 1.5])
def test_ctrl_c_pressed_twice_ends_as_one_does(mirror: Path, tmp_path: Path, delay: float) -> None:
    process = _start(command(mirror, tmp_path / "out", "--workers", "2"))
    while process.poll() is None and not (tmp_path / "out" / ".state" / "ledger.sqlite").exists():
        time.sleep(0.01)
    time.sleep(delay)
    for _ in range(3):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.3)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert "Traceback" not in error and error.count("build: stopped") == 1


@pytest.mark.parametrize(("limit", "workers"), [(2_000, 2), (600_000, 1), (600_000, 2)])
def test_a_full_disk_is_one_line_and_the_build_resumes(whole: Path, mirror: Path, tmp_path: Path, limit: int,
                                                       workers: int) -> None:
    # A limit on the size of a file stands in for a full disk: the same OSError from the same calls.
    words = command(mirror, tmp_path / "out", "--workers", str(workers))
    full = run(words, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert full.returncode == 1, full.stderr
    assert "Traceback" not in full.stderr and "Check failed" not in full.stderr
    assert full.stderr.count("build: ") == 1
    assert "same command again" in full.stderr.splitlines()[-1]
    assert (tmp_path / "out" / ".state" / "staging").exists() == (limit == 600_000), "another stage failed"
    assert not (tmp_path / "out" / "1.0.0").exists()
    assert run(words).returncode == 0
    assert _files(tmp_path / "out" / "1.0.0") == _files(whole / "1.0.0")


def test_the_second_build_on_one_out_says_so(mirror: Path, tmp_path: Path) -> None:
    state = tmp_path / "out" / ".state"
    state.mkdir(parents=True)
    with (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = run(command(mirror, tmp_path / "out"))
    assert second.returncode == 2
    assert "another build is running" in second.stderr
    assert not (tmp_path / "out" / "1.0.0").exists()
