"""Cosines by hand, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from schemas.errors import UsageError
from trainers.metrics.cosines import alignment, similarity

HALF = math.sqrt(0.5)


def test_similarity_is_the_mean_cosine_with_a_pictures_own_references() -> None:
    pictures = [[3.0, 0], [0, 0.5]]
    references = [[[1.0, 0], [0, 7], [2, 2]], [[5.0, 5]]]  # cosines 1, 0, √½ and √½: lengths say nothing
    assert similarity(pictures, references) == pytest.approx([(1 + 0 + HALF) / 3, HALF])


def test_alignment_pairs_by_place() -> None:
    assert alignment([[1.0, 0], [2, 2], [1, 0]], [[1.0, 0], [1, 0], [-3, 0]]) == pytest.approx([1, HALF, -1])


def test_a_picture_is_scored_alike_whatever_stands_beside_it() -> None:
    chance = np.random.default_rng(0)
    pictures, texts = chance.normal(size=(40, 64)), chance.normal(size=(40, 64))
    references = [chance.normal(size=(1 + at % 4, 64)) for at in range(40)]
    alone = [similarity(pictures[at:at + 1], references[at:at + 1])[0] for at in range(40)]
    assert np.array_equal(similarity(pictures, references), alone)
    assert np.array_equal(alignment(pictures, texts), [alignment(pictures[at:at + 1], texts[at:at + 1])[0]
                                                       for at in range(40)])


def test_more_noise_is_less_alike_and_shuffled_captions_fit_less() -> None:
    """As it must be with any model that places like beside like."""
    chance = np.random.default_rng(1)
    texts = chance.normal(size=(50, 32))
    noise = chance.normal(size=(50, 32))
    levels = [similarity(texts + level * noise, [one[None] for one in texts]).mean() for level in (0, 0.5, 1, 3)]
    assert levels[0] == pytest.approx(1) and levels == sorted(levels, reverse=True)
    assert alignment(texts + noise, texts).mean() > alignment(texts + noise, np.roll(texts, 1, 0)).mean() + 0.3


def test_cosines_do_not_leave_their_range() -> None:
    row = np.full((1, 7), 0.1, np.float32)
    assert similarity(row, [row])[0] <= 1 and alignment(row, -row)[0] >= -1


@pytest.mark.parametrize(("pictures", "texts", "said"), [
    ([[1.0, 0]], [[1.0, 0], [0, 1]], "1 pictures, 2 texts: they do not pair up"),
    (np.zeros((0, 2)), np.zeros((0, 2)), "pictures: 0 are too few"),
    ([[1.0, math.nan], [0, 1]], [[1.0, 0], [0, 1]], "pictures: 1 of 2 hold NaN or infinity, the first is number 0"),
    ([[1.0, 0], [0, 1]], [[1.0, 0], [0, 0]], "texts: number 1 is all zeros"),
    ([[1.0, 0, 0]], [[1.0, 0]], "pictures and texts: 3 and 2 numbers a row"),
    ([1.0, 0], [1.0, 0], r"pictures: an array of the wrong shape \(got \(2,\)\)"),
])
def test_what_cannot_be_compared_is_refused(pictures: object, texts: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        alignment(pictures, texts)


@pytest.mark.parametrize(("references", "said"), [
    ([[[1.0, 0]]], "2 pictures, 1 references"),
    ([[[1.0, 0]], np.zeros((0, 2))], "references of picture 1: 0 are too few"),
    ([[[1.0, 0]], [[1.0, math.inf]]], "references of picture 1: 1 of 1 hold NaN"),
    ([[[1.0, 0]], [[1.0, 0, 0]]], "pictures and references: 2 and 3 numbers"),
])
def test_references_that_do_not_fit_are_refused(references: list[object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        similarity([[1.0, 0], [0, 1]], references)
