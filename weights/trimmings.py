"""Sashes, bows, capes, flared skirts and held things, added to a figure when a picture is composed.

Real characters wear and carry more than the drawing engine knows; whatever is worn or held is figure, and the matte
must say so. Shapes are smooth random outlines with folds and, mostly, a drawn edge.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from weights.data import Stored
from weights.gowns import gown

Points = NDArray[np.float64]
Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]

_FINE = 2  # drawn at twice the size, then made smaller: soft edges


def trimmed(stored: Stored, rng: Generator) -> Stored:
    """The figure with up to four things added, on a canvas wide enough for them."""
    height, width = stored.pixels.shape[:2]
    unit = max(stored.face[2] - stored.face[0], stored.face[3] - stored.face[1], 0.08 * height)
    side, below = int(1.8 * unit), 0 if stored.cut[3] else int(0.4 * unit)
    left, right = 0 if stored.cut[0] else side, 0 if stored.cut[2] else side
    whole = np.zeros((height + below, width + left + right, 4), np.uint8)
    whole[:height, left : left + width] = stored.pixels
    figure = Image.fromarray(whole)
    x0, y0, x1, y1 = stored.face
    face = (x0 + left, y0, x1 + left, y1)
    behind, before = (Image.new("RGBA", (figure.width * _FINE, figure.height * _FINE)) for _ in range(2))
    if rng.random() < 0.35:
        waist = _waist(whole, face, unit, rng)
        gown(before if rng.random() < 0.75 else behind, waist, unit, _cloth(whole, waist, rng), rng)
    for _ in range(int(rng.integers(0, 4))):
        layer = behind if rng.random() < 0.6 else before
        anchor = _anchor(whole, face, unit, rng)
        kind = rng.choice(4, p=[0.3, 0.2, 0.3, 0.2])
        if kind == 0:
            _sash(layer, anchor, unit, _cloth(whole, anchor, rng), rng)
        elif kind == 1:
            _bow(layer, anchor, unit, _cloth(whole, anchor, rng), rng)
        elif kind == 2:
            _drape(layer if rng.random() < 0.4 else behind, anchor, unit, _cloth(whole, anchor, rng), rng)
        else:
            _thing(before, anchor, unit, _cloth(whole, anchor, rng), rng)
    small = [layer.resize(figure.size, Image.Resampling.BOX) for layer in (behind, before)]
    _keep_face(small[1], face)
    worn = Image.alpha_composite(Image.alpha_composite(small[0], figure), small[1])
    return replace(stored, pixels=np.asarray(worn), face=face)


def _keep_face(layer: Image.Image, face: Box) -> None:
    """Nothing lies before the face: its box must stay true."""
    x0, y0, x1, y1 = (round(v) for v in face)
    layer.paste((0, 0, 0, 0), (x0, min(0, y0), x1, y1))


def _waist(pixels: NDArray[np.uint8], face: Box, unit: float, rng: Generator) -> Points:
    """The middle of the body, one and a half to three faces under the chin."""
    y = int(np.clip(face[3] + unit * rng.uniform(1.4, 2.9), 0, pixels.shape[0] - 1))
    solid = np.nonzero(pixels[y, :, 3] > 200)[0]
    return np.array([float(np.median(solid)) if solid.size else (face[0] + face[2]) / 2, float(y)])


def _anchor(pixels: NDArray[np.uint8], face: Box, unit: float, rng: Generator) -> Points:
    """A point on the body, between the neck and the hips."""
    height = pixels.shape[0]
    y = int(np.clip(face[3] + unit * rng.uniform(0.3, 3.2), 0, height - 1))
    solid = np.nonzero(pixels[y, :, 3] > 200)[0]
    x = float(rng.choice(solid)) if solid.size else (face[0] + face[2]) / 2
    return np.array([x, float(y)])


def _cloth(pixels: NDArray[np.uint8], anchor: Points, rng: Generator) -> Colour:
    """The colour of what is worn there, or any other."""
    if rng.random() < 0.5:
        red, green, blue = pixels[int(anchor[1]), int(min(anchor[0], pixels.shape[1] - 1)), :3].tolist()
        return red, green, blue
    red, green, blue = rng.integers(0, 256, 3).tolist()
    return red, green, blue


def _curve(start: Points, heading: float, length: float, rng: Generator, wave: float) -> Points:
    """A line of 24 points that wanders from `heading` (radians, 0 to the right, pi/2 down)."""
    angles = heading + np.cumsum(rng.normal(0, wave / 5, 24)) + wave * np.sin(np.linspace(0, rng.uniform(1, 5), 24))
    return start + np.cumsum(np.stack([np.cos(angles), np.sin(angles)], 1), 0) * length / 24


def _strip(line: Points, widths: NDArray[np.float64]) -> Points:
    """The outline of a strip along a line."""
    along = np.gradient(line, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], 1) / (np.linalg.norm(along, axis=1, keepdims=True) + 1e-6)
    return np.concatenate([line + across * widths[:, None], (line - across * widths[:, None])[::-1]])


def _paint(layer: Image.Image, outline: Points, colour: Colour, folds: list[Points], rng: Generator) -> None:
    """Fill, folds of lighter and darker shade, and a drawn edge most of the time."""
    draw = ImageDraw.Draw(layer)
    shape = [(float(x), float(y)) for x, y in outline * _FINE]
    draw.polygon(shape, (*colour, 255))
    cover = Image.new("L", layer.size)
    ImageDraw.Draw(cover).polygon(shape, 255)
    shades = layer.copy()
    pen = ImageDraw.Draw(shades)
    for fold in folds:
        tone = _shade(colour, rng.uniform(0.45, 1.35))
        pen.line([(float(x), float(y)) for x, y in fold * _FINE], (*tone, 255), max(1, int(rng.uniform(1, 9))))
    layer.paste(shades, (0, 0), cover)
    if rng.random() < 0.75:
        ink = _shade(colour, rng.uniform(0.1, 0.5))
        ImageDraw.Draw(layer).line([*shape, shape[0]], (*ink, 255), int(rng.integers(1, 6)))


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (int(min(255, value * factor)) for value in colour)
    return red, green, blue


def _sash(layer: Image.Image, anchor: Points, unit: float, colour: Colour, rng: Generator) -> None:
    """One to four loose ends that hang or blow from a point."""
    for _ in range(int(rng.integers(1, 5))):
        line = _curve(anchor, rng.uniform(0.1, np.pi - 0.1), unit * rng.uniform(0.6, 2.4), rng, rng.uniform(0.1, 0.6))
        widths = unit * rng.uniform(0.05, 0.35) * (0.25 + np.linspace(0, 1, 24) ** rng.uniform(0.4, 1.5))
        cloth = _shade(colour, rng.uniform(0.8, 1.1))
        _paint(layer, _strip(line, widths), cloth, [line] * int(rng.integers(0, 3)), rng)


def _bow(layer: Image.Image, anchor: Points, unit: float, colour: Colour, rng: Generator) -> None:
    """Two loops and a knot."""
    tilt, size = rng.uniform(-0.5, 0.5), unit * rng.uniform(0.25, 0.9)
    for way in (0.0, np.pi):
        line = _curve(anchor, tilt + way, size, rng, 0.15)
        widths = size * rng.uniform(0.25, 0.5) * np.sin(np.linspace(0.15, np.pi * 0.85, 24)) ** 0.7
        _paint(layer, _strip(line, widths), colour, [line], rng)
    _sash(layer, anchor, unit * 0.7, colour, rng)


def _drape(layer: Image.Image, anchor: Points, unit: float, colour: Colour, rng: Generator) -> None:
    """A cape, coat tail or skirt: narrow above, wide below, with a wavy hem; it may be blown to one side."""
    top, bottom = unit * rng.uniform(0.2, 0.7), unit * rng.uniform(0.6, 1.8)
    length, lean = unit * rng.uniform(0.8, 3.0), rng.uniform(-0.6, 0.6) * unit
    steps = np.linspace(-1, 1, 30)
    hem = np.stack([lean + steps * bottom,
                    length + np.sin(steps * rng.uniform(4, 40)) * unit * rng.uniform(0, 0.15)
                    - (steps**2) * unit * rng.uniform(0, 0.3)], 1)
    start = np.stack([np.linspace(-1, 1, 8) * top, np.zeros(8)], 1)
    turn = rng.uniform(-1.3, 1.3) if rng.random() < 0.6 else 0.0
    way = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    hem, start = hem @ way + anchor, start @ way + anchor
    folds = [np.stack([start[int(k * 7 / 29)], hem[k]]) for k in rng.integers(0, 30, int(rng.integers(0, 10)))]
    _paint(layer, np.concatenate([start, hem[::-1]]), colour, folds, rng)


def _thing(layer: Image.Image, anchor: Points, unit: float, colour: Colour, rng: Generator) -> None:
    """A book, box, bag, stick or ball in the hands."""
    wide, tall, turn = unit * rng.uniform(0.1, 0.7), unit * rng.uniform(0.15, 0.9), rng.uniform(-0.9, 0.9)
    corners = int(rng.choice([4, 4, 4, 16]))
    at = np.linspace(0, 2 * np.pi, corners, endpoint=False) + np.pi / 4
    shape = np.stack([np.cos(at) * wide, np.sin(at) * tall], 1)
    turned = shape @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + anchor
    _paint(layer, turned, colour, [turned[:2] * 0.9 + anchor * 0.1] * int(rng.integers(0, 2)), rng)
