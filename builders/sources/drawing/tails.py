"""Tied hair (tails, braids, buns), the ahoge and animal ears: what grows from the hair's mass."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from builders.sources.drawing.model import Rgb
from builders.sources.drawing.shapes import Point, bezier, lerp, mix, ribbon

if TYPE_CHECKING:
    from builders.sources.drawing.hair import Hair


def _tail(hair: Hair, root: Point, out: float, length: float, width: float) -> None:
    """One hanging tail: leaves the root sideways, then falls."""
    wave = {"wavy": 0.16, "curly": 0.24, "spiky": 0.06}.get(hair.c.hair_back, 0.05)
    n = 9
    spine, widths = [], []
    for i in range(n):
        t = i / (n - 1)
        x = root[0] + out * (1 - (1 - min(t * 2.2, 1)) ** 2) + wave * math.sin(t * 9 + root[0]) * t - 0.25 * out * t
        y = root[1] - 0.12 * math.sin(math.pi * min(t * 3, 1)) + length * t**1.15
        spine.append((x, y))
        widths.append(
            width
            * (0.45 + 0.75 * math.sin(math.pi * min(t * 1.1 + 0.12, 1)) ** 0.8)
            * (1.0 if t < 0.6 else 1.02 - (t - 0.6) * 2.3)
            + 0.015
        )
    widths[-1] = 0.02
    shape = ribbon(spine, widths)
    hair.ink.part(shape, hair.rgb, auto=0.14, fill=hair.fill())
    for k in (-0.4, 0.1, 0.5):
        line = [(p[0] + k * w, p[1]) for p, w in zip(spine, widths, strict=True)]
        hair.ink.crease(line[1:-1], hair.rgb, 0.7, 0.8)
    if hair.ink.style.shine != "none":
        a, b = spine[2], spine[3]
        hair.ink.brush(
            [(a[0] - widths[2] * 0.7, a[1] + 0.05), lerp(a, b, 0.4), (a[0] + widths[2] * 0.6, a[1])],
            0.09,
            hair.ink.light(hair.rgb, 1.3),
            0.8,
        )


def _braid(hair: Hair, root: Point, out: float, length: float) -> None:
    n = max(4, int(length / 0.34))
    for i in range(n):
        t = i / n
        x, y = root[0] + out * math.sin(min(t * 2, 1) * 1.5), root[1] + length * t
        w, h = 0.27 * (1 - 0.35 * t), length / n * 0.78
        for side in (-1.0, 1.0):
            lump = [
                (x - side * 0.03, y - h * 0.5),
                (x + side * w, y - h * 0.3),
                (x + side * w * 0.85, y + h * 0.5),
                (x - side * 0.08, y + h),
                (x - side * 0.03, y - h * 0.5),
            ]
            hair.ink.part([lump], hair.rgb, auto=0.08)
    x, y = root[0] + out * math.sin(1.5), root[1] + length
    hair.ink.part(ribbon([(x, y), (x, y + 0.25), (x + 0.03, y + 0.55)], [0.1, 0.2, 0.02]), hair.rgb, auto=0.08)
    _tie(hair, (x, y + 0.02))


def _tie(hair: Hair, at: Point) -> None:
    colour: Rgb = mix(hair.c.eye_rgb, (255, 255, 255), 0.2)
    hair.ink.part(
        [
            [(at[0] - 0.15, at[1] - 0.07), (at[0] + 0.15, at[1] - 0.07)],
            [(at[0] + 0.15, at[1] + 0.07), (at[0] - 0.15, at[1] + 0.07)],
        ],
        colour,
        auto=0.03,
    )


def draw_tails(hair: Hair, behind: bool) -> None:
    """Tails, braids and buns; `behind` says which: those behind the body or those before it."""
    c, s = hair.c, hair.s
    length = max(c.hair_length, 2.0)
    kind = c.hair_tails
    w = 0.36 + 0.3 * hair.v
    if kind in ("twintails", "low_twintails") and behind:
        y = -0.95 if kind == "twintails" else 0.55
        for side in (-1.0, 1.0):
            root = (side * (1.02 + hair.v * 0.5) - 0.15 * s, y)
            _tail(hair, root, side * (0.62 if kind == "twintails" else 0.25), length + 0.9 * (kind == "twintails"), w)
    elif kind == "ponytail" and behind:
        side = -1.0 if s > 0.05 or (abs(s) <= 0.05 and c.seed % 2) else 1.0
        _tail(hair, (side * 0.35 - 0.5 * s, -1.35), side * 1.05, length + 1.2, w * 1.1)
    elif kind == "side_ponytail" and not behind:
        side = 1.0 if c.seed % 2 else -1.0
        _tail(hair, (side * 1.05 - 0.15 * s, -0.7), side * 0.5, length + 0.6, w)
        _tie(hair, (side * 1.12 - 0.15 * s, -0.7))
    elif kind == "braid" and not behind:
        side = 1.0 if c.seed % 2 else -1.0
        _braid(hair, (side * 0.95 - 0.1 * s, 0.75), side * 0.1, min(length, 2.6))
    elif kind == "twin_braids" and not behind:
        for side in (-1.0, 1.0):
            _braid(hair, (side * 1.02 - 0.1 * s, 0.6), side * 0.14, min(length, 2.8))
    elif kind in ("bun", "double_bun") and behind:
        for x in [0.0] if kind == "bun" else [-0.88, 0.88]:
            _bun(hair, x - 0.2 * s, -1.75 - hair.v if kind == "bun" else -1.5 - 0.6 * hair.v)


def _bun(hair: Hair, x: float, y: float) -> None:
    r = 0.5
    ball = [(x + r * math.cos(a), y + r * 0.92 * math.sin(a)) for a in (math.tau * i / 12 for i in range(13))]
    hair.ink.part([ball], hair.rgb, auto=0.14)
    hair.ink.crease([(x - 0.3, y - 0.2), (x, y - 0.3), (x + 0.28, y + 0.05), (x, y + 0.2)], hair.rgb)


def draw_ahoge(hair: Hair) -> None:
    """The lock that stands up from the crown."""
    x, y = hair.crown[0] * 0.5, -1.6 - hair.v
    d = 1.0 if hair.c.seed % 2 else -1.0
    spine = [(x, y + 0.08), (x + d * 0.05, y - 0.25), (x + d * 0.3, y - 0.45), (x + d * 0.58, y - 0.3)]
    hair.ink.part(ribbon(spine, [0.07, 0.075, 0.06, 0.005]), hair.rgb, auto=0)


def draw_animal_ears(hair: Hair) -> None:
    """Cat, fox or rabbit ears on top of the head."""
    kind = hair.c.ears
    if kind not in ("cat", "fox", "rabbit"):
        return
    for side in (-1.0, 1.0):
        x = side * 0.72 - 0.12 * hair.s
        tall = {"cat": 0.75, "fox": 1.05, "rabbit": 1.9}[kind]
        base, tip = -1.3 - 0.6 * hair.v, (x + side * 0.28, -1.4 - hair.v - tall)
        if kind == "rabbit":
            shape = ribbon([(x * 0.6, base), (x * 0.7, base - tall * 0.6), (x * 0.85, base - tall)], [0.2, 0.28, 0.05])
            inner = ribbon(
                [(x * 0.6, base), (x * 0.7, base - tall * 0.6), (x * 0.84, base - tall * 0.92)], [0.08, 0.14, 0.02]
            )
        else:
            shape = [
                bezier((x - side * 0.4, base - 0.05), (x - side * 0.15, base - tall * 0.8), tip, 5),
                bezier(tip, (x + side * 0.5, base - tall * 0.4), (x + side * 0.38, base + 0.35), 5),
            ]
            low = lerp(tip, (x, base), 0.22)
            inner = [
                bezier((x - side * 0.16, base), (x, base - tall * 0.6), low, 5),
                bezier(low, (x + side * 0.35, base - tall * 0.3), (x + side * 0.26, base + 0.2), 5),
            ]
        hair.ink.part(shape, hair.rgb, auto=0.08)
        hair.ink.paint(inner, mix((250, 190, 190), hair.rgb, 0.15))


def draw_cover(hair: Hair) -> None:
    """A heavy lock over one eye."""
    side = 1.0 if hair.c.seed % 2 else -1.0
    x = hair.head.at(side * hair.c.eye_gap, 0)[0]
    spine = [(hair.crown[0], -1.3), (x * 0.9, -0.7), (x, 0.0), (x + side * 0.12, 0.6)]
    hair.ink.part(ribbon(spine, [0.02, 0.34, 0.34, 0.01]), hair.rgb, auto=0.08)
    for k in (-0.4, 0.05, 0.45):
        hair.ink.crease([(p[0] + k * 0.3, p[1]) for p in spine], hair.rgb, 0.6)


def draw_side_lock(hair: Hair, side: float) -> None:
    """The lock that hangs before the ear."""
    c = hair.c
    if hair.head.profile and side * hair.s > 0:
        return
    x0, _ = hair.head.at(side * 0.97, 0)
    x = x0 * 1.03 + side * (0.06 - 0.13 * (c.seed % 5) / 4) - 0.03 * hair.s
    length = c.side_locks
    # half of the long-haired wear a broad fall of hair over each shoulder instead of a thin lock
    broad = c.hair_tails == "none" and c.hair_length > 2 and length > 1.2 and c.seed % 2 == 0
    wave = {"wavy": 0.07, "curly": 0.1}.get(c.hair_back, 0.015)
    n = 7
    spine = [(hair.head.at(side * 0.72, 0)[0], -1.0)]
    widths = [0.05]
    for i in range(n):
        t = i / (n - 1)
        y = -0.55 + (length + 0.55) * t
        drift = -0.1 * math.sin(t * 2.4) if length < 1.4 else 0.06 * min(t * 2, 1) + 0.1 * math.sin(t * 2)
        spine.append((x + side * drift + wave * math.sin(y * 2.6) * min(t * 2, 1), y))
        if broad:
            spine[-1] = (spine[-1][0] + side * 0.26 * min(t * 2.5, 1), y * 1.25)
        full = (0.2 + 0.14 * hair.v) * (1 + 0.9 * min(t * 2.5, 1) * broad)
        widths.append(full * (1 - 0.25 * t) if i < n - 1 else 0.01)
    widths[-2] *= 0.7
    hair.ink.part(ribbon(spine, widths), hair.rgb, auto=0.07, fill=hair.fill() if length > 1.2 else None)
    for k in (-0.3, 0.35):
        hair.ink.crease([(p[0] + k * w, p[1]) for p, w in zip(spine[1:], widths[1:], strict=True)], hair.rgb, 0.6, 0.8)
