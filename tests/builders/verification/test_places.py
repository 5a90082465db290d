"""Six rows by hand: one promise about references, outfits or splits is broken at a time."""

import pytest

from builders.verification.places import Stand, place_faults

Rows = dict[str, Stand]


def _rows() -> Rows:
    def stand(split: str, character: str, outfit: str, other: str) -> Stand:
        return Stand(split, character, "zun", outfit, frozenset({other}))

    return {"1": stand("train", "ann", "a", "2"), "2": stand("train", "ann", "a", "1"),
            "3": stand("test_seen", "ann", "b", "4"), "4": stand("test_seen", "ann", "b", "3"),
            "5": stand("test_unseen", "eve", "c", "6"), "6": stand("test_unseen", "eve", "c", "5")}


@pytest.mark.parametrize("match", ["artist", "character"])
def test_a_sound_dataset(match: str) -> None:
    assert list(place_faults(_rows(), match)) == []


@pytest.mark.parametrize(("row", "change", "said"), [
    ("5", {"character": "ann"}, "row 5: its character ann of test_unseen stands in train too"),
    ("5", {"character": "ann"}, "row 5: its character ann of test_unseen stands in test_seen too"),
    ("3", {"character": "bob"}, "row 3: its character bob of test_seen does not stand in train"),
    ("1", {"character": "bob"}, "outfit a has 2 characters: ann, bob"),
    ("1", {"artist": "kan"}, "outfit a has 2 artists: kan, zun"),
    ("1", {"similar": frozenset()}, "row 1: it has no reference"),
    ("1", {"similar": frozenset()}, "row 2: its reference 1 does not name it"),
    ("1", {"similar": frozenset({"1"})}, "row 1: it is its own reference"),
    ("1", {"similar": frozenset({"9"})}, "row 1: its reference 9 is not in the dataset"),
    ("1", {"similar": frozenset({"3"})}, "row 1: its reference 3 is in split test_seen"),
    ("1", {"outfit": "b"}, "row 1: its reference 2 has another outfit"),
    ("1", {"outfit": "b"}, "outfit b is 2 groups of rows that no reference ties"),
])
def test_a_broken_promise(row: str, change: dict[str, object], said: str) -> None:
    rows = _rows()
    rows[row] = rows[row]._replace(**change)  # type: ignore[arg-type]
    assert said in list(place_faults(rows, "artist"))


def test_artists_may_differ_where_characters_match() -> None:
    rows = _rows()
    rows["1"] = rows["1"]._replace(artist="kan")
    assert list(place_faults(rows, "character")) == []
    rows["1"] = rows["1"]._replace(character="bob")
    assert list(place_faults(rows, "character")) == ["outfit a has 2 characters: ann, bob"]


def test_a_row_of_nulls() -> None:
    assert Stand.of({"similar": None, "character": None, "artists": None, "outfit": None}, "train") == Stand(
        "train", "", "", "", frozenset())
