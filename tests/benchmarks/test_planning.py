"""Pairs that meet too often are counted, and hardly any do with the packaged pools."""

from __future__ import annotations

from benchmarks.planning import excess, planned
from builders.prompting.planning import FAMILIES, Planned


def _row(family: str, shape: str, color: str) -> Planned:
    return Planned("00000", {"style": "", "shape": shape, "color": color}, "vase", family, "", 0)


def test_excess_is_over_the_least_of_a_family() -> None:
    # Four rows of two shapes and two colours could meet once each: "round red" is once too often, the others are not.
    rows = [_row(family, *words.split()) for family in FAMILIES
            for words in ("round red", "round red", "flat blue", "flat red")]
    assert sorted(excess(rows)) == [0] * 6 + [1] * 3


def test_the_packaged_pools_are_spread() -> None:
    rows = planned("animal", 500)
    assert len({row.text for row in rows}) == 500 and sum(excess(rows)) < 10
