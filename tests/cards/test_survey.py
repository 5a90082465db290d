"""Counts of the light columns, sampling, and who may be shown."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards.survey import MEMBERS, Pairs, Survey, length_bars, survey, top
from schemas.draws import draw


def test_counts(trio: dict[str, Any], write: Any) -> None:
    seen = survey(write(trio))
    assert seen.lengths == {2: 1, 1: 4}
    assert seen.characters == {"alice": 3, "carol": 2}
    assert seen.cloths == {"blue dress": 5, "red hat": 2}
    assert seen.artists == {"bob", "dan"}
    assert seen.ratings == {"general": 5}
    assert {name: outfit.size for name, outfit in seen.outfits.items()} == {"o1": 3, "o2": 2}
    assert sorted(seen.pairs.sample()) == [("1", "2"), ("1", "3"), ("4", "5")]


def test_a_tag_that_a_row_repeats_counts_once(row: Any, write: Any) -> None:
    assert survey(write({"train": [row("1", cloths=["hat", "hat"])]})).cloths == {"hat": 1}


def test_outfits_remember_few_members(row: Any, write: Any) -> None:
    rows = [row(str(n)) for n in range(20)]
    outfit = survey(write({"train": rows})).outfits["o1"]
    lowest = sorted((draw(str(n)), str(n)) for n in range(20))[:MEMBERS]
    assert outfit.size == 20
    assert outfit.rated == lowest


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(10, 19)), max_size=60), st.randoms())
def test_sampled_pairs_do_not_depend_on_order(links: list[tuple[int, int]], chance: Any) -> None:
    def sampled(given: list[tuple[int, int]]) -> tuple[list[tuple[str, str]], bool]:
        pairs = Pairs(limit=5)
        for one, other in given:
            pairs.add(f"a{one}", f"b{other}")
            pairs.add(f"b{other}", f"a{one}")
        found = pairs.sample()
        return found, pairs.whole

    distinct = {(f"a{one}", f"b{other}") for one, other in links}
    expected = sorted(distinct, key=lambda pair: draw(*pair))[:5]
    shuffled = list(links)
    chance.shuffle(shuffled)
    assert sampled(links) == sampled(shuffled) == (expected, len(distinct) <= 5)


@pytest.mark.parametrize(("ratings", "audience", "unknown_shown"), [
    ({"general": 2}, True, False),
    ({"general": 1, "sensitive": 1}, True, False),
    ({"general": 1, "questionable": 1}, False, False),
    ({"explicit": 1}, False, False),
    ({"unknown": 3}, True, True),  # a folder of pictures: nothing is rated
    ({"general": 5, "unknown": 1}, False, False),  # a source that rates, and one picture it did not
])
def test_audience_and_what_may_be_shown(ratings: dict[str, int], audience: bool, unknown_shown: bool) -> None:
    seen = Survey()
    seen.ratings.update(ratings)
    assert seen.for_all_audiences is audience
    assert seen.may_show("unknown") is unknown_shown
    assert seen.may_show("general")
    assert seen.may_show("sensitive")
    assert not seen.may_show("questionable")
    assert not seen.may_show("explicit")


def test_length_bars_lump_the_long_lists() -> None:
    bars = length_bars(Counter({1: 5, 2: 3, 14: 2, 15: 7, 16: 1, 400: 1}))
    assert bars[0] == ("1", 5)
    assert bars[1] == ("2", 3)
    assert bars[13] == ("14", 2)
    assert bars[14] == ("≥15", 9)
    assert len(bars) == 15


def test_length_bars_show_empty_lists_only_where_there_are() -> None:
    assert length_bars(Counter({0: 2, 1: 1}))[:2] == [("0", 2), ("1", 1)]


def test_top_breaks_ties_by_name() -> None:
    assert top(Counter({"b": 2, "c": 3, "a": 2}), 2) == [("c", 3), ("a", 2)]
