"""`trainers evaluate`: a plan, its pictures, their scores, the tables of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from msgspec.structs import replace as changed

from schemas.errors import UsageError
from schemas.terminal.fields import flag_of
from schemas.terminal.progress import Progress
from trainers.evaluation import page, tables
from trainers.evaluation.drawing import DRAWN_WITH, draw_all
from trainers.evaluation.evaluate_options import Coti, Dreambench, Evaluation, Retribooru
from trainers.evaluation.meanings import token_class_cosines
from trainers.evaluation.people import people
from trainers.evaluation.pictures import Pictures
from trainers.evaluation.plans import Plan, Result, Sampler, Scored
from trainers.evaluation.protocols import coti, dreambench, retribooru
from trainers.evaluation.protocols.subjects import Subject
from trainers.evaluation.runs import Run, inverted, open_runs, subjects
from trainers.evaluation.scoring import opened, score
from trainers.training.record import versions

_TOLD = ("seed", "out", "log", "run", "repeats", "protocol")
"""Options that evaluation.json has elsewhere, or that change no score."""


def run(options: Evaluation) -> int:
    """The body of the command. Returns the exit code."""
    progress = Progress(options.log)
    runs = open_runs(options.runs, getattr(options, "data", ""))
    for one in _repeats(options):
        plan = _PLANNED[type(one)](one, runs)
        opened(plan, one)  # a model of the wrong kind is told now, not after hours of drawing
        draw_all(plan, runs, one.out, progress)
        scored = score(plan, one.out, one, progress)
        result = Result(one.out, _said(one, runs, plan, scored), scored)
        page.write(result, plan.pictures)
        print(f"{tables.as_markdown([row for row in tables.rows(result) if not row.subject])}\n\n{one.out}/README.md")
    return 0


def _repeats(options: Evaluation) -> Iterator[Evaluation]:
    """The evaluation, or several with seeds of their own."""
    if options.repeats == 1:
        yield options
        return
    if (options.out / DRAWN_WITH).exists():
        raise UsageError("--out is an evaluation, and repeats are folders in it", seen=str(options.out),
                         allowed="a new folder, or one with repeats", next_command="another --out")
    for number in range(options.repeats):
        yield replace(options, seed=options.seed + number, out=options.out / str(number + 1), repeats=1)


def _dreambench(options: Dreambench, runs: Sequence[Run]) -> Plan:
    found, pictures, near = [], Pictures(), list[str]()
    for one in runs:
        mine, shown = subjects(one)
        found += mine
        pictures.join(shown)
        if options.protocol == "composition":
            near += _near(one, mine)
    plan = dreambench.dreambench(found, pictures, _sampler(options, runs), protocol=options.protocol,
                                 seed=options.seed)
    return plan._replace(facts={**plan.facts, "cosine of token and class": near}) if near else plan


def _near(one: Run, mine: list[Subject]) -> list[str]:
    """How near each token stayed to its class, or why that cannot be told."""
    try:
        return [f"{told.subject} {told.cosine:.3f} at step {told.step:,}" for told in token_class_cosines(one, mine)]
    except UsageError as error:
        return [str(error)]


def _retribooru(options: Retribooru, runs: Sequence[Run]) -> Plan:
    if len(runs) > 1:
        raise UsageError("one run at a time, here", seen=f"{len(runs)} runs", allowed="OUT of one run",
                         next_command="evaluate each, then trainers compare OUT OUT")
    [one] = runs
    found, pictures = people(one, options.references)
    plan = retribooru.retribooru(found, pictures, _sampler(options, runs), run=one.name,
                                 protocol=options.protocol, seed=options.seed, concepts=one.concepts,
                                 written=one.written)
    return retribooru.among(plan) if options.vqa_pairing == "generated" else plan


def _coti(options: Coti, runs: Sequence[Run]) -> Plan:
    found, pictures = [], Pictures()
    for one in runs:
        mine, shown = inverted(one, options.real)
        found.append(mine)
        pictures.join(shown)
    return coti.coti(found, pictures, _sampler(options, runs), protocol=options.protocol, seed=options.seed,
                     measures=[coti.MEASURES[one] for one in options.measures], classes=_names(options.classes))


def _names(path: Path | None) -> list[str]:
    """The lines of a file, each once, but for empty ones. Raises UsageError when it is no text."""
    try:
        lines = [] if path is None else path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise UsageError("--classes cannot be read", seen=f"{path}: {type(error).__name__}",
                         allowed="a text file with a name a line") from None
    return list(dict.fromkeys(line.strip() for line in lines if line.strip()))


_PLANNED: dict[type[Evaluation], Callable[[Any, Sequence[Run]], Plan]] = {
    Dreambench: _dreambench, Retribooru: _retribooru, Coti: _coti,
}
_SAMPLERS: dict[type[Evaluation], Callable[[str, bool], Sampler]] = {
    Dreambench: dreambench.sampler, Retribooru: retribooru.sampler, Coti: coti.sampler,
}


def _sampler(options: Evaluation, runs: Sequence[Run]) -> Sampler:
    """The protocol's, but for what the options ask otherwise."""
    if len({one.sdxl for one in runs}) > 1:
        raise UsageError("runs on SD and on SDXL: the protocol draws them otherwise", allowed="one kind of base",
                         next_command="evaluate them apart, then trainers compare OUT OUT")
    asked = {"steps": options.denoising_steps, "guidance": options.guidance}
    return changed(_usual(options, runs), **{name: one for name, one in asked.items() if one is not None})


def _usual(options: Any, runs: Sequence[Run]) -> Sampler:
    """The protocol's own."""
    return _SAMPLERS[type(options)](options.protocol, runs[0].sdxl)


def _departures(options: Evaluation, runs: Sequence[Run], sampler: Sampler) -> list[str]:
    """What is drawn otherwise than the protocol says."""
    usual = _usual(options, runs)
    return [f"drawn with {name} {getattr(sampler, name):g} where the protocol has {getattr(usual, name):g}"
            for name in ("steps", "guidance") if getattr(sampler, name) != getattr(usual, name)]


def _said(options: Evaluation, runs: Sequence[Run], plan: Plan, scored: Scored) -> dict[str, Any]:
    """What evaluation.json tells beside the scores."""
    told = {flag_of(one.name): getattr(options, one.name) for one in fields(options) if one.name not in _TOLD}
    return {"name": ", ".join(one.name for one in runs) if len(runs) < 4 else f"{len(runs)} runs",
            "benchmark": plan.benchmark, "protocol": plan.protocol, "seed": options.seed, "sampler": plan.sampler,
            "methods": list(dict.fromkeys(one.method for one in runs)),
            "bases": list({str(one.base): one.base for one in runs}.values()),
            "options": {flag: value.name if isinstance(value, Path) else value for flag, value in told.items()},
            "versions": versions(), "facts": dict(plan.facts),
            "warnings": [*_departures(options, runs, plan.sampler), *scored.warnings]}
