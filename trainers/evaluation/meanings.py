"""How near a run's token stays to its class while it trains (ClassDiffusion, "semantic shift")."""

from __future__ import annotations

import json
from typing import NamedTuple

import torch
from safetensors.torch import load_file

from schemas.errors import UsageError
from trainers.bases import Base
from trainers.custom import Concept, Custom
from trainers.custom_options import Custom as CustomOptions
from trainers.dreambooth import Dreambooth, Identity
from trainers.dreambooth_options import Dreambooth as DreamboothOptions
from trainers.evaluation.openings import base_of
from trainers.evaluation.protocols.subjects import Subject
from trainers.evaluation.runs import Run
from trainers.inversion import Inversion
from trainers.semantic import cosines
from trainers.training import checkpoints
from trainers.training.method import Method


class Nearness(NamedTuple):
    """What the text encoder makes of "a photo of a TOKEN CLASS", or of a token that stands for both, beside "a photo of
    a CLASS"."""

    step: int
    """of the checkpoint"""
    subject: str
    cosine: float
    """-1..1; of SDXL the mean of both encoders"""


@torch.no_grad()
def token_class_cosines(run: Run, subjects: list[Subject]) -> list[Nearness]:
    """Of each checkpoint that a run kept, and each of its subjects (`runs.subjects`); none of a base. Raises UsageError
    where a run has no checkpoint any more."""
    if run.method == "base":
        return []
    found = checkpoints.found(run.folder / "checkpoints")
    if not found:
        raise UsageError("no checkpoint of the run is left", seen=str(run.folder), allowed="a run trained with --keep")
    base = base_of(run)
    method, said = _begun(run, base, subjects), []
    method.eval()
    for folder in found:
        averaged = folder / "ema.safetensors"
        method.load(load_file(averaged if averaged.is_file() else folder / "weights.safetensors"))
        near = cosines(base, [_phrase(run, one) for one in subjects], [one.class_name for one in subjects]).mean(0)
        step = json.loads((folder / "state.json").read_text(encoding="utf-8"))["step"]
        said += [Nearness(step, one.name, value) for one, value in zip(subjects, near.tolist(), strict=True)]
    return said


def _phrase(run: Run, subject: Subject) -> str:
    """The token with all its vectors, and the class where the token does not stand for it."""
    token = subject.token
    names = [token, *(f"{token}_{number}" for number in range(1, run.said["facts"].get("vectors", 1)))]
    return " ".join([*names, *([] if subject.alone else [subject.class_name])])


def _begun(run: Run, base: Base, subjects: list[Subject]) -> Method:
    """The run's method, which takes the weights of its checkpoints."""
    if run.method == "custom":
        options = run.options(CustomOptions)
        return Custom(base, [Concept(one.token, one.class_name, begun) for one, begun in
                             zip(subjects, options.beginnings, strict=False)])
    [subject] = subjects
    if run.method == "dreambooth":
        return Dreambooth(base, run.options(DreamboothOptions), Identity(subject.token, subject.class_name))
    return Inversion(base, subject.token, run.said["facts"]["vectors"])
