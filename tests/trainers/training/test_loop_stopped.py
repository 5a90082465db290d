"""The loop stopped from outside: killed, out of room, by Ctrl-C; and shared by processes. Real processes, each once."""

import multiprocessing
import os
import signal
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("accelerate")
pytest.importorskip("diffusers")

from tests.trainers import toy
from tests.trainers.training.test_loop import files, lines, options_of, same
from trainers.training import checkpoints

pytestmark = pytest.mark.xdist_group("loop stopped")
USUAL = {"ema": 0.9, "schedule": "linear", "warmup": 2, "batch_size": 2}


class Started:
    """A process that trains the toy. They are forks of one that has imported all there is to."""

    def __init__(self, options: toy.Options, trouble: toy.Trouble | None = None, **environment: str) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.trainers.toy"])
        self.log = options.out.with_name(f"{options.out.name}{environment.get('RANK', '')}.err")
        self.process = context.Process(target=toy.program, args=(options, trouble or toy.Trouble(), self.log,
                                                                 environment))
        self.process.start()

    def ended(self) -> tuple[int | None, str]:
        """Exit code and what stderr got."""
        self.process.join(120)
        self.process.kill()
        return self.process.exitcode, self.log.read_text()

    def wait_for(self, log: Path, count: int) -> None:
        """Until the log has so many lines."""
        for _ in range(2400):
            if log.exists() and log.read_text().count("\n") >= count:
                return
            assert self.process.is_alive(), self.log.read_text()
            time.sleep(0.05)
        raise AssertionError("it takes too long")


def well(options: toy.Options) -> dict[str, bytes]:
    """What a run that ends well leaves."""
    code, error = Started(options).ended()
    assert code == 0, error
    return files(options.out)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A run that nobody stopped."""
    return well(options_of(tmp_path_factory.mktemp("usual") / "out", **USUAL))


def test_killed_anywhere_it_goes_on_as_if_nothing_had_happened(usual: dict[str, bytes], tmp_path: Path) -> None:
    options = options_of(tmp_path / "out", resume=True, **USUAL)
    # Half a file of the first checkpoint; of the second; of the last one's average; of the published weights; and
    # with the card and a folder of the published in place, but not the weights.
    for die in (("optimizer.safetensors", 1), ("weights.safetensors", 2), ("ema.safetensors", 2),
                ("toy.safetensors", 1), ("move", 2)):
        code, error = Started(options, toy.Trouble(die=die)).ended()
        assert code == -signal.SIGKILL, error
        for path in checkpoints.found(options.out / "checkpoints"):
            checkpoints.load(path)
        assert not (options.out / "toy.safetensors").exists()
    assert well(options) == usual


def test_killed_between_steps_it_goes_on_as_if_nothing_had_happened(usual: dict[str, bytes], tmp_path: Path) -> None:
    options = options_of(tmp_path / "out", resume=True, **USUAL)
    run = Started(options, toy.Trouble(slow=6))
    run.wait_for(options.out / "log.jsonl", 6)
    run.process.kill()
    assert run.ended()[0] == -signal.SIGKILL
    assert well(options) == usual


def test_ctrl_c_leaves_nothing_half(usual: dict[str, bytes], tmp_path: Path) -> None:
    options = options_of(tmp_path / "out", resume=True, **USUAL)
    run = Started(options, toy.Trouble(slow=6))
    run.wait_for(options.out / "log.jsonl", 5)
    os.kill(run.process.pid or 0, signal.SIGINT)
    code, error = run.ended()
    assert code == 130 and error.strip().splitlines()[-1].startswith("trainers: stopped; checkpoints are kept")
    assert "Traceback" not in error and not list(options.out.rglob(".tmp-*"))
    assert well(options) == usual


def test_without_room_the_last_good_checkpoint_stays(usual: dict[str, bytes], tmp_path: Path) -> None:
    options = options_of(tmp_path / "out", resume=True, **{**USUAL, "threads": 1})
    code, error = Started(options, toy.Trouble(full=6)).ended()
    assert code == 1 and "Traceback" not in error
    last = error.strip().splitlines()[-1]
    assert last.startswith("trainers: ") and "disk full?" in last
    kept = checkpoints.found(options.out / "checkpoints")
    assert [path.name for path in kept] == ["step-00000004"] and checkpoints.load(kept[0]).state["step"] == 4
    assert well(options) == usual


def two(options: toy.Options, trouble: toy.Trouble | None = None) -> list[tuple[int | None, str]]:
    """How two processes end that share a run, as `torchrun` starts them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    runs = [Started(options, trouble, MASTER_ADDR="127.0.0.1", MASTER_PORT=port, WORLD_SIZE="2", LOCAL_WORLD_SIZE="2",
                    RANK=rank, LOCAL_RANK=rank) for rank in ("0", "1")]
    return [run.ended() for run in runs]


def test_two_processes_are_one_with_twice_the_batch(tmp_path: Path) -> None:
    for code, error in two(options_of(tmp_path / "two", **{**USUAL, "batch_size": 1, "accumulation": 2})):
        assert code == 0, error
    well(options_of(tmp_path / "one", **{**USUAL, "accumulation": 2}))
    ours, one = (lines(tmp_path / name) for name in ("two", "one"))
    assert [line["step"] for line in ours] == list(range(1, 13))  # the log of one run, not of each process
    assert [line["loss"] for line in ours] == pytest.approx([line["loss"] for line in one], rel=1e-5)
    same(tmp_path / "two", tmp_path / "one")


def test_both_processes_stop_at_a_loss_of_one_that_is_no_number(tmp_path: Path) -> None:
    options = options_of(tmp_path / "two", **{**USUAL, "batch_size": 1})
    broken = [row["id"] for row in toy.View().rows(toy.At(0, 5, 1, 2))]  # slot 1 is the second one's
    for code, error in two(options, toy.Trouble(poison=5)):
        assert code == 1 and "the loss is nan in step 6" in error
        assert all(name in error for name in broken) and "Traceback" not in error
    code, error = Started(replace(options, resume=True)).ended()
    assert code == 2 and "processes (2 there, 1 here)" in error
