from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from builders.components import Components, roots


def test_the_root_of_a_part_is_its_smallest_member() -> None:
    pairs = np.asarray([(4, 7), (7, 2), (5, 6), (9, 4), (8, 8)])
    assert roots(pairs, 10).tolist() == [0, 1, 2, 3, 2, 5, 5, 2, 8, 2]
    assert roots(pairs[:0], 3).tolist() == [0, 1, 2]


@given(st.permutations(range(40)), st.integers(1, 39))
def test_a_long_chain_is_one_part(order: list[int], cut: int) -> None:
    pairs = np.asarray([(one, other) for at, (one, other) in enumerate(pairwise(order), 1)
                        if at != cut])
    expected = [min(order[:cut]) if order.index(member) < cut else min(order[cut:]) for member in range(40)]
    assert roots(pairs.reshape(-1, 2), 40).tolist() == expected
    parts = Components(40)
    for one, other in pairs.tolist():
        parts.union(one, other)
    assert [parts.find(member) for member in range(40)] == expected
