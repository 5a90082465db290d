"""Where the clothes are in a picture, and which colours they have there.

The torso below the face is looked at: it is in nearly every framing, so that a portrait and a full figure of one
outfit are asked the same thing. Skin and hair are told by the face and what surrounds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from annotators.base import Picture
from annotators.colours import Lab, names_of, to_lab
from schemas.colours import NAMES

Matte = npt.NDArray[np.uint8]
"""H x W, 0 background .. 255 figure."""
Where = npt.NDArray[np.bool_]
"""H x W."""

FACE = 48
"""Width in pixels of a face at the scale at which clothes are looked at; smaller ones are not enlarged."""
SECOND = 0.3
"""Least share of the clothes that a second colour covers."""
# Of the face's width left and right of its middle, and of its height below the chin: neck and collar to the hips.
# Wider holds hair, arms and what they hold; lower holds legs, which half of all framings cut off.
_HALF_WIDTH, _FROM, _TO = 0.65, 0.25, 2.5
_REACH, _ABOVE = 0.7, 0.55
"""Of the face's width to either side, and of its height above it: where hair is looked for."""
_MIDDLE = 0.4
"""Within this of the face's middle, in its widths, nothing is taken for hair: clothes of the hair's colour stay."""
_SKIN, _HAIR = 9.0, 12.0
"""How far, in CIELAB with lightness at a third, a colour may be from skin and hair and still be them."""
_BARE = 0.5
"""Share of the torso from which what looks like skin is taken for clothes of that colour."""
_FEWEST = 24
"""Pixels, at that scale, under which nothing is said."""

_LIT = 0.4
"""White over grey from which the grey is the shade of white cloth: white turns grey in shade, grey never white."""

# A darker or lighter part of a cloth is often named after its neighbour.
_SHADES = {
    "white": ("grey",), "grey": ("white", "black"), "black": ("grey",), "red": ("pink", "brown", "orange"),
    "orange": ("brown", "yellow", "red"), "yellow": ("orange",), "green": ("aqua", "yellow"),
    "aqua": ("green", "blue"), "blue": ("aqua", "purple"), "purple": ("blue", "pink"), "pink": ("red", "purple"),
    "brown": ("orange", "red"),
}  # fmt: skip


def clothes_colours(picture: Picture, matte: Matte, face: Sequence[float]) -> list[str]:
    """One or two colour words for the clothes, largest first; none when the picture shows too little of them.

    `face` is x0, y0, x1, y1 over width and height of the picture, from mid-forehead to chin.
    """
    seen = _cut(picture, matte, face)
    if seen is None:
        return []
    pixels, figure, below = seen
    torso, middle, skin, hair = _regions(figure, below)
    flesh, strands, lab = _typical(to_lab(pixels[skin])), _typical(to_lab(pixels[hair])), to_lab(pixels[torso])
    cloth = np.ones(len(lab), dtype=bool)
    if flesh is not None:
        # Pale skin is nearly white: half its own tint keeps white clothes apart from it.
        bare = _like(lab, flesh, min(_SKIN, float(np.hypot(*flesh[1:])) / 2))
        if bare.sum() < _BARE * len(lab):
            cloth &= ~bare
    if strands is not None:
        cloth &= middle[torso] | ~_like(lab, strands, _HAIR)
    if cloth.sum() < _FEWEST:
        return []
    return main_colours(names_of(lab[cloth]))


def main_colours(codes: npt.NDArray[np.int64]) -> list[str]:
    """The one or two colours that matter among codes of NAMES: shades are counted to the colour they shade."""
    shares = np.bincount(codes, minlength=len(NAMES)) / len(codes)
    white, grey = NAMES.index("white"), NAMES.index("grey")
    if shares[white] > _LIT * shares[grey]:
        shares[white] += shares[grey]
        shares[grey] = 0.0
    first = int(np.argmax(shares))
    for shade in _SHADES[NAMES[first]]:
        shares[NAMES.index(shade)] = 0.0
    shares[first] = 1.0
    second = int(np.argsort(-shares, kind="stable")[1])
    return [NAMES[first]] + ([NAMES[second]] if shares[second] >= SECOND else [])


def _cut(picture: Picture, matte: Matte,
         face: Sequence[float]) -> tuple[Picture, Where, tuple[float, float, float, float]] | None:
    """Head and torso without lines; the figure there; the face box in their pixels. None without a face.

    Every face comes at one scale, so that a portrait and a full figure lose the same lines.
    """
    height, width = matte.shape
    x0, y0, x1, y1 = (side * length for side, length in zip(face, (width, height) * 2, strict=True))
    wide, high, middle = x1 - x0, y1 - y0, (x0 + x1) / 2
    left, right = max(0, round(middle - _REACH * wide)), min(width, round(middle + _REACH * wide))
    top, bottom = max(0, round(y0 - _ABOVE * high)), min(height, round(y1 + _TO * high))
    if min(wide, high, right - left, bottom - top) < 1:
        return None
    scale = min(1.0, FACE / wide)
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    part = (slice(top, bottom), slice(left, right))
    image = Image.fromarray(picture[part]).resize(size, Image.Resampling.BOX)
    figure = Image.fromarray(matte[part]).resize(size, Image.Resampling.BOX).filter(ImageFilter.MinFilter(3))
    placed = ((x0 - left) * scale, (y0 - top) * scale, (x1 - left) * scale, (y1 - top) * scale)
    return without_lines(np.asarray(image)), np.asarray(figure) > 127, placed


def without_lines(picture: Picture) -> Picture:
    """Median of 5 x 5 pixels for each channel, edges repeated: Pillow's `MedianFilter(5)` in a tenth of its time.

    The 25 shifted pictures go through Batcher's merge exchange (Knuth, volume 3, algorithm 5.2.2M).
    """
    height, width = picture.shape[:2]
    wider = np.pad(picture, ((2, 2), (2, 2), (0, 0)), mode="edge")
    near = [wider[top : top + height, left : left + width] for top in range(5) for left in range(5)]
    for low, high in _EXCHANGES:
        near[low], near[high] = np.minimum(near[low], near[high]), np.maximum(near[low], near[high])
    return near[12]


def _exchanges(count: int) -> Iterator[tuple[int, int]]:
    """Pairs of places to compare, and exchange where the first holds more, until `count` of them are in order."""
    block = 1
    while block < count:
        step = block
        while step:
            for start in range(step % block, count - step, 2 * step):
                for low in range(start, min(start + step, count - step)):
                    if low // (2 * block) == (low + step) // (2 * block):
                        yield low, low + step
            step //= 2
        block *= 2


_EXCHANGES = tuple(_exchanges(25))


def _regions(figure: Where, face: tuple[float, float, float, float]) -> tuple[Where, Where, Where, Where]:
    """Torso, the middle column, skin and hair within the figure: below the face, its lower middle, round its top."""
    height, width = figure.shape
    x0, y0, x1, y1 = face
    y, x = np.mgrid[:height, :width] + 0.5
    off = np.abs(x - (x0 + x1) / 2) / (x1 - x0)
    down = (y - y0) / (y1 - y0)
    torso = (off < _HALF_WIDTH) & (down > 1 + _FROM) & (down < 1 + _TO)
    skin = (off < 0.3) & (down > 0.55) & (down < 0.95)
    hair = (off < 0.6) & (down > -_ABOVE) & (down < -0.05) | (off > 0.5) & (off < _REACH) & (down > -0.2) & (down < 0.4)
    return torso & figure, off < _MIDDLE, skin & figure, hair & figure


def _typical(lab: Lab) -> Lab | None:
    """The colour that most of some pixels have: the median of the fullest cell, None without pixels."""
    if not len(lab):
        return None
    cells = np.floor(lab / (20.0, 12.0, 12.0)).astype(np.int64) @ (1 << 16, 1 << 8, 1)  # one number for each
    _, place, counts = np.unique(cells, return_inverse=True, return_counts=True)
    return np.asarray(np.median(lab[place == int(np.argmax(counts))], axis=0))


def _like(lab: Lab, colour: Lab, reach: float) -> Where:
    """Where the picture has a colour, in light or shade."""
    return np.asarray(np.sqrt((((lab - colour) * (1 / 3, 1, 1)) ** 2).sum(-1)) < reach)
