"""The Ray engine on real clusters of this machine: nodes are separate raylets, and they are really killed."""

import errno
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from builders import cli, ray_engine
from builders.ray_engine import Ray, Worker
from builders.sources.sample import mirror_name
from schemas import manifest as manifests
from schemas.errors import BuildError, UsageError
from tests.conftest import run

from . import pool_pictures
from .test_retribooru import _files

# One process starts the cluster for all of these.
pytestmark = pytest.mark.xdist_group("ray")


class Total:
    def __call__(self, shard: Sequence[int]) -> int:
        return sum(shard)


class Loaded:
    """Counts its calls as a model would count its pictures; sleeps so that one worker cannot take every shard."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, shard: int) -> tuple[int, int]:
        self.calls += 1
        time.sleep(0.1)
        return os.getpid(), self.calls


class Mark:
    """Leaves a file for each shard it begins."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, shard: int) -> int:
        (self.folder / str(shard)).touch()
        return shard


class Die(Mark):
    """Dies over shard 7, as often as told; leaves a file each time."""

    def __init__(self, folder: Path, times: int) -> None:
        super().__init__(folder)
        self.times = times

    def __call__(self, shard: int) -> int:
        died = len(list(self.folder.iterdir()))
        if shard == 7 and died < self.times:
            (self.folder / str(died)).touch()
            time.sleep(0.5)  # else the result of the shard before may be lost too, and that shard be suspected
            os.kill(os.getpid(), signal.SIGKILL)
        return shard


class Complain:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def __call__(self, shard: int) -> int:
        raise self.error


@pytest.fixture(scope="module", autouse=True)
def no_tokens() -> Iterator[None]:
    """Ray would look for a token, or leave one, in the home of whoever runs the tests; and nodes know no tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=os.pathsep)
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        yield


@pytest.fixture(scope="module")
def cluster(no_tokens: None) -> Iterator[Callable[[], tuple[str, Any]]]:
    """Two nodes with one core each. Call it for the address and the second node, which is replaced if it was killed."""
    from ray.cluster_utils import Cluster

    whole = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    nodes: list[Any] = []

    def second() -> tuple[str, Any]:
        if not nodes or _gone(_raylet(nodes[-1])):
            nodes.append(whole.add_node(num_cpus=1))
        return whole.address, nodes[-1]

    yield second
    whole.shutdown()


@pytest.fixture
def address(cluster: Callable[[], tuple[str, Any]]) -> str:
    return cluster()[0]


def _raylet(node: Any) -> int:
    return int(node.all_processes["raylet"][0].process.pid)


def _stat(pid: int) -> list[str]:
    """State, parent and so on of a process; [] when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _gone(pid: int) -> bool:
    return _stat(pid)[:1] in ([], ["Z"])


def _children(parent: int) -> list[int]:
    pids = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [pid for pid in pids if _stat(pid)[1:2] == [str(parent)]]


def _busy(pid: int) -> bool:
    """Whether a process is an actor at work on a shard: Ray puts the call under way into its title."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::Worker.run")
    except OSError:
        return False


def _until(reached: Callable[[], Any]) -> Any:
    for _ in range(1200):
        if found := reached():
            return found
        time.sleep(0.05)
    raise AssertionError("it never came to that")


def _all(address: str, task: Any, shards: Sequence[Any], workers: int = 2,
         gpus: float = 0) -> tuple[list[Any], list[str]]:
    """Results in order, and what the engine said."""
    said: list[str] = []
    with Ray[Any, Any](workers, address, gpus, [], said.append) as engine:
        return sorted(engine.run(task, shards)), said


@pytest.mark.parametrize("workers", [1, 2, 5])  # there is room for two
def test_every_shard_is_run_once(address: str, workers: int) -> None:
    assert _all(address, Total(), [[n, n + 1] for n in range(20)], workers) == ([2 * n + 1 for n in range(20)], [])


def test_each_worker_keeps_its_task(address: str) -> None:
    seen, _ = _all(address, Loaded(), range(12))
    calls = {pid: [call for one, call in seen if one == pid] for pid in {pid for pid, _ in seen}}
    assert len(calls) == 2 and os.getpid() not in calls
    assert all(made == list(range(1, len(made) + 1)) for made in calls.values())


def test_nothing_to_do_asks_for_no_worker(address: str) -> None:
    assert _all(address, Total(), [], gpus=1) == ([], [])  # there is no GPU to wait for


def test_shards_are_begun_only_as_results_are_taken(address: str, tmp_path: Path) -> None:
    drawn: list[int] = []
    with Ray[int, int](2, address, 0, [], print) as engine:
        results = engine.run(Mark(tmp_path), (drawn.append(n) or n for n in range(1000)))
        next(results)
        results.close()  # type: ignore[attr-defined]
    assert len(list(tmp_path.iterdir())) <= len(drawn) < 10


@pytest.mark.parametrize("error", [UsageError("bad weights", seen=3), BuildError("stop"),
                                   OSError(errno.ENOSPC, "full")])
def test_an_error_of_the_task_arrives_as_itself(address: str, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        _all(address, Complain(error), [1])
    assert type(caught.value) is type(error) and str(caught.value) == str(error)


def test_the_shards_of_a_dead_worker_go_to_others(address: str, tmp_path: Path) -> None:
    results, said = _all(address, Die(tmp_path, times=2), range(30))
    assert results == list(range(30))
    assert len(said) == 2
    for line in said:
        assert re.fullmatch(r"lost a worker \(.+, process \d+\); shards that others do: 2; "
                            "Ray says: The actor is dead because its worker process has died", line)


def test_a_shard_that_kills_every_worker_is_named(address: str, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="3 workers died over one shard, which begins 7;"):
        _all(address, Die(tmp_path, times=99), range(30))
    assert len(list(tmp_path.iterdir())) == 3


def test_no_place_for_any_worker_stops_the_build(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_engine, "PATIENCE", 1.0)
    with pytest.raises(BuildError, match=r"no Ray worker runs: none got a place.*'CPU': 2\.0.*--gpus"):
        _all(address, Total(), [[1]], gpus=1)


class Unloadable:
    """Cannot be brought to life in a worker, like code that is not installed there."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit(3)",)


def test_workers_that_die_before_they_run_stop_the_build(address: str) -> None:
    with pytest.raises(BuildError, match="3 died before they ran, the last one with: The actor is dead because"):
        _all(address, Unloadable(), [1])


class Frail(Loaded):
    """Of those who bring it to life in a worker, the second to fourth die of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for number in range(100):
            try:
                (self.folder / str(number)).touch(exist_ok=False)
            except FileExistsError:
                continue
            if number in (1, 2, 3):
                os._exit(3)
            return


def test_workers_are_asked_for_again_after_some_died_before_they_ran(address: str, tmp_path: Path,
                                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_engine, "REST", 0.5)
    results, said = _all(address, Frail(tmp_path), range(200))
    assert len(results) == 200 and len({pid for pid, _ in results}) == 2
    assert len(said) == 1 and said[0].startswith("3 workers died before they ran; 1 go on, others are asked for in ")


def test_a_node_without_the_shared_folder_is_named(tmp_path: Path) -> None:
    assert str(os.getpid()) in Worker(Total(), [tmp_path]).begin()
    with pytest.raises(UsageError, match="does not have a folder of this build") as caught:
        Worker(Total(), [tmp_path, tmp_path / "mount"]).begin()
    assert str(tmp_path / "mount") in str(caught.value)


def test_an_address_where_nobody_answers(no_tokens: None) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(UsageError, match="cannot join the Ray cluster"):
            _all(f"127.0.0.1:{taken.getsockname()[1]}", Total(), [[1]])


def test_without_ray_there_is_a_command_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"not installed: ray.*likeness\[ray\]"):
        _all("", Total(), [[1]])


def test_more_gpus_than_this_machine_has() -> None:
    with pytest.raises(UsageError, match="--gpus asks for more"):
        _all("", Total(), [[1]], gpus=64)


_BUSY = """
import os, sys, time
from builders.ray_engine import Ray
def nap(shard):
    time.sleep(0.2)
    return os.getpid()
try:
    with Ray(2, sys.argv[1], 0, [], print) as engine:
        for pid in engine.run(nap, range(1000)):
            print(pid, flush=True)
except KeyboardInterrupt:
    sys.exit(130)
"""


def _start(address: str) -> tuple[subprocess.Popen[str], list[int]]:
    """A driver that is busy, and the workers that it uses."""
    process = subprocess.Popen([sys.executable, "-c", _BUSY, address], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, start_new_session=True)
    assert process.stdout is not None
    workers: set[int] = set()
    for line in process.stdout:
        workers.add(int(line))
        if len(workers) == 2:
            return process, sorted(workers)
    raise AssertionError(process.communicate()[1])


@pytest.mark.parametrize("own", [True, False])
def test_ctrl_c_ends_the_workers_and_says_nothing(address: str, own: bool) -> None:
    process, workers = _start("" if own else address)
    started = _children(process.pid)
    assert bool(started) == own
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes of the group
    _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (130, "")
    _until(lambda: all(map(_gone, [*workers, *started])))


@pytest.mark.parametrize("own", [True, False])
def test_workers_do_not_outlive_a_killed_driver(address: str, own: bool) -> None:
    process, workers = _start("" if own else address)
    started = _children(process.pid)
    process.kill()
    process.communicate(timeout=60)
    _until(lambda: all(map(_gone, [*workers, *started])))


def test_a_node_killed_amid_a_build_changes_nothing(cluster: Callable[[], tuple[str, Any]], tmp_path: Path) -> None:
    address, second = cluster()
    words = [sys.executable, "-m", "builders.cli", "retribooru", "--source", "sample", "--count", "60", "--seed", "5"]
    local = run([*words, "--out", str(tmp_path / "local")])
    assert local.returncode == 0, local.stderr
    drawn = Path(".state") / mirror_name(60, 5)
    shutil.copytree(tmp_path / "local" / drawn, tmp_path / "ray" / drawn, symlinks=True)

    build = subprocess.Popen([*words, "--out", "ray", "--engine", "ray", "--address", address], cwd=tmp_path,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def amid() -> int:
        assert build.poll() is None, build.communicate()[1]
        if not any((tmp_path / "ray" / ".annotations").glob("faces-*/*.parquet")):
            return 0
        for pid in filter(_busy, _children(_raylet(second))):
            os.kill(pid, signal.SIGSTOP)
            if _busy(pid):  # still, and now it cannot end before it is killed
                return pid
            os.kill(pid, signal.SIGCONT)
        return 0

    victim = _until(amid)
    for pid in [_raylet(second), *_children(_raylet(second))]:
        os.kill(pid, signal.SIGKILL)
    said, error = build.communicate(timeout=120)
    assert build.returncode == 0, error
    assert said == local.stdout.replace(str(tmp_path / "local"), str(tmp_path / "ray"))  # not a word of Ray's
    lost = [line for line in error.splitlines() if "lost a worker" in line]
    assert len(lost) == 1 and f"process {victim})" in lost[0]

    versions = [tmp_path / name / "1.0.0" for name in ("local", "ray")]
    digests = [manifests.read(version).content_digest for version in versions]
    assert digests[0] == digests[1]
    assert _files(versions[0]) == _files(versions[1])


def test_a_regularization_set_is_the_same_on_a_cluster(address: str, tmp_path: Path) -> None:
    words = ["regularization", "--class-name", "vase", "--kind", "object", "--generator", "light", "--size", "64",
             "--count", "150"]
    assert cli.main([*words, "--out", str(tmp_path / "here")]) == 0
    assert cli.main([*words, "--out", str(tmp_path / "there"), "--engine", "ray", "--address", address]) == 0
    assert _files(tmp_path / "there" / "1.0.0") == _files(tmp_path / "here" / "1.0.0")


def test_a_pool_is_the_same_on_a_cluster(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool_pictures.plant(tmp_path / "pool", tmp_path / "seeds", suns=3, seas=4)
    monkeypatch.chdir(tmp_path)  # workers run elsewhere
    words = ["coti", "--concept", "sun", "--seeds", "seeds", "--pool", "folder:pool", "--models", "light"]
    assert cli.main([*words, "--out", "here", "--workers", "1"]) == 0
    assert cli.main([*words, "--out", "there", "--engine", "ray", "--address", address]) == 0
    assert manifests.read(Path("here/1.0.0")) == manifests.read(Path("there/1.0.0"))
