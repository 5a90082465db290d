"""SWD by hand; Eq. 2 as a property."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import UsageError
from trainers.metrics.swd import products, swd

SCORES = st.floats(-2, 2, allow_nan=False)
PAIRS = st.lists(st.tuples(SCORES, SCORES), min_size=1, max_size=30)


def test_swd_is_the_mean_of_products() -> None:
    assert products([0.5, 0.2, 1.0], [0.4, 1.0, 0.0]) == pytest.approx([0.2, 0.2, 0.0])
    assert swd([0.5, 0.2, 1.0], [0.4, 1.0, 0.0]) == pytest.approx(0.4 / 3)


def test_the_trade_off_that_the_paper_speaks_of() -> None:
    """Half high and low, half low and high, has the means of even pictures and a lower SWD (section 4)."""
    uneven, even = swd([0.9, 0.1], [0.1, 0.9]), swd([0.5, 0.5], [0.5, 0.5])
    assert (uneven, even) == (pytest.approx(0.09), pytest.approx(0.25))


def test_swd_and_the_product_of_means_differ_by_the_covariance() -> None:
    assert swd([1, 3], [2, 6]) == pytest.approx(10) and 2 * 4 + 1 * 2 == 10


@given(PAIRS)
def test_no_swd_is_above_the_bound_of_equation_2(pairs: list[tuple[float, float]]) -> None:
    div, sim = np.array(pairs).T
    assert (len(pairs) * swd(div, sim))**2 <= (div**2).sum() * (sim**2).sum() + 1e-9


@given(PAIRS, st.floats(0, 3))
def test_the_bound_is_reached_where_both_go_together(pairs: list[tuple[float, float]], times: float) -> None:
    div = np.array(pairs)[:, 0]
    assert (len(div) * swd(div, times * div))**2 == pytest.approx((div**2).sum() * (times**2 * div**2).sum())


@given(PAIRS)
def test_either_may_be_named_first(pairs: list[tuple[float, float]]) -> None:
    div, sim = np.array(pairs).T
    assert swd(div, sim) == swd(sim, div)


@pytest.mark.parametrize(("div", "sim", "said"), [
    ([], [], "diversities: 0 are too few"),
    ([1.0], [1.0, 2.0], "1 diversities, 2 similarities: they do not pair up"),
    ([1.0, 0.5], [1.0, math.nan], "similarities: 1 of 2 hold NaN or infinity, the first is number 1"),
    ([[1.0]], [[1.0]], "diversities: an array of the wrong shape"),
])
def test_what_is_no_pair_is_refused(div: list[float], sim: list[float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        swd(div, sim)
