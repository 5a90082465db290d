"""Draws are fixed for good: published selections and contact sheets follow from them."""

from __future__ import annotations

from schemas.draws import draw


def test_a_draw_follows_from_the_words_alone() -> None:
    # printf '0\0a' | b2sum -l 64
    assert draw("0", "a") == 0x15d8d767d2a6ebd3
    assert draw("0a") != draw("0", "a") != draw("1", "a")


def test_draws_are_spread_evenly() -> None:
    drawn = [draw("7", str(number)) for number in range(4000)]
    assert all(abs(sum(one >> 62 == quarter for one in drawn) - 1000) < 120 for quarter in range(4))
