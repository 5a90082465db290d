import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from builders.engines import Local, in_order
from schemas.errors import BuildError, UsageError


class Total:
    def __call__(self, shard: Sequence[int]) -> int:
        return sum(shard)


class WhoAmI:
    """Tells the process; sleeps so that one worker cannot take every shard."""

    def __call__(self, shard: int) -> int:
        time.sleep(0.2)
        return os.getpid()


class SleepWhenOdd:
    """Odd shards take longer."""

    def __call__(self, shard: int) -> int:
        time.sleep(0.1 * (shard % 2))
        return shard * shard


class DieOnSeven:
    def __call__(self, shard: int) -> int:
        if shard == 7:
            os.kill(os.getpid(), signal.SIGKILL)
        return shard


class Complain:
    def __call__(self, shard: int) -> int:
        raise UsageError("bad weights", seen=shard)


class Mark:
    """Leaves a file for each shard it begins."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, shard: int) -> int:
        (self.folder / str(shard)).touch()
        return shard


@pytest.mark.parametrize("workers", [1, 2])
def test_in_the_order_of_the_shards(workers: int) -> None:
    with Local[object, object](workers) as engine:
        assert list(in_order(engine, SleepWhenOdd(), [5, 2, 9, 4, 6, 1])) == [25, 4, 81, 16, 36, 1]
        assert list(in_order(engine, SleepWhenOdd(), [])) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_every_shard_is_run_once(workers: int) -> None:
    shards = [[n, n + 1] for n in range(20)]
    with Local[Sequence[int], int](workers) as engine:
        assert sorted(engine.run(Total(), shards)) == [2 * n + 1 for n in range(20)]


def test_two_workers_are_two_other_processes() -> None:
    with Local[int, int](2) as engine:
        pids = set(engine.run(WhoAmI(), range(8)))
        assert len(pids) == 2
        assert os.getpid() not in pids
        assert set(engine.run(WhoAmI(), range(8))) == pids  # they stay for the next task
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


class Count:
    """Tells how many shards this very object has seen, as one that holds a model would."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, shard: int) -> int:
        self.seen += 1
        return self.seen


def test_a_task_keeps_what_it_holds_and_the_next_begins_anew() -> None:
    with Local[int, int](2) as engine:
        for _ in range(2):
            seen = sorted(engine.run(Count(), range(10)))
            assert seen.count(1) in (1, 2)  # once for each worker that took part
            assert seen == sorted([*range(1, max(seen) + 1), *range(1, 10 - max(seen) + 1)])


def test_a_dead_worker_stops_the_build_with_advice() -> None:
    with pytest.raises(BuildError, match="worker process died"), Local[int, int](2) as engine:
        list(engine.run(DieOnSeven(), range(50)))


def test_an_error_in_a_worker_arrives_with_its_type() -> None:
    with Local[int, int](2) as engine:
        with pytest.raises(UsageError, match="bad weights"):
            list(engine.run(Complain(), [1]))
        assert list(engine.run(WhoAmI(), range(1)))  # the workers outlive it


def test_shards_are_begun_only_as_results_are_taken(tmp_path: Path) -> None:
    with Local[int, int](2) as engine:
        results = engine.run(Mark(tmp_path), range(1000))
        next(results)
        results.close()  # type: ignore[attr-defined]
    assert len(list(tmp_path.iterdir())) < 20


_BUSY = """
import sys, time
from builders import engines
from builders.engines import Local
try:
    print("begun", flush=True)
    with Local(2) as engine:
        for done in engine.run(time.sleep, [0.2] * 1000):
            pass
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("delay", [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5])
def test_ctrl_c_says_nothing_while_workers_start(delay: float) -> None:
    # Ctrl-C goes to every process of the terminal's group, those included that have not begun to ignore it.
    process = subprocess.Popen([sys.executable, "-c", _BUSY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (130, "")


def test_ctrl_c_that_is_ignored_stays_ignored() -> None:
    # A shell has it ignored for what it starts in the background.
    script = _BUSY.replace("1000", "4")
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, start_new_session=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 0
