"""What is counted of prompts: words by family and part, how even they are, and the rows to show."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from cards.prompts import SHOWN, Used, evenness, survey, used

PARTS = ("style", "shape", "color", "texture", "background")


@pytest.mark.parametrize(("words", "even"), [
    ({"red": 5}, 1.0),
    ({}, 1.0),
    ({"red": 2, "blue": 2, "green": 2}, 1.0),
    ({"red": 3, "blue": 1}, 0.811278),  # 2 - 3/4 log2 3 bits, of one bit at most
    ({"red": 2, "blue": 1, "green": 1}, 0.946395),  # 1.5 bits of log2 3
])
def test_evenness_by_hand(words: dict[str, int], even: float) -> None:
    assert evenness(Counter(words)) == pytest.approx(even, abs=1e-6)


def test_words_are_counted_by_family_and_part(drawn: Any) -> None:
    reds = [{"color": "red", "shape": shape} for shape in ("round", "flat", "")]
    photographs = [{"family": "photographic", "style": "a photo of", "color": color} for color in ("red", "blue")]
    seen = survey(drawn(*photographs, *reds, {"color": "blue"}), PARTS)
    assert seen.rows == {"training": 4, "photographic": 2}
    assert seen.families == ["training", "photographic"]  # in the order of the card, not that of the rows
    counted = [(one[:5], round(one.evenness, 6)) for one in used(seen, PARTS)]
    assert counted == [  # a part that is empty in every row of a family is none
        (("training", "shape", 2, 1, 1), 1.0),
        (("training", "color", 2, 1, 3), 0.811278),
        (("photographic", "style", 1, 2, 2), 1.0),
        (("photographic", "color", 2, 1, 1), 1.0)]
    assert Used._fields[:5] == ("family", "part", "words", "least", "most")


def test_texts_attempts_and_scores(drawn: Any) -> None:
    rows = [{"text": "a cup", "clip_t": 0.25}, {"text": "a cup", "attempts": 3}, {"text": "a red cup", "clip_t": 0.0}]
    seen = survey(drawn(*rows), PARTS)
    assert len(seen.texts) == 2 and seen.attempts == {1: 2, 3: 1}
    assert seen.scores == [0.25, 0.0]  # a score of nothing is a score; none is none


def test_a_few_rows_of_each_family_are_shown_whatever_their_order(drawn: Any) -> None:
    rows = [{"id": f"{number:05d}", "family": "styled" if number % 7 == 0 else "training"} for number in range(20)]
    shown = survey(drawn(*rows), PARTS).shown
    assert {family: len(lot) for family, lot in shown.items()} == {"training": SHOWN, "styled": 3}
    assert {name for _, name in shown["styled"]} == {"00000", "00007", "00014"}
    assert shown == survey(drawn(*reversed(rows)), PARTS).shown
    assert [name for _, name in shown["training"]] != ["00001", "00002", "00003", "00004"]  # not the first ones
