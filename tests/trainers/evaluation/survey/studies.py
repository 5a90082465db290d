"""Evaluations as `trainers evaluate` leaves them, small, with a colour for each run: pixels tell who drew what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from trainers.evaluation import results
from trainers.evaluation.plans import CLIP_T, CLIP_T_OBJECT, REAL, Job, Result, Scored

RED, BLUE, GREEN = (220, 20, 20), (20, 20, 220), (20, 160, 20)
"""Of pictures that are drawn by one run and by the other, and of real ones."""


def jobs(subjects: int = 3, prompts: int = 4, real: int = 2, token: str = "olis") -> list[Job]:
    """For each subject its real pictures, then one picture of each prompt."""
    found = []
    for subject in (f"toy{number}" for number in range(subjects)):
        found += [Job(key=f"{subject}/real-{number}", run="run", subject=subject, group=REAL) for number in range(real)]
        found += [Job(key=f"{subject}/{number:02}-0", run="run", subject=subject, seed=number,
                      prompt=f"a {token} toy at place {number}",
                      texts={CLIP_T: f"a toy at place {number}", CLIP_T_OBJECT: f"a duck toy at place {number}"})
                  for number in range(prompts)]
    return found


def evaluated(folder: Path, plan: Sequence[Job], colour: tuple[int, int, int], **said: str) -> Path:
    """OUT of an evaluation whose drawn pictures have the colour."""
    results.write_plan(folder, plan)
    for job in plan:
        path = folder / "pictures" / f"{job.key}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (24, 16), colour if job.prompt else GREEN).save(path)
    told = {"name": folder.name, "benchmark": "dreambench", "protocol": "quick", **said}
    results.write(Result(folder, told, Scored(tuple(plan), {}, {}, {})))
    return folder


def study(folder: Path) -> str:
    """--runs of two evaluations: "ours" draws red, "baseline" blue."""
    ours = evaluated(folder / "ours", jobs(), RED)
    baseline = evaluated(folder / "baseline", jobs(token="sks"), BLUE)
    return f"{ours},{baseline}"


def colour(path: Path) -> str:
    """Which of the three a picture has."""
    red, green, blue = Image.open(path).convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    return {red: "red", blue: "blue", green: "green"}[max(red, green, blue)]
