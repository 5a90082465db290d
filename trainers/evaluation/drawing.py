"""Draws the pictures of a plan into OUT/pictures, a batch at a time, so that a killed evaluation goes on.

Batches follow from the plan alone, and one that lacks a picture is drawn whole: what a picture's neighbours do to its
last bits is the same after a resume. What was drawn with, OUT/drawing.json tells; OUT goes on only with the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import msgspec
from PIL import Image

from annotators import images
from schemas import atomic
from schemas.errors import RowError, UsageError
from schemas.terminal.progress import Progress
from trainers.evaluation.drawers import Drawer, check_shown
from trainers.evaluation.openings import open_drawer
from trainers.evaluation.pictures import png
from trainers.evaluation.plans import Job, Plan
from trainers.evaluation.results import read_plan, write_plan
from trainers.evaluation.runs import Run

DRAWN_WITH = "drawing.json"
"""Beside plan.jsonl: sampler, and jobs, runs and references by their digests."""


def draw_all(plan: Plan, runs: Sequence[Run], out: Path, progress: Progress) -> None:
    """Leaves OUT/pictures/KEY.png of each job: what the run draws, or, of one without a prompt, the run's own picture
    `target`. Those that are there and whole stay.

    Raises UsageError when OUT was begun with another plan, and before anything is drawn for references that a run's
    method does not take.
    """
    by_name = {run.name: run for run in runs}
    drawn = [job for job in plan.jobs if job.prompt]
    for job in drawn:
        check_shown(by_name[job.run], job)
    _begin(plan, runs, out)
    _copy([job for job in plan.jobs if not job.prompt], plan.pictures, out)
    todo = [batch for batch in _batches(drawn, plan.sampler.batch) if not all(_whole(place(out, job)) for job in batch)]
    count = sum(map(len, todo))
    if count < len(drawn):
        progress.say(f"{len(drawn) - count:,} of {len(drawn):,} pictures are there already")
    with progress.bar("draw", count, "picture") as bar:
        for name, batches in groupby(todo, key=lambda batch: batch[0].run):
            drawer = open_drawer(by_name[name], out / "base")
            for batch in batches:
                _draw(drawer, batch, plan, out)
                bar.advance(len(batch))
            del drawer  # before the next one takes memory


def place(out: Path, job: Job) -> Path:
    """Where a job's picture is."""
    return out / "pictures" / f"{job.key}.png"


def _draw(drawer: Drawer, batch: Sequence[Job], plan: Plan, out: Path) -> None:
    for job, picture in zip(batch, drawer.draw(batch, plan.pictures, plan.sampler), strict=True):
        atomic.write(place(out, job), png(picture))


def _batches(jobs: Sequence[Job], size: int) -> Iterator[list[Job]]:
    """Jobs that are drawn together: of one run, after the same references; runs come one after another."""
    runs = list(dict.fromkeys(job.run for job in jobs))
    groups: dict[object, list[Job]] = {}
    for job in sorted(jobs, key=lambda job: runs.index(job.run)):
        groups.setdefault((job.run, job.shown, job.scale), []).append(job)
    for group in groups.values():
        yield from (group[first : first + size] for first in range(0, len(group), size))


def _whole(path: Path) -> bool:
    """Whether a picture is there whose checksums are right."""
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            picture.verify()
    except (OSError, SyntaxError, ValueError):  # what Pillow raises for damage
        return False
    return True


def _copy(jobs: Sequence[Job], pictures: Mapping[str, bytes], out: Path) -> None:
    """The runs' own pictures, as the scores see them. Raises UsageError for one that cannot be read."""
    for job in jobs:
        if not _whole(place(out, job)):
            try:
                atomic.write(place(out, job), png(images.upright(pictures[job.target])))
            except RowError as error:
                raise UsageError(f"a picture of {job.run} cannot be read: {error}", seen=job.target) from None


def _begin(plan: Plan, runs: Sequence[Run], out: Path) -> None:
    """Writes what OUT is drawn with, and removes what a killed evaluation left unfinished. Raises UsageError where
    another one was begun, or OUT holds what no evaluation wrote."""
    shown = sorted({one.picture for job in plan.jobs for one in job.shown})
    said = {"benchmark": plan.benchmark, "protocol": plan.protocol, "sampler": msgspec.to_builtins(plan.sampler),
            "jobs": _digest(msgspec.json.encode(plan.jobs)),
            "runs": {run.name: _digest(json.dumps(run.said).encode()) for run in runs},
            "shown": {name: _digest(plan.pictures[name]) for name in shown}}
    if others := _others(out, plan, said):
        raise UsageError(f"OUT was begun with another plan: {', '.join(others)}", seen=str(out),
                         next_command="the command that began it, or another --out")
    out.mkdir(parents=True, exist_ok=True)
    atomic.sweep(out)
    # First what tells that OUT is ours: the command may be stopped, and run again.
    atomic.write(out / DRAWN_WITH, (json.dumps(said, indent=1) + "\n").encode())
    write_plan(out, plan.jobs)


def _others(out: Path, plan: Plan, here: Mapping[str, object]) -> list[str]:
    """What differs from what OUT was begun with. Raises UsageError where it was not begun, but holds something."""
    try:
        there = json.loads((out / DRAWN_WITH).read_bytes())
        found = [name for name, value in here.items() if not isinstance(there, dict) or there.get(name) != value]
        return found or ["jobs"] * (read_plan(out) != plan.jobs)
    except FileNotFoundError as error:
        if Path(error.filename).name == DRAWN_WITH and out.is_dir() and (
                mine := sorted(path.name for path in out.iterdir() if not path.name.startswith("."))):
            raise UsageError("--out holds what no evaluation wrote", seen=f"{out}: {mine[0]}", allowed="a new or empty "
                             "folder, or one with an evaluation to go on with", next_command="another --out") from None
        return []
    except (ValueError, RecursionError):
        return [f"{DRAWN_WITH} is damaged"]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
