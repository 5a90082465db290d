"""Which pairs of pictures a survey asks about, and what survey.json keeps of that.

As in appendix C of "A Data Perspective on Enhanced Identity Preservation": pairs are drawn at random, half of them for
the subject, with a picture of it that is drawn at random too, half for the prompt; groups are of equal size. Where the
paper is silent: the two pictures have the same subject, prompt and number; no pair comes twice in one kind; a side is
chance; in a group the questions about references come first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import msgspec

from schemas.draws import draw
from schemas.errors import UsageError
from trainers.evaluation.plans import CLIP_T, CLIP_T_OBJECT, Job

REFERENCE, PROMPT = "reference", "prompt"
KINDS = {REFERENCE: "closer to the reference", PROMPT: "fits the prompt"}
"""Kinds of questions in the order of the page, and what a preferred picture is."""


class Evaluated(NamedTuple):
    """A run that was evaluated. The pictures of its jobs are `folder`/pictures/KEY.png."""

    name: str
    folder: Path
    jobs: Sequence[Job]

    def picture(self, key: str) -> Path:
        """Where the picture of a job lies."""
        return self.folder / "pictures" / f"{key}.png"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One pair of pictures, and what is asked of it."""

    id: str
    group: int
    """1 .."""
    kind: str
    """of KINDS"""
    pair: tuple[int, int]
    """places of the two runs in `Form.runs`, the lower first"""
    swapped: bool
    """whether the first run's picture is the right one"""
    subject: str
    key: str
    """of the job in both runs"""
    reference: str = ""
    """key of a real picture of the subject, in the first run; of kind REFERENCE alone"""
    text: str
    """what the prompt asks for, in words without a token"""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A survey: all that survey.json holds. `pictures` has, of each question, the names on the page: left, right, and
    reference or ""."""

    id: str = ""
    benchmark: str
    protocol: str
    seed: int
    groups: int
    runs: tuple[str, ...]
    questions: tuple[Question, ...]
    pictures: tuple[tuple[str, str, str], ...] = ()

    def named(self) -> Form:
        """With its id: a digest of all the rest, so that answers to another survey are told from answers to this."""
        whole = msgspec.json.encode(msgspec.structs.replace(self, id=""), order="deterministic")
        return msgspec.structs.replace(self, id=hashlib.sha256(whole).hexdigest()[:16])


def text(job: Job) -> str:
    """What people are told of the prompt: it has no token, and the class that says what the pictures show."""
    return job.texts.get(CLIP_T_OBJECT) or job.texts.get(CLIP_T) or job.prompt


def shared(one: Sequence[Job], other: Sequence[Job]) -> list[Job]:
    """The drawn jobs of `one` that `other` has too: same key, subject, group and text."""
    there = {job.key: (job.subject, job.group, text(job)) for job in other if job.prompt}
    return [job for job in one if job.prompt and there.get(job.key) == (job.subject, job.group, text(job))]


def drawn(runs: Sequence[Evaluated], groups: int, each: int, seed: int) -> tuple[Question, ...]:
    """Questions about every two runs, `each` of a kind in each of `groups`, in the order of the page. Raises UsageError
    where two runs share fewer pictures than are asked for."""
    found = [one for pair in combinations(range(len(runs)), 2) for kind in KINDS
             for one in _of(kind, pair, runs, groups, each, seed)]
    kinds = list(KINDS)
    found.sort(key=lambda one: (one.group, kinds.index(one.kind), draw("order", str(seed), str(one.pair), one.key)))
    return tuple(msgspec.structs.replace(one, id=f"q{at:04}") for at, one in enumerate(found, 1))


def _of(kind: str, pair: tuple[int, int], runs: Sequence[Evaluated], groups: int, each: int,
        seed: int) -> Iterator[Question]:
    one, other = (runs[at] for at in pair)
    jobs = shared(one.jobs, other.jobs)
    real: dict[str, list[str]] = {}
    if kind == REFERENCE:
        for job in one.jobs:
            if not job.prompt:
                real.setdefault(job.subject, []).append(job.key)
        jobs = [job for job in jobs if job.subject in real]
    if len(jobs) < groups * each:
        raise UsageError(f"{one.name!r} and {other.name!r} share too few drawn pictures"
                         f"{' whose subjects have real ones' if kind == REFERENCE else ''}", seen=len(jobs),
                         allowed=f"at least {groups * each}, for {groups} groups of {each} questions",
                         next_command="smaller --groups or --questions, or --plan quick")

    def chance(purpose: str, *words: str) -> int:
        return draw("survey", purpose, str(seed), kind, str(pair), *words)

    for at, job in enumerate(sorted(jobs, key=lambda job: chance("pair", job.key))[: groups * each]):
        keys = real.get(job.subject, [""])
        yield Question(id="", group=at % groups + 1, kind=kind, pair=pair, swapped=bool(chance("side", job.key) % 2),
                       subject=job.subject, key=job.key, reference=keys[chance("reference", job.key) % len(keys)],
                       text=text(job))
