"""`build verify` of a pool's rows, taken together: who is selected, and by which options."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from PIL import Image

from builders.verification.pools import Pools
from schemas.draws import draw
from schemas.manifest import Manifest
from tests.builders.made_pool import row

OPTIONS = {"min_side": 16, "max_pixels": 10_000, "budget": 2, "seed": 5, "embedding_width": 4, "gamma_aesthetic": 0.0,
           "gamma_concept": 0.0, "select": "coti"}
SCORES = {"a": (1.0, 8.0), "b": (6.0, 2.0), "c": (7.0, 1.0), "d": (2.0, 6.0), "e": (3.0, 3.0)}
"""Aesthetic and concept; integrated are 9, 8, 8, 8 and 6."""


def faults(status: Mapping[str, str], **other: Any) -> list[str]:
    made = io.BytesIO()
    Image.new("RGB", (16, 16), (9, 9, 9)).save(made, "PNG")
    checks = Pools(Manifest(recipe="coti", version="1.0.0", content_digest="", rows_digest="", counts={},
                            options=OPTIONS | other, source={}, models=[], funnel=[], near_copies=0, built_with={},
                            files={}, splits={}))
    found = []
    for name, (aesthetic, concept) in SCORES.items():
        one = row(name, made.getvalue(), np.array([1, 0, 0, 0]), aesthetic_score=aesthetic, concept_score=concept,
                  integrated_score=aesthetic + concept, status=status.get(name, "pool"))
        found += checks.row(one, "pool")
    return [*found, *checks.whole()]


@pytest.mark.parametrize(("select", "best"), [("coti", "ab"), ("aesthetic", "cb"), ("concept", "ad"),
                                              ("full", "abcde")])
def test_the_selection_is_the_very_one_that_was_asked_for(select: str, best: str) -> None:
    """Of equal ones the first: b, and neither c nor d, is the second best by the integrated score."""
    chosen = dict.fromkeys(best, "selected")
    assert faults(chosen, select=select) == []
    assert faults(dict.fromkeys(best[1:], "selected"), select=select) == [
        f"row {best[0]}: status is 'pool', by --select {select} it is 'selected'"]


def test_one_as_good_as_another_is_still_another() -> None:
    assert faults({"a": "selected", "c": "selected"}) == [
        "row b: status is 'pool', by --select coti it is 'selected'",
        "row c: status is 'selected', by --select coti it is 'pool'"]


def test_a_random_selection_is_drawn_again() -> None:
    drawn = sorted(SCORES, key=lambda name: draw("5", name))
    assert faults(dict.fromkeys(drawn[:2], "selected"), select="random") == []
    assert len(faults(dict.fromkeys(drawn[1:3], "selected"), select="random")) == 2


@pytest.mark.parametrize(("name", "value"), [("budget", "2"), ("seed", None), ("gamma_concept", "x"),
                                             ("select", "best"), ("min_side", True)])
def test_options_that_are_none_are_named(name: str, value: Any) -> None:
    assert faults({"a": "selected", "b": "selected"}, **{name: value}) == [f"manifest.json: option {name} is {value!r}"]
