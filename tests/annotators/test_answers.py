import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from annotators.answers import QUESTIONS, LightAnswers, normalise
from annotators.base import Annotator


@pytest.mark.parametrize(("answer", "things"), [
    ("Blue, white.", {"blue", "white"}),
    ("white and blue", {"blue", "white"}),
    ("Gray & navy blue", {"grey", "blue"}),
    ("mostly dark green", {"green"}),
    ("a pleated skirt", {"pleated skirt"}),
    ("BLACK/RED; black", {"black", "red"}),
    ("brand new sandals", {"brand new sandals"}),  # "and" inside words does not split
    ("t-shirt", {"t-shirt"}),
    ("", set()), ("  ", set()), ("None.", set()), ("unknown", set()), ("Not visible", set()), ("N/A", set()),
])
def test_normalise(answer: str, things: set[str]) -> None:
    assert normalise(answer) == things


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


def _batch(boxes: list[list[float]], scores: list[float], cloths: list[str]) -> dict[str, list[object]]:
    picture = np.full((200, 100, 3), (250, 214, 190), np.uint8)
    picture[90:] = (72, 158, 84)
    out = io.BytesIO()
    Image.fromarray(np.full((200, 100), 255, np.uint8)).save(out, "PNG")
    return {"image": [picture], "boxes": [boxes], "scores": [scores], "mask": [out.getvalue()], "cloths": [cloths]}


def test_colours_are_seen_and_garments_read_from_tags() -> None:
    annotator = LightAnswers()
    assert isinstance(annotator, Annotator)
    # The best box is the second; under the first there is nothing but the ground.
    said = annotator(_batch([[0.3, 0.8, 0.7, 0.99], [0.3, 0.2, 0.7, 0.4]], [0.5, 0.9],
                            ["green dress", "dress", "hair bow", "hat", "black legwear"]))
    assert said == {"answers": [["green", "dress", "green", "", "", "", "black", "hair bow, hat"]]}
    assert len(said["answers"][0]) == len(QUESTIONS)


@pytest.mark.parametrize(("cloths", "first"), [(["red dress"], "red"), (["dress"], "unknown"),
                                               (["white shirt", "blue skirt"], "white, blue")])
def test_without_a_face_the_tags_colours_answer(cloths: list[str], first: str) -> None:
    assert LightAnswers()(_batch([], [], cloths))["answers"][0][0] == first


def test_a_box_that_nobody_believes_is_no_face() -> None:
    face, ground = [0.3, 0.2, 0.7, 0.4], "unknown"
    for score, first in ((0.06, ground), (0.249, ground), (0.26, "green")):
        assert LightAnswers()(_batch([face], [score], []))["answers"][0][0] == first


def test_identity_follows_the_models_it_reads() -> None:
    assert LightAnswers(["a", "b"]).identity != LightAnswers(["a", "c"]).identity != LightAnswers().identity
