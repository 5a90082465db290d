"""`trainers compare`: evaluations side by side, paired tests, and the papers' own rows. Works in the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from schemas import atomic
from schemas.errors import UsageError
from schemas.text import markdown
from trainers.evaluation import plots, results, tables
from trainers.evaluation.compare_options import Compare
from trainers.evaluation.page import write_all
from trainers.evaluation.papers import PUBLISHED, UNSTATED, Published, alike
from trainers.evaluation.plans import CLIP_T, REAL, Floats, Result
from trainers.evaluation.tables import Cell, Row
from trainers.metrics.intervals import Paired, paired, repeats

Condition = tuple[str, str, str, float | None]
"""What pictures of several evaluations are paired by: subject, group, text without a token, scale."""
Values = Mapping[Condition, Mapping[str, float]]
Protocol = Mapping[str, str]


class Evaluation(NamedTuple):
    """A row of the comparison: an evaluation, or its repeats."""

    name: str
    results: Sequence[Result]
    rows: Sequence[Row]

    @property
    def protocol(self) -> Protocol:
        """How it was made."""
        return tables.protocol(self.results[0])

    def lone(self, row: Row) -> str:
        """The subject of a group's row where there is only one, which has no row of its own."""
        subjects = {job.subject for job in self.results[0].scored.jobs}
        return subjects.pop() if len(subjects) == 1 and row.group not in ("", REAL) else ""


class Versus(NamedTuple):
    """An evaluation against the first, on what both have."""

    name: str
    metric: str
    first: float
    other: float
    paired: Paired
    """other minus first; pairs are subjects with a prompt"""


def run(options: Compare) -> int:
    """Compares. Raises UsageError for what is no evaluation and for evaluations that cannot be compared."""
    compare([results.read_all(Path(one)) for one in options.runs], options.out)
    print(f"compared {len(options.runs)}: {options.out / 'README.md'}")
    return 0


def compare(given: Sequence[Sequence[Result]], out: Path) -> None:
    """Writes OUT; each of `given` is an evaluation or its repeats, the first what others are tested against."""
    benchmarks = {str(one.said["benchmark"]) for some in given for one in some}
    if len(benchmarks) > 1:
        raise UsageError("evaluations of different benchmarks", seen=", ".join(sorted(benchmarks)),
                         allowed="one benchmark", next_command="trainers compare those of each apart")
    evaluations = _named(given)
    rows = side_by_side(evaluations)
    tests = [test for one in evaluations[1:] for test in versus(evaluations[0], one)]
    published = [one for one in PUBLISHED if one.benchmark in benchmarks]
    shown = {"balance.png": plots.balance([one.rows for one in evaluations]),
             "metrics.png": plots.bars([one.rows for one in evaluations])}
    page = readme(evaluations, rows, tests, published)
    write_all(out, rows, shown, beside(rows, evaluations), tests=[
        {"name": one.name, "metric": one.metric, "first": one.first, "other": one.other, **one.paired._asdict()}
        for one in tests], protocols={one.name: one.protocol for one in evaluations})
    pictures = [f"![{name[:-4]}]({name})" for name, data in shown.items() if data]
    atomic.write(out / "README.md", "\n\n".join([*page[:2], *pictures, *page[2:], ""]).encode())


def _named(given: Sequence[Sequence[Result]]) -> list[Evaluation]:
    """Each with a name of its own, its repeats as one."""
    found: list[Evaluation] = []
    for some in given:
        first = some[0]
        said = name = str(first.said.get("name") or first.folder.name)
        number = 1
        while name in [one.name for one in found]:
            number += 1
            name = f"{said} ({number})"
        found.append(Evaluation(name, some, [row._replace(name=name) for row in _repeated(some)]))
    return found


def _repeated(some: Sequence[Result]) -> list[Row]:
    """The rows of an evaluation, or of its repeats: mean and standard deviation of their means, but for real pictures,
    which are the same. Raises UsageError when they are no repeats of each other."""
    if len(some) == 1:
        return tables.rows(some[0])
    first = tables.protocol(some[0])
    for one in some[1:]:
        other = tables.protocol(one)
        apart = [name for name in {**first, **other} if first.get(name) != other.get(name)]
        if apart:
            raise UsageError(f"no repeats of one evaluation: {apart[0]} differs", seen=str(one.folder),
                             allowed="the same run and protocol with other seeds",
                             next_command="trainers compare with each folder named apart")
    seeds = [str(one.said.get("seed")) for one in some]
    if len(set(seeds)) < len(seeds):
        raise UsageError("repeats with one seed", seen=", ".join(seeds), allowed="another --seed for each",
                         next_command="trainers evaluate --seed N")
    by_row: dict[tuple[str, str], list[Row]] = {}
    for result in some:
        for row in tables.rows(result):
            by_row.setdefault((row.group, row.subject), []).append(row)
    return [rows[0] if rows[0].group == REAL else rows[0]._replace(pictures=sum(row.pictures for row in rows), cells={
        metric: _spread([row.cells[metric].mean for row in rows if metric in row.cells]) for metric in rows[0].cells})
        for rows in by_row.values()]


def _spread(means: Sequence[float]) -> Cell:
    found = repeats(means)
    return Cell(found.mean, std=found.std)


def side_by_side(evaluations: Sequence[Evaluation]) -> list[Row]:
    """Of each group and subject the rows of all evaluations; real pictures that score alike have one row."""
    kinds = dict.fromkeys((row.group, row.subject) for one in evaluations for row in one.rows)
    found: list[Row] = []
    for kind in kinds:
        of_kind = [row for one in evaluations for row in one.rows if (row.group, row.subject) == kind]
        for at, row in enumerate(of_kind):
            if kind[0] != REAL or not any(_means(row) == _means(before) for before in of_kind[:at]):
                found.append(row)
    return found


def _means(row: Row) -> dict[str, float]:
    return {metric: cell.mean for metric, cell in row.cells.items()}


def conditions(some: Sequence[Result], grouped: bool = True) -> Values:
    """By what was asked for, the mean score of its pictures, over repeats too; of all groups alike unless `grouped`."""
    found: dict[Condition, dict[str, list[float]]] = {}
    for result in some:
        for at, job in enumerate(result.scored.jobs):
            if job.group == REAL:
                continue
            group = job.group if grouped else ""
            mine = found.setdefault((job.subject, group, job.texts.get(CLIP_T, job.prompt), job.scale), {})
            for metric, column in result.scored.columns.items():
                if not isnan(column[at]):
                    mine.setdefault(metric, []).append(float(column[at]))
    return {one: {metric: float(np.mean(values)) for metric, values in scores.items()} for one, scores in found.items()}


def versus(first: Evaluation, other: Evaluation) -> list[Versus]:
    """A test for each metric that both have, on the subjects and prompts that both have; subjects are drawn anew."""
    # A lone group says what drew, not what was asked for: one strategy of COTI is tested against another.
    grouped = any(len({job.group for result in some for job in result.scored.jobs} - {REAL}) > 1
                  for some in (first.results, other.results))
    one, two = conditions(first.results, grouped), conditions(other.results, grouped)
    found = []
    for metric in tables.metrics(first.rows):
        both = [asked for asked in one if metric in one[asked] and metric in two.get(asked, {})]
        if both:
            mine, theirs = (_values(some, both, metric) for some in (one, two))
            subjects = [asked[0] for asked in both] if len({asked[0] for asked in both}) > 1 else None
            found.append(Versus(other.name, metric, float(mine.mean()), float(theirs.mean()),
                              paired(theirs, mine, subjects)))
    return found


def _values(some: Values, asked: Sequence[Condition], metric: str) -> Floats:
    return np.array([some[one][metric] for one in asked])


def differs(protocol: Protocol, first: Protocol) -> list[str]:
    """Names of what a protocol tells otherwise than the first; what it does not tell is left out."""
    return [name for name, ours in first.items() if name != "method" and name in protocol
            and not alike(ours, protocol[name])]


def beside(rows: Sequence[Row], evaluations: Sequence[Evaluation]) -> str:
    """The evaluations' table, Markdown."""
    first = evaluations[0].protocol
    apart = {one.name: ", ".join(differs(one.protocol, first)) for one in evaluations}
    columns = tables.metrics(rows)
    return tables.grid(["", "evaluation", "pictures", *map(tables.heading, columns), "differs in"],
                       [[tables.title(row), row.name, f"{row.pictures:,}",
                         *(tables.shown(row.cells.get(one)) for one in columns), apart[row.name]] for row in rows],
                       words=2, last=1)


def readme(evaluations: Sequence[Evaluation], rows: Sequence[Row], tests: Sequence[Versus],
           published: Sequence[Published]) -> list[str]:
    """Paragraphs of README.md, Markdown; pictures stand after the second."""
    first = evaluations[0]
    wholes, subjects = ([row for row in rows if bool(row.subject) == one] for one in (False, True))
    names = ", ".join(markdown(one.name) for one in evaluations)
    parts = [f"# {markdown(first.results[0].said['benchmark'])}: {names}",
             f"{beside(wholes, evaluations)}\n\nIn brackets 95 % of a bootstrap over subjects; after ± the standard "
             "deviation over repeats with other seeds. The last column names what was done otherwise than for "
             f"{markdown(first.name)}."]
    if tests:
        parts += ["## Paired tests", _tests(tests, first.name)]
    elif len(evaluations) > 1:
        parts += ["## Paired tests", f"None: no other has a subject and prompt of {markdown(first.name)}. Subjects are "
                  "told by the names of their datasets; `trainers evaluate dreambench --data` takes another one."]
    for one in published:
        parts += [f"## {markdown(one.name)}", _paper(one, evaluations),
                  "\n".join(f"- {markdown(note)}" for note in one.notes)]
    parts += ["## Protocols", _protocols(evaluations, published)]
    if subjects:
        parts += ["## By subject", beside(subjects, evaluations)]
    return parts


def _tests(tests: Sequence[Versus], first: str) -> str:
    table = tables.grid(["", "metric", "subjects and prompts", first, "this", "difference", "95 %", "p"], [
        [one.name, one.metric, f"{one.paired.pairs:,}", tables.number(one.first), tables.number(one.other),
         f"{one.paired.difference:+.4f}", f"{one.paired.low:+.4f} to {one.paired.high:+.4f}", f"{one.paired.p:.4f}"]
        for one in tests], words=2)
    return table + (f"\n\nEach against {markdown(first)}, on the subjects and prompts that both have; subjects are "
                    f"what is drawn anew and what signs are flipped of. The p of {len(tests)} tests are not corrected "
                    "for their number; of k subjects none is below 2^(1-k).")


def _paper(published: Published, evaluations: Sequence[Evaluation]) -> str:
    """The evaluations' rows of all and of real pictures above the paper's, in the paper's columns."""
    first = evaluations[0].protocol
    columns = tables.metrics([line.row for line in published.lines])
    kinds = {(line.row.group, line.row.subject) for line in published.lines}
    lines: list[list[Any]] = []
    for one in evaluations:
        apart = ", ".join(differs(one.protocol, first))
        lines += [[one.name, tables.title(row), *(tables.shown(row.cells.get(name)) for name in columns), apart, ""]
                  for row in one.rows if (row.group, row.subject or one.lone(row)) in kinds
                  or (row.group, row.subject) == ("", "")]
    for row, told in published.lines:
        silent = [name for name in first if UNSTATED in told.get(name, UNSTATED)
                  and (name.startswith("model of") or (row.group != REAL and name != "method"))]
        lines.append([f"{row.name} (published)", tables.title(row),
                      *(tables.shown(row.cells.get(name)) for name in columns), ", ".join(differs(told, first)),
                      ", ".join(silent)])
    return tables.grid(["", "of", *map(tables.heading, columns), f"differs from {evaluations[0].name} in",
                        UNSTATED], lines, words=2, last=2)


def _protocols(evaluations: Sequence[Evaluation], published: Sequence[Published]) -> str:
    """What each evaluation and paper tells of how it was made, a row each; ≠ marks what is not as in the first."""
    columns: list[tuple[str, Protocol]] = [(one.name, one.protocol) for one in evaluations]
    for one in published:
        variants: dict[tuple[tuple[str, str], ...], str] = {}
        for line in one.lines:
            variants.setdefault(tuple(line.told.items()), line.row.name)
        columns += [(f"{one.name}: {name}" if len(variants) > 1 else one.name, dict(told))
                    for told, name in variants.items()]
    first = columns[0][1]
    names = list(dict.fromkeys(name for _, told in columns for name in told))
    lines = [[name, *(("≠ " if name in differs(told, first) else "") + told.get(name, UNSTATED)
                      for _, told in columns)] for name in names]
    return tables.grid(["", *(name for name, _ in columns)], lines, words=1 + len(columns))
