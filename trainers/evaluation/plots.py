"""Plots of evaluations as PNG bytes, from the rows of their tables. Works in the core."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, isnan
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from schemas.style import ACCENT, INK, MUTED, RULE, WARM, pinned, png
from schemas.text import label
from trainers.evaluation.plans import CLIP_I, CLIP_T, REAL
from trainers.evaluation.tables import ALL, Cell, Row, heading, metrics, number

COLOURS = (ACCENT, WARM, "#2a9d8f", "#8e5bd0", "#b8860b", "#c2476b", "#5b7c99", "#7a9a01")
MARKS = "osD^vP*X"
NAMED = 30
"""Subjects whose points are named, at most."""
PANELS = 3
"""Metrics in a row."""


class Series(NamedTuple):
    """A row and the rows of its subjects, which share a colour."""

    name: str
    whole: Row
    subjects: Sequence[Row]


def series(evaluations: Sequence[Sequence[Row]]) -> list[Series]:
    """Real pictures, and what else is told apart: the evaluations where there are several, of one its groups, if it has
    such, or all."""
    first = next((rows for rows in evaluations if _find(rows, REAL, "")), [])
    found = [Series(REAL, row, []) for row in first[:1]]
    if len(evaluations) > 1:
        return found + [_all(rows, rows[0].name) for rows in evaluations]
    groups = [row for row in evaluations[0] if row.group not in (REAL, "") and not row.subject]
    if not groups:
        return [*found, _all(evaluations[0], ALL)]
    return found + [Series(row.group, row, [one for one in evaluations[0] if one.group == row.group and one.subject])
                    for row in groups]


def _all(rows: Sequence[Row], name: str) -> Series:
    subjects: dict[str, Row] = {}
    for row in rows:  # of a subject in several groups the row of all of them is the first
        if row.subject and row.group != REAL:
            subjects.setdefault(row.subject, row)
    whole = _find(rows, "", "") or rows[0]
    return Series(name, whole, list(subjects.values()))


def _find(rows: Sequence[Row], group: str, subject: str) -> Row | None:
    return next((row for row in rows if (row.group, row.subject) == (group, subject)), None)


def balance(evaluations: Sequence[Sequence[Row]], across: str = CLIP_I, up: str = CLIP_T) -> bytes | None:
    """Likeness against heed of the prompt: a point a subject, and the means with their intervals. None where nothing
    has both metrics."""
    some = [one for one in series(evaluations) if {across, up} <= set(one.whole.cells)]
    if not some:
        return None
    with pinned():
        figure = Figure(figsize=(6.4, 5))
        axes = figure.add_axes((0.12, 0.11, 0.84, 0.8))
        for one, (colour, mark) in zip(some, _looks(some), strict=True):
            _points(axes, one, (across, up), colour, len(evaluations) == 1)
            x, y = one.whole.cells[across], one.whole.cells[up]
            axes.errorbar([x.mean], [y.mean], xerr=_ends(x), yerr=_ends(y), fmt=mark, ms=8, color=colour,
                          ecolor=colour, elinewidth=1.2, capsize=0, mec="white", label=label(one.name, 40), zorder=3)
        axes.set_title("Likeness and heed of the prompt: subjects, and their means")
        axes.set_xlabel(heading(across))
        axes.set_ylabel(heading(up))
        axes.margins(0.08)
        axes.grid(True)
        axes.legend(frameon=False)
        return png(figure)


def _points(axes: Axes, one: Series, names: tuple[str, str], colour: str, named: bool) -> None:
    there = [row for row in one.subjects if set(names) <= set(row.cells)]
    places = [(row.cells[names[0]].mean, row.cells[names[1]].mean) for row in there]
    if not places:
        return
    axes.scatter([x for x, _ in places], [y for _, y in places], s=14, color=colour, alpha=0.55, lw=0)
    if named and len(places) <= NAMED:
        for row, place in zip(there, places, strict=True):
            axes.annotate(label(row.subject, 20), place, (3, 2), textcoords="offset points", fontsize=6, color=MUTED)


def bars(evaluations: Sequence[Sequence[Row]]) -> bytes:
    """A panel a metric: bars of the means with their intervals, and a dot a subject."""
    some = series(evaluations)
    names = metrics([one.whole for one in some])
    across = min(PANELS, max(len(names), 1))
    down = max(ceil(len(names) / across), 1)
    with pinned():
        figure = Figure(figsize=(3.4 * across, down * (0.75 + 0.27 * len(some))), layout="constrained")
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for place, axes in enumerate(panels):
            if place < len(names):
                _panel(axes, names[place], some, place % across == 0)
            else:
                axes.axis("off")
        return png(figure)


def _panel(axes: Axes, metric: str, some: Sequence[Series], named: bool) -> None:
    for place, (one, (colour, _)) in enumerate(zip(some, _looks(some), strict=True)):
        cell = one.whole.cells.get(metric)
        if cell is None:
            continue
        axes.barh(place, cell.mean, color=colour, height=0.62, alpha=0.8)
        if _ends(cell) is not None:
            axes.errorbar([cell.mean], [place], xerr=_ends(cell), fmt="none", ecolor=INK, elinewidth=1)
        dots = [row.cells[metric].mean for row in one.subjects if metric in row.cells]
        axes.plot(dots, [place + 0.36] * len(dots), "|", color=colour, ms=4, mew=0.9)
        axes.annotate(number(cell.mean), (1, place), (0, 0), xycoords=("axes fraction", "data"),
                      textcoords="offset points", ha="right", va="center", fontsize=7)
    axes.set_title(heading(metric), pad=6)
    axes.set_yticks(range(len(some)), [label(one.name, 28) for one in some] if named else [])
    axes.set_ylim(len(some) - 0.45, -0.55)
    axes.margins(x=0.3)
    axes.axvline(0, color=MUTED, lw=0.8)
    axes.grid(axis="x", color=RULE)


def _looks(some: Sequence[Series]) -> list[tuple[str, str]]:
    """Colour and mark of each; what is real is grey."""
    first = int(some[0].whole.group == REAL)
    return [(MUTED, "h")] * first + [(COLOURS[at % len(COLOURS)], MARKS[at % len(MARKS)])
                                     for at in range(len(some) - first)]


def _ends(cell: Cell) -> list[list[float]] | None:
    """How far the bar of a mean reaches to both sides: its interval, or its deviation over repeats."""
    if not isnan(cell.std):
        return [[cell.std], [cell.std]]
    return None if isnan(cell.low) else [[max(cell.mean - cell.low, 0.0)], [max(cell.high - cell.mean, 0.0)]]
