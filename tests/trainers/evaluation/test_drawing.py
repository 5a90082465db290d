"""Pictures of a plan: what is drawn when, and that a killed evaluation ends as one that was not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("accelerate")
pytest.importorskip("tensorboard")

import msgspec
import torch
from PIL import Image

from schemas.errors import UsageError
from schemas.terminal.progress import Progress
from tests.trainers import made
from trainers.evaluation import drawing
from trainers.evaluation.drawers import Drawer
from trainers.evaluation.drawing import draw_all
from trainers.evaluation.plans import REAL, Job, Plan, Sampler, Shown
from trainers.evaluation.results import read_plan
from trainers.evaluation.runs import Run, open_runs

REAL_PICTURE = made.encoded(made.painted((200, 30, 30), (40, 24)))


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def run() -> Run:
    return open_runs(["tiny"])[0]


def plan_of(count: int = 5, **more: Any) -> Plan:
    drawn = [Job(key=f"pack/{seed:02}", run="tiny", subject="pack", prompt="a backpack", seed=seed, like=("one",))
             for seed in range(count)]
    real = Job(key="real/pack/0000", run="tiny", subject="pack", group=REAL, target="one")
    return Plan("dreambench", "quick", (real, *drawn), {"one": REAL_PICTURE}, (),
                Sampler(steps=2, side=32, batch=2), **more)


def files(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in (out / "pictures").rglob("*")
            if path.is_file()}


@pytest.fixture(scope="module")
def whole(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An evaluation that nobody stopped."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("whole")
    draw_all(plan_of(), [run], out, Progress())
    return out


def test_every_job_has_its_picture(whole: Path) -> None:
    drawn = files(whole)
    assert set(drawn) == {f"pictures/pack/{number:02}.png" for number in range(5)} | {"pictures/real/pack/0000.png"}
    assert read_plan(whole) == plan_of().jobs
    pictures = {name: Image.open(whole / name) for name in drawn}
    assert {one.size for name, one in pictures.items() if "real" not in name} == {(32, 32)}
    assert pictures["pictures/real/pack/0000.png"].tobytes() == made.painted((200, 30, 30), (40, 24)).tobytes()
    assert len({one.tobytes() for one in pictures.values()}) == 6


def killed(run: Run, out: Path, after: int) -> int:
    """Draws in a process that is killed while picture number `after` is half written. Returns how it ended."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    left, png = [after], drawing.png

    def half(picture: Image.Image) -> bytes:
        left[0] -= 1
        if left[0] == 0:
            (out / "pictures" / "pack" / ".tmp-half-04.png").write_bytes(png(picture)[:50])
            os.kill(os.getpid(), signal.SIGKILL)
        return png(picture)

    drawing.png = half
    draw_all(plan_of(), [run], out, Progress())
    os._exit(0)


def test_a_killed_evaluation_goes_on_as_if_it_had_not_been(run: Run, whole: Path, tmp_path: Path,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    assert killed(run, tmp_path, after=5) == signal.SIGKILL  # the real one, then four; the fifth is half of a batch
    there = files(tmp_path)
    assert sorted(there) == ["pictures/pack/.tmp-half-04.png", "pictures/pack/00.png", "pictures/pack/01.png",
                             "pictures/pack/02.png", "pictures/real/pack/0000.png"]
    (tmp_path / "pictures" / "pack" / "01.png").write_bytes(there["pictures/pack/01.png"][:-20])
    damaged = bytearray(there["pictures/real/pack/0000.png"])
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "pictures" / "real" / "pack" / "0000.png").write_bytes(damaged)
    batches, draw = [], Drawer.draw
    monkeypatch.setattr(Drawer, "draw", lambda self, jobs, *rest: (batches.append([job.seed for job in jobs]),
                                                                  draw(self, jobs, *rest))[1])
    draw_all(plan_of(), [run], tmp_path, Progress())
    assert batches == [[0, 1], [2, 3], [4]]
    assert files(tmp_path) == files(whole)
    del batches[:]
    (tmp_path / "pictures" / "pack" / "03.png").unlink()
    draw_all(plan_of(), [run], tmp_path, Progress())
    assert batches == [[2, 3]] and files(tmp_path) == files(whole)
    del batches[:]
    monkeypatch.setattr(drawing, "open_drawer", None)  # what is done opens no model
    draw_all(plan_of(), [run], tmp_path, Progress())
    assert not batches


def test_ctrl_c_leaves_whole_pictures(run: Run, whole: Path, tmp_path: Path) -> None:
    def press() -> None:
        while not (tmp_path / "pictures" / "pack" / "01.png").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press).start()
    with pytest.raises(KeyboardInterrupt):
        draw_all(plan_of(400), [run], tmp_path, Progress())
    there, all_of_them = files(tmp_path), files(whole)
    assert 3 <= len(there) < 400
    assert all(there[name] == data for name, data in all_of_them.items() if name in there)
    assert not list(tmp_path.rglob(".tmp-*"))


def test_jobs_are_drawn_together_by_run_references_and_strength() -> None:
    def job(key: str, run: str, shown: str = "", scale: float | None = None) -> Job:
        return Job(key=key, run=run, subject="", prompt="x", scale=scale, shown=(Shown(shown),) if shown else ())

    jobs = [job("a", "one"), job("b", "two", "p"), job("c", "one"), job("d", "two", "q"), job("e", "two", "p"),
            job("f", "two", "p", 0.5), job("g", "one")]
    assert [[one.key for one in batch] for batch in drawing._batches(jobs, 2)] == [
        ["a", "c"], ["g"], ["b", "e"], ["d"], ["f"]]


def test_another_plan_is_refused(run: Run, whole: Path, tmp_path: Path) -> None:
    before = files(whole)
    others = [(plan_of(4), [run], "jobs"),
              (plan_of()._replace(protocol="paper"), [run], "protocol"),
              (plan_of()._replace(sampler=Sampler(steps=3, side=32, batch=2)), [run], "sampler"),
              (plan_of(), [run._replace(said={"method": "base"})], "runs")]
    for plan, runs, what in others:
        with pytest.raises(UsageError, match=f"OUT was begun with another plan: {what} "):
            draw_all(plan, runs, whole, Progress())
    assert files(whole) == before
    for damaged in ("{", "[" * 100_000):
        (tmp_path / drawing.DRAWN_WITH).write_text(damaged)
        with pytest.raises(UsageError, match=r"drawing\.json is damaged"):
            draw_all(plan_of(), [run], tmp_path, Progress())


def test_a_plan_changed_by_hand_is_refused_and_a_lost_one_written_anew(run: Run, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(whole, out)
    text = (out / "plan.jsonl").read_text()
    (out / "plan.jsonl").write_text(text.replace('"seed":1', '"seed":7'))
    with pytest.raises(UsageError, match=r"OUT was begun with another plan: jobs "):
        draw_all(plan_of(), [run], out, Progress())
    (out / "plan.jsonl").unlink()
    with pytest.raises(UsageError, match=r"OUT was begun with another plan: jobs "):  # its pictures are the others'
        draw_all(plan_of(4), [run], out, Progress())
    draw_all(plan_of(), [run], out, Progress())
    assert (out / "plan.jsonl").read_text() == text


def test_a_folder_of_something_else_is_left_alone(run: Run, tmp_path: Path) -> None:
    """A run's own folder, whose README.md would be another one; pictures of which nothing tells who drew them."""
    for name in ("README.md", "pictures/one.png", "plan.jsonl"):
        out = tmp_path / name[:4]
        (out / name).parent.mkdir(parents=True)
        (out / name).write_text("mine")
        with pytest.raises(UsageError, match="--out holds what no evaluation wrote"):
            draw_all(plan_of(), [run], out, Progress())
        assert [path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()] == [name]
        assert (out / name).read_text() == "mine"


def test_references_that_changed_are_another_plan(run: Run, tmp_path: Path) -> None:
    retrinet = run._replace(method="retrinet", said={"options": {}})
    plan = plan_of(0)._replace(jobs=tuple(
        Job(key=str(seed), run="tiny", subject="", prompt="1girl", shown=(Shown("one"),)) for seed in range(2)))
    out = tmp_path / "out"
    drawing._begin(plan, [retrinet], out)
    for seed in range(2):  # both there, so that nothing is to be drawn
        (out / "pictures").mkdir(exist_ok=True)
        (out / "pictures" / f"{seed}.png").write_bytes(REAL_PICTURE)
    draw_all(plan, [retrinet], out, Progress())
    assert list(json.loads((out / drawing.DRAWN_WITH).read_text())["shown"]) == ["one"]
    changed = plan._replace(pictures={"one": made.encoded(made.painted((1, 2, 3)))})
    with pytest.raises(UsageError, match="another plan: shown"):
        draw_all(changed, [retrinet], out, Progress())


def test_what_cannot_be_drawn_is_said_before_anything_is(run: Run, tmp_path: Path) -> None:
    plan = plan_of()
    shown = msgspec.structs.replace(plan.jobs[-1], shown=(Shown("one"),))
    with pytest.raises(UsageError, match="base is shown none of the references"):
        draw_all(plan._replace(jobs=(*plan.jobs[:-1], shown)), [run], tmp_path / "out", Progress())
    assert not (tmp_path / "out").exists()
    with pytest.raises(UsageError, match="a picture of tiny cannot be read"):
        draw_all(plan._replace(pictures={"one": b"no picture"}), [run], tmp_path / "bad", Progress())
    with pytest.raises(UsageError, match=r"no scheduler of an evaluation \(got 'euler'\)"):
        draw_all(plan._replace(sampler=Sampler(scheduler="euler", side=32)), [run], tmp_path / "euler", Progress())
