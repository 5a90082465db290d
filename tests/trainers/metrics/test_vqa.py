"""VQA scores by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from schemas.errors import UsageError
from trainers.metrics.vqa import QUESTIONS, vqa, vqa_among

LEFT, UP, DOWN = [2.0, 0], [0.0, 1], [0.0, -3]


def test_same_answers_score_0_and_other_ones_1_minus_their_cosine() -> None:
    generated = [[LEFT, UP], [LEFT, UP], [UP, UP]]
    references = [[[LEFT, UP]], [[UP, UP]], [[UP, DOWN]]]
    assert vqa(references, generated) == pytest.approx([0, (1 + 0) / 2, (0 + 2) / 2])


def test_answers_about_a_picture_are_compared_with_those_about_all_its_references() -> None:
    references = [[[LEFT, UP], [LEFT, DOWN], [UP, LEFT]]]
    assert vqa(references, [[LEFT, UP]]) == pytest.approx([((0 + 0) + (0 + 2) + (1 + 1)) / 6])


def test_answers_to_different_questions_are_never_compared() -> None:
    assert vqa([[[UP, LEFT]]], [[LEFT, UP]]) == pytest.approx([1])


def test_generated_pictures_are_compared_with_each_other() -> None:
    """1 - cos: left and up 1, left and down 1, up and down 2."""
    assert vqa_among([[LEFT], [UP], [DOWN]]) == pytest.approx([1, 1.5, 1.5])
    assert vqa_among([[LEFT, UP]] * 3) == pytest.approx([0, 0, 0])


def test_it_is_a_diversity() -> None:
    """A copy of the reference scores least: the sign of the paper's Table 3."""
    chance = np.random.default_rng(0)
    reference, noise = chance.normal(size=(30, 1, 4, 16)), chance.normal(size=(30, 4, 16))
    found = [vqa(reference, reference[:, 0] + level * noise).mean() for level in (0, 0.3, 1, 3)]
    assert found == sorted(found) and found[0] == pytest.approx(0) and found[-1] > 0.5


def test_pictures_do_not_hear_of_each_other() -> None:
    chance = np.random.default_rng(1)
    references, generated = [chance.normal(size=(1 + at % 3, 4, 8)) for at in range(9)], chance.normal(size=(9, 4, 8))
    alone = [vqa(references[at:at + 1], generated[at:at + 1])[0] for at in range(9)]
    assert np.array_equal(vqa(references, generated), alone)


def test_what_the_paper_names_is_asked() -> None:
    assert list(QUESTIONS) == ["orientation", "expression", "gesture", "activity"]
    assert not any("?" in question for question in QUESTIONS.values())


@pytest.mark.parametrize(("references", "generated", "said"), [
    ([[[LEFT]]], [[LEFT], [LEFT]], "1 references, 2 generated pictures: they do not pair up"),
    ([[[LEFT, UP]]], [[LEFT]], r"VQA: answers \(questions\): 2 and 1 numbers a row"),
    ([[[LEFT]]], [[[1.0, 0, 0]]], "VQA: answers: 2 and 3 numbers a row"),
    ([[[LEFT]]], [[[math.nan, 0]]], "answers about generated pictures: 1 of 1 hold NaN"),
    ([np.zeros((0, 1, 2))], [[LEFT]], "answers about references of picture 0"),
])
def test_answers_that_do_not_fit_are_refused(references: list[object], generated: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        vqa(references, generated)


def test_one_picture_has_no_other() -> None:
    with pytest.raises(UsageError, match="1 is too few; allowed: 2 or more"):
        vqa_among([[LEFT]])
