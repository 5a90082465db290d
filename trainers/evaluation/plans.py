"""What an evaluation draws and what it compares: the plan, and the scores that come of it. Works in the core."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DINO, CLIP_I, CLIP_T, CLIP_T_OBJECT, BLIP = "DINO", "CLIP-I", "CLIP-T", "CLIP-T (object)", "BLIP-ITC"
VQA, LPIPS, LEAK = "VQA", "LPIPS", "Leak"
CONDITIONS, ALL_CONDITIONS = "Conditions", "All conditions"
"""Share of a job's questions (`asked`) that are answered with yes, and 1 where all are."""
FID, KID, IS, R_PRECISION = "FID", "KID", "IS", "R-precision"


def swd(div: str, sim: str) -> str:
    """Name of the SWD of two metrics."""
    return f"SWD({div}, {sim})"


def part(metric: str, name: str) -> str:
    """Name of a similarity to some of a job's references alone (`Job.apart`)."""
    return f"{metric} ({name})"


R_CLASSIFIER, R_AMONG = part(R_PRECISION, "classifier"), part(R_PRECISION, "among classes")
"""What two versions of COTI's code call so."""
VQA_AMONG = part(VQA, "generated")
"""The VQA score's other pairing."""
REAL = "Real images"
"""Group of the row that scores the training pictures themselves."""


class Sampler(msgspec.Struct, frozen=True, kw_only=True):
    """How a protocol draws."""

    scheduler: str = "ddim"
    """of diffusers: "ddim", or "own", the one that the run was published with"""
    steps: int = 200
    guidance: float = 7.5
    side: int = 0
    """pixels; 0: the run's own resolution"""
    batch: int = 4
    """pictures that are denoised at once, always: torch gives other bits at other batch sizes"""


class Shown(msgspec.Struct, frozen=True):
    """A reference as a pipeline is given it."""

    picture: str
    concept: str = "figure"
    """"figure", "face" or "clothes\""""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One picture to draw, or, without `prompt`, one of the run's own pictures to score."""

    key: str
    """unique; the path of the picture below OUT/pictures, without its ending: "backpack/03-1\""""
    run: str
    """name of the run's folder"""
    subject: str
    """row of the table: the subject, character or concept"""
    group: str = ""
    """what is told apart beside subjects: "seen", "unseen", "0.25", REAL"""
    prompt: str = ""
    """what the run draws, with its token"""
    seed: int = 0
    """of its noise"""
    texts: Mapping[str, str] = {}
    """by metric, the text that the picture is compared with"""
    like: tuple[str, ...] = ()
    """ids of the pictures that it should resemble; similarities are averaged over them. Never the picture itself"""
    apart: Mapping[str, tuple[str, ...]] = {}
    """parts of `like` to which similarities are told apart as well, by `part`: "face", "clothes\""""
    shown: tuple[Shown, ...] = ()
    """what the pipeline is given beside the prompt"""
    scale: float | None = None
    """strength of the reference, where the run's pipeline has one"""
    target: str = ""
    """id of the picture whose prompt it is, for the leakage meter; without `prompt` the picture that is scored"""
    asked: tuple[str, ...] = ()
    """yes-or-no questions, one for each condition of the prompt"""


class Plan(NamedTuple):
    """All of an evaluation, before anything is drawn."""

    benchmark: str
    """"dreambench", "retribooru" or "coti\""""
    protocol: str
    """"paper", "quick", "rephrased", ..."""
    jobs: tuple[Job, ...]
    """those that score the run's own pictures (REAL) first"""
    pictures: Mapping[str, bytes]
    """references and training pictures by id; read when they are asked for"""
    metrics: tuple[str, ...]
    """columns of the table, in order"""
    sampler: Sampler
    facts: Mapping[str, object] = {}
    """what else evaluation.json says: counts, what was left out and why"""
    captions: tuple[str, ...] = ()
    """captions of other things, from which R-precision draws those that do not match"""
    classes: tuple[str, ...] = ()
    """captions of classes, which R_AMONG looks among"""


class Scored(NamedTuple):
    """Scores of the jobs of a plan."""

    jobs: tuple[Job, ...]
    columns: Mapping[str, Floats]
    """by metric, a value for each job; nan where a job has none (a REAL one has no SWD)"""
    sets: Mapping[str, Mapping[tuple[str, str], float]]
    """metrics of sets by (group, subject), "" for all: FID, KID, IS, R-precision"""
    models: Mapping[str, Mapping[str, str]]
    """provenance (backend, weights, revision, sha256) of the model behind each metric"""
    warnings: tuple[str, ...] = ()
    """metrics that were left out for want of a model, sets that are too small to trust"""


class Result(NamedTuple):
    """An evaluation that is done: what OUT/evaluation.json and OUT/scores.csv hold."""

    folder: Path
    said: Mapping[str, object]
    """name, benchmark, protocol, sampler, method(s), base(s), models, options, versions, facts, warnings"""
    scored: Scored
