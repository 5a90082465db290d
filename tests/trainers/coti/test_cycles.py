"""COTI's schedule on numbers by hand."""

import json

import msgspec
import pytest

from trainers.coti.cycles import Block, Choice, Plan, Record, State, best_cycle, ended

PLAN = Plan(rates=(3.0, 2.0, 1.0), longest=4, dynamic=True, cycles=5, patience=2)


def block(indicator: float) -> Block:
    return Block(0.0, 0, 0.0, 0.0, 0.0, indicator, False)


def turns(plan: Plan, *indicators: float) -> tuple[list[str], list[bool]]:
    """What follows each block of a cycle, and which of them are better."""
    state = State([Record(0, 1, [Choice("a")])])
    found = [state.settle(block(one), plan) for one in indicators]
    return found, [one.better for one in state.record.blocks]


def test_a_rate_is_left_after_a_block_without_gain() -> None:
    # Rate 3: up, up, no gain. Rate 2: no gain at once. Rate 1: up, then equal, which is no gain.
    found, better = turns(PLAN, 1, 2, 1.5, 1.9, 2.5, 2.5)
    assert found == ["block", "block", "rate", "rate", "block", "cycle"]
    assert better == [True, True, False, False, True, False]


def test_a_rate_never_takes_more_than_its_steps() -> None:
    assert turns(PLAN, 1, 2, 3, 4, 5)[0] == ["block", "block", "block", "rate", "block"]


def test_a_fixed_schedule_takes_all_its_steps() -> None:
    found, better = turns(PLAN._replace(dynamic=False, longest=2), 3, 1, 2, 4, 1, 1)
    assert found == ["block", "rate", "block", "rate", "block", "cycle"]
    assert better == [True, False, False, True, False, False]


def test_the_best_block_is_kept() -> None:
    record = Record(0, 1, [])
    assert record.best is None
    state = State([record])
    for one in (1, 3, 2):
        state.settle(block(one), PLAN)
    assert record.best is not None and record.best.indicator == 3


def test_a_cycle_begins_at_the_first_rate_without_what_was_best() -> None:
    state = State([Record(0, 1, [Choice("seed")])])
    for one in (5, 4, 4, 4):
        state.settle(block(one), PLAN)
    state.follow(Record(1, 3, [Choice("x"), Choice("y")]))
    assert (state.rate, state.spent, state.done) == (0, 0, 4) and state.chosen == ["seed", "x", "y"]
    assert state.settle(block(1), PLAN) == "block" and state.record.blocks[0].better


def test_a_state_survives_json() -> None:
    state = State([Record(0, 1, [Choice("a", 1.5, 2.5, None)])])
    state.settle(block(1.25), PLAN)
    assert msgspec.convert(json.loads(json.dumps(msgspec.to_builtins(state))), State) == state


@pytest.mark.parametrize(("indicators", "left", "why"), [
    ([1], 9, ""),
    ([3, 1, 2], 9, "no gain for so many cycles: 2"),
    ([1, 3, 2], 9, ""),
    ([1, 3, 2, 3], 9, "no gain for so many cycles: 2"),
    ([1, 2], 0, "every picture of the pool is chosen"),
    ([1, 2, 3, 4, 5, 6], 9, "all cycles are done: 5 after the first"),
])
def test_when_training_ends(indicators: list[float], left: int, why: str) -> None:
    assert ended(indicators, left, PLAN) == why


def test_of_equal_cycles_the_first_is_the_best() -> None:
    assert best_cycle([1, 3, 3, 2]) == 1
