import math
from collections import Counter

import pytest

pytest.importorskip("torch")

from trainers.captions import as_written, beginning, from_templates, identified, without_words
from trainers.training.draws import At

HERE = At(0, 0, 0)
STATIC = {"id": "00007", "text": "a photo of a cubic orange woven backpack on a rug", "style": "a photo of",
          "shape": "cubic", "color": "orange", "texture": "woven", "class_name": "backpack", "background": "on a rug"}
LIVING = {"id": "00008", "text": "a lean grey angry dog running after an old cat", "style": "", "body": "lean",
          "skin": "grey", "emotion": "angry", "class_name": "dog", "motion": "running after an old cat"}


def test_nothing_is_left_out_without_a_chance() -> None:
    assert without_words(0)(STATIC, HERE) == as_written(STATIC, HERE) == STATIC["text"]


def test_style_class_and_scene_always_stay() -> None:
    assert without_words(1)(STATIC, HERE) == "a photo of a backpack on a rug"
    assert without_words(1)(LIVING, HERE) == "a dog running after an old cat"


def test_each_adjective_leaves_by_itself_and_as_often() -> None:
    """Eight captions; with a chance of 0.3, k words leave with 0.3^k 0.7^(3-k). Articles follow the next word."""
    leave, count = without_words(0.3), 4000
    seen = Counter(leave(STATIC, At(0, step, 0)) for step in range(count))
    chances = {"a cubic orange woven": 0.343, "an orange woven": 0.147, "a cubic woven": 0.147, "a cubic orange": 0.147,
               "a woven": 0.063, "an orange": 0.063, "a cubic": 0.063, "a": 0.027}
    assert set(seen) == {f"a photo of {words} backpack on a rug" for words in chances}
    for words, chance in chances.items():
        there = seen[f"a photo of {words} backpack on a rug"]
        assert abs(there - chance * count) < 4.5 * math.sqrt(count * chance * (1 - chance)), words


def test_what_leaves_follows_from_the_place() -> None:
    leave = without_words(0.5)
    found = [leave(LIVING, At(0, 0, slot)) for slot in range(20)]
    assert found == [without_words(0.5)(LIVING, At(0, 0, slot, whole=20)) for slot in range(20)] and len(set(found)) > 3


def test_a_class_prompt_has_nothing_to_leave_out() -> None:
    plain = STATIC | {"text": "a backpack", "style": "", "shape": "", "color": "", "texture": "", "background": ""}
    assert without_words(1)(plain, HERE) == "a backpack"


def test_what_a_prompt_lacks_is_not_left_out() -> None:
    row = {"id": "1", "text": "a red backpack", "class_name": "backpack", "style": None, "shape": None, "color": "red",
           "texture": None, "background": None}
    assert without_words(1.0)(row, At(0, 0, 0)) == "a backpack"


def test_templates_are_taken_in_turn() -> None:
    say = from_templates(["a photo of {}", "{} on a table"], "<it> <it>_1")
    seen = Counter(say(STATIC, At(0, step, 0)) for step in range(400))
    assert set(seen) == {"a photo of <it> <it>_1", "<it> <it>_1 on a table"} and min(seen.values()) > 150


@pytest.mark.parametrize(("kind", "scene", "token", "caption"), [
    ("object", "on a rock", "<new1>", "a <new1> backpack on a rock"),
    ("animal", "two birds beside a $concept", "sks", "two birds beside a sks backpack"),
    ("object", "", "", "a backpack"),
])
def test_another_identifier_takes_the_place_of_the_first(kind: str, scene: str, token: str, caption: str) -> None:
    row = {"id": "pack/00", "text": "?", "kind": kind, "scene": scene, "class_name": "backpack", "token": "olis"}
    assert identified(token)(row, HERE) == caption


@pytest.mark.parametrize(("prefix", "text", "whole"), [
    ("", "a olis dog", "a olis dog"),
    ("a far away", "a olis dog on an island", "a far away olis dog on an island"),
    ("close up", "an island", "close up island"),
    ("very small", "photo of a <new1> dog", "very small photo of a <new1> dog"),
    ("zoomed in", "a", "zoomed in a"),
])
def test_a_prefix_takes_the_article_away(prefix: str, text: str, whole: str) -> None:
    assert beginning(prefix, text) == whole
