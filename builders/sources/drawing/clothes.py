"""Clothes on the torso, legs and feet. What is worn, in which order, is decided in `dress_*`."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

import numpy as np

from builders.sources.drawing.body import arm_limb, band, draw_limb
from builders.sources.drawing.model import COLOURS, Character, Outfit, Rgb, Scene
from builders.sources.drawing.shapes import Ink, Point, Run, bezier, clamp, ellipse, lerp, luma, mix, ribbon
from builders.sources.drawing.skeleton import Arm, Skeleton


@dataclass(frozen=True)
class Cut:
    """How a garment of the torso is cut."""

    sleeve: str = "long"  # none, short, puffy, long, wide, half
    neck: str = "round"  # round, v, high, collar, wide, straps
    hem: float = 0.12  # below (+) or above (-) the waist, share of the torso
    ease: float = 0.05
    tucked: bool = False
    open: bool = False
    skirt: float = 0.0  # length of the attached skirt, share of the leg
    flare: float = 0.5


TOPS: dict[str, Cut] = {
    "shirt": Cut("long", "collar", 0.14, 0.05, True),
    "t-shirt": Cut("short", "round", 0.16, 0.07),
    "tank_top": Cut("none", "wide", 0.14, 0.02, True),
    "serafuku": Cut("short", "v", 0.1, 0.06),
    "sweater": Cut("long", "high", 0.22, 0.1),
    "hoodie": Cut("long", "round", 0.28, 0.16),
    "blouse": Cut("puffy", "collar", 0.12, 0.06, True),
    "dress": Cut("puffy", "round", 0, 0.04, skirt=0.55, flare=0.75),
    "sundress": Cut("none", "straps", 0, 0.03, skirt=0.5, flare=0.85),
    "long_dress": Cut("long", "high", 0, 0.05, skirt=0.9, flare=0.6),
    "maid_dress": Cut("puffy", "collar", 0, 0.05, skirt=0.5, flare=0.9),
    "kimono": Cut("wide", "v", 0, 0.1, skirt=0.92, flare=0.05),
    "one-piece_swimsuit": Cut("none", "straps", 0.38, 0.0),
}
OUTERWEAR: dict[str, Cut] = {
    "jacket": Cut("long", "v", 0.24, 0.14, open=True),
    "blazer": Cut("long", "v", 0.3, 0.11, open=True),
    "cardigan": Cut("long", "v", 0.3, 0.12, open=True),
    "coat": Cut("long", "v", 0.95, 0.17, open=True),
    "vest": Cut("none", "v", 0.1, 0.08),
}
SKIRTS: dict[str, tuple[float, float]] = {  # length (share of the leg), flare
    "skirt": (0.33, 0.5),
    "pleated_skirt": (0.32, 0.6),
    "miniskirt": (0.22, 0.4),
    "long_skirt": (0.82, 0.55),
    "high-waist_skirt": (0.42, 0.55),
}
TROUSERS = {"pants": 0.98, "jeans": 0.98, "shorts": 0.24}
LEGWEAR = {"thighhighs": 0.36, "kneehighs": 0.62, "socks": 0.86, "pantyhose": 0.0}
FOOTWEAR = ("shoes", "boots", "sneakers", "loafers")


@dataclass
class Figure:
    """Everything the clothes need to know."""

    ink: Ink
    sk: Skeleton
    character: Character
    outfit: Outfit
    scene: Scene
    variant: int  # fixes the cut's details from the outfit alone
    _rgb: dict[str, Rgb] = field(default_factory=dict)

    def rgb(self, *tags: str) -> Rgb | None:
        """The colour, in this style, of the garment worn under one of the tags."""
        name = self.outfit.colour(*tags)
        if name is None:
            return None
        if name not in self._rgb:
            base = COLOURS[name]
            shake = (zlib_byte(self.ink.style.seed, name) - 0.5) * 18
            self._rgb[name] = self.ink.tone((base[0] + shake, base[1] + shake * 0.6, base[2] - shake * 0.5))
        return self._rgb[name]

    def worn(self, table: object) -> str | None:
        """The first garment whose tag is in the table."""
        return next((g.tag for g in self.outfit.garments if g.tag in table), None)  # type: ignore[operator]


def zlib_byte(seed: int, name: str) -> float:
    """A number 0..1 fixed by a seed and a name."""
    return ((seed * 2654435761 + sum(map(ord, name)) * 40503) % 65536) / 65535


def trim_of(rgb: Rgb) -> Rgb:
    """A quiet colour for seams and borders that does not change the colour the garment is called by."""
    return mix(rgb, (255, 255, 255), 0.55) if luma(rgb) < 150 else mix(rgb, (70, 70, 90), 0.3)


def torso_shape(sk: Skeleton, hem: float, ease: float, neck: str) -> list[Run]:
    """A garment from the shoulders to `hem` (a height)."""
    nw = {"wide": 0.75, "high": 0.4, "straps": 0.62}.get(neck, 0.48)
    depth = {"round": 0.42, "v": 0.95, "high": 0.1, "collar": 0.5, "wide": 0.8, "straps": 0.7}[neck]
    top = -0.02 if neck != "high" else -0.14
    right: list[Point] = [(nw, top), (sk.shoulder * 0.78, sk.shoulder_y - 0.06 - ease * 0.4)]
    if neck in ("wide", "straps"):
        right.append((sk.shoulder * 0.8, sk.bust_y * 0.6))
    else:
        right.append((sk.shoulder * 0.98 + ease * 0.5, sk.shoulder_y + 0.26))
    for y in (
        sk.bust_y * 0.85,
        sk.bust_y,
        (sk.bust_y + sk.waist_y) / 2,
        sk.waist_y,
        (sk.waist_y + sk.hip_y) / 2,
        sk.hip_y,
        sk.crotch_y,
    ):
        if y < hem - 0.1:
            right.append((sk.half(y) + ease, y))
    end = (sk.half(hem) + ease * 1.2, hem)
    right.append(end)
    c = sk.centre
    if neck == "v":
        line: list[Run] = [[(-nw, top), (c, depth)], [(c, depth), (nw, top)]]
    else:
        line = [bezier((-nw, top), (c, depth * 2 - top), (nw, top), 6)]
    return [*line, right, [end, (0, hem + 0.1), (-end[0], hem)], [(-x, y) for x, y in right[::-1]]]


def torso_folds(fig: Figure, rgb: Rgb, hem: float, ease: float) -> list[list[Run]]:
    """Shadows under the bust and beside the waist."""
    sk, c = fig.sk, fig.character
    shadows: list[list[Run]] = []
    if not fig.scene.from_behind and not sk.boy and c.bust > 0.3:
        for side in (-1.0, 1.0):
            x, r = sk.centre * 1.3 + side * sk.bust * 0.46, sk.bust * 0.36
            y = sk.bust_y + 0.16
            shadows.append(
                [
                    bezier((x - r, y - 0.02), (x, y + 0.34 + 0.2 * c.bust), (x + r, y - 0.02), 6),
                    bezier((x + r, y - 0.02), (x, y + 0.2), (x - r, y - 0.02), 6),
                ]
            )
    w = sk.half(sk.waist_y) + ease
    for side in (-1.0, 1.0):
        y = sk.waist_y
        shadows.append([[(side * w * 1.1, y - 0.35), (side * w * 0.45, y - 0.1), (side * w * 1.1, y - 0.12)]])
        shadows.append([[(side * w * 1.1, y + 0.02), (side * w * 0.6, y + 0.1), (side * w * 1.1, y + 0.2)]])
    return shadows


def creases(fig: Figure, rgb: Rgb, hem: float, ease: float) -> None:
    """Folds where cloth hangs and stretches: from the armpits, along the sides, above the waist."""
    sk, ink = fig.sk, fig.ink
    rng = np.random.default_rng([fig.scene.seed, 23])
    for side in (-1.0, 1.0):
        w = sk.half(sk.bust_y) + ease
        x, y = side * w * 0.92, sk.bust_y * 0.78
        ink.crease([(x, y - 0.2), (x - side * 0.12, y + 0.1), (x - side * 0.34, y + 0.26)], rgb, 0.7, 0.8)
        for _ in range(int(rng.integers(1, 4))):
            y = float(rng.uniform(sk.bust_y + 0.35, max(hem - 0.1, sk.bust_y + 0.5)))
            x = side * (sk.half(y) + ease)
            d, drop = float(rng.uniform(0.2, 0.55)), float(rng.uniform(-0.12, 0.3))
            run = bezier((x, y), (x - side * d * 0.5, y + drop * 0.2), (x - side * d, y + drop), 5)
            ink.shade([ribbon(run, [0.01, 0.04, 0.05, 0.03, 0.005])], rgb)
            ink.crease(run, rgb, 0.6, 0.8)


def draw_top(fig: Figure, tag: str, cut: Cut, rgb: Rgb) -> None:
    """A garment of the torso without its sleeves."""
    sk, ink = fig.sk, fig.ink
    hem = sk.waist_y + 0.05 if cut.skirt else sk.waist_y + cut.hem * (sk.crotch_y - 0)
    behind = fig.scene.from_behind
    neck = "high" if behind else cut.neck
    shape = torso_shape(sk, hem, cut.ease, neck)
    ink.part(shape, rgb, shadows=torso_folds(fig, rgb, hem, cut.ease), auto=0.14)
    if tag == "one-piece_swimsuit":
        ink.part(
            [
                [(-sk.hip * 0.98, sk.hip_y - 0.3), (sk.hip * 0.98, sk.hip_y - 0.3)],
                bezier(
                    (sk.hip * 0.98, sk.hip_y - 0.2), (sk.hip * 0.5, sk.crotch_y - 0.1), (0.14, sk.crotch_y + 0.22), 5
                ),
                bezier(
                    (-0.14, sk.crotch_y + 0.22), (-sk.hip * 0.5, sk.crotch_y - 0.1), (-sk.hip * 0.98, sk.hip_y - 0.2), 5
                ),
            ],
            rgb,
            line=0,
        )
    if behind:
        return
    if tag != "one-piece_swimsuit":
        creases(fig, rgb, hem, cut.ease)
    _front(fig, tag, hem, rgb)
    _knit(fig, tag, hem, rgb)


def _front(fig: Figure, tag: str, hem: float, rgb: Rgb) -> None:
    """What the front of a top shows: buttons, the crossing of a kimono."""
    sk, ink, x = fig.sk, fig.ink, fig.sk.centre
    if tag in ("shirt", "blouse", "maid_dress"):
        ink.crease([(x, 0.45), (x * 1.2, sk.bust_y), (x, hem)], rgb, 0.8)
        for i in range(4):
            y = 0.62 + (hem - 0.7) * i / 4
            ink.paint(ellipse(x + 0.07, y, 0.045, 0.045), trim_of(rgb))
    if tag == "kimono":
        ink.crease([(-0.45, -0.05), (x + 0.25, sk.bust_y + 0.3)], rgb, 1.2)
        ink.part(
            [
                [(-0.5, -0.05), (-0.1, 0.4), (x + 0.2, 0.98)],
                [(x + 0.2, 0.98), (x + 0.05, 1.05)],
                [(x + 0.05, 1.05), (-0.3, 0.5), (-0.66, 0.0)],
            ],
            (250, 250, 250),
            auto=0,
        )
        ink.part(
            [
                [(0.5, -0.05), (0.1, 0.4), (-0.3, 1.12)],
                [(-0.3, 1.12), (-0.12, 1.2)],
                [(-0.12, 1.2), (0.32, 0.5), (0.66, 0.0)],
            ],
            (250, 250, 250),
            auto=0,
        )
    if tag == "t-shirt" and fig.variant % 2:
        ink.paint(ellipse(x, sk.bust_y + 0.2, 0.34, 0.3), trim_of(rgb), 0.9)


def _knit(fig: Figure, tag: str, hem: float, rgb: Rgb) -> None:
    """Hood, strings and pocket of a hoodie; the ribs of a sweater."""
    sk, ink, x = fig.sk, fig.ink, fig.sk.centre
    if tag == "hoodie":
        ink.part(
            [
                [(-0.72, -0.05), (-0.45, 0.42), (0.0, 0.6), (0.45, 0.42), (0.72, -0.05)],
                [(0.72, -0.05), (0.4, 0.2), (0, 0.32), (-0.4, 0.2), (-0.72, -0.05)],
            ],
            rgb,
            auto=0.05,
        )
        for s in (-0.16, 0.16):
            ink.brush([(x + s, 0.5), (x + s * 1.1, 1.0), (x + s, 1.35)], 0.06, trim_of(rgb), taper=(1, 1))
        y = sk.waist_y + 0.1
        ink.crease([(-0.62, y + 0.5), (-0.42, y), (0.42, y), (0.62, y + 0.5)], rgb, 0.8)
    if tag == "sweater":
        for t in (-0.6, -0.3, 0.0, 0.3, 0.6):
            ink.crease([(t * sk.bust, 0.5), (t * sk.bust * 1.1, sk.bust_y), (t * sk.waist, hem - 0.12)], rgb, 0.45, 0.5)
        w = sk.half(hem) + TOPS[tag].ease
        ink.crease([(-w, hem - 0.16), (0, hem - 0.07), (w, hem - 0.16)], rgb, 0.7)


def draw_skirt(fig: Figure, rgb: Rgb, length: float, flare: float, pleats: bool) -> None:
    """A skirt from the waist; `length` is a share of the leg."""
    sk, ink = fig.sk, fig.ink
    top = sk.waist_y
    hem = sk.crotch_y + (sk.foot_y - sk.crotch_y) * length
    w0, w1 = sk.half(top) + 0.06, sk.hip + 0.15 + flare * (0.35 + 0.55 * (hem - top) / 3)
    hip = (sk.hip + 0.1 + flare * 0.25, sk.hip_y)
    right = [(w0, top), lerp((w0 + 0.04, top), hip, 0.55), lerp(hip, (w1, hem), 0.12), (w1, hem)]
    n = 10 if pleats else 6
    sway = 0.12 * math.sin(fig.scene.seed % 7)
    runs: list[Run] = [[(-w0, top), (0, top + 0.1), (w0, top)], right]
    bottom: list[Point] = []
    for i in range(n + 1):
        t = 1 - 2 * i / n
        y = hem + 0.26 * (1 - t * t) * min(flare + 0.3, 1) + (0.07 if i % 2 else -0.02)
        bottom.append((t * w1 + sway * (1 - t * t), y if 0 < i < n else hem))
    runs += [[a, b] for a, b in itertools.pairwise(bottom)] if pleats else [bottom]
    runs.append([(-x, y) for x, y in right[::-1]])
    shadows: list[list[Run]] = []
    for i in range(1, n, 1 if pleats else 2):
        b, t = bottom[i], 1 - 2 * i / n
        a = (t * w0 * 0.95, top + 0.1)
        wide = (w1 / n) * (0.8 if pleats else 1.0)
        mid = lerp(a, b, 0.5)
        shadows.append(
            [
                [a, (mid[0] + 0.03, mid[1]), (b[0] + 0.1 * wide, b[1] - 0.04)],
                [(b[0] - wide, b[1] - 0.05), (mid[0] - wide * 0.4, mid[1]), a],
            ]
        )
    ink.part(runs, rgb, auto=0.14)
    ink.shade(shadows, rgb)
    for i in range(1, n):
        b, t = bottom[i], 1 - 2 * i / n
        start = 0.06 if pleats else 0.25 + 0.15 * (i % 2)
        a = (t * w0 * 0.95, top + 0.1)
        ink.crease([lerp(a, b, start), lerp(a, b, 0.5), b], rgb, 0.75)
    if fig.variant % 3 == 0 and not pleats:
        ink.stroke([[(p[0] * 0.985, p[1] - 0.16) for p in bottom]], trim_of(rgb), 0.06, closed=False)
    ink.part(
        [
            [(-w0, top - 0.06), (0, top + 0.04), (w0, top - 0.06)],
            [(w0 + 0.01, top + 0.12), (0, top + 0.22), (-w0 - 0.01, top + 0.12)],
        ],
        ink.dark(rgb, 0.35),
        auto=0,
    )


def draw_sleeve(fig: Figure, arm: Arm, cut: Cut, rgb: Rgb) -> None:
    """The sleeve of one arm."""
    sk, ink = fig.sk, fig.ink
    if cut.sleeve == "none":
        return
    spine, widths = arm_limb(sk, arm)
    t = sk.thick
    if cut.sleeve == "puffy":
        puff = [t * 1.0, t * 1.45, t * 1.75, t * 1.8, t * 1.6, t * 1.1]
        draw_limb(ink, band(spine[:6], puff, 0, 1), arm.side, rgb, 0.13)
        for k in (-0.4, 0.0, 0.4):
            a, b = spine[5], spine[2]
            ink.crease([(a[0] + k * t * 1.6, a[1]), lerp(a, b, 0.5)], rgb, 0.6, 0.8)
        ink.part(band(spine, widths, 0.38, 0.45, 0.06), trim_of(rgb) if fig.variant % 2 else ink.dark(rgb, 0.4), auto=0)
        return
    if cut.sleeve == "wide":
        wide = [t * 1.1 + 0.7 * clamp((i - 3) / 9, 0, 1) for i in range(13)]
        draw_limb(ink, band(spine, wide, 0, 0.97), arm.side, rgb, 0.16)
        ink.paint(ellipse(arm.wrist[0], arm.wrist[1], t * 0.8, t * 0.5), ink.dark(rgb, 1.4))
        return
    stop = {"short": 0.36, "half": 0.6}.get(cut.sleeve, 0.97)
    loose = [w + cut.ease * 0.7 + (0.05 if i > 9 else 0) for i, w in enumerate(widths)]
    loose[0] *= 1.06
    shape = band(spine, loose, 0, stop)
    draw_limb(ink, shape, arm.side, rgb, 0.12)
    e = arm.elbow
    if stop > 0.6:
        ink.crease(
            [(e[0] - arm.side * t * 0.7, e[1] - 0.12), (e[0], e[1] - 0.04), (e[0] + arm.side * t * 0.2, e[1] - 0.1)],
            rgb,
            0.7,
            0.8,
        )
        ink.crease([(e[0] - arm.side * t * 0.8, e[1] + 0.1), (e[0] - arm.side * 0.05, e[1] + 0.1)], rgb, 0.6, 0.7)
        ink.part(band(spine, loose, stop - 0.06, stop, 0.02), ink.dark(rgb, 0.3), auto=0)
    elif cut.ease > 0.04:
        ink.stroke([[shape[0][-2], shape[2][1]]], trim_of(rgb), 0.05, closed=False)
