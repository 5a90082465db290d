"""`build verify` of a pool's rows, taken together: their concept scores, and who is selected."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from builders.verification.pools import Pools, concept_faults
from schemas import manifest as manifests
from schemas.draws import draw
from schemas.manifest import Manifest
from tests.builders.made_pool import publish_pool, row, rows, write_rows

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


def test_concept_scores_are_those_of_the_embeddings(tmp_path: Path) -> None:
    """The last of made rows is the only seed: a score is ten times the cosine to it, whatever the rule."""
    made = rows()
    for one in made:
        one["concept_score"] = 10 * float(np.dot(one["embedding"], made[-1]["embedding"]))
    version = publish_pool(tmp_path, made)
    manifest = manifests.read(version)
    for rule in ("mean", "min", "max"):
        assert list(concept_faults(version, msgspec.structs.replace(manifest, options={"concept_rule": rule}))) == []
    made[6]["concept_score"], made[9]["concept_score"] = made[9]["concept_score"], made[6]["concept_score"]
    write_rows(version, made)
    manifest = msgspec.structs.replace(manifest, options={"concept_rule": "mean"})
    assert list(concept_faults(version, manifest)) == [
        f"pool-00001-of-00002.parquet: row {name}: concept_score is not what its embedding makes it"
        for name in ("p06", "p09")]
    made[9]["embedding"] = None
    write_rows(version, made)
    assert any("cannot be compared" in fault for fault in concept_faults(version, manifest))
