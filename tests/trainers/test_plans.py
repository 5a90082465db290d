"""Which plan, for which memory."""

import pytest

from trainers.plans import PLANS, SD, SDXL, base_for, least, plans_for


@pytest.mark.parametrize(("free", "family", "cards"), [
    (6.4, "sd", []), (7.2, "sd", ["8 GB"]), (11.0, "sd", ["12 GB", "8 GB"]), (139.0, "sd", ["12 GB", "8 GB"]),
    (7.2, "sdxl", []), (11.0, "sdxl", ["12 GB"]), (23.0, "sdxl", ["24 GB", "12 GB"]),
    (47.0, "sdxl", ["48 GB", "24 GB", "12 GB"]),
])
def test_plans_by_free_memory(free: float, family: str, cards: list[str]) -> None:
    assert [one.card for one in plans_for(free, family)] == cards


@pytest.mark.parametrize(("free", "base"), [(7.2, SD), (15.0, SD), (19.9, SD), (20.0, SDXL), (79.0, SDXL)])
def test_the_base_where_nobody_names_one(free: float, base: str) -> None:
    assert base_for(free) == base


def test_a_card_has_more_memory_than_its_plan_needs() -> None:
    assert all(one.needs < float(one.card.split()[0]) * 1e9 / 2**30 for one in PLANS)


def test_the_largest_card_trains_sdxl_as_the_paper() -> None:
    assert (PLANS[0].side, PLANS[0].rank, PLANS[0].steps, PLANS[0].lr) == (1024, 32, 8000, 1e-4)


def test_least() -> None:
    assert (least("sd"), least("sdxl")) == (6.5, 10)
