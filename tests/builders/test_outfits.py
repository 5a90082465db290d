import random
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

from builders.groups import Groups, group
from builders.options import Retribooru
from builders.outfits import _near_among, _ties, lonely
from builders.splits import Shares, assign


def _rows(looks: list[int], answers: list[str]) -> pa.Table:
    def row(number: int, look: int, answer: str) -> dict[str, object]:
        chance = random.Random(look)
        return {"id": f"{number:03}", "character": f"c{number}", "artist": "x", "answers": [answer], "outfit_hint": "",
                "phash": f"{chance.getrandbits(64):016x}", "phash_mirror": f"{chance.getrandbits(64):016x}",
                "thumb": chance.randbytes(256), "post_id": str(number), "parent_id": ""}

    return pa.Table.from_pylist([row(n, look, answer) for n, (look, answer) in enumerate(zip(looks, answers,
                                                                                           strict=True))])


def test_near_copies_tie_rows_also_through_one_that_left() -> None:
    # One picture stands in three characters' rows; the first of them has no reference and leaves.
    groups = Groups([[], [2], [1], [4], [3]], ["a", "b", "b", "c", "c"], [(0, 1, 0), (0, 3, 0)], [0, 0, 2, 0, 4])
    kept = [1, 2, 3, 4]
    ties = _ties(groups, kept)
    assert (0, 2) in ties  # rows 1 and 3, by their numbers among the kept
    splits = assign(["b", "b", "c", "c"], ["b", "b", "c", "c"], ties, Shares(0, 0.5, 0))
    assert len(set(splits)) == 1


def test_near_copies_are_counted_among_published_rows_only() -> None:
    groups = group(_rows([7, 7, 7, 8], ["red"] * 4))
    assert _near_among(groups, {0, 1, 2, 3}) == 3
    assert _near_among(groups, {1, 2, 3}) == 1
    assert _near_among(groups, {3}) == 0


class _Model(NamedTuple):
    name: str
    identity: str


MODELS: Any = {"answers": _Model("answers", "a" * 64), "phash": _Model("hashes", "b" * 64)}
ANSWERS, HASHES = "answers:" + "a" * 16, "hashes:" + "b" * 16


def _one_person(looks: list[int], answers: list[str], hints: list[str] | None = None) -> pa.Table:
    rows = _rows(looks, answers).to_pylist()
    return pa.Table.from_pylist([row | {"character": "ann", "outfit_hint": hint}
                                 for row, hint in zip(rows, hints or [""] * len(rows), strict=True)])


def _lonely(rows: pa.Table, rule: str = "visible") -> dict[str, tuple[str, str, str]]:
    options = Retribooru(source="sample", out=Path("out"), match_rule=rule)
    return {row: (why.value, why.threshold, why.model)
            for row, why in lonely(rows, group(rows, "artist", rule), options, MODELS)}


def test_a_row_without_a_match_tells_its_answers() -> None:
    told = ("another row with the same answers, rule visible", ANSWERS)
    assert _lonely(_one_person([1, 2], ["red", "blue"])) == {"000": ("red", *told), "001": ("blue", *told)}


def test_a_row_tells_every_answer_a_bar_for_none() -> None:
    said = [["red", "", "shirt"], ["", "", ""], ["blue", "hat, belt", ""]]
    rows = pa.Table.from_pylist([row | {"character": "ann", "answers": answers} for row, answers in
                                 zip(_rows([1, 2, 3], [""] * 3).to_pylist(), said, strict=True)])
    assert [told[0] for told in _lonely(rows).values()] == ["red; -; shirt", "-; -; -", "blue; hat, belt; -"]


def test_a_row_whose_only_matches_are_near_copies_names_them() -> None:
    # The third is the same picture with another answer: nothing matches it, near copy or not.
    told = ("another row with the same answers, rule visible, that is no near copy", HASHES)
    assert _lonely(_one_person([7, 7, 7], ["red", "red", "blue"])) == {
        "000": ("red; matches only its near copies 001", *told),
        "001": ("red; matches only its near copies 000", *told),
        "002": ("blue", "another row with the same answers, rule visible", ANSWERS)}


def test_a_near_copy_of_another_person_is_no_match() -> None:
    assert _lonely(_rows([7, 7], ["red", "red"]))["000"] == (
        "red", "another row with the same answers, rule visible", ANSWERS)


@pytest.mark.parametrize(("rule", "hints", "told"), [
    ("visible", ["blue", "red"], "another row of outfit blue"),
    ("identity", ["blue", "red"], "another row of outfit blue"),
])
def test_a_row_alone_in_its_folder_was_left_out_by_no_model(rule: str, hints: list[str], told: str) -> None:
    assert _lonely(_one_person([1, 2], ["red", "red"], hints), rule)["000"] == ("red", told, "")


def test_a_person_of_one_picture_twice() -> None:
    assert _lonely(_one_person([7, 7], ["red", "blue"]), "identity")["000"] == (
        "red; matches only its near copies 001", "another row of the same identity, that is no near copy", HASHES)
