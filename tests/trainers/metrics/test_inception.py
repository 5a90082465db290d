"""Inception scores by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from schemas.errors import UsageError
from trainers.metrics.inception import inception_score


def test_sure_and_diverse_scores_as_many_as_there_are_classes() -> None:
    logits = 1000 * np.eye(4)[np.arange(40) % 4]
    assert inception_score(logits, 1) == (pytest.approx(4), 0, 40)


def test_one_class_or_none_at_all_scores_1() -> None:
    assert inception_score(1000 * np.eye(4)[np.zeros(40, int)], 1).mean == pytest.approx(1)
    assert inception_score(np.full((40, 4), 7.0), 1).mean == pytest.approx(1)


def test_by_hand() -> None:
    """p = (3/4, 1/4) and (1/4, 3/4): KL with (1/2, 1/2) is 3/4 ln 3/2 + 1/4 ln 1/2 for both."""
    logits = np.log([[3.0, 1], [1, 3]]) + np.array([[5.0], [-9]])  # what is added to all classes says nothing
    gain = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert inception_score(logits, 1).mean == pytest.approx(math.exp(gain))


def test_pictures_are_dealt_to_splits_in_turn() -> None:
    """0 0 1 1 in two splits: each has a picture of both classes, though the list is sorted."""
    logits = 1000 * np.eye(2)[[0, 0, 1, 1]]
    assert inception_score(logits, 2) == (pytest.approx(2), pytest.approx(0), 4)
    uneven = inception_score(1000 * np.eye(2)[[0, 0, 1, 0]], 2)  # splits 0 1 and 0 0: scores 2 and 1
    assert uneven == (pytest.approx(1.5), pytest.approx(0.5), 4)


def test_what_blurs_classes_lowers_the_score() -> None:
    logits = 8 * np.eye(5)[np.arange(50) % 5] + np.random.default_rng(0).normal(size=(50, 5))
    found = [inception_score(logits * sharp, 1).mean for sharp in (1, 0.5, 0.2, 0)]
    assert found == sorted(found, reverse=True) and found[-1] == pytest.approx(1)


@pytest.mark.parametrize(("logits", "splits", "said"), [
    (np.zeros((9, 3)), 10, "inception score: pictures: 9 are too few; allowed: 10 or more"),
    (np.array([[1.0, math.nan]]), 1, "hold NaN or infinity"),
    (np.zeros((9, 3)), 0, "splits"),
])
def test_what_has_no_score_is_refused(logits: np.ndarray, splits: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        inception_score(logits, splits)
