"""Sharpness, exposure and colourfulness on pictures whose numbers follow by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from annotators.aesthetics import Aesthetics, open_aesthetics
from annotators.embeddings import open_embeddings
from annotators.light_aesthetics import SIDE, colourfulness, exposure, score, sharpness


def photo() -> np.ndarray:
    """Coloured fields with hard edges, of all tones."""
    small = np.random.default_rng(4).integers(10, 246, (24, 16, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((SIDE, SIDE * 3 // 2), Image.Resampling.NEAREST))


def test_the_annotator_scores_each_picture() -> None:
    found = open_aesthetics("light", open_embeddings("light"))
    assert isinstance(found, Aesthetics) and found.embeddings is None and found.needs == ("image",)
    said = found({"image": [photo(), np.zeros((30, 20, 3), np.uint8), np.full((1, 900, 3), 90, np.uint8)]})
    assert said == {"aesthetic": [score(photo()), 0.0, 0.0]}
    assert 5 < said["aesthetic"][0] <= 10 and np.float32(said["aesthetic"][0]) == said["aesthetic"][0]
    assert found({"image": []}) == {"aesthetic": []}


def test_sharpness_is_half_where_the_laplacian_is_sixteen_levels() -> None:
    grey = np.full((5, 5), 100, np.uint8)
    assert sharpness(grey) == 0
    grey[2, 2] = 118  # 72 at the middle, 18 at its four neighbours, 0 at the corners: 144 over 9 inner pixels
    assert sharpness(grey) == pytest.approx(16 / (16 + 16))
    assert sharpness(np.zeros((2, 50), np.uint8)) == 0


def test_exposure_is_the_range_of_what_is_not_lost() -> None:
    half = np.repeat(np.asarray([[50], [203]], np.uint8), 50, axis=1)
    assert exposure(half) == pytest.approx(153 / 255)
    lost = np.repeat(np.asarray([[0], [50], [203], [203]], np.uint8), 50, axis=1)
    assert exposure(lost) == pytest.approx(203 / 255 * 3 / 4)
    assert exposure(np.full((4, 4), 128, np.uint8)) == 0 and exposure(np.full((4, 4), 255, np.uint8)) == 0


def test_colourfulness_is_that_of_hasler_and_suesstrunk() -> None:
    grey = np.repeat(np.arange(0, 250, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert colourfulness(grey) == 0
    assert colourfulness(np.full((3, 3, 3), (40, 20, 10), np.uint8)) == pytest.approx(0.3 * np.hypot(20, 20) / 109)
    both = np.zeros((2, 1, 3), np.uint8)
    both[0, 0], both[1, 0] = (60, 0, 30), (0, 60, 30)  # red less green 60 and -60, yellow less blue 0
    assert colourfulness(both) == pytest.approx(60 / 109)
    both[0, 0], both[1, 0] = (255, 0, 0), (0, 255, 0)
    assert colourfulness(both) == 1


@pytest.mark.parametrize("spoilt", [
    lambda picture: picture.filter(ImageFilter.GaussianBlur(6)),
    lambda picture: picture.convert("L").convert("RGB"),
    lambda picture: picture.point(lambda level: level // 6),
    lambda picture: picture.point(lambda level: 200 + level // 6),
    lambda picture: picture.resize((40, 60)),
], ids=["blurred", "grey", "dark", "faded", "small"])
def test_a_spoilt_picture_scores_clearly_less(spoilt) -> None:
    assert score(np.asarray(spoilt(Image.fromarray(photo())))) < score(photo()) - 0.5


def test_another_size_of_the_same_picture_scores_alike() -> None:
    twice = np.asarray(Image.fromarray(photo()).resize((2 * SIDE, 3 * SIDE), Image.Resampling.BICUBIC))
    assert score(twice) == pytest.approx(score(photo()), abs=0.5)
