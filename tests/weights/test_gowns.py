"""Skirts hang from the waist, stay in their layer and follow from their seed."""

from __future__ import annotations

import numpy as np
from PIL import Image

from weights.data import Stored
from weights.gowns import gown
from weights.trimmings import trimmed

WAIST = np.array([100.0, 60.0])


def painted(seed: int) -> np.ndarray:
    layer = Image.new("RGBA", (400, 400))
    gown(layer, WAIST, 20.0, (40, 90, 200), np.random.default_rng(seed))
    return np.asarray(layer)


def test_a_skirt_hangs_below_the_waist_and_widens() -> None:
    wider = 0
    for seed in range(12):
        solid = painted(seed)[..., 3] > 0
        rows = np.nonzero(solid.any(1))[0]
        # layers are twice as fine: the waist lies at row 120; a bent side may rise a little
        assert rows[0] > 120 - 30 and rows[-1] > 120 + 20
        columns = np.nonzero(solid[rows[0] : rows[0] + 6].any(0))[0]
        assert abs(columns.mean() - 200) < 45
        wider += solid.any(0).sum() > 1.2 * np.ptp(columns)
    assert wider >= 10


def test_a_skirt_is_opaque_and_repeatable() -> None:
    first, again, other = painted(1), painted(1), painted(2)
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert set(np.unique(first[..., 3])) == {0, 255}


def test_a_skirt_far_too_small_or_large_is_left_out() -> None:
    layer = Image.new("RGBA", (50, 50))
    gown(layer, WAIST, 5000.0, (1, 2, 3), np.random.default_rng(0))
    assert not np.asarray(layer).any()


def test_what_is_worn_never_hides_the_face() -> None:
    pixels = np.zeros((200, 90, 4), np.uint8)
    pixels[20:, 20:70] = (200, 60, 60, 255)
    pixels[20:60, 25:65] = (60, 200, 60, 255)
    stored = Stored(pixels, (25.0, 20.0, 65.0, 60.0), 1.0, (False, False, False, True))
    more = 0
    for seed in range(20):
        worn = trimmed(stored, np.random.default_rng(seed))
        x0, y0, x1, y1 = (round(v) for v in worn.face)
        assert (worn.pixels[y0:y1, x0:x1, 1] == 200).all()
        assert (worn.pixels[..., 3] > 127).sum() >= (pixels[..., 3] > 127).sum()
        more += (worn.pixels[..., 3] > 127).sum() > 1.1 * (pixels[..., 3] > 127).sum()
    assert more >= 8
