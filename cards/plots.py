"""Plots as PNG bytes: the same input gives the same bytes, whatever the reader's matplotlib settings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cards.leakage import MEASURES, Floats, Leakage, Measure, alike_share
from cards.pool import SCORES, Pool
from cards.survey import Survey, length_bars, top
from schemas.style import ACCENT, INK, MUTED, WARM, pinned, png
from schemas.text import label


def figure2(seen: Survey) -> bytes:
    """The three plots of the paper's Figure 2: lengths of `similar`, top characters, top cloth tags."""
    with pinned():
        figure = Figure(figsize=(9, 7))
        for x, y, words in ((0.022, 0.965, "References per row: length of similar"),
                            (0.022, 0.475, "Top 15 characters, by rows"), (0.55, 0.965, "Top 30 cloth tags, by rows")):
            figure.text(x, y, words, fontsize=10, fontweight="bold", va="center")
        _columns(figure.add_axes((0.022, 0.56, 0.47, 0.36)), length_bars(seen.lengths))
        _bars(figure.add_axes((0.2, 0.02, 0.292, 0.425)), top(seen.characters, 15), 15)
        _bars(figure.add_axes((0.705, 0.02, 0.273, 0.915)), top(seen.cloths, 30), 30)
        return png(figure)


def _columns(axes: Axes, bars: Sequence[tuple[str, int]]) -> None:
    heights = [count for _, count in bars]
    axes.bar([name for name, _ in bars], heights, color=ACCENT, width=0.78)
    axes.set_xlim(-0.6, len(bars) - 0.4)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(0, max([*heights, 1]) * 1.08)
    for place, count in enumerate(heights):
        if count:
            axes.annotate(f"{count:,}", (place, count), (0, 2), textcoords="offset points", ha="center",
                          fontsize=7 if max(heights) < 10_000 else 5.5, color=MUTED)


def _bars(axes: Axes, bars: Sequence[tuple[str, int]], slots: int) -> None:
    """Bars of one thickness: a dataset with three characters leaves the other slots empty."""
    widths = [count for _, count in bars]
    places = range(len(bars))
    axes.axis("off")
    axes.barh(places, widths, color=ACCENT, height=0.72)
    axes.set_ylim(slots - 0.4, -0.6)
    axes.set_xlim(0, max([*widths, 1]) * 1.14)
    for place, (name, count) in zip(places, bars, strict=True):
        axes.annotate(label(name.replace("_", " ")), (0, place), (-5, 0), textcoords="offset points", ha="right",
                      va="center", fontsize=8)
        axes.annotate(f"{count:,}", (count, place), (4, 0), textcoords="offset points", va="center", fontsize=7,
                      color=MUTED)


def leakage(meter: Leakage) -> bytes:
    """One histogram for each measure: pairs in bars, pictures of different characters as a line, the alike zone."""
    with pinned():
        figure = Figure(figsize=(9, 3.3))
        panels = figure.subplots(1, len(MEASURES), gridspec_kw={
            "left": 0.02, "right": 0.98, "top": 0.80, "bottom": 0.16, "wspace": 0.1})
        for axes, kind, pairs, chance in zip(panels, MEASURES, meter.references, meter.others, strict=True):
            _histogram(axes, kind, pairs, chance)
        _legend(figure)
        return png(figure)


def shares(values: Floats, kind: Measure) -> Floats:
    """Share of the values in each bin of the measure's histogram; values past the ends fall into the end bins."""
    first, last = kind.ticks[0], kind.ticks[-1]
    values = values[~np.isnan(values)]
    counts, _ = np.histogram(np.clip(values, first, last), kind.bins, (first, last))
    return counts / max(len(values), 1)


def _histogram(axes: Axes, kind: Measure, pairs: Floats, chance: Floats) -> None:
    first, last = kind.ticks[0], kind.ticks[-1]
    edges = np.linspace(first, last, kind.bins + 1)
    ours, theirs = shares(pairs, kind), shares(chance, kind)
    peak = max(float(ours.max()), float(theirs.max()), 0.01)
    zone = (first, kind.limit) if kind.low else (kind.limit, last)
    axes.axvspan(*zone, color=WARM, alpha=0.13, lw=0)
    axes.bar(edges[:-1], ours, width=(last - first) / kind.bins * 0.88, align="edge", color=ACCENT)
    if theirs.any():
        axes.stairs(theirs, edges, color=INK, lw=1.0)
    axes.set_title(kind.name, pad=6)
    axes.set_xlabel(kind.unit)
    axes.set_xlim(first, last)
    axes.set_ylim(0, peak * 1.3)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    ticks = [f"{tick:g}" for tick in kind.ticks]
    axes.set_xticks(kind.ticks, [*ticks[:-1], f"≥{ticks[-1]}" if kind.open else ticks[-1]])
    axes.text(zone[0] + 0.02 * (last - first) if kind.low else zone[1] - 0.02 * (last - first), peak * 1.2,
              f"{alike_share(pairs, kind):.1%}", ha="left" if kind.low else "right", va="center", fontsize=9,
              fontweight="bold", color="#b45309")


def _legend(figure: Figure) -> None:
    text = ((0.02, ACCENT, "■ references and their targets"), (0.29, INK, "▬ pictures of different characters"),
            (0.585, WARM, "■ counted as alike (share of the pairs)"))
    _said(figure, text)


def _said(figure: Figure, text: Sequence[tuple[float, str, str]]) -> None:
    """What the marks mean, each with its place and colour: a mark and words."""
    for x, colour, words in text:
        figure.text(x, 0.945, words[0], color=colour, fontsize=9, va="center")
        figure.text(x + 0.018, 0.945, words[2:], color=MUTED, fontsize=8.5, va="center")


def scores(values: Sequence[float], least: float) -> bytes:
    """Histogram of how well the published pictures fit their prompts, and the least score that may stay."""
    with pinned():
        figure = Figure(figsize=(9, 2.6))
        axes = figure.add_axes((0.05, 0.2, 0.93, 0.68))
        first = min(min(values), least)
        edges = np.linspace(first, max(max(values), first + 0.01), 61)
        counts, _ = np.histogram(values, edges)
        axes.bar(edges[:-1], counts, width=(edges[1] - edges[0]) * 0.88, align="edge", color=ACCENT)
        axes.axvline(least, color=WARM, lw=1.4)
        number = f"{len(values):,} published picture{'s' if len(values) != 1 else ''}"
        axes.set_title(f"CLIP-T of {number}; the line is the least that may stay", pad=6)
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        return png(figure)


def pool_scores(pool: Pool) -> bytes:
    """A histogram of each score: all of the pool in bars, the selected rows as a line, seeds as ticks."""
    with pinned():
        figure = Figure(figsize=(9, 2.9))
        panels = figure.subplots(1, len(SCORES), gridspec_kw={
            "left": 0.02, "right": 0.98, "top": 0.78, "bottom": 0.12, "wspace": 0.1})
        for axes, name in zip(panels, SCORES, strict=True):
            values, seeds = pool.scores[name], pool.seeds[name]
            both = np.concatenate([values, seeds])
            edges = np.linspace(float(both.min()) - 0.05, float(both.max()) + 0.05, 41)
            heights, chosen = (np.histogram(some, edges)[0] / max(len(some), 1)
                               for some in (values, values[pool.selected]))
            peak = max(heights.max(), chosen.max())
            axes.bar(edges[:-1], heights, width=(edges[1] - edges[0]) * 0.88, align="edge", color=ACCENT)
            axes.stairs(chosen, edges, color=WARM, lw=1.4)
            axes.plot(seeds, np.full(len(seeds), -0.05 * peak), "|", color=INK, ms=5, mew=0.8)
            axes.set_title(f"{name} score", pad=6)
            axes.set_xlim(edges[0], edges[-1])
            axes.set_ylim(-0.1 * peak, 1.05 * peak)
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
        _said(figure, ((0.02, ACCENT, "■ shares of the pool"), (0.19, WARM, "▬ shares of its selected rows"),
                       (0.42, INK, "| seeds")))
        return png(figure)
