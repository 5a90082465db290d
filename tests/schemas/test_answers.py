import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.answers import QUESTIONS, normalise


@pytest.mark.parametrize(("answer", "things"), [
    ("Blue, white.", {"blue", "white"}),
    ("white and blue", {"blue", "white"}),
    ("Gray & navy blue", {"grey", "blue"}),
    ("mostly dark green", {"green"}),
    ("a pleated skirt", {"pleated skirt"}),
    ("BLACK/RED; black", {"black", "red"}),
    ("brand new sandals", {"brand new sandals"}),  # "and" inside words does not split
    ("t-shirt", {"t-shirt"}), ("red_skirt_with_bow", {"red skirt", "bow"}),
    ("", set()), ("  ", set()), ("None.", set()), ("unknown", set()), ("Not visible", set()), ("N/A", set()),
])
def test_normalise(answer: str, things: set[str]) -> None:
    assert normalise(answer) == things


@example("_WITH")
@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing(answer: str) -> None:
    once = normalise(answer)
    assert normalise(", ".join(sorted(once))) == once


@given(st.lists(st.sampled_from(["red", "Grey", "gray", "a skirt", "navy", "none", "light blue", "T-shirt"])),
       st.randoms())
def test_order_case_and_joining_do_not_matter(things: list[str], chance: object) -> None:
    turned = list(things)
    chance.shuffle(turned)  # type: ignore[attr-defined]
    assert normalise(", ".join(things)) == normalise(" and ".join(turned).upper())


def test_first_question_is_the_papers() -> None:
    assert QUESTIONS[0] == "list top two colors of the clothing"
