"""LPIPS by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from schemas.errors import UsageError
from tests.trainers.metrics.pictures import blurred, drawn, maps, noisy
from trainers.metrics.lpips import lpips


def layer(*places: list[float]) -> np.ndarray:
    """A map of one picture, 1 x C x 1 x W, by the channels at each place."""
    return np.array(places).T[None, :, None, :]


def test_by_hand() -> None:
    """Right angles are √2 apart and opposites 2; half of two places differ."""
    one = [layer([1.0, 0], [0, 3]), layer([0.0, 5])]
    other = [layer([0.0, 2], [0, 1]), layer([0.0, -1])]
    assert lpips(one, other) == pytest.approx([(2 + 0) / 2 + 4])


def test_weights_stand_before_the_squares() -> None:
    one, other = [layer([1.0, 0])], [layer([0.0, 1])]
    assert lpips(one, other, [[0.25, 3]]) == pytest.approx([0.25 * 1 + 3 * 1])


def test_a_place_without_response_is_no_error() -> None:
    assert lpips([layer([0.0, 0])], [layer([0.0, 0])]) == [0]
    assert lpips([layer([0.0, 0])], [layer([0.0, 4])]) == pytest.approx([1])


@pytest.mark.parametrize(("spoiled", "levels"), [(blurred, (0.7, 1.5, 3)), (noisy, (0.05, 0.15, 0.4))])
def test_the_more_pictures_are_spoiled_the_more_different_they_look(spoiled: object, levels: tuple[float]) -> None:
    pictures = drawn(20, 0)
    found = [lpips(maps(pictures), maps(one)).mean() for one in (pictures, *(spoiled(pictures, at) for at in levels))]
    assert found[0] == 0 and found == sorted(found) and found[-1] > found[1] > 0.01


def test_pairs_do_not_hear_of_each_other() -> None:
    one, other = maps(drawn(6, 0)), maps(drawn(6, 1))
    alone = [lpips([each[at:at + 1] for each in one], [each[at:at + 1] for each in other])[0] for at in range(6)]
    assert lpips(one, other) == pytest.approx(alone, abs=1e-12)


@pytest.mark.parametrize(("one", "other", "weights", "said"), [
    ([], [], None, "no layers"),
    ([layer([1.0])], [], None, "1 layers of one, 0 layers of the other"),
    ([layer([1.0])], [layer([1.0], [2.0])], None, "layer 0 has maps of"),
    ([layer([1.0])], [layer([math.nan])], None, "maps of layer 0 hold NaN"),
    ([layer([1.0])], [layer([1.0])], [[1, 2]], "layer 0 has 1 channels and 2 weights"),
    ([np.zeros((0, 3, 2, 2))], [np.zeros((0, 3, 2, 2))], None, "maps of layer 0"),
])
def test_maps_that_do_not_fit_are_refused(one: list[np.ndarray], other: list[np.ndarray], weights: object,
                                          said: str) -> None:
    with pytest.raises(UsageError, match=said):
        lpips(one, other, weights)
