"""Evaluations as `trainers evaluate` leaves them, with scores that the test chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from trainers.evaluation.plans import CLIP_I, CLIP_T, REAL, Job, Result, Sampler, Scored

MODELS = {CLIP_I: {"backend": "CLIP", "weights": "openai/clip-vit-base-patch32", "sha256": "ab" * 32,
                   "revision": "3d74acf9"},
          CLIP_T: {"backend": "CLIP", "weights": "openai/clip-vit-base-patch32", "sha256": "ab" * 32,
                   "revision": "3d74acf9"}}


def job(subject: str, number: int, group: str = "", prompt: str = "", seed: int = 0) -> Job:
    """A drawn job, its text the prompt without "sks "; without a prompt a real one."""
    key = f"{subject}/{group or 'all'}/{number}-{seed}".replace(" ", "")
    texts = {CLIP_T: prompt.replace("sks ", "")} if prompt else {}
    return Job(key=key, run="run", subject=subject, group=group if prompt else REAL, prompt=prompt, seed=seed,
               texts=texts, like=("a",), target="" if prompt else "b")


def result(folder: Path, jobs: Sequence[Job], columns: Mapping[str, Sequence[float]],
           sets: Mapping[str, Mapping[tuple[str, str], float]] | None = None, **said: object) -> Result:
    """An evaluation named after its folder."""
    told = {"name": folder.name, "benchmark": "dreambench", "protocol": "quick", "seed": 0, "sampler": Sampler(),
            "methods": ["dreambooth"], "bases": [{"name": "tiny", "revision": "1"}], "facts": {}, "warnings": []}
    values = {name: np.array(some, np.float64) for name, some in columns.items()}
    models = {name: MODELS[name] for name in columns if name in MODELS}
    return Result(folder, {**told, **said}, Scored(tuple(jobs), values, sets or {}, models))
