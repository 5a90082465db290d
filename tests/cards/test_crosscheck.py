"""Answers against tags, on rows whose agreement is worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from cards.crosscheck import WORST, Agreement, answer_says, check, tags_say
from schemas.answers import QUESTIONS
from schemas.wardrobe import HEAD, LEGS, LOWER, UPPER

COLOURS, UPPER_BODY, UPPER_COLOUR, LOWER_BODY, LOWER_COLOUR, LEGWEAR, LEG_COLOUR, ON_HEAD = QUESTIONS


@pytest.mark.parametrize(("cloths", "spoken"), [
    ([], {}),
    (["frills", "long sleeves", "school uniform"], {}),
    (["white shirt", "blue skirt"], {COLOURS: {"white", "blue"}, UPPER_BODY: {"shirt"}, UPPER_COLOUR: {"white"},
                                     LOWER_BODY: {"skirt"}, LOWER_COLOUR: {"blue"}}),
    # What is worn outermost has no colour here: the shirt's cannot contradict, nor can the skirt's alone.
    (["jacket", "white shirt", "blue skirt"], {UPPER_BODY: {"jacket", "shirt"}, LOWER_BODY: {"skirt"},
                                               LOWER_COLOUR: {"blue"}}),
    (["black jacket", "white shirt"], {COLOURS: {"black", "white"}, UPPER_BODY: {"jacket", "shirt"},
                                       UPPER_COLOUR: {"black", "white"}}),
    (["serafuku"], {UPPER_BODY: {"serafuku", "shirt"}}),
    (["navy legwear", "kneehighs", "beret"], {LEGWEAR: {"kneehighs", "socks"}, LEG_COLOUR: {"blue"},
                                              ON_HEAD: {"beret", "hat"}}),
])
def test_what_tags_can_testify(cloths: list[str], spoken: dict[str, set[str]]) -> None:
    assert {question: things for question, things in tags_say(cloths).items() if things} == spoken


@pytest.mark.parametrize(("question", "answer", "named"), [
    (COLOURS, "White and navy blue.", {"white", "blue"}),
    (COLOURS, "the shirt is grey, the skirt dark red", {"grey", "red"}),
    (UPPER_BODY, "A white blouse with a red tie", {"shirt"}),
    (UPPER_BODY, "t-shirt", {"t-shirt", "shirt"}),
    (LOWER_BODY, "a short pleated skirt", {"pleated skirt", "skirt"}),
    (UPPER_BODY, "school uniform", set()),  # no kind that is known: not judged
    (ON_HEAD, "none", set()),
    (LEG_COLOUR, "not visible", set()),
    ("what is the weather", "a red shirt", {"red"}),
])
def test_answers_in_any_words(question: str, answer: str, named: set[str]) -> None:
    assert answer_says(question, answer) == named


@pytest.mark.parametrize(("question", "kind"), [(question, kind) for question, table in (
    (UPPER_BODY, UPPER), (LOWER_BODY, LOWER), (LEGWEAR, LEGS), (ON_HEAD, HEAD)) for kind in table])
def test_every_kind_is_known_as_an_answer(question: str, kind: str) -> None:
    assert kind in answer_says(question, kind)


def told(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"question": question, "answer": answer} for question, answer in pairs]


def test_counts_by_question(row: Any, write: Any) -> None:
    cloths = ["white shirt", "blue skirt"]
    seen = check(write({"train": [
        row("1", cloths=cloths, answers=told((COLOURS, "white, black"), (UPPER_BODY, "a shirt"))),  # both agree
        row("2", cloths=cloths, answers=told((COLOURS, "red"), (UPPER_BODY, "dress"))),  # both differ
        row("3", cloths=cloths, answers=told((COLOURS, "unknown"), (UPPER_BODY, "something nice")))],  # silent
        "test_unseen": [
        row("4", cloths=["hat"], answers=told((COLOURS, "red"), (UPPER_BODY, "dress"), (ON_HEAD, "witch hat"))),
        row("5", cloths=["hat"], answers=told((COLOURS, "blue"), ("colours", "blue")))]}))
    assert {question: count for question, count in seen.questions.items() if count != Agreement()} == {
        COLOURS: Agreement(agree=1, differ=1, silent=1), UPPER_BODY: Agreement(agree=1, differ=1, silent=1),
        ON_HEAD: Agreement(agree=1)}
    assert (seen.questions[COLOURS].share, seen.questions[LEGWEAR].share) == (0.5, None)
    assert seen.checked and [one.id for one in seen.worst] == ["2"]


def test_worst_first_whatever_the_order(row: Any, write: Any) -> None:
    dress, page = ["red dress"], "https://danbooru.donmai.us/posts/7"
    rows = [
        row("9", cloths=dress, answers=told((COLOURS, "blue"))),
        row("8", cloths=dress, answers=told((COLOURS, "blue"))),
        row("6", cloths=dress, answers=told((COLOURS, "blue, white"))),
        row("7", cloths=dress, post_url=page, answers=told((COLOURS, "blue"), (UPPER_BODY, "vest"))),
        row("5", cloths=dress, answers=told((COLOURS, "blue, red"), (UPPER_BODY, "vest, dress")))]
    seen = check(write({"train": rows}))
    assert [one.id for one in seen.worst] == ["7", "6", "8", "9"]  # two answers; three things; two things, by id
    worst = seen.worst[0]
    assert worst.post_url == page
    assert worst.found == ((COLOURS, "blue", ("red",)), (UPPER_BODY, "vest", ("dress",)))
    assert check(write({"train": rows[::-1]})) == seen


def test_the_list_is_short(row: Any, write: Any) -> None:
    rows = [row(f"{n:02}", cloths=["red dress"], answers=told((COLOURS, "blue"))) for n in range(WORST + 9)]
    seen = check(write({"train": rows}))
    assert [one.id for one in seen.worst] == [f"{n:02}" for n in range(WORST)]
    assert seen.questions[COLOURS].differ == WORST + 9


def test_without_tags_nothing_is_checked(row: Any, write: Any) -> None:
    assert not check(write({"train": [row("1", cloths=[], answers=told((COLOURS, "blue")))]})).checked
    assert not check(write({"train": []})).checked
