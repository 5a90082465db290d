"""R-precision on planted captions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from schemas.errors import UsageError
from trainers.metrics.r_precision import among_classes, attngan, classifier

WIDE = np.eye(120)


def test_attngan_hits_where_the_own_caption_is_nearest() -> None:
    pictures = WIDE[:3] + 0.5 * WIDE[3]
    texts = WIDE[[0, 3, 2]]             # that of the second is not what it is nearest to
    others = [WIDE[20:119], np.vstack([WIDE[1:2], WIDE[20:118]]), WIDE[20:119]]  # 99 each: all are drawn
    assert attngan(pictures, texts, others, "abc").tolist() == [1, 0, 1]


def test_a_caption_that_stands_among_the_others_is_a_tie_and_a_miss() -> None:
    picture, keys = np.random.default_rng(0).normal(size=(1, 120)), [str(at) for at in range(600)]
    same = 3 * picture  # whatever the key, all of 99 are drawn
    pictures = np.repeat(picture, 600, 0)
    assert not attngan(pictures, pictures, [np.vstack([same, WIDE[:98]])] * 600, keys).any()


def test_99_of_more_are_drawn_and_by_the_key_alone() -> None:
    """One caption of 198 beats the own one: half of the keys draw it."""
    picture, text = [[1.0, 0, 0]], [[1.0, 1, 0]]
    others = np.vstack([[[1.0, 0.1, 0]], np.tile([[0.0, 0, 1]], (197, 1))])
    keys = [f"picture {number}" for number in range(400)]
    hits = attngan(picture * 400, text * 400, [others] * 400, keys)
    assert hits.mean() == pytest.approx(0.5, abs=0.08)
    assert [attngan(picture, text, [others], [key])[0] for key in keys[:30]] == hits[:30].tolist()
    assert attngan(picture * 400, text * 400, [others] * 400, keys, among=2).mean() == pytest.approx(1, abs=0.03)


def test_chance_hits_once_in_a_hundred() -> None:
    chance = np.random.default_rng(1)
    pictures, texts = chance.normal(size=(3000, 16)), chance.normal(size=(3000, 16))
    hits = attngan(pictures, texts, [chance.normal(size=(99, 16))] * 3000, [str(at) for at in range(3000)])
    assert hits.mean() == pytest.approx(0.01, abs=0.006)


def test_shuffled_captions_are_found_less_often() -> None:
    chance = np.random.default_rng(2)
    texts, others = chance.normal(size=(60, 24)), chance.normal(size=(99, 24))
    pictures, keys = texts + 0.5 * chance.normal(size=(60, 24)), [str(at) for at in range(60)]
    right, wrong = (attngan(pictures, one, [others] * 60, keys).mean() for one in (texts, np.roll(texts, 1, 0)))
    assert right > 0.9 and wrong < 0.1


def test_among_classes_asks_for_the_first_of_so_many() -> None:
    """Cosines with class captions fall from caption to caption; the own text stands before two, one and none."""
    angles = np.radians([10.0, 20, 30, 40])
    classes = np.stack([np.cos(angles), np.sin(angles)], 1)
    own = np.radians([5.0, 15, 25])
    texts = np.stack([np.cos(own), np.sin(own)], 1)
    pictures = np.tile([[2.0, 0]], (3, 1))
    assert among_classes(pictures, texts, classes, top=1).tolist() == [1, 0, 0]
    assert among_classes(pictures, texts, classes, top=2).tolist() == [1, 1, 0]
    assert among_classes(pictures, texts, classes, top=3).tolist() == [1, 1, 1]


def test_classifier_is_the_probability_itself() -> None:
    assert classifier([0.25, 1, 0]).tolist() == [0.25, 1, 0]


def test_what_cannot_be_ranked_is_refused() -> None:
    with pytest.raises(UsageError, match="picture 0 has 98 mismatched captions; allowed: 99 or more"):
        attngan(WIDE[:1], WIDE[:1], [WIDE[1:99]], ["a"])
    with pytest.raises(UsageError, match="2 pictures, 2 texts, 1 others, 2 keys: they do not pair up"):
        attngan(WIDE[:2], WIDE[:2], [WIDE[2:]], "ab")
    with pytest.raises(UsageError, match="class captions: 119 are too few; allowed: 200 or more"):
        among_classes(WIDE[:1], WIDE[:1], WIDE[1:])
    with pytest.raises(UsageError, match=r"probabilities \(got '-1 .. 0.5'\); allowed: 0 .. 1"):
        classifier([-1, 0.5])
    with pytest.raises(UsageError, match="hold NaN"):
        classifier([math.nan])
