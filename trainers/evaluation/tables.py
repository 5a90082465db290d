"""The tables of an evaluation: rows of means with their intervals, as Markdown, CSV and JSON. Works in the core."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from math import isnan, nan
from typing import Any, NamedTuple

import msgspec

from schemas.text import Raw, code, markdown
from trainers.evaluation.plans import FID, KID, LEAK, LPIPS, REAL, Job, Result, Scored
from trainers.metrics.intervals import mean

ALL = "all"
"""What stands for a row of all pictures that were drawn."""


class Cell(NamedTuple):
    """A mean; the ends of its 95 % interval and its standard deviation over repeats where there are such, else nan."""

    mean: float
    low: float = nan
    high: float = nan
    std: float = nan


class Row(NamedTuple):
    """Of an evaluation or a paper: a group (REAL: the run's own pictures), a subject, or "" for all that was drawn."""

    name: str
    group: str
    subject: str
    pictures: int
    cells: Mapping[str, Cell]


def rows(result: Result) -> list[Row]:
    """REAL first, then all, each group where there is more than one, each subject (those of several groups first as a
    whole, then by group), and last the subjects of REAL."""
    scored, name = result.scored, str(result.said.get("name", result.folder.name))
    return [_row(name, group, subject, scored) for group, subject in _kinds(scored.jobs)]


def _kinds(jobs: Sequence[Job]) -> list[tuple[str, str]]:
    real = dict.fromkeys(job.subject for job in jobs if job.group == REAL)
    groups = dict.fromkeys(job.group for job in jobs if job.group != REAL)
    of: dict[str, dict[str, None]] = {}
    for job in jobs:
        if job.group != REAL:
            of.setdefault(job.subject, {})[job.group] = None
    found = [(REAL, "")] * bool(real) + [("", "")] * bool(of)
    found += [(group, "") for group in groups if len(groups) > 1]
    for subject, mine in of.items():
        if len(of) > 1:
            found += [("", subject)] * (len(mine) > 1)
            found += [(group, subject) for group in mine]
    return found + [(REAL, subject) for subject in real if len(real) > 1]


def within(job: Job, group: str, subject: str) -> bool:
    """Whether a row of this group and subject counts the job."""
    return (job.group == group if group else job.group != REAL) and subject in ("", job.subject)


def _row(name: str, group: str, subject: str, scored: Scored) -> Row:
    places = [at for at, job in enumerate(scored.jobs) if within(job, group, subject)]
    cells = {}
    for metric, column in scored.columns.items():
        there = [at for at in places if not isnan(column[at])]
        if there:
            cells[metric] = Cell(*mean(column[there], clusters([scored.jobs[at] for at in there])))
    for metric, found in scored.sets.items():
        value = found.get((group, subject), found.get(("", subject), nan) if _lone(scored, group, subject) else nan)
        if not isnan(value):
            cells[metric] = Cell(value)
    return Row(name, group, subject, len(places), cells)


def _lone(scored: Scored, group: str, subject: str) -> bool:
    """Whether a group has all that was drawn of a subject, so that the subject's figure is the group's."""
    return group != REAL and all(job.group in (group, REAL) for job in scored.jobs if subject in ("", job.subject))


def clusters(jobs: Sequence[Job]) -> list[str]:
    """What is drawn anew by the bootstrap: the subjects, or, of one subject, the prompts."""
    subjects = [job.subject for job in jobs]
    return subjects if len(set(subjects)) > 1 else [job.prompt for job in jobs]


def metrics(some: Sequence[Row]) -> list[str]:
    """The columns that any of these rows fills, in the order of the row with most of them."""
    most = max(some, key=lambda row: len(row.cells), default=Row("", "", "", 0, {}))
    return list(dict.fromkeys([*most.cells, *(metric for row in some for metric in row.cells)]))


def heading(metric: str) -> str:
    """The metric with an arrow to what is better."""
    return f"{metric} {'↓' if metric.startswith((FID, KID, LEAK, LPIPS)) else '↑'}"


def number(value: float) -> str:
    """As the papers print them: 0.824, 94.32; what is small with a digit more: 0.0021."""
    digits = 2 if abs(value) >= 10 else 3 if abs(value) >= 0.01 else 4
    return f"{round(value, digits) + 0.0:.{digits}f}"  # the sum has no -0


def shown(cell: Cell | None) -> str:
    """A cell as text: 0.824 [0.811, 0.837], 0.824 ± 0.004."""
    if cell is None:
        return "–"
    if not isnan(cell.std):
        return f"{number(cell.mean)} ± {number(cell.std)}"
    return number(cell.mean) + ("" if isnan(cell.low) else f" [{number(cell.low)}, {number(cell.high)}]")


def title(row: Row) -> str:
    """What a row is of: "Real images", "all", "unseen", "dog", "0.25, dog"."""
    return ", ".join(filter(None, [row.group, row.subject])) or ALL


def grid(head: Sequence[str], lines: Sequence[Sequence[object]], words: int = 1, last: int = 0) -> str:
    """A Markdown table, whatever its cells hold; the first `words` columns and the `last` are text and lean left,
    others right."""
    rule = ["---" if at < words or at >= len(head) - last else "---:" for at in range(len(head))]
    return "\n".join("| " + " | ".join(line) + " |" for line in (
        [markdown(one) for one in head], rule, *([markdown(one) for one in line] for line in lines)))


def as_markdown(some: Sequence[Row]) -> str:
    """The rows of one evaluation."""
    columns = metrics(some)
    return grid(["", "pictures", *map(heading, columns)],
                [[title(row), f"{row.pictures:,}", *(shown(row.cells.get(one)) for one in columns)] for row in some])


def as_csv(some: Sequence[Row]) -> bytes:
    """All rows: of each metric the mean, the ends of its interval, and where there are repeats their deviation."""
    columns = metrics(some)
    spread = any(not isnan(cell.std) for row in some for cell in row.cells.values())
    ends = ("", " low", " high", *([" std"] if spread else []))
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(["name", "group", "subject", "pictures", *(f"{one}{end}" for one in columns for end in ends)])
    for row in some:
        values = [value for one in columns for value in row.cells.get(one, Cell(nan))[: len(ends)]]
        out.writerow([row.name, row.group, row.subject, row.pictures, *("" if isnan(one) else one for one in values)])
    return text.getvalue().encode()


def as_json(some: Sequence[Row], **more: object) -> bytes:
    """The same, numbers that are not there as null, and what more there is to say."""
    said = [{"name": row.name, "group": row.group, "subject": row.subject, "pictures": row.pictures,
             "scores": {metric: cell._asdict() for metric, cell in row.cells.items()}} for row in some]
    return msgspec.json.format(msgspec.json.encode({"rows": said, **more}, enc_hook=str), indent=1) + b"\n"


def models(result: Result) -> str:
    """The models behind the metrics, a line each with its names and revision, as a Markdown table."""
    by_model: dict[tuple[str, ...], list[str]] = {}
    for metric, said in result.scored.models.items():
        key = tuple(said.get(name, "") for name in ("weights", "revision", "backend", "sha256"))
        by_model.setdefault(key, []).append(metric)
    return grid(["metrics", "weights", "revision", "how", "sha256"],
                [[", ".join(some), *map(code, key[:3]), code(key[3][:12])] for key, some in by_model.items()], words=5)


def protocol(result: Result) -> dict[str, str]:
    """How an evaluation was made, as text by name; what papers leave out can be told from what they do otherwise."""
    said, jobs = result.said, result.scored.jobs
    sampler: dict[str, Any] = msgspec.to_builtins(said.get("sampler", {}))
    drawn = [job for job in jobs if job.group != REAL]
    of: dict[str, set[str]] = {}
    for job in drawn:
        of.setdefault(job.subject, set()).add(job.prompt)
    told = {"method": _listed(said.get("methods")), "base": _listed(said.get("bases")),
            "sampler": str(sampler.get("scheduler", "")), "steps": str(sampler.get("steps", "")),
            "guidance": f"{sampler['guidance']:g}" if "guidance" in sampler else "",
            "side": str(sampler.get("side") or "the run's own"), "protocol": str(said["protocol"]),
            "subjects": f"{len(of):,}", "prompts": f"{max(map(len, of.values()), default=0):,}",
            "pictures": f"{len(drawn):,}"}
    weights = {metric: " @ ".join(filter(None, [one.get("weights", ""), one.get("revision", "")[:12]]))
               for metric, one in result.scored.models.items()}
    return told | {f"model of {metric}": name for metric, name in weights.items()}


def _listed(some: object) -> str:
    """Methods, or bases with their revisions, once each."""
    if not isinstance(some, Sequence) or isinstance(some, str):
        return "" if some is None else str(some)
    names = [" @ ".join(filter(None, [str(one.get("name") or ""), str(one.get("revision") or "")[:12]]))
             if isinstance(one, Mapping) else str(one) for one in some]
    return ", ".join(dict.fromkeys(filter(None, names)))


def notes(result: Result) -> list[str]:
    """What is printed under a table: the protocol, the models, what the intervals are, and warnings; Markdown."""
    told = {name: value for name, value in protocol(result).items() if value and not name.startswith("model of")}
    warnings: Any = result.said.get("warnings") or ()
    return [grid(list(told), [[*told.values()]], words=len(told)), models(result), Raw(
        "In brackets 95 % of a bootstrap that draws subjects anew, then pictures within them; of one subject its "
        "prompts. Scores of sets of pictures, such as FID, have none."),
        *(["\n".join(f"- {markdown(one)}" for one in warnings)] if warnings else [])]

