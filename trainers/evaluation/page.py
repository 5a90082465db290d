"""What an evaluation publishes: its tables, plots, contact sheet and README.md, and evaluation.json after all of them.
Works in the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from schemas import atomic
from schemas.text import markdown
from trainers.evaluation import plots, results, sheets, tables
from trainers.evaluation.plans import REAL, Result
from trainers.evaluation.tables import Row


def write(result: Result, references: Mapping[str, bytes]) -> None:
    """Writes all of OUT but plan.jsonl and pictures/; `references` are the plan's pictures by id. Raises UsageError
    where a picture of the contact sheet is missing or damaged."""
    folder, rows = result.folder, tables.rows(result)
    shown = {"balance.png": plots.balance([rows]), "metrics.png": plots.bars([rows]),
             "sheet.png": sheets.sheet(folder, result.scored.jobs, references)}
    write_all(folder, rows, shown, "\n\n".join([tables.as_markdown(rows), *tables.notes(result)]),
              protocol=tables.protocol(result), models=result.scored.models, warnings=result.said.get("warnings") or ())
    atomic.write(folder / "README.md", readme(result, rows, [name for name, data in shown.items() if data]).encode())
    results.write(result)


def write_all(folder: Path, rows: Sequence[Row], shown: Mapping[str, bytes | None], page: str, **more: object) -> None:
    """Writes the tables and the pictures; pictures that are None are deleted."""
    files = {"table.md": f"{page}\n".encode(), "table.csv": tables.as_csv(rows),
             "table.json": tables.as_json(rows, **more)}
    for name, data in (files | dict(shown)).items():
        if data is None:
            (folder / name).unlink(missing_ok=True)
        else:
            atomic.write(folder / name, data)


def readme(result: Result, rows: Sequence[Row], pictures: Sequence[str]) -> str:
    """README.md, Markdown."""
    said = result.said
    wholes, subjects = ([row for row in rows if bool(row.subject) == one] for one in (False, True))
    parts = [f"# {markdown(rows[0].name if rows else result.folder.name)}",
             f"Made by `trainers evaluate {said['benchmark']} --protocol {said['protocol']}`. The first row scores the "
             "run's own pictures, each against the others." if wholes and wholes[0].group == REAL else
             f"Made by `trainers evaluate {said['benchmark']} --protocol {said['protocol']}`.",
             tables.as_markdown(wholes), *tables.notes(result), *(f"![{name[:-4]}]({name})" for name in pictures)]
    if subjects:
        parts += ["## By subject", tables.as_markdown(subjects)]
    facts: Any = said.get("facts") or {}
    lines = [f"- {markdown(name)}: {markdown(_listed(told))}" for name, told in facts.items() if told not in ([], {})]
    if lines:
        parts += ["## What was done", "\n".join(lines)]
    return "\n\n".join([*parts, "`scores.csv` has a row for each picture, `plan.jsonl` tells how it was drawn and what "
                        "it was compared with, `evaluation.json` every option, model and version."]) + "\n"


def _listed(told: object) -> str:
    """A fact in words: lists and tables with commas."""
    if isinstance(told, Mapping):
        return ", ".join(f"{name} {value}" for name, value in told.items())
    return ", ".join(map(str, told)) if isinstance(told, list | tuple) else str(told)
