"""Plots: what the bars hold, and bytes that depend on nothing else."""

from __future__ import annotations

import io
import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from cards import plots
from cards.leakage import MEASURES, Leakage
from cards.survey import Survey


@pytest.fixture
def meter() -> Leakage:
    pairs = (np.array([0.0, 3.0, 40.0, 64.0]), np.array([0.2, 0.9, 1.0, np.nan]), np.array([0.1, 5.0, 0.3, 0.3]))
    return Leakage(pairs, tuple(values[:2] for values in pairs), (), True)


def test_shares_of_bins(meter: Leakage) -> None:
    hashes = plots.shares(meter.references[0], MEASURES[0])
    assert (hashes[0], hashes[1], hashes[20], hashes[31]) == (0.25, 0.25, 0.25, 0.25)
    offsets = plots.shares(meter.references[2], MEASURES[2])
    assert offsets[23] == 0.25  # 5 lies beyond the last edge
    assert plots.shares(np.array([np.nan]), MEASURES[1]).sum() == 0


def hostile() -> Survey:
    seen = Survey()
    seen.lengths.update({1: 60_000, 3: 4})
    seen.characters.update({"博麗霊夢_(東方)": 5, "$\\frac{1}{0}$": 4, "a" * 200: 3, "\u202ex": 2, "%s {0}": 1})
    seen.cloths.update({f"tag {n}": n for n in range(1, 60)})
    return seen


def test_hostile_names_draw_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = plots.figure2(hostile())
    assert Image.open(io.BytesIO(data)).size == (1800, 1400)


def test_bytes_do_not_depend_on_settings_or_on_earlier_plots(meter: Leakage) -> None:
    before = plots.figure2(hostile()), plots.leakage(meter)
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.dpi": 30, "text.color": "red"}):
        after = plots.figure2(hostile()), plots.leakage(meter)
    assert before == after
    assert matplotlib.rcParams["text.parse_math"] is True  # the caller's settings stand as they were


def test_pictures_carry_no_text(meter: Leakage) -> None:
    for data in (plots.figure2(hostile()), plots.leakage(meter)):
        assert set(Image.open(io.BytesIO(data)).info) <= {"dpi"}


def test_a_dataset_of_nothing_has_plots() -> None:
    nothing = Leakage((np.array([]),) * 3, (np.array([]),) * 3, (), True)
    assert plots.figure2(Survey())[:4] == plots.leakage(nothing)[:4] == b"\x89PNG"


def test_the_chance_line_is_drawn(meter: Leakage) -> None:
    without = Leakage(meter.references, (np.array([]),) * 3, (), True)
    assert plots.leakage(meter) != plots.leakage(without)


def test_scores_stand_over_their_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(plots, "png", lambda figure: drawn.append(figure) or b"")  # the figure before it is pixels
    plots.scores([0.2, 0.3, 0.3, 0.3], 0.1)
    plots.scores([0.4], 0.4)
    for figure, number, most in zip(drawn, ("4 published pictures", "1 published picture"), (3, 1), strict=True):
        (axes,) = figure.axes
        assert number + ";" in axes.get_title(loc="left")
        assert max(bar.get_height() for bar in axes.patches) == most
        ticks = [tick for tick in axes.get_yticks() if tick <= axes.get_ylim()[1]]
        assert most in ticks and all(tick == int(tick) for tick in ticks)
    assert drawn[0].axes[0].lines[0].get_xdata()[0] == 0.1
