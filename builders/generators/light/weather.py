"""Weather and other things before the subject."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from builders.generators.light.canvas import Canvas
from builders.generators.light.fields import Pixels
from builders.generators.light.pigments import Rgb


def before(picture: Pixels, fronts: tuple[str, ...], r: Random) -> Pixels:
    """Weather and other things in front of the subject."""
    if not fronts:
        return picture
    c = Canvas.over(picture)
    for name in fronts:
        _FRONT[name](c, r)
    return c.pixels()


def _rain(c: Canvas, r: Random) -> None:
    for _ in range(80):
        x, y, h = r.random(), r.random(), 0.03 + 0.04 * r.random()
        c.line([(x, y), (x - h * 0.25, y + h)], (220, 232, 244), 0.004, 0.65)


def _flakes(c: Canvas, r: Random) -> None:
    for _ in range(70):
        s = 0.004 + 0.007 * r.random()
        c.oval(r.random(), r.random(), s, s, (255, 255, 255), 0.9)


def _mist(c: Canvas, r: Random) -> None:
    c.box(0, 0, 1, 1, (226, 230, 232), 0.22)
    for k in range(12):
        c.box(0, 0.42 + 0.02 * k, 1, 0.9 - 0.015 * k, (236, 239, 240), 0.035)


def _strewn(inks: tuple[Rgb, ...], flat: float) -> Callable[[Canvas, Random], None]:
    def draw(c: Canvas, r: Random) -> None:
        for k in range(36):
            s = 0.007 + 0.009 * r.random()
            c.oval(r.random(), r.random(), s, s * flat, inks[k % len(inks)], 0.9)
    return draw


def _bubbles(c: Canvas, r: Random) -> None:
    for _ in range(14):
        x, y, s = r.random(), r.random(), 0.01 + 0.025 * r.random()
        c.oval(x, y, s, s, (226, 242, 252), 0.35)
        c.oval(x - s * 0.3, y - s * 0.3, s * 0.25, s * 0.25, (255, 255, 255), 0.9)


def _shafts(c: Canvas, r: Random) -> None:
    for k in range(3):
        x = 0.1 + 0.3 * k
        c.poly([(x, 0), (x + 0.1, 0), (x + 0.3, 1), (x + 0.02, 1)], (255, 250, 214), 0.16)


_FRONT: dict[str, Callable[[Canvas, Random], None]] = {
    "rain": _rain, "snow": _flakes, "fog": _mist, "bubbles": _bubbles, "shafts": _shafts,
    "petals": _strewn(((246, 176, 198), (252, 220, 228), (236, 120, 150)), 0.6),
    "leaves": _strewn(((206, 110, 40), (226, 166, 56)), 0.6),
    "sparks": _strewn(((255, 220, 120), (255, 170, 60), (255, 250, 220)), 1),
}
