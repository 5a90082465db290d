"""`trainers survey-results`: what people prefer, by pair of runs and kind of question, and how sure that is."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import sqrt
from pathlib import Path

import msgspec

from schemas import atomic
from schemas.errors import UsageError
from schemas.text import markdown, visible
from trainers.evaluation.survey.answers import REASONS, Answer, Rejected, files, read
from trainers.evaluation.survey.questions import KINDS, Form
from trainers.evaluation.survey.tally_options import SurveyResults
from trainers.metrics.intervals import mean

Z = 1.959963984540054
"""Of the normal distribution, 95 % lie this near its mean, in standard deviations."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One pair of runs and one kind of question. Shares are 0 .. 1."""

    first: str
    second: str
    kind: str
    """of KINDS"""
    answers: int
    preferred: int
    """answers for the first run"""
    share: float
    """`preferred` of `answers`"""
    wilson: tuple[float, float]
    """95 % interval as if each answer were a person of its own"""
    bootstrap: tuple[float, float]
    """95 % interval over people, drawn anew with their answers: who answers much answers alike"""
    people: int
    questions: int
    """that somebody answered"""
    agreement: float | None
    """share of alike among the pairs of answers to one question; None where none has two"""
    alpha: float | None
    """Krippendorff's, of nominal values: 1 is always alike, 0 as by chance; None where chance has no choice"""


def run(options: SurveyResults) -> int:
    """Writes OUT; returns the exit code. Raises UsageError."""
    form = opened(options.survey / "survey.json")
    paths = files([Path(one.strip()) for one in options.answers.split(",") if one.strip()])
    answers, rejected = read(form, paths)
    reasons = Counter(one.reason for one in rejected)
    if not answers:
        raise UsageError("no file answers this survey", seen=", ".join(f"{n} {why}" for why, n in reasons.items()),
                         allowed=f"files that the page of survey {form.id} saved")
    found = rows(form, answers, options.seed)
    said = {"survey": form.id, "benchmark": form.benchmark, "protocol": form.protocol, "files": len(paths),
            "people": len({one.person for one in answers}), "answers": len(answers),
            "left": sum(one.side == "left" for one in answers) / len(answers), "rejected": dict(reasons),
            "rows": found}
    whole = msgspec.json.format(msgspec.json.encode(said), indent=1).decode() + "\n"
    # First what tells that OUT is ours: the command may be stopped, and run again.
    for name, text in (("results.json", whole), ("table.md", page(form, said, found)), ("table.csv", table(found)),
                       ("rejected.csv", refused(rejected))):
        atomic.write(options.out / name, text.encode())
    print("\n".join([*(f"{visible(one.first)} over {visible(one.second)}, {KINDS[one.kind]}: {one.share:.1%} of "
                       f"{one.answers}" for one in found),
                     f"{options.out}: table.md, table.csv; not counted: {sum(reasons.values())}, see rejected.csv"]))
    return 0


def opened(path: Path) -> Form:
    """A survey.json. Raises UsageError where it is damaged or was changed."""
    try:
        form = msgspec.json.decode(path.read_bytes(), type=Form)
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"survey.json cannot be read: {error}", seen=str(path),
                         allowed="as `trainers survey` wrote it") from None
    if form.named().id != form.id:
        raise UsageError("survey.json was changed", seen=str(path), allowed="as `trainers survey` wrote it")
    return form


def rows(form: Form, answers: Sequence[Answer], seed: int) -> list[Row]:
    """By pair and kind, in the order of the survey; none for what nobody answered."""
    asked = {one.id: one for one in form.questions}
    sorts: dict[tuple[tuple[int, int], str], list[tuple[Answer, bool]]] = defaultdict(list)
    for one in answers:
        question = asked[one.question]
        sorts[question.pair, question.kind].append((one, (one.side == "right") == question.swapped))
    return [_row(form, pair, kind, sorts[pair, kind], seed)
            for pair in combinations(range(len(form.runs)), 2) for kind in KINDS if (pair, kind) in sorts]


def _row(form: Form, pair: tuple[int, int], kind: str, given: Sequence[tuple[Answer, bool]], seed: int) -> Row:
    votes = [first for _, first in given]
    people = [one.person for one, _ in given]
    by_question: dict[str, list[bool]] = defaultdict(list)
    for one, first in given:
        by_question[one.question].append(first)
    over = mean(votes, people, seed)
    alike, alpha = agreement(list(by_question.values()))
    return Row(first=form.runs[pair[0]], second=form.runs[pair[1]], kind=kind, answers=len(votes), preferred=sum(votes),
               share=sum(votes) / len(votes), wilson=wilson(sum(votes), len(votes)), bootstrap=(over.low, over.high),
               people=len(set(people)), questions=len(by_question), agreement=alike, alpha=alpha)


def wilson(hits: int, count: int) -> tuple[float, float]:
    """95 % score interval of a share (Wilson 1927), 0 .. 1, which holds at the ends and for few answers too."""
    share = hits / count
    middle = (share + Z * Z / (2 * count)) / (1 + Z * Z / count)
    reach = Z / (1 + Z * Z / count) * sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def agreement(units: Sequence[Sequence[bool]]) -> tuple[float | None, float | None]:
    """How far the answers to one question are alike: the share of alike pairs, and Krippendorff's alpha (nominal), both
    of the questions that have two answers or more."""
    pairable = [unit for unit in units if len(unit) > 1]
    pairs = [one == other for unit in pairable for one, other in combinations(unit, 2)]
    if not pairs:
        return None, None
    count, yes = sum(map(len, pairable)), sum(map(sum, pairable))
    # In both sums each ordered pair of values counts; within a question it weighs 1 / (answers - 1).
    observed = sum(2 * sum(unit) * (len(unit) - sum(unit)) / (len(unit) - 1) for unit in pairable) / count
    expected = 2 * yes * (count - yes) / (count * (count - 1))
    return sum(pairs) / len(pairs), 1 - observed / expected if expected else None


def table(found: Sequence[Row]) -> str:
    """CSV, a row a pair and kind."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["first", "second", "kind", "share", "wilson_low", "wilson_high", "bootstrap_low", "bootstrap_high",
                     "preferred", "answers", "people", "questions", "agreement", "alpha"])
    for one in found:
        writer.writerow([one.first, one.second, one.kind, one.share, *one.wilson, *one.bootstrap, one.preferred,
                         one.answers, one.people, one.questions, one.agreement, one.alpha])
    return out.getvalue()


def refused(rejected: Sequence[Rejected]) -> str:
    """CSV, a row a file or answer that was not counted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["file", "question", "reason", "meaning"])
    writer.writerows([*one, REASONS[one.reason]] for one in rejected)
    return out.getvalue()


def page(form: Form, said: Mapping[str, object], found: Sequence[Row]) -> str:
    """Markdown: the table, and what to know of its numbers."""
    return "\n".join(_lines(form, said, found)) + "\n"


def _lines(form: Form, said: Mapping[str, object], found: Sequence[Row]) -> Iterator[str]:
    yield from (f"# Survey {form.id}", "",
                f"{said['people']} people, {said['answers']} answers; {markdown(form.benchmark)}, "
                f"protocol {markdown(form.protocol)}.", "",
                "| First run | Second run | Which is | First / second | Wilson | Over people | Answers | People | "
                "Agreement | α |", "|---|---|---|---|---|---|---|---|---|---|")
    for one in found:
        low, high = one.bootstrap
        cells = [markdown(one.first), markdown(one.second), KINDS[one.kind], f"{one.share:.1%} / {1 - one.share:.1%}",
                 "{:.1%} – {:.1%}".format(*one.wilson), f"{low:.1%} – {high:.1%}", one.answers, one.people,
                 "–" if one.agreement is None else f"{one.agreement:.0%}",
                 "–" if one.alpha is None else f"{one.alpha:.2f}"]
        yield f"| {' | '.join(map(str, cells))} |"
    yield from ("", "Intervals are of the first run's share, 95 %: Wilson's takes each answer for a person of its own; "
                "the other draws people anew and then their answers: trust it where there are ten people or more.",
                "Agreement: alike pairs of answers among those to one question, and Krippendorff's α (0: by chance).",
                f"The left picture was chosen in {said['left']:.0%} of all answers.", "")
    reasons = said["rejected"]
    if isinstance(reasons, Mapping) and reasons:
        yield from ("Not counted (rejected.csv):", "",
                    *(f"- {count:,}: {REASONS[reason]}" for reason, count in sorted(reasons.items())))
