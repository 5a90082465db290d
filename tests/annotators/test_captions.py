"""Light captions: the colour at a picture's edges."""

from __future__ import annotations

import numpy as np

from annotators.base import Annotator
from annotators.captions import LightCaptions, captioner

RED, BLUE, GREEN, ORANGE = (220, 30, 30), (40, 70, 220), (40, 160, 60), (250, 140, 20)


def picture(edge: tuple[int, int, int], middle: tuple[int, int, int]) -> np.ndarray:
    """100 x 80, a border of 12 pixels round the middle."""
    made = np.empty((100, 80, 3), np.uint8)
    made[:], made[12:-12, 12:-12] = edge, middle
    return made


def test_light_captions_name_the_colour_of_the_border() -> None:
    light = captioner("light")
    assert isinstance(light, Annotator) and isinstance(light, LightCaptions)
    mixed = picture(BLUE, RED)
    mixed[:40] = RED  # the upper 40 of 100 rows: most of the border stays blue
    shown = [picture(RED, BLUE), picture(ORANGE, RED), mixed]
    assert light({"image": shown, "class_name": ["backpack", "apple", "duck toy"]}) == {"caption": [
        "a backpack on a red background", "an apple on an orange background", "a duck toy on a blue background"]}
    assert light({"image": [], "class_name": []}) == {"caption": []}


def test_the_smallest_picture_has_a_border() -> None:
    dot = np.full((1, 1, 3), GREEN, np.uint8)
    assert LightCaptions()({"image": [dot], "class_name": ["cup"]}) == {"caption": ["a cup on a green background"]}
