"""Surfaces give repeatable colours in range, and patterns repeat with the period that they have."""

from __future__ import annotations

import numpy as np
import pytest

from weights.textures import FLOORS, WALLS, bricks, colour, grain, plain, stripes, windows

MAKERS = (*WALLS, *FLOORS, windows)
S, T = (part.astype(np.float32) for part in np.meshgrid(np.linspace(0, 6, 90), np.linspace(0, 4, 60)))


@pytest.mark.parametrize("number", range(len(MAKERS)))
@pytest.mark.parametrize("seed", range(5))
def test_surfaces_are_repeatable_and_bright_enough_to_see(number: int, seed: int) -> None:
    made = MAKERS[number](np.random.default_rng(seed))(S, T)
    assert made.shape == (60, 90, 3) and np.isfinite(made).all()
    assert made.min() > -0.5 and made.max() < 2.5
    assert np.array_equal(made, MAKERS[number](np.random.default_rng(seed))(S, T))


def test_colours_lie_in_range() -> None:
    made = np.stack([colour(np.random.default_rng(seed), 1.0) for seed in range(200)])
    assert made.min() >= 0.02 and made.max() <= 1.0
    grey = np.stack([colour(np.random.default_rng(seed), 0.0) for seed in range(50)])
    assert np.ptp(grey, axis=1).max() == 0


def test_paint_has_one_hue_and_patterns_more_than_one_colour() -> None:
    def colours(maker: object, seed: int) -> int:
        made = maker(np.random.default_rng(seed))(S, T)  # type: ignore[operator]
        return len(np.unique((made * 64).astype(int).reshape(-1, 3), axis=0))

    for seed in range(6):
        made = plain(np.random.default_rng(seed))(S, T)
        ratio = made / made[:1, :1]
        assert np.ptp(ratio, axis=-1).max() < 1e-5
    for maker in (bricks, stripes, grain, windows):
        assert sum(colours(maker, seed) > 1 for seed in range(6)) >= 5


def test_grain_repeats_without_a_seam() -> None:
    surface = grain(np.random.default_rng(3))
    line = np.linspace(0, 40, 40_000, dtype=np.float32)
    shades = surface(line, np.zeros_like(line))[:, 0]
    steps = np.abs(np.diff(shades))
    inner = steps[:2000].max()
    assert steps.max() <= inner * 2 + 1e-6
