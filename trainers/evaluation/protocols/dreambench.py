"""DreamBench: how well runs keep their subject and follow the prompt (A Data Perspective, section 4 and Table 1).

- `paper`: each subject by its 25 test prompts, four pictures each: 3,000 for the thirty.
- `quick`: five of the prompts, one picture each.
- `rephrased`: the 25 prompts as they are and in other words, two pictures each, the same noise for both.
- `color-order`: five colours, before the token and after it, four pictures each, the same noise for both.
- `composition`: one, two and three conditions on the class, and a question for each (`composition`).

Prompts that are drawn have the run's class words. Pictures are compared with the prompt without the token: for CLIP-T
with the class of the benchmark ("toy"), for CLIP-T (object) with the name of Table 3 ("duck toy"); articles go by sound
there ("an alarm clock"). A rephrased prompt is compared with the original, whose meaning it has. A subject that is not
of DreamBench has its own class words for both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from schemas.dreambench import SUBJECTS, TEMPLATES, prompt_parts
from schemas.errors import UsageError
from schemas.prompts import FORM, SCENE, compose, split
from trainers.evaluation.plans import (
    ALL_CONDITIONS,
    BLIP,
    CLIP_I,
    CLIP_T,
    CLIP_T_OBJECT,
    CONDITIONS,
    DINO,
    Job,
    Plan,
    Sampler,
    swd,
)
from trainers.evaluation.protocols.composition import THREES, questions
from trainers.evaluation.protocols.rephrased import REPHRASED
from trainers.evaluation.protocols.subjects import Subject, check_protocol, file_name, number, once, real

METRICS = (DINO, CLIP_I, CLIP_T, CLIP_T_OBJECT, swd(CLIP_I, CLIP_T), BLIP)
"""Columns: those of Table 1 first."""
COLORS = ("red", "purple", "blue", "green", "yellow")
"""Of `color-order`: DreamBench's two first."""
QUICK = (0, 5, 10, 15, 20)
"""Of `quick`: the first prompt of each five."""


class Line(NamedTuple):
    """A prompt as it is drawn, and the same without its token, with any class words."""

    prompt: str
    parts: Mapping[str, str]
    """what `schemas.prompts.compose` makes the text of"""
    noise: str
    """lines with the same word here have the same noise"""
    group: str = ""
    asked: tuple[str, ...] = ()


def sampler(protocol: str, sdxl: bool) -> Sampler:
    """How it draws: the paper's 200 steps of DDIM, of SDXL 50; `quick` has 50 for both. Guidance is not told."""
    return Sampler(steps=50 if sdxl or protocol == "quick" else 200)


def dreambench(subjects: Sequence[Subject], pictures: Mapping[str, bytes], sampler: Sampler, *, protocol: str = "paper",
               seed: int = 0) -> Plan:
    """Raises UsageError for an unknown protocol, two runs of one subject, and `color-order` of a subject whose token
    stands for the class words, too. Noise follows from the seed, the subject, the prompt and the picture's number, so
    evaluations of other runs of the subjects can be compared picture by picture."""
    check_protocol(protocol, PROTOCOLS)
    once("subject", (subject.name for subject in subjects), "evaluate its runs apart, then trainers compare OUT OUT")
    lines, repeats = _LINES[protocol]
    drawn, shown = [], []
    for subject in subjects:
        shown += real(subject.run, subject.name, subject.pictures, [_captions(subject, caption)
                                                                   for _, caption in subject.pictures])
        for at, line in enumerate(lines(subject)):
            texts = _texts(subject, line.parts)
            drawn += [Job(key=f"{file_name(subject.name)}/{at:02}-{repeat}", run=subject.run, subject=subject.name,
                          group=line.group, prompt=line.prompt, texts=texts, asked=line.asked,
                          seed=number(str(seed), subject.name, line.noise, str(repeat)),
                          like=tuple(picture.id for picture in subject.pictures)) for repeat in range(repeats)]
    own = [subject.name for subject in subjects if not _known(subject)]
    facts = {"seed": seed, "subjects": len(subjects), "of DreamBench": len(subjects) - len(own), "pictures": len(drawn),
             "pictures a prompt": repeats}
    metrics = (*METRICS, CONDITIONS, ALL_CONDITIONS) if protocol == "composition" else METRICS
    return Plan("dreambench", protocol, (*shown, *drawn), pictures, metrics, sampler, facts=facts)


def _paper(subject: Subject) -> Iterator[Line]:
    for at, (template, parts) in enumerate(zip(TEMPLATES[subject.kind], _parts(subject), strict=True)):
        yield Line(_written(subject, template), parts, f"{at}")


def _quick(subject: Subject) -> Iterator[Line]:
    lines = list(_paper(subject))
    return (lines[at] for at in QUICK)


def _rephrased(subject: Subject) -> Iterator[Line]:
    for line, template in zip(_paper(subject), REPHRASED[subject.kind], strict=True):
        yield line._replace(group="original")
        yield line._replace(prompt=_written(subject, template), group="rephrased")


def _color_order(subject: Subject) -> Iterator[Line]:
    if subject.alone:
        raise UsageError("color-order puts the colour between token and class", seen=f"{subject.run}, whose token "
                         f"{subject.token} stands for both", next_command="another --protocol")
    adjective = "color" if FORM[subject.kind] == "static" else "skin"
    for color in COLORS:
        parts = {adjective: color}
        yield Line(f"a {color} {subject.token} {subject.class_name}", parts, color, "before the token")
        yield Line(compose(parts, subject.class_name, subject.token), parts, color, "after the token")


def _composition(subject: Subject) -> Iterator[Line]:
    for at, conditions in enumerate(THREES[subject.kind]):
        for count in range(1, len(conditions) + 1):
            phrase = " ".join(condition.words for condition in conditions[:count])
            yield Line(_written(subject, f"a {{0}} {{1}} {phrase}"), {SCENE[FORM[subject.kind]]: phrase}, f"{at}",
                       f"{count} condition{'s' * (count > 1)}",
                       questions(_classes(subject)[1], conditions[:count]))


_LINES: dict[str, tuple[Callable[[Subject], Iterator[Line]], int]] = {
    "paper": (_paper, 4), "quick": (_quick, 1), "rephrased": (_rephrased, 2), "color-order": (_color_order, 4),
    "composition": (_composition, 4),
}
PROTOCOLS = tuple(_LINES)


def _parts(subject: Subject) -> list[dict[str, str]]:
    return prompt_parts(subject.kind, FORM[subject.kind])


def _written(subject: Subject, template: str) -> str:
    return " ".join(template.format(subject.token, "" if subject.alone else subject.class_name).split())


def _known(subject: Subject) -> bool:
    """Whether it is DreamBench's subject, and not another of that name."""
    fact = SUBJECTS.get(subject.name)
    return fact is not None and subject.class_name in (fact.original, fact.class_name)


def _classes(subject: Subject) -> tuple[str, str]:
    """The class of the benchmark and that of Table 3."""
    if not _known(subject):
        return subject.class_name, subject.class_name
    fact = SUBJECTS[subject.name]
    return fact.original, fact.class_name


def _texts(subject: Subject, parts: Mapping[str, str]) -> dict[str, str]:
    vague, named = (compose(parts, words) for words in _classes(subject))
    return {CLIP_T: vague, CLIP_T_OBJECT: named, BLIP: named}


def _captions(subject: Subject, caption: str) -> dict[str, str]:
    """The texts of a training picture: its scene with either class; none where it has no caption, the caption itself
    where the class words are not in it."""
    if not caption:
        return {}
    scene = split(caption, subject.class_name)
    if scene is None:
        return dict.fromkeys((CLIP_T, CLIP_T_OBJECT, BLIP), caption)
    return _texts(subject, {SCENE[FORM[subject.kind]]: scene})
