"""What is planned: counts, identities, and one cause for each row's fate."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from builders.sources.drawing import COLOURS, random_outfit
from builders.sources.drawing.clothes import FOOTWEAR, LEGWEAR
from builders.sources.sample_outfits import kinds_of_tops, other_garments, recoloured
from builders.sources.sample_plan import FATAL, HARMLESS, LAST_ID, NEAR, Figure, plan
from schemas.records import REASONS


@pytest.fixture(scope="module")
def figures() -> list[Figure]:
    return plan(400, 5)


def test_every_expected_reason_is_in_the_vocabulary() -> None:
    assert set(FATAL.values()) <= set(REASONS)
    assert not set(FATAL) & set(HARMLESS)


def test_shares_and_that_nothing_is_forgotten(figures: list[Figure]) -> None:
    assert len(figures) == 400
    assert Counter(bool(figure.expected) for figure in figures) == {False: 292, True: 108}
    assert {figure.defect for figure in figures} == {"", *FATAL, *HARMLESS}
    assert {figure.near_kind for figure in figures} == {"", *NEAR}


@pytest.mark.parametrize("count", [20, 21, 37, 60, 120, 401])
def test_any_count_gives_that_many_files(count: int) -> None:
    drawn = plan(count, 2)
    assert len(drawn) == count
    assert len({figure.index for figure in drawn}) == count


def test_ids_are_those_of_the_real_mirror_and_unique_but_for_second_files(figures: list[Figure]) -> None:
    assert all(0 < figure.post_id < LAST_ID for figure in figures)
    posts = Counter(figure.post_id for figure in figures)
    assert sorted(post for post, n in posts.items() if n == 2) == sorted(
        figure.post_id for figure in figures if figure.defect == "second_file")
    assert max(posts.values()) == 2


@pytest.mark.parametrize("count", [20, 45, 400])
def test_what_must_survive_has_a_reference_that_is_no_near_copy(count: int) -> None:
    drawn = plan(count, 1)
    originals = Counter((figure.look.artist, figure.look.outfit_id) for figure in drawn
                        if not figure.expected and not figure.near_of)
    for figure in drawn:
        if not figure.expected:
            assert originals[(figure.look.artist, figure.look.outfit_id)] >= 2


def test_near_copies_copy_a_whole_original_once(figures: list[Figure]) -> None:
    by_post = {figure.post_id: figure for figure in figures if figure.defect != "second_file"}
    copies = [figure for figure in figures if figure.near_of]
    assert len(copies) == 32 == len({figure.near_of for figure in copies})
    for copy in copies:
        base = by_post[copy.near_of]
        assert (base.defect, base.near_of) == ("", 0)
        assert (base.look, base.scene) == (copy.look, copy.scene)


def test_singletons_and_lone_outfits_are_alone(figures: list[Figure]) -> None:
    identities = Counter((figure.look.artist, figure.look.character) for figure in figures)
    outfits = Counter((figure.look.artist, figure.look.outfit_id) for figure in figures)
    for figure in figures:
        if figure.defect == "singleton":
            assert identities[(figure.look.artist, figure.look.character)] == 1
        if figure.defect == "lone_outfit":
            assert outfits[(figure.look.artist, figure.look.outfit_id)] == 1
            assert identities[(figure.look.artist, figure.look.character)] > 2


def test_some_outfits_are_drawn_by_two_artists(figures: list[Figure]) -> None:
    hands: dict[str, set[str]] = {}
    for figure in figures:
        hands.setdefault(figure.look.outfit_id, set()).add(figure.look.artist)
    assert sum(len(artists) > 1 for artists in hands.values()) >= 5


def test_same_seed_same_plan_other_seed_other_plan(figures: list[Figure]) -> None:
    assert plan(400, 5) == figures
    assert plan(400, 6) != figures


@pytest.mark.parametrize("seed", range(40))
def test_look_alikes_differ_where_they_should(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = random_outfit(rng)
    colours = recoloured(rng, first)
    assert [g.tag for g in colours.garments] == [g.tag for g in first.garments]
    before = {g.colour for g in first.garments if g.tag not in (*LEGWEAR, *FOOTWEAR, "glasses")}
    for old, new in zip(first.garments, colours.garments, strict=True):
        assert new.colour in COLOURS
        assert (old == new) if old.tag in (*LEGWEAR, *FOOTWEAR, "glasses") else new.colour not in before
    others = other_garments(rng, first)
    assert not kinds_of_tops(others) & kinds_of_tops(first)
    assert {g.colour for g in others.garments} <= {g.colour for g in first.garments}
