"""Plots of evaluations: the points are the table's."""

from __future__ import annotations

import io
from math import nan

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from PIL import Image

from trainers.evaluation import plots
from trainers.evaluation.plans import CLIP_I, CLIP_T, REAL
from trainers.evaluation.tables import Cell, Row


def row(name: str, group: str, subject: str, likeness: float, text: float | None = 0.3) -> Row:
    cells = {CLIP_I: Cell(likeness, likeness - 0.1, likeness + 0.2)}
    return Row(name, group, subject, 4, cells if text is None else {**cells, CLIP_T: Cell(text, text, text)})


ONE = [row("one", REAL, "", 0.9, 0.31), row("one", "", "", 0.5), row("one", "", "cat", 0.4, 0.2),
       row("one", "", "$x^$ 犬", 0.6, 0.4), row("one", REAL, "cat", 0.9)]
OTHER = [row("other", "", "", 0.7), row("other", "", "cat", 0.75, 0.1)]
GROUPS = [row("g", "", "", 0.5), row("g", "seen", "", 0.6), row("g", "new", "", 0.4), row("g", "seen", "cat", 0.65),
          row("g", "new", "dog", 0.35)]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Figures before they are pixels."""
    found: list[Figure] = []
    monkeypatch.setattr(plots, "png", lambda figure: found.append(figure) or b"")
    return found


def points(figure: Figure) -> list[list[tuple[float, float]]]:
    """Of each series of subjects."""
    return [[(float(x), float(y)) for x, y in np.asarray(one.get_offsets())]
            for one in figure.axes[0].collections if isinstance(one, PathCollection)]


def means(figure: Figure) -> list[tuple[float, float]]:
    lines = [one.lines[0] for one in figure.axes[0].containers if isinstance(one, ErrorbarContainer)]
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in lines]


def names(figure: Figure) -> list[str]:
    legend = figure.axes[0].get_legend()
    assert legend is not None
    return [one.get_text() for one in legend.get_texts()]


def test_a_point_a_subject_and_the_means(drawn: list[Figure]) -> None:
    plots.balance([ONE])
    assert points(drawn[0]) == [[(0.4, 0.2), (0.6, 0.4)]]
    assert means(drawn[0]) == [(0.9, 0.31), (0.5, 0.3)] and names(drawn[0]) == [REAL, "all"]
    assert [one.get_text() for one in drawn[0].axes[0].texts] == ["cat", "$x^$ \\u72ac"]


def test_several_evaluations_have_a_series_each(drawn: list[Figure]) -> None:
    plots.balance([ONE, OTHER])
    assert points(drawn[0]) == [[(0.4, 0.2), (0.6, 0.4)], [(0.75, 0.1)]]
    assert means(drawn[0]) == [(0.9, 0.31), (0.5, 0.3), (0.7, 0.3)] and names(drawn[0]) == [REAL, "one", "other"]


def test_groups_of_one_evaluation_are_told_apart(drawn: list[Figure]) -> None:
    plots.balance([GROUPS])
    assert points(drawn[0]) == [[(0.65, 0.3)], [(0.35, 0.3)]]
    assert means(drawn[0]) == [(0.6, 0.3), (0.4, 0.3)] and names(drawn[0]) == ["seen", "new"]


def test_a_subject_of_several_groups_is_one_point_beside_other_evaluations(drawn: list[Figure]) -> None:
    both = [row("b", "", "", 0.5), row("b", "", "cat", 0.55), row("b", "seen", "cat", 0.6), row("b", "new", "cat", 0.5)]
    plots.balance([both, OTHER])
    assert points(drawn[0])[0] == [(0.55, 0.3)]


def test_there_is_no_balance_without_both_metrics() -> None:
    assert plots.balance([[row("one", "", "", 0.5, None)]]) is None


def test_bars_are_the_means_with_their_intervals(drawn: list[Figure]) -> None:
    plots.bars([ONE, OTHER])
    likeness, text, *_ = drawn[0].axes
    assert [round(float(bar.get_width()), 6) for bar in likeness.patches] == [0.9, 0.5, 0.7]
    ends = [one.lines[2][0].get_segments()[0][:, 0].tolist() for one in likeness.containers
            if isinstance(one, ErrorbarContainer)]
    assert ends == [pytest.approx([0.8, 1.1]), pytest.approx([0.4, 0.7]), pytest.approx([0.6, 0.9])]
    assert [one.get_text() for one in likeness.get_yticklabels()] == [REAL, "one", "other"]
    assert [likeness.get_title(loc="left"), text.get_title(loc="left")] == ["CLIP-I ↑", "CLIP-T ↑"]


def test_bars_of_repeats_reach_as_far_as_they_deviate(drawn: list[Figure]) -> None:
    plots.bars([[Row("one", "", "", 4, {CLIP_I: Cell(0.5, std=0.25), "FID": Cell(40.0)})]])
    assert [one.lines[2][0].get_segments()[0][:, 0].tolist() for one in drawn[0].axes[0].containers
            if isinstance(one, ErrorbarContainer)] == [[0.25, 0.75]]
    assert len(drawn[0].axes[1].patches) == 1


def test_plots_are_the_same_bytes_again() -> None:
    one = plots.balance([ONE])
    assert one is not None and one == plots.balance([ONE]) and plots.bars([ONE]) == plots.bars([ONE])
    assert Image.open(io.BytesIO(one)).size == (1280, 1000)


def test_nothing_to_show_is_still_a_plot() -> None:
    assert plots.bars([[Row("one", "", "", 0, {})]])
    assert plots.balance([[Row("one", "", "", 4, {CLIP_I: Cell(nan), CLIP_T: Cell(nan)})]])
