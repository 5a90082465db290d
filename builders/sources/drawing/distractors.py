"""Things a careless detector takes for a face: round, skin-coloured or hairy, but nobody looks out of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from builders.sources.drawing.model import HAIR_COLOURS, Rgb
from builders.sources.drawing.raster import rasterise
from builders.sources.drawing.shapes import Ink, Run, bezier, ellipse, hsv_shift, mix, ribbon
from builders.sources.drawing.styles import random_style

_Painter = Callable[[Ink, np.random.Generator, Rgb], None]


def _skin(rng: np.random.Generator) -> Rgb:
    return mix((255, 232, 216), (224, 172, 140), float(rng.random()))


def _ball(ink: Ink, rng: np.random.Generator, c: Rgb) -> None:
    ink.part(ellipse(0, 0, 1.6, float(rng.uniform(1.3, 1.7))), c if rng.random() < 0.6 else _skin(rng), auto=0.35)
    ink.paint(ellipse(-0.6, -0.7, 0.4, 0.25), (255, 255, 255), 0.7)
    if rng.random() < 0.5:
        ink.crease([(-0.1, 1.5), (0.3, 2.0), (-0.2, 2.4)], c)
    if rng.random() < 0.4:
        ink.crease([(-1.5, -0.2), (0, 0.3), (1.5, -0.2)], c, 1.5)


def _fruit(ink: Ink, rng: np.random.Generator, c: Rgb) -> None:
    ink.part(
        [
            [
                (0, -1.2),
                (1.2, -1.4),
                (1.6, -0.1),
                (0.9, 1.4),
                (0, 1.3),
                (-0.9, 1.4),
                (-1.6, -0.1),
                (-1.2, -1.4),
                (0, -1.2),
            ]
        ],
        c,
        auto=0.3,
    )
    ink.crease([(0, -1.2), (0.1, -1.7), (0.3, -2.0)], (110, 70, 40), 2)
    ink.part(
        [bezier((0.1, -1.5), (0.8, -2.2), (1.3, -1.7), 5), bezier((1.3, -1.7), (0.7, -1.3), (0.1, -1.5), 5)],
        (90, 160, 80),
        auto=0.05,
    )


def _lamp(ink: Ink, rng: np.random.Generator, c: Rgb) -> None:
    ink.part([[(-0.1, 0), (0.1, 0)], [(0.1, 2.4), (-0.1, 2.4)]], (90, 90, 96), auto=0)
    ink.part(
        [
            [(-0.7, -1.5), (0.7, -1.5)],
            [(0.7, -1.5), (1.5, 0.4)],
            [(1.5, 0.4), (0, 0.6), (-1.5, 0.4)],
            [(-1.5, 0.4), (-0.7, -1.5)],
        ],
        c,
        auto=0.2,
    )


def _clock(ink: Ink, rng: np.random.Generator, c: Rgb) -> None:
    ink.part(ellipse(0, 0, 1.7, 1.7), c, auto=0.1)
    ink.part(ellipse(0, 0, 1.4, 1.4), (250, 246, 238), auto=0.1)
    for i in range(12):
        a = math.tau * i / 12
        ink.paint(ellipse(1.15 * math.cos(a), 1.15 * math.sin(a), 0.09, 0.09), (60, 50, 60))
    for r in (0.9, 0.6):
        a = float(rng.uniform(0, math.tau))
        ink.brush([(0, 0), (r * math.cos(a), r * math.sin(a))], 0.12, (40, 36, 44), taper=(1, 1))


def _flower(ink: Ink, rng: np.random.Generator, c: Rgb) -> None:
    n = int(rng.integers(5, 14))
    for i in range(n):
        a = math.tau * i / n
        ink.part(ellipse(1.05 * math.cos(a), 1.05 * math.sin(a), 0.6, 0.6), c, auto=0.06)
    ink.part(ellipse(0, 0, 0.75, 0.75), (240, 200, 90) if rng.random() < 0.6 else (120, 80, 50), auto=0.1)


def _animal(ink: Ink, rng: np.random.Generator, c: Rgb) -> None:
    for s in (-1.0, 1.0):
        if rng.random() < 0.5:
            ink.part(ellipse(s * 1.2, -1.25, 0.6, 0.6), c, auto=0.1)
        else:
            ink.part([[(s * 0.5, -1.2), (s * 1.3, -2.2)], [(s * 1.3, -2.2), (s * 1.6, -0.6)]], c, auto=0.05)
    ink.part(ellipse(0, 0, 1.75, 1.4), c, auto=0.25)
    ink.paint(ellipse(0, 0.5, 0.7, 0.5), mix(c, (255, 255, 255), 0.6))
    for s in (-1.0, 1.0):
        ink.paint(ellipse(s * 0.75, -0.15, 0.14, 0.18), (30, 24, 30))
    ink.paint(ellipse(0, 0.3, 0.2, 0.14), (50, 36, 40))
    ink.crease([(-0.3, 0.65), (0, 0.5), (0.3, 0.65)], c)


def _plate(ink: Ink, rng: np.random.Generator, c: Rgb) -> None:
    ink.part(ellipse(0, 0, 2.0, 2.0), (248, 246, 244), auto=0.1)
    ink.stroke(ellipse(0, 0, 1.75, 1.75), c, 0.1)
    for _ in range(int(rng.integers(1, 5))):
        x, y = rng.normal(0, 0.5, 2).tolist()
        ink.part(ellipse(x, y, 0.5, 0.4), hsv_shift(c, float(rng.random()), 1, 1), auto=0.1)


def _hair_back(ink: Ink, rng: np.random.Generator, c: Rgb) -> None:
    hair = list(HAIR_COLOURS.values())[int(rng.integers(len(HAIR_COLOURS)))]
    low = float(rng.uniform(0.8, 2.4))
    ink.part(
        [
            [(-1.2, low), (-1.5, 0.2), (-1.2, -1.2), (0, -1.9), (1.2, -1.2), (1.5, 0.2), (1.2, low)],
            [(1.2, low), (0.6, low - 0.3)],
            [(0.6, low - 0.3), (0, low + 0.2)],
            [(0, low + 0.2), (-0.6, low - 0.2)],
            [(-0.6, low - 0.2), (-1.2, low)],
        ],
        hair,
        auto=0.25,
    )
    for x in (-0.9, -0.5, -0.1, 0.3, 0.8):
        ink.crease([(x * 0.3, -1.7), (x * 1.2, -0.4), (x, low - 0.3)], hair)


def _bare_head(ink: Ink, rng: np.random.Generator, c: Rgb) -> None:
    """A mannequin: head, neck and shoulders without features."""
    skin = _skin(rng) if rng.random() < 0.6 else c
    ink.part(
        [
            [(-1.9, 2.4), (-1.5, 1.5), (-0.4, 1.2), (-0.4, 0.6)],
            [(-0.4, 0.6), (0.4, 0.6)],
            [(0.4, 0.6), (0.4, 1.2), (1.5, 1.5), (1.9, 2.4)],
        ],
        c,
        auto=0.2,
    )
    if rng.random() < 0.4:
        ink.part(ellipse(0, -0.5, 0.9, 1.2), skin, auto=0.2)


def _hand(ink: Ink, rng: np.random.Generator, c: Rgb) -> None:
    skin = _skin(rng)
    for i in range(4):
        x = -0.6 + 0.4 * i
        ink.part(
            ribbon([(x, 0.2), (x * 1.3, -0.8), (x * 1.5, -1.6 + 0.2 * abs(i - 1.5))], [0.24, 0.22, 0.08]),
            skin,
            auto=0.05,
        )
    ink.part(ribbon([(0.5, 0.8), (1.2, 0.2), (1.6, -0.4)], [0.3, 0.24, 0.08]), skin, auto=0.05)
    ink.part(
        [
            [(-0.85, 0), (0.85, 0), (0.8, 1.0), (0.5, 2.2)],
            [(0.5, 2.2), (-0.5, 2.2)],
            [(-0.5, 2.2), (-0.8, 1.0), (-0.85, 0)],
        ],
        skin,
        auto=0.12,
    )


def _pot(ink: Ink, rng: np.random.Generator, c: Rgb) -> None:
    for _ in range(8):
        x, y = float(rng.normal(0, 0.8)), float(rng.uniform(-2, -0.4))
        ink.part(ellipse(x, y, 0.5, 0.4), hsv_shift((80, 150, 80), float(rng.normal(0, 0.03)), 1, 1), auto=0.08)
    ink.part(
        [
            [(-1.3, -0.2), (1.3, -0.2)],
            [(1.3, -0.2), (0.9, 1.8)],
            [(0.9, 1.8), (-0.9, 1.8)],
            [(-0.9, 1.8), (-1.3, -0.2)],
        ],
        c,
        auto=0.2,
    )


def _window(ink: Ink, rng: np.random.Generator, c: Rgb) -> None:
    ink.part(
        [
            [(-1.6, -1.9), (1.6, -1.9)],
            [(1.6, -1.9), (1.6, 1.9)],
            [(1.6, 1.9), (-1.6, 1.9)],
            [(-1.6, 1.9), (-1.6, -1.9)],
        ],
        c,
        auto=0.05,
    )
    for x in (-0.75, 0.75):
        for y in (-0.9, 0.9):
            ink.part(
                [[(x - 0.6, y - 0.75), (x + 0.6, y - 0.75)], [(x + 0.6, y + 0.75), (x - 0.6, y + 0.75)]],
                (190, 220, 246),
                auto=0.1,
            )


def _bubble(ink: Ink, rng: np.random.Generator, c: Rgb) -> None:
    ink.part(ellipse(0, -0.2, 2.0, 1.5), (254, 254, 254), auto=0)
    ink.part([[(0.2, 1.1), (0.4, 2.1)], [(0.4, 2.1), (0.9, 0.9)]], (254, 254, 254), auto=0, line=0)
    _strokes(ink, rng, 0.7)


def _glyphs(ink: Ink, rng: np.random.Generator, c: Rgb) -> None:
    _strokes(ink, rng, 1.0)


def _strokes(ink: Ink, rng: np.random.Generator, size: float) -> None:
    for i in range(3):
        for j in range(3):
            x, y = (i - 1) * size, (j - 1) * size - 0.2
            for _ in range(int(rng.integers(2, 6))):
                p = rng.uniform(-0.35, 0.35, 4).tolist()
                ink.brush(
                    [(x + p[0] * size, y + p[1] * size), (x + p[2] * size, y + p[3] * size)],
                    0.1 * size,
                    (40, 34, 44),
                    taper=(1, 0.6),
                )


def _crown(ink: Ink, rng: np.random.Generator, c: Rgb) -> None:
    gold: Rgb = (238, 196, 84)
    tips: list[Run] = [
        [(-1.6, 1.0), (-1.8, -1.0)],
        [(-1.8, -1.0), (-0.8, 0.1)],
        [(-0.8, 0.1), (0, -1.4)],
        [(0, -1.4), (0.8, 0.1)],
        [(0.8, 0.1), (1.8, -1.0)],
        [(1.8, -1.0), (1.6, 1.0)],
        [(1.6, 1.0), (-1.6, 1.0)],
    ]
    ink.part(tips, gold, auto=0.1)
    ink.part(ellipse(0, 0.5, 0.3, 0.3), c, auto=0.05)


def _eyeless(ink: Ink, rng: np.random.Generator, c: Rgb) -> None:
    """Skin and fringe but nothing between: a knee, a shoulder, the nape."""
    skin = _skin(rng)
    ink.part(ellipse(0, 0.2, float(rng.uniform(0.9, 1.5)), 1.7), skin, auto=0.25)
    ink.crease([(-0.3, 0.3), (0.0, 0.5), (0.35, 0.35)], skin)
    if rng.random() < 0.6:
        ink.part(
            [bezier((-1.4, 0.6), (0, 0.9), (1.4, 0.6), 5), bezier((1.5, 2.2), (0, 2.4), (-1.5, 2.2), 5)], c, auto=0.1
        )


_PAINTERS: tuple[_Painter, ...] = (
    _ball,
    _fruit,
    _lamp,
    _clock,
    _flower,
    _animal,
    _plate,
    _hair_back,
    _bare_head,
    _hand,
    _pot,
    _window,
    _bubble,
    _glyphs,
    _crown,
    _eyeless,
)


def random_distractor(rng: np.random.Generator, size: int) -> NDArray[np.uint8]:
    """A look-alike without a face: uint8 size x size x 4, straight RGBA, to be pasted into a background."""
    style = random_style(rng, wild=True)
    scale = size / 5.2
    ink = Ink(style, int(rng.integers(1 << 30)), 0.8 / scale)
    a = math.radians(float(rng.normal(0, 14)))
    ink.place = lambda p: (p[0] * math.cos(a) - p[1] * math.sin(a), p[0] * math.sin(a) + p[1] * math.cos(a))
    colour = hsv_shift((255, 40, 40), float(rng.random()), float(rng.uniform(0.1, 1)), float(rng.uniform(0.4, 1)))
    _PAINTERS[int(rng.integers(len(_PAINTERS)))](ink, rng, colour)
    return rasterise(ink.svg((size, size), (scale, size / 2, size / 2)))
