"""Wide skirts: panels of cloth between folds, lit from one side, with an inner side, a hem and a bow."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Points = NDArray[np.float64]
Colour = tuple[int, int, int]

_FINE = 2  # the layers of trimmings are drawn at twice the size
_DOWN = 20  # points along a fold


def gown(layer: Image.Image, waist: Points, unit: float, colour: Colour, rng: Generator) -> None:
    """Paint a skirt that hangs, or is blown aside, from `waist`; `unit` is the size of the face in pixels."""
    folds = _folds(waist, unit, rng) * _FINE
    shape = np.concatenate([folds[0], folds[1:-1, -1], folds[-1][::-1], folds[1:-1, 0][::-1]])
    x0, y0 = np.floor(shape.min(0)).astype(int) - 12
    x1, y1 = np.ceil(shape.max(0)).astype(int) + 12
    size = (int(x1 - x0), int(y1 - y0))
    if min(size) < 24 or max(size) > 4000:
        return
    folds, shape = folds - (x0, y0), shape - (x0, y0)
    cloth = Image.new("RGB", size, colour)
    _panels(cloth, folds, np.array(colour, float), rng)
    cover = Image.new("L", size)
    pen = ImageDraw.Draw(cover)
    pen.polygon(_flat(shape), 255)
    if rng.random() < 0.45:
        _hem(cloth, cover, folds[:, -1], unit, np.array(colour, float), rng)
    ink = _clipped(np.array(colour) * rng.uniform(0.1, 0.5))
    if rng.random() < 0.8:
        width = int(rng.integers(1, 5))
        lines = ImageDraw.Draw(cloth)
        lines.line(_flat(np.concatenate([shape, shape[:1]])), ink, width)
        for fold in folds[1:-1]:
            start = int(rng.integers(0, _DOWN // 2))
            lines.line(_flat(fold[start : start + int(rng.integers(4, _DOWN))]), ink, width)
    layer.paste(cloth, (int(x0), int(y0)), cover)


def _folds(waist: Points, unit: float, rng: Generator) -> Points:
    """Lines from waist to hem, left to right: count x points x 2."""
    count = int(rng.integers(4, 15))
    top, length = unit * rng.uniform(0.35, 0.8), unit * rng.uniform(1.0, 4.0)
    left, right = -top - unit * rng.uniform(0, 2.2), top + unit * rng.uniform(0, 2.2)
    across = np.sort(np.concatenate([[0.0, 1.0], rng.uniform(0.05, 0.95, count - 2)]))
    down = np.linspace(0, 1, _DOWN)[None]
    bulge = rng.uniform(-0.5, 0.9) * down * (1 - down)  # bell or trumpet
    low = (left + (right - left) * across)[:, None]
    high = (-top + 2 * top * across)[:, None]
    wave = unit * 0.04 * np.sin(down * 5 + across[:, None] * 9)
    x = high + (low - high) * (down ** rng.uniform(0.7, 1.6) + bulge) + wave
    sway = rng.uniform(-0.35, 0.35)  # one side of the hem lifted by wind or a turn
    lift = 1 - 0.25 * (2 * across - 1) ** 2 + sway * (2 * across - 1)
    scallop = unit * rng.uniform(0, 0.06) * np.sin(across * rng.uniform(5, 40))
    y = down * (length * lift + scallop)[:, None]
    return np.stack([x, y], -1) + waist


def _panels(cloth: Image.Image, folds: Points, base: NDArray[np.float64], rng: Generator) -> None:
    """Shade each panel, softly; some show the inner side or another cloth."""
    draw = ImageDraw.Draw(cloth)
    tint = 1 - rng.uniform(0.1, 0.6) * rng.uniform(0.2, 1.0, 3)  # shadows have their own hue
    inner = rng.integers(0, 256, 3) if rng.random() < 0.4 else base * tint * rng.uniform(0.5, 0.9)
    turned = rng.random() < 0.5
    for left, right in pairwise(folds):
        other = turned and rng.random() < 0.3
        steps = rng.integers(1, 5)
        lit = rng.uniform(0, 1)
        for k in range(steps):
            a, b = k / steps, (k + 1) / steps
            strip = np.concatenate([left + (right - left) * a, (left + (right - left) * b)[::-1]])
            shade = abs(lit - (a + b) / 2)
            tone = (inner if other else base) * (1 + (tint - 1) * shade)
            draw.polygon(_flat(strip), _clipped(tone))
    if rng.random() < 0.7:
        soft = cloth.filter(ImageFilter.GaussianBlur(rng.uniform(1, 10)))
        cloth.paste(soft)
    if rng.random() < 0.4:  # a border parallel to the hem
        at, wide = int(rng.integers(_DOWN // 2, _DOWN - 1)), int(rng.integers(2, 14))
        pen = ImageDraw.Draw(cloth)
        for k in range(int(rng.integers(1, 3))):
            pen.line(_flat(folds[:, at] + (0, 2.2 * wide * k)), _clipped(rng.integers(0, 256, 3)), wide)


def _hem(
    cloth: Image.Image, cover: Image.Image, hem: Points, unit: float, base: NDArray[np.float64], rng: Generator
) -> None:
    """Lace: small rounds along the hem."""
    size = unit * rng.uniform(0.05, 0.15) * _FINE
    tone = _clipped(base * rng.uniform(0.4, 1.2)) if rng.random() < 0.6 else (245, 245, 245)
    on, under = ImageDraw.Draw(cloth), ImageDraw.Draw(cover)
    for a, b in pairwise(hem):
        count = max(1, int(np.linalg.norm(b - a) / (1.4 * size)))
        for x, y in (a + (b - a) * k / count for k in range(count)):
            place = (x - size, y - size, x + size, y + size)
            on.ellipse(place, tone, _clipped(np.array(tone) * 0.5))
            under.ellipse(place, 255)


def _flat(points: Points) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in points]


def _clipped(tone: NDArray[np.float64] | NDArray[np.int64]) -> Colour:
    red, green, blue = np.clip(tone, 0, 255).astype(int).tolist()
    return red, green, blue
