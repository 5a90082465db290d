import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.groups import RULES, Groups, agree, group
from builders.near import NearOptions

PLAIN = bytes(range(256))


def _row(number: int, character: str = "a", artist: str = "x", answers: tuple[str, ...] = ("red", "shirt"),
         **other: str) -> dict[str, object]:
    chance = random.Random(number)
    return {"id": str(number), "character": character, "artist": artist, "answers": list(answers), "outfit_hint": "",
            "phash": f"{chance.getrandbits(64):016x}", "phash_mirror": f"{chance.getrandbits(64):016x}",
            "thumb": chance.randbytes(256), "post_id": str(number), "parent_id": "", **other}


def _group(rows: list[dict[str, object]], **options: str) -> Groups:
    return group(pa.Table.from_pylist(rows), **options)


def test_equal_answers_in_any_words_match() -> None:
    groups = _group([_row(1, answers=("Red and blue", "shirt")), _row(2, answers=("blue, red.", "a shirt")),
                     _row(3, answers=("red", "shirt"))], rule="strict")
    assert groups.similar == [[1], [0], []]
    assert groups.outfit[0] == groups.outfit[1] != groups.outfit[2]


def test_identity_is_character_and_artist_unless_told_otherwise() -> None:
    rows = [_row(1), _row(2, artist="y"), _row(3, character="b")]
    assert _group(rows).similar == [[], [], []]
    assert _group(rows, match="character").similar == [[1], [0], []]


def test_an_outfit_of_the_source_decides() -> None:
    rows = [_row(1, outfit_hint="gala"), _row(2, outfit_hint="gala", answers=("blue", "coat")),
            _row(3, outfit_hint="work"), _row(4)]
    assert _group(rows).similar == [[1], [0], [], []]


def test_visible_passes_over_what_one_picture_does_not_show() -> None:
    rows = [_row(1, answers=("red", "skirt")), _row(2, answers=("red", "")), _row(3, answers=("red", "trousers"))]
    assert _group(rows, rule="strict").similar == [[], [], []]
    groups = _group(rows, rule="visible")
    assert groups.similar == [[1], [0, 2], [1]]  # not transitive
    assert len(set(groups.outfit)) == 1


@pytest.mark.parametrize(("first", "second", "rules"), [
    (("red, white", "skirt"), ("white, red", "skirt"), ("strict", "visible", "overlap")),
    (("red", "skirt"), ("red, white", "skirt"), ("visible", "overlap")),  # a portrait and a full figure
    (("red", "pleated skirt, skirt"), ("red", "skirt"), ("visible", "overlap")),  # a tag forgotten
    (("red, blue", "skirt"), ("red, white", "skirt"), ("overlap",)),
    (("red, blue", ""), ("red, white", "skirt"), ("overlap",)),
    (("red", "skirt"), ("red", "trousers"), ()),
    (("red", "skirt"), ("blue", "skirt"), ()),
    (("", "skirt"), ("red", "skirt"), ()),  # the first question must be answered
    (("", "skirt"), ("", "skirt"), ("strict",)),
    (("unknown", ""), ("", "none"), ("strict", "visible", "overlap")),  # neither wears anything
    (("unknown", ""), ("red", "skirt"), ()),
    (("unknown", ""), ("", "skirt"), ()),
])
def test_rules(first: tuple[str, ...], second: tuple[str, ...], rules: tuple[str, ...]) -> None:
    rows = [_row(1, answers=first), _row(2, answers=second)]
    assert {rule for rule in RULES if _group(rows, rule=rule).similar == [[1], [0]]} == {*rules, "identity"}


def test_what_a_near_copy_is_can_be_told() -> None:
    one = _row(1)
    other = {**_row(2), "phash": f"{int(str(one['phash']), 16) ^ 0b111:016x}", "thumb": one["thumb"]}
    rows = [one, other, _row(3)]
    assert _group(rows).similar == [[2], [2], [0, 1]]
    table = pa.Table.from_pylist(rows)
    assert group(table, alike=NearOptions(distance=2)).similar == [[1, 2], [0, 2], [0, 1]]
    assert group(table, alike=NearOptions(distance=3)).similar == [[2], [2], [0, 1]]


def test_near_copies_are_not_each_others_references() -> None:
    copy = {name: value for name, value in _row(1).items() if name in ("phash", "phash_mirror", "thumb")}
    rows = [_row(1), {**_row(2), **copy}, {**_row(3), **copy}, _row(4)]
    groups = _group(rows)
    # 1, 2 and 3 are one picture three times over; each may refer to 4 only.
    assert groups.similar == [[3], [3], [3], [0, 1, 2]]
    assert groups.near == [(0, 1, 0), (0, 2, 0)]


def test_a_copy_of_a_twin_is_a_copy_of_both() -> None:
    copy = {name: value for name, value in _row(1).items() if name in ("phash", "phash_mirror", "thumb")}
    close = {**copy, "phash": f"{int(str(copy['phash']), 16) ^ 0b101:016x}"}
    groups = _group([_row(1), {**_row(2), **copy}, {**_row(3), **close}, _row(4)])
    assert groups.similar == [[3], [3], [3], [0, 1, 2]]


def test_copies_without_another_picture_have_no_reference() -> None:
    copy = {name: value for name, value in _row(1).items() if name in ("phash", "phash_mirror", "thumb")}
    assert _group([_row(1), {**_row(2), **copy}]).similar == [[], []]


rows_of = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.sampled_from(["red", "blue", ""]),
                             st.sampled_from(["shirt", "dress", ""])), max_size=25)


@settings(deadline=None)
@given(rows_of, st.sampled_from(RULES), st.sampled_from(["artist", "character"]), st.randoms())
def test_invariants(drawn: list[tuple[str, str, str, str]], rule: str, match: str, chance: random.Random) -> None:
    rows = [_row(n, character, artist, (colour, kind)) for n, (character, artist, colour, kind) in enumerate(drawn)]
    groups = _group(rows, rule=rule, match=match) if rows else Groups([], [], [], [])
    for row, similar in enumerate(groups.similar):
        assert similar == sorted(set(similar)) and row not in similar
        for other in similar:
            assert row in groups.similar[other]
            assert rows[row]["character"] == rows[other]["character"]
            assert match == "character" or rows[row]["artist"] == rows[other]["artist"]
            assert groups.outfit[row] == groups.outfit[other]
    order = list(range(len(rows)))
    chance.shuffle(order)
    again = _group([rows[n] for n in order], rule=rule, match=match) if rows else groups
    assert [again.outfit[order.index(n)] for n in range(len(rows))] == groups.outfit


@pytest.mark.parametrize("rule", ["visible", "overlap"])
def test_more_things_than_bits(rule: str) -> None:
    # The first and the last of 65 kinds share a bit, and share nothing.
    kinds = [f"kind {number:02}" for number in range(65)]
    groups = _group([_row(n, answers=("red", kind)) for n, kind in enumerate([*kinds, "kind 64, kind 63"])], rule=rule)
    assert [row for row, similar in enumerate(groups.similar) if similar] == [63, 64, 65]
    assert groups.similar[65] == [63, 64]


words = st.lists(st.sampled_from(["red", "blue", "white", "none", *(f"kind {n}" for n in range(80))]), max_size=3)


@settings(deadline=None)
@given(st.lists(st.tuples(words, words, words), min_size=1, max_size=30), st.sampled_from(RULES))
def test_all_pairs_that_agree_match(drawn: list[tuple[list[str], ...]], rule: str) -> None:
    rows = [_row(n, answers=tuple(map(", ".join, said))) for n, said in enumerate(drawn)]
    for row, similar in enumerate(_group(rows, rule=rule).similar):
        assert similar == [other for other in range(len(rows)) if other != row
                           and agree(rows[row]["answers"], rows[other]["answers"], rule)]  # type: ignore[arg-type]
