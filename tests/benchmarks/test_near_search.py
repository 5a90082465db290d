"""What is planted is what was asked for, and it is found."""

from __future__ import annotations

import numpy as np

from benchmarks.near_search import every_pair, ours, plant


def test_copies_differ_in_as_many_bits_as_said() -> None:
    planted = plant(2_000, 110, flood=True)
    assert np.bincount(planted.bits).tolist() == [10] * 11
    for pair, (one, other, bits) in enumerate(zip(planted.original, planted.copy, planted.bits, strict=True)):
        first = planted.phash_mirror[one] if pair % 5 == 4 else planted.phash[one]
        assert (int(first, 16) ^ int(planted.phash[other], 16)).bit_count() == bits


def test_both_ways_find_what_is_planted() -> None:
    assert ours(2_000, 110, True)[2] == every_pair(2_000, 110, True)[2] == 110
