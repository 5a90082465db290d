import io

import numpy as np
import pytest
from PIL import Image

from annotators.answers import LightAnswers
from annotators.base import Annotator
from schemas.answers import QUESTIONS


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
    assert annotator.provenance["from_tags"].split("; ") == list(QUESTIONS[1:])


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
