"""The truth moves with the edit: a marked face and matte are found again where the edit put them."""

from __future__ import annotations

import numpy as np
import pytest

from builders.sources.sample_near import Shot, edited

WIDTH, HEIGHT = 200, 300
FACE = (60.0, 40.0, 110.0, 90.0)


def _shot() -> Shot:
    """White with a red face; the matte is the face."""
    picture = np.full((HEIGHT, WIDTH, 3), 250, np.uint8)
    picture[40:90, 60:110] = (200, 20, 20)
    matte = np.zeros((HEIGHT, WIDTH), np.uint8)
    matte[40:90, 60:110] = 255
    return Shot(picture, matte, FACE)


def _extent(mask: np.ndarray) -> tuple[float, ...]:
    ys, xs = np.nonzero(mask)
    return float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1)


@pytest.mark.parametrize("kind", ["reencoded", "recoloured", "cropped", "mirrored", "child_text", "child_expression"])
@pytest.mark.parametrize("seed", range(3))
def test_face_and_matte_stay_on_the_drawing(kind: str, seed: int) -> None:
    copy = edited(_shot(), kind, np.random.default_rng(seed))
    assert copy.picture.shape[:2] == copy.matte.shape
    assert copy.face is not None
    assert np.allclose(_extent(copy.matte > 127), copy.face, atol=1.01)
    above_the_note = copy.picture[: copy.matte.shape[0] * 3 // 4, :, 1]
    assert np.allclose(_extent(above_the_note < 128), copy.face, atol=1.01)


def test_crop_takes_two_percent_of_each_side() -> None:
    copy = edited(_shot(), "cropped", np.random.default_rng(0))
    assert copy.matte.shape == (294, 196)


def test_mirror_is_exact() -> None:
    copy = edited(_shot(), "mirrored", np.random.default_rng(0))
    assert copy.face == (90.0, 40.0, 140.0, 90.0)
    assert (copy.picture[:, ::-1] == _shot().picture).all()


def test_recolour_is_slight_and_leaves_the_size() -> None:
    copy = edited(_shot(), "recoloured", np.random.default_rng(1))
    change = np.abs(copy.picture.astype(int) - _shot().picture)
    assert 0 < change.max() <= 40


def test_text_changes_only_the_lower_part() -> None:
    copy = edited(_shot(), "child_text", np.random.default_rng(0))
    changed = (copy.picture != _shot().picture).any(axis=2)
    assert changed.any()
    assert not changed[: HEIGHT * 3 // 4].any()


def test_a_shot_without_a_face_stays_without() -> None:
    bare = Shot(_shot().picture, _shot().matte, None)
    for kind in ("reencoded", "cropped", "mirrored"):
        assert edited(bare, kind, np.random.default_rng(0)).face is None
