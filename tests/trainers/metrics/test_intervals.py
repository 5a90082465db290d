"""Means, intervals and tests by hand, and by what is known of normal numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from schemas.errors import UsageError
from trainers.metrics.intervals import mean, paired, repeats


def test_the_mean_is_that_of_the_values() -> None:
    assert mean([1.0, 2, 6]).mean == 3
    assert mean([1.0, 2, 6], ["a", "a", "b"]).mean == 3


def test_even_values_have_no_interval() -> None:
    assert mean([0.5] * 6, ["a", "a", "b", "b", "b", "c"]) == (0.5, 0.5, 0.5)
    assert mean([0.25]) == (0.25, 0.25, 0.25)


def test_two_subjects_are_drawn_whole() -> None:
    """Each sample has subjects (a, a), (a, b), (b, a) or (b, b): the ends are a's mean and b's."""
    assert mean([0.0, 0, 1, 1], ["a", "a", "b", "b"]) == (0.5, 0, 1)


def test_the_interval_of_values_that_stand_alone_is_that_of_their_mean() -> None:
    """1.96 standard errors on both sides, for 400 normal values."""
    values = np.random.default_rng(0).normal(5, 2, 400)
    error = 1.96 * values.std() / 20
    found = mean(values)
    assert (found.low, found.high) == pytest.approx((found.mean - error, found.mean + error), abs=0.1 * error)
    one_subject = mean(values, ["a"] * 400)
    assert one_subject == found


def test_pictures_of_one_subject_are_no_new_evidence() -> None:
    """100 copies of each of 30 subjects' values say as much as the 30, not as 3,000."""
    by_subject = np.random.default_rng(1).normal(size=30)
    alone = mean(by_subject)
    copied = mean(np.repeat(by_subject, 100), np.repeat(np.arange(30), 100).tolist())
    careless = mean(np.repeat(by_subject, 100))
    assert copied.high - copied.low == pytest.approx(alone.high - alone.low, rel=0.1)
    assert careless.high - careless.low < (alone.high - alone.low) / 5


def test_values_are_drawn_within_subjects_too() -> None:
    values = [0.0, 1] * 50  # two subjects with the same mean
    found = mean(values, ["a"] * 50 + ["b"] * 50)
    assert found.low == pytest.approx(0.5 - 1.96 * 0.05, abs=0.02) and found.high == pytest.approx(0.598, abs=0.02)


def test_subjects_weigh_by_their_pictures() -> None:
    low_heavy = mean([0.0] * 9 + [1.0], ["a"] * 9 + ["b"])
    assert low_heavy == (0.1, 0, 1)


def test_an_interval_follows_from_seed_and_labels_alone() -> None:
    values, names = np.random.default_rng(2).normal(size=60), list("abcdef") * 10
    again = mean(values, names, seed=3)
    assert mean(values, names, seed=3) == again != mean(values, names, seed=4)
    assert mean(values, [f"other {name}" for name in names], seed=3) == again


def test_equal_methods_are_not_told_apart() -> None:
    assert paired([1.0, 2, 3], [1.0, 2, 3]) == (0, 0, 0, 1, 3)


@pytest.mark.parametrize(("apart", "p"), [
    ([1.0, 1, 1], 2 / 8),        # only +++ and --- are as far
    ([1.0, 1, -1], 1.0),         # every flip is at least 1 from 0
    ([3.0, 2, -1], 4 / 8),       # |±3±2±1| ≥ 4: 6, 4, and their opposites
    ([5.0], 1.0),
])
def test_all_flips_of_few_signs_are_tried(apart: list[float], p: float) -> None:
    found = paired(np.array(apart) + 7, [7.0] * len(apart))
    assert found.p == pytest.approx(p) and found.difference == pytest.approx(np.mean(apart))


def test_signs_flip_by_subject() -> None:
    """Two subjects, however many pictures: four flips, two of them as far."""
    found = paired([1.0] * 40, [0.0] * 40, ["a"] * 20 + ["b"] * 20)
    assert found == (1, 1, 1, 0.5, 40)
    assert paired([1.0] * 40, [0.0] * 40).p == pytest.approx(1 / 2001)
    assert paired([1.0] * 40, [0.0] * 40, ["a"] * 40).p == pytest.approx(1 / 2001)


def test_p_is_that_of_the_t_test_for_many_normal_pairs() -> None:
    values = np.random.default_rng(5).normal(size=200)
    values += 2 / math.sqrt(200) * values.std(ddof=1) - values.mean()  # t = 2: p = .0469 with 199 degrees of freedom
    found = paired(values, np.zeros(200))
    assert found.p == pytest.approx(0.047, abs=0.015) and found.low == pytest.approx(0, abs=0.02)


def test_pairs_hear_what_is_common_to_both() -> None:
    """A prompt that is hard for both says nothing of which is better."""
    hard, little = np.random.default_rng(6).normal(size=50), np.random.default_rng(7).normal(0.1, 0.05, 50)
    found = paired(hard + little, hard)
    assert found.low > 0 and found.p < 0.01
    assert mean(hard + little).low < mean(hard).high


def test_mean_and_standard_deviation_over_repeats() -> None:
    assert repeats([1.0, 2, 3]) == (2, 1, 3)
    alone = repeats([0.5])
    assert alone.mean == 0.5 and math.isnan(alone.std) and alone.runs == 1


@pytest.mark.parametrize(("values", "clusters", "said"), [
    ([], None, "values: 0 are too few"),
    ([1.0, math.nan], None, "values: 1 of 2 hold NaN or infinity, the first is number 1"),
    ([1.0, 2], ["a"], "2 values, 1 clusters: they do not pair up"),
])
def test_what_has_no_mean_is_refused(values: list[float], clusters: list[str] | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        mean(values, clusters)


def test_methods_on_other_prompts_are_refused() -> None:
    with pytest.raises(UsageError, match="2 first, 1 second: they do not pair up"):
        paired([1.0, 2], [1.0])
