"""The leakage meter, by numbers from the hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from schemas.errors import UsageError
from trainers.metrics.leakage import GREY, Layout, alike, cells, laid, leakage


def layout(*rows: list[float], where: list[list[float]] | None = None) -> Layout:
    light = np.array(rows, float)
    return Layout(light, np.ones(light.shape) if where is None else np.array(where, float))


LEFT = layout([1, 0, 1], [1, 0, 1])
TOP = layout([1, 1, 1], [0, 0, 1], where=[[1, 1, 0], [1, 1, 0]])
"""Light on the left in the reference and on top in the target, with a white bar in the target."""


def test_cells_have_their_means() -> None:
    picture = np.zeros((4, 8, 3))
    picture[2:, :4, 0], picture[2:, 4:, 2] = 1, 1
    assert cells(picture, 4) == pytest.approx(np.array([[[0.5, 0, 0], [0, 0, 0.5]]]))
    assert cells(picture @ GREY, 4) == pytest.approx(np.array([[0.1495, 0.057]]))
    assert cells(picture @ GREY, 2).shape == (2, 4)


def test_correlation_heeds_the_place_alone() -> None:
    where = np.array([1, 1, 1, 0])
    assert alike(np.array([1.0, 2, 3, 9]), np.array([5.0, 3, 1, 9]), where) == pytest.approx(-1)
    assert alike(np.array([1.0, 2, 3, 9]), np.array([1.0, 3, 2, -9]), where) == pytest.approx(0.5)
    assert alike(np.array([1.0, 2, 3, 9]), np.array([0.1, 0.1, 0.1, 9]), where) == 0
    assert alike(np.array([1.0, 2]), np.array([1.0, 2]), np.zeros(2)) == 0


@pytest.mark.parametrize(("drawn", "said"), [
    (LEFT.light, (1, 0)), (TOP.light, (0, 1)), (1 - LEFT.light, (-1, 0)),
    ((LEFT.light + TOP.light) / 2, (math.sqrt(0.5), math.sqrt(0.5)))])
def test_layout_is_that_of_the_reference_or_the_target(drawn: np.ndarray, said: tuple[float, float]) -> None:
    other_bar = drawn.copy()
    other_bar[:, 2] = 0.3  # bars say nothing
    for one in (drawn, other_bar):
        found = leakage(layout(*one), LEFT, TOP)
        assert found == pytest.approx(said) and found.leak == pytest.approx(said[0] - said[1])


def test_light_and_contrast_say_nothing() -> None:
    assert leakage(layout(*(40 + 7 * LEFT.light)), LEFT, TOP) == pytest.approx((1, 0))


def test_a_picture_is_laid_whole_in_the_middle() -> None:
    """Twice as wide as high, black left and white right: two of four rows, with a bar above and below."""
    picture = np.zeros((20, 40, 3), np.uint8)
    picture[:, 20:] = 255
    found = laid(picture, 4)
    assert found.where.tolist() == [[0] * 4, [1] * 4, [1] * 4, [0] * 4]
    assert found.light[1:3] == pytest.approx(np.array([[0, 0, 255, 255]] * 2), abs=1e-3)
    assert laid(np.full((9, 3, 3), 255, np.uint8), 3).where.tolist() == [[0, 1, 0]] * 3


def test_a_cell_has_the_mean_of_its_pixels_in_any_size() -> None:
    chance = np.random.default_rng(0)
    picture = chance.integers(0, 256, (24, 16, 3), np.uint8)
    found = laid(picture, 6)
    grey = picture @ GREY
    assert found.where[:, 1:5].all() and found.where.sum() == 24
    assert found.light[0, 1] == pytest.approx(grey[:4, :4].mean(), abs=1e-3)
    assert found.light[5, 4] == pytest.approx(grey[20:, 12:].mean(), abs=1e-3)
    doubled = laid(picture.repeat(2, 0).repeat(2, 1), 6)
    assert doubled.light == pytest.approx(found.light, abs=1e-3)


def test_a_copy_leaks_and_noise_hides_it() -> None:
    chance = np.random.default_rng(1)
    reference, target, noise = (laid(chance.integers(0, 256, (64, 64, 3), np.uint8), 8) for _ in range(3))
    between = alike(reference.light, target.light, reference.where)
    assert leakage(reference, reference, target).leak == pytest.approx(1 - between)
    assert leakage(target, reference, target).leak == pytest.approx(between - 1)
    found = [leakage(Layout((1 - level) * reference.light + level * noise.light, reference.where), reference,
                     target).reference for level in (0, 0.3, 0.6, 1)]
    assert found == sorted(found, reverse=True)


def test_grids_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match=r"reference picture's cells \(got \(1, 2\)\); allowed: \(2, 3\)"):
        leakage(LEFT, layout([1, 0]), TOP)
    with pytest.raises(UsageError, match="drawn picture holds NaN"):
        leakage(layout([math.nan, 0, 1], [1, 0, 1]), LEFT, TOP)
    with pytest.raises(UsageError, match=r"height and width \(got \(5, 8\)\); allowed: multiples of 4"):
        cells(np.zeros((5, 8, 3)), 4)
