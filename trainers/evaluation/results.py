"""The files of an evaluation's OUT: plan.jsonl, scores.csv and, last of all, evaluation.json. Works in the core."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from schemas import atomic
from schemas.errors import UsageError
from trainers.evaluation.plans import Job, Result, Sampler, Scored

PLAN, SCORES, RECORD = "plan.jsonl", "scores.csv", "evaluation.json"
_TOLD = ("key", "run", "subject", "group", "prompt", "seed")
"""Of a job in scores.csv, before its scores."""
_COMMAND = "trainers evaluate BENCHMARK --run DIR --out OUT"


class _SetScore(msgspec.Struct):
    metric: str
    group: str
    subject: str
    value: float | None


class _Record(msgspec.Struct):
    """What evaluation.json must hold, and what it may."""

    benchmark: str
    protocol: str
    sets: list[_SetScore]
    models: dict[str, dict[str, str]]
    name: str = ""
    seed: int = 0
    sampler: Sampler | None = None
    methods: list[str] = []
    bases: list[dict[str, Any]] = []
    facts: dict[str, Any] = {}
    warnings: list[str] = []


def write_plan(folder: Path, jobs: Sequence[Job]) -> None:
    """Writes plan.jsonl: a job a line."""
    atomic.write(folder / PLAN, b"".join(msgspec.json.encode(job) + b"\n" for job in jobs))


def read_plan(folder: Path) -> tuple[Job, ...]:
    """The jobs of plan.jsonl. Raises UsageError when they cannot be read, and FileNotFoundError when there is none."""
    try:
        return tuple(msgspec.json.decode(line, type=Job) for line in (folder / PLAN).read_bytes().splitlines())
    except (ValueError, RecursionError, NotADirectoryError, PermissionError, IsADirectoryError) as error:
        raise _unreadable(folder / PLAN, error) from None


def write(result: Result) -> None:
    """Writes scores.csv, then evaluation.json, which says that the evaluation is done."""
    scored = result.scored
    lines = io.StringIO()
    rows = csv.writer(lines, lineterminator="\n")
    rows.writerow([*_TOLD, *scored.columns])
    for at, job in enumerate(scored.jobs):
        values = [float(column[at]) for column in scored.columns.values()]
        rows.writerow([*(getattr(job, name) for name in _TOLD), *("" if np.isnan(one) else one for one in values)])
    atomic.write(result.folder / SCORES, lines.getvalue().encode())
    sets = [_SetScore(metric, group, subject, value) for metric, found in scored.sets.items()
            for (group, subject), value in found.items()]
    warnings: Any = result.said.get("warnings") or ()
    said = {**result.said, "warnings": list(dict.fromkeys([*warnings, *scored.warnings])), "models": scored.models,
            "sets": sets}
    atomic.write(result.folder / RECORD, msgspec.json.format(msgspec.json.encode(said, enc_hook=str), indent=1) + b"\n")


def read(folder: Path) -> Result:
    """The evaluation in a folder. Raises UsageError, one line, where there is none, where it is not done, and where
    files are damaged or do not belong together."""
    try:
        text = (folder / RECORD).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if (folder / PLAN).is_file():
            raise UsageError("the evaluation is not done", seen=str(folder), allowed=f"one with {RECORD}",
                             next_command="the command that began it, which goes on") from None
        raise UsageError("no evaluation is there", seen=str(folder), allowed="OUT of `trainers evaluate`",
                         next_command=_COMMAND) from None
    except OSError as error:
        raise _unreadable(folder / RECORD, error) from None
    try:
        said = msgspec.json.decode(text, type=dict[str, Any])
        record = msgspec.convert(said, _Record)
    except (ValueError, RecursionError) as error:
        raise _unreadable(folder / RECORD, error) from None
    sets: dict[str, dict[tuple[str, str], float]] = {}
    for one in record.sets:
        sets.setdefault(one.metric, {})[one.group, one.subject] = float("nan") if one.value is None else one.value
    del said["sets"]
    try:
        jobs = read_plan(folder)
        columns = _columns(folder / SCORES, jobs)
    except FileNotFoundError as error:
        raise UsageError("a file of the evaluation is missing", seen=str(error.filename),
                         allowed=f"{PLAN}, {SCORES} and {RECORD} together", next_command=_COMMAND) from None
    return Result(folder, said, Scored(jobs, columns, sets, record.models))


def read_all(folder: Path) -> list[Result]:
    """The evaluation in a folder, or, where it holds folders of evaluations, those: repeats with other seeds."""
    inner = sorted(path.parent for path in folder.glob(f"*/{RECORD}"))
    if (folder / RECORD).exists() or not inner:
        return [read(folder)]
    return [read(one) for one in inner]


def _columns(path: Path, jobs: Sequence[Job]) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Columns of scores.csv by metric. Raises UsageError when its rows are not the jobs', in order."""
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            head, *rows = [*csv.reader(lines)] or [[]]
        if tuple(head[: len(_TOLD)]) != _TOLD or len(set(head)) < len(head):
            raise ValueError("its first line is another")
        if [row[:1] for row in rows] != [[job.key] for job in jobs]:
            raise ValueError(f"its rows are not the jobs of {PLAN}")
        if not rows:
            raise ValueError("it has no row")
        if any(len(row) != len(head) for row in rows):
            raise ValueError("a row has more or fewer columns than the first line")
        values = np.array([[float(one or "nan") for one in row[len(_TOLD):]] for row in rows], np.float64)
        if np.isinf(values).any():
            raise ValueError("a score is infinite")
        names = head[len(_TOLD):]
        return dict(zip(names, values.reshape(len(rows), len(names)).T, strict=True))
    except (ValueError, csv.Error, IsADirectoryError, PermissionError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> UsageError:
    reason = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
    return UsageError(f"{path.name} cannot be read: {reason}", seen=str(path),
                      allowed="what `trainers evaluate` wrote", next_command=f"delete it, then {_COMMAND}")
