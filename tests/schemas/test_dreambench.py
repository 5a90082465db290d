from collections import Counter
from typing import get_args

import pytest

from schemas.dreambench import BEST_STEPS, RENAMED, SUBJECTS, TEMPLATES, prompt_parts
from schemas.prompts import PARTS, Form, Kind, compose


def test_thirty_subjects_nine_of_them_alive() -> None:
    assert len(SUBJECTS) == 30 and list(SUBJECTS) == sorted(SUBJECTS)
    assert [name for name, subject in SUBJECTS.items() if subject.kind == "animal"] == [
        "cat", "cat2", "dog", "dog2", "dog3", "dog5", "dog6", "dog7", "dog8"]
    assert Counter(subject.kind for subject in SUBJECTS.values()) == {"object": 21, "animal": 9}
    assert Counter(subject.original for subject in SUBJECTS.values()) == {
        "dog": 7, "toy": 5, "stuffed animal": 3, "backpack": 2, "cat": 2, "sneaker": 2, "boot": 1, "bowl": 1, "can": 1,
        "candle": 1, "cartoon": 1, "clock": 1, "glasses": 1, "teapot": 1, "vase": 1}


def test_twelve_have_another_name_in_table_3() -> None:
    other = {name: subject.class_name for name, subject in SUBJECTS.items() if subject.class_name != subject.original}
    assert other == RENAMED and len(other) == 12
    assert SUBJECTS["red_cartoon"] == ("red_cartoon", "cartoon", "2d cartoon devil", "object")
    assert SUBJECTS["pink_sunglasses"] == ("pink_sunglasses", "glasses", "glasses", "object")
    assert SUBJECTS["backpack_dog"] == ("backpack_dog", "backpack", "backpack", "object")
    assert SUBJECTS["dog8"] == ("dog8", "dog", "dog", "animal")


def test_table_4_has_a_range_for_every_subject_and_base() -> None:
    assert list(BEST_STEPS) == list(SUBJECTS)
    assert BEST_STEPS["backpack"] == ((6000, 8000), (8000, 10000))
    assert BEST_STEPS["dog3"] == ((2000, 4000), (8000, 10000))
    assert BEST_STEPS["colorful_sneaker"] == ((4000, 6000), (6000, 8000))
    # The columns of the printed table, counted by their lower and upper ends.
    assert Counter(sd for sd, _ in BEST_STEPS.values()) == {
        (6000, 8000): 8, (3000, 4000): 13, (1000, 3000): 3, (2000, 4000): 3, (4000, 6000): 2, (2000, 3000): 1}
    assert Counter(xl for _, xl in BEST_STEPS.values()) == {
        (8000, 10000): 11, (6000, 8000): 8, (4000, 6000): 7, (1000, 3000): 3, (3000, 4000): 1}


def test_the_lists_of_prompts_share_their_ends() -> None:
    thing, live = TEMPLATES["object"], TEMPLATES["animal"]
    assert len(set(thing)) == len(thing) == 25 and len(set(live)) == len(live) == 25
    assert thing[:10] == live[:10] and thing[20:] == live[20:] and not set(thing[10:20]) & set(live)
    assert TEMPLATES["person"] == live
    assert (thing[0], thing[15], thing[24]) == (
        "a {0} {1} in the jungle", "a {0} {1} on top of green grass with sunflowers around it", "a cube shaped {0} {1}")
    assert (live[10], live[19], live[20]) == (
        "a {0} {1} wearing a red hat", "a {0} {1} in a purple wizard outfit", "a red {0} {1}")


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("form", get_args(Form))
def test_parts_compose_to_the_prompts_without_identifier(kind: Kind, form: Form) -> None:
    parts = prompt_parts(kind, form)
    assert [compose(one, "teapot") for one in parts] == [
        " ".join(template.format("", "teapot").split()) for template in TEMPLATES[kind]]
    assert {name for one in parts for name in one} <= set(PARTS[form])
    assert [one[PARTS[form][2]] for one in parts[20:22]] == ["red", "purple"]
