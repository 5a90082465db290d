import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotators.scores import (
    RULES,
    STRATEGIES,
    Concept,
    Rule,
    Scored,
    clipped,
    gamma,
    integrated,
    phi,
    select,
)

POOL = np.asarray([[1, 0], [0, 1], [0.6, 0.8], [-1, 0]], dtype=np.float32)
"""Cosines to (1, 0): 1, 0, 0.6, -1; to (0.8, 0.6): 0.8, 0.6, 0.96, -0.8."""
SEEDS = np.asarray([[1, 0], [0.8, 0.6]], dtype=np.float32)


@pytest.mark.parametrize(("rule", "expected"), [
    ("mean", [9, 3, 7.8, 0]), ("min", [8, 0, 6, 0]), ("max", [10, 6, 9.6, 0])])
def test_concept_scores_by_hand(rule: Rule, expected: list[float]) -> None:
    concept = Concept(POOL)
    concept.add(SEEDS)
    assert concept.scores(rule) == pytest.approx(expected, abs=1e-5)
    assert concept.scores(rule).dtype == np.float32


def _unit(rows: int, width: int, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((rows, width), dtype=np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(1, 9), st.lists(st.integers(0, 9), max_size=3), st.integers(0, 99))
def test_adding_in_turns_is_adding_at_once(rows: int, chosen: int, cuts: list[int], seed: int) -> None:
    pool, seeds = _unit(rows, 5, seed), _unit(chosen, 5, seed + 100)
    turns = Concept(pool)
    for start, end in pairwise(sorted({0, chosen, *(min(cut, chosen) for cut in cuts)})):
        turns.add(seeds[start:end])
    cosines = [[math.fsum(float(a) * float(b) for a, b in zip(one, other, strict=True)) for other in seeds]
               for one in pool]
    expected = {"mean": [math.fsum(row) / chosen for row in cosines], "min": [min(row) for row in cosines],
                "max": [max(row) for row in cosines]}
    for rule in RULES:
        told = [min(10, max(0, 10 * cosine)) for cosine in expected[rule]]
        assert turns.scores(rule) == pytest.approx(told, abs=1e-4)


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_more_rows_than_a_chunk_from_a_mapped_file(tmp_path, kind) -> None:  # type: ignore[no-untyped-def]
    pool = _unit(2500, 8, 0).astype(kind)
    np.save(tmp_path / "pool.npy", pool)
    concept = Concept(np.load(tmp_path / "pool.npy", mmap_mode="r"))
    concept.add(pool[[7, 2499]])
    assert set(np.flatnonzero(concept.scores("max") > 9.99)) == {7, 2499}
    expected = 10 * (pool.astype(np.float64) @ pool[[7, 2499]].astype(np.float64).T).min(axis=1)
    assert concept.scores("min") == pytest.approx(np.clip(expected, 0, 10), abs=1e-3)


def test_a_row_is_scored_alike_alone_and_among_others() -> None:
    # So that neither the number of threads nor the rows beside it can change what is published.
    pool = _unit(700, 96, 0)
    whole, alone = Concept(pool), Concept(pool[613:614])
    for concept in (whole, alone):
        concept.add(pool[:11])
    assert all(whole.scores(rule)[613] == alone.scores(rule)[0] for rule in RULES)


def test_nothing_added_changes_nothing_and_no_concept_has_no_scores() -> None:
    concept = Concept(POOL)
    concept.add(np.empty((0, 2), dtype=np.float32))
    with pytest.raises(ValueError, match="no picture"):
        concept.scores("mean")
    concept.add(SEEDS)
    before = concept.scores("mean")
    concept.add(np.empty((0, 2), dtype=np.float32))
    assert np.array_equal(concept.scores("mean"), before)


def test_scores_are_clipped() -> None:
    assert clipped([-1.5, 0, 5.25, 10, 11]).tolist() == [0, 0, 5.25, 10, 10]


def test_gamma_is_the_mean_and_0_of_nothing() -> None:
    assert gamma([2, 4, 9]) == 5
    assert gamma(np.empty(0, np.float32)) == 0


def test_integrated_by_hand() -> None:
    aesthetic, concept = np.asarray([6, 2], np.float32), np.asarray([5, 10], np.float32)
    assert integrated(aesthetic, concept).tolist() == [11, 12]
    # 0.4 x 6 + 0.8 x 5 and 0.4 x 2 + 0.8 x 10
    assert integrated(aesthetic, concept, 6, 2) == pytest.approx([6.4, 8.8])
    assert integrated(aesthetic, concept, 10, 10).tolist() == [0, 0]
    assert integrated(aesthetic, concept, 6, 2).dtype == np.float32


ten = st.floats(0, 10)


@given(ten, ten, ten, ten)
def test_a_better_embedding_weighs_a_score_less(aesthetic: float, concept: float, one: float, other: float) -> None:
    low, high = sorted([one, other])
    pool = np.asarray([aesthetic], np.float32), np.asarray([concept], np.float32)
    assert integrated(*pool, high, 0) <= integrated(*pool, low, 0) + 1e-5
    assert integrated(*pool, 0, high) <= integrated(*pool, 0, low) + 1e-5
    assert 0 <= integrated(*pool, low, high) <= 20


@pytest.mark.parametrize(("both", "expected"), [((10, 10), 10), ((0, 10), 0), ((10, 0), 0), ((5, 5), 5),
                                                ((10, 10 / 3), 5)])
def test_phi_by_hand(both: tuple[float, float], expected: float) -> None:
    assert phi(*both) == pytest.approx(expected, abs=1e-9)  # sin 45 deg squared is 1/2, sin 30 deg is 1/2


@given(ten, ten)
def test_phi_is_symmetric_and_grows(one: float, other: float) -> None:
    assert phi(one, other) == pytest.approx(phi(other, one))
    assert 0 <= phi(one, other) <= 10
    assert phi(10, other) >= phi(one, other) - 1e-9


SCORED = Scored(["a", "b", "c", "d"], *(np.asarray(numbers, np.float32) for numbers in (
    [4, 9, 4, 1], [6, 0, 6, 8], [10, 9, 10, 9])))


@pytest.mark.parametrize(("strategy", "expected"), [
    ("coti", [0, 2, 1]), ("aesthetic", [1, 0, 2]), ("concept", [3, 0, 2]), ("full", [0, 1, 2, 3])])
def test_the_best_come_first_and_ties_by_row(strategy, expected: list[int]) -> None:  # type: ignore[no-untyped-def]
    assert select(strategy, SCORED, 3).tolist() == expected


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_budget_above_the_pool_takes_all(strategy) -> None:  # type: ignore[no-untyped-def]
    assert sorted(select(strategy, SCORED, 99).tolist()) == [0, 1, 2, 3]
    none = Scored([], *[np.empty(0, np.float32)] * 3)
    assert select(strategy, none, 5).tolist() == []


def test_random_asks_ids_and_seed_alone() -> None:
    ids = [f"row{number}" for number in range(500)]
    flat = [np.zeros(500, np.float32)] * 3
    there = [ids[row] for row in select("random", Scored(ids, *flat), 50, seed=1)]
    back = [ids[::-1][row] for row in select("random", Scored(ids[::-1], *flat), 50, seed=1)]
    other = [ids[row] for row in select("random", Scored(ids, *flat), 50, seed=2)]
    assert there == back and len(set(there)) == 50
    assert len(set(there) & set(other)) < 20 and there != sorted(there)
