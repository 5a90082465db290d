"""Files of answers, which come from anybody's computer: what can be counted, and why the rest cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from annotators import images
from schemas.errors import RowError, UsageError
from schemas.text import visible
from trainers.evaluation.survey.questions import Form

MAX_BYTES = 2**20
"""Of a file of answers; a page with 10,000 questions saves a fifth of it."""
REASONS = {
    "unreadable": "the file cannot be read",
    "too_large": f"the file is larger than {MAX_BYTES:,} bytes",
    "no_answers": "the file is not what the page saves",
    "other_survey": "the file answers another survey",
    "unknown_group": "the survey has no such group",
    "same_person": "another file of this person and group has as many answers or more",
    "unknown_question": "the survey has no such question",
    "other_group": "the question is of another group",
    "no_side": "the answer is neither left nor right",
}
"""Why a file or an answer is not counted."""


class Answer(NamedTuple):
    """What one person chose."""

    person: str
    question: str
    side: str
    """"left" or "right\""""


class Rejected(NamedTuple):
    """What was not counted: an answer, or, without a question, a file."""

    file: str
    question: str
    reason: str
    """of REASONS"""

    @classmethod
    def of(cls, path: Path, question: str, reason: str) -> Rejected:
        """With the names as they can be written: both are anybody's."""
        return cls(visible(path.name), visible(question[:40]), reason)


class _File(msgspec.Struct, frozen=True):
    survey: str
    group: int
    person: str
    answers: dict[str, Any]


def files(given: Sequence[Path]) -> list[Path]:
    """The files, and those of the folders, by name. UsageError for what is not there, and for a folder without."""
    found: list[Path] = []
    for path in given:
        inside = sorted(path.glob("*.json")) if path.is_dir() else [path] if path.is_file() else []
        if not inside:
            raise UsageError("--answers has no files", seen=str(path),
                             allowed="files that the survey's page saved, or a folder of them (*.json)")
        found += inside
    return list(dict.fromkeys(found))


def read(form: Form, paths: Sequence[Path]) -> tuple[list[Answer], list[Rejected]]:
    """The answers that count, and what does not. Of several files of one person and group the fullest counts, of equal
    ones the first."""
    groups = {one.id: one.group for one in form.questions}
    rejected: list[Rejected] = []
    full: dict[tuple[str, int], tuple[Path, list[Answer]]] = {}
    for path in paths:
        try:
            said = _checked(form, path)
        except RowError as error:
            rejected.append(Rejected.of(path, "", error.reason))
            continue
        answers, refused = _answers(said, groups)
        rejected += [Rejected.of(path, *one) for one in refused]
        who = (said.person, said.group)
        other = full.get(who)
        if other is None or len(answers) > len(other[1]):
            full[who] = (path, answers)
        if other is not None:
            rejected.append(Rejected.of(path if full[who] is other else other[0], "", "same_person"))
    return [one for _, answers in full.values() for one in answers], rejected


def _checked(form: Form, path: Path) -> _File:
    """Raises RowError with one of REASONS."""
    try:
        data = images.read(path, MAX_BYTES)
        said = msgspec.json.decode(data, type=_File)
    except RowError as error:
        raise RowError("too_large" if error.reason == "too_large" else "unreadable") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RowError("no_answers") from None
    if not said.person:
        raise RowError("no_answers")
    if said.survey != form.id:
        raise RowError("other_survey")
    if not 1 <= said.group <= form.groups:
        raise RowError("unknown_group")
    return said


def _answers(said: _File, groups: Mapping[str, int]) -> tuple[list[Answer], list[tuple[str, str]]]:
    """The answers that count, and the others as question and reason."""
    good: list[Answer] = []
    bad: list[tuple[str, str]] = []
    for question, side in said.answers.items():
        if question not in groups:
            bad.append((question, "unknown_question"))
        elif groups[question] != said.group:
            bad.append((question, "other_group"))
        elif side not in ("left", "right"):
            bad.append((question, "no_side"))
        else:
            good.append(Answer(said.person, question, side))
    return good, bad
