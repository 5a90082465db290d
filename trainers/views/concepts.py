"""What a reference shows: the figure, its face, or its clothes (RetriBooru, section 5).

The paper cuts concepts "using annotated bounding boxes and masks". Where it is silent: the face is the face box made
wider by a factor, which takes in hair and neck, with what is behind it; clothes are the figure on white by its matte,
the same wider box of the face white, too.
"""

from __future__ import annotations

from typing import NamedTuple

from PIL import Image

from trainers.views.letterbox import Box

FIGURE, FACE, CLOTHES = "figure", "face", "clothes"
"""The words that the retrieval encoder is told."""
_WHITE = (255, 255, 255)


class Shown(NamedTuple):
    """A picture to be laid on the square, RGB, and of it what region: all where there is none."""

    picture: Image.Image
    region: Box | None = None


def concept(wanted: str, box: Box | None, majority: float) -> str:
    """What can be shown in place of the wanted: the figure where no face is known, and for clothes where the face box
    (0 .. 1 of the picture's sides) covers more than `majority` of the picture."""
    if box is None:
        return FIGURE
    close = (box[2] - box[0]) * (box[3] - box[1]) > majority
    return FIGURE if wanted == CLOTHES and close else wanted


def widened(box: Box, factor: float) -> Box:
    """The box about its own middle with its sides so many times as long, cut to the picture (0 .. 1)."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    wide, high = (box[2] - box[0]) * factor / 2, (box[3] - box[1]) * factor / 2
    return max(0.0, x - wide), max(0.0, y - high), min(1.0, x + wide), min(1.0, y + high)


def in_pixels(box: Box, size: tuple[int, int]) -> Box:
    """A box of 0 .. 1 in pixels of a picture of this width and height."""
    width, height = size
    return box[0] * width, box[1] * height, box[2] * width, box[3] * height


def face(picture: Image.Image, box: Box, factor: float) -> Shown:
    """The face, of a box of 0 .. 1."""
    return Shown(picture, in_pixels(widened(box, factor), picture.size))


def clothes(picture: Image.Image, matte: Image.Image, box: Box, factor: float) -> Shown:
    """The clothes, by the figure's matte (L, the picture's size) and the face's box of 0 .. 1. Raises ValueError for
    a matte of another size."""
    shown = Image.composite(picture, Image.new("RGB", picture.size, _WHITE), matte)
    left, top, right, bottom = in_pixels(widened(box, factor), picture.size)
    shown.paste(_WHITE, (round(left), round(top), round(right), round(bottom)))
    return Shown(shown)
