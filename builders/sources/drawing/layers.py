"""The second half of the wardrobe: outer layers, aprons, collars, ties, hats and hair ornaments."""

from __future__ import annotations

import math

from builders.sources.drawing.clothes import OUTERWEAR, TOPS, Cut, Figure, creases, torso_folds, trim_of
from builders.sources.drawing.model import Rgb
from builders.sources.drawing.shapes import Ink, Point, Run, ellipse


def draw_outer(fig: Figure, tag: str, cut: Cut, rgb: Rgb) -> None:
    """A jacket, cardigan, coat (open panels) or vest (closed) over the top."""
    sk, ink = fig.sk, fig.ink
    hem = sk.waist_y + cut.hem * sk.crotch_y if cut.hem < 0.9 else sk.crotch_y + (sk.foot_y - sk.crotch_y) * 0.45
    folds = torso_folds(fig, rgb, hem, cut.ease)
    flare = 0.3 if tag == "coat" else 0.06
    ease, x = cut.ease, sk.centre
    gap = 0.12 if tag == "blazer" else 0.3
    if fig.scene.from_behind or not cut.open:
        gap = 0.0
    for side in (-1.0, 1.0):
        edge: list[Point] = [
            (side * 0.44, -0.06),
            (side * (sk.shoulder * 0.78), sk.shoulder_y - 0.1),
            (side * (sk.shoulder + ease * 0.6), sk.shoulder_y + 0.28),
        ]
        for y in (sk.bust_y * 0.85, sk.bust_y, sk.waist_y, sk.hip_y):
            if y < hem - 0.1:
                edge.append((side * (sk.half(y) + ease), y))
        edge.append((side * (sk.half(min(hem, sk.hip_y)) + ease + flare), hem))
        v = 0.95 if not fig.scene.from_behind else 0.05
        inner: list[Point] = [
            (x + side * gap * 1.2, hem + 0.08),
            (x + side * gap, sk.waist_y),
            (x + side * gap * 0.9, v),
        ]
        shape: list[Run] = [edge, [edge[-1], inner[0]], inner, [inner[-1], (side * 0.44, -0.06)]]
        ink.part(shape, rgb, shadows=folds, auto=0.13)
        if tag in ("blazer", "coat", "jacket") and not fig.scene.from_behind:
            lapel: list[Run] = [
                [(side * 0.42, -0.1), (side * 0.72, 0.3)],
                [(side * 0.72, 0.3), (side * 0.56, 0.52)],
                [(side * 0.56, 0.52), (x + side * gap, 1.12)],
                [(x + side * gap, 1.12), (side * 0.3, 0.3), (side * 0.42, -0.1)],
            ]
            ink.part(lapel, ink.dark(rgb, 0.25), auto=0.03)
    creases(fig, rgb, min(hem, sk.hip_y), cut.ease)
    if not fig.scene.from_behind:
        for i in range(2 if tag == "blazer" else 0):
            ink.part(ellipse(x + 0.16, sk.waist_y - 0.1 + 0.42 * i, 0.07, 0.07), (226, 190, 96), auto=0)
        if tag == "vest":
            ink.crease([(x, 1.0), (x, hem)], rgb, 0.8)


def draw_apron(fig: Figure, rgb: Rgb) -> None:
    """A white-frilled apron with a bib."""
    sk, ink = fig.sk, fig.ink
    x, w = sk.centre, sk.waist
    hem = sk.crotch_y + (sk.foot_y - sk.crotch_y) * 0.36
    if not fig.scene.from_behind:
        ink.part(
            [
                [(x - 0.46, 0.75), (x + 0.46, 0.75)],
                [(x + 0.46, 0.75), (x + 0.56, sk.waist_y)],
                [(x + 0.56, sk.waist_y), (x - 0.56, sk.waist_y)],
                [(x - 0.56, sk.waist_y), (x - 0.46, 0.75)],
            ],
            rgb,
            auto=0.08,
        )
        bottom = [
            (x + (sk.hip + 0.25) * t, hem + 0.3 * (1 - t * t) + (0.07 if i % 2 else 0))
            for i, t in enumerate((1.0, 0.72, 0.43, 0.15, -0.15, -0.43, -0.72, -1.0))
        ]
        ink.part(
            [
                [(x - w * 0.75, sk.waist_y), (x + w * 0.75, sk.waist_y)],
                [(x + w * 0.75, sk.waist_y), bottom[0]],
                bottom,
                [bottom[-1], (x - w * 0.75, sk.waist_y)],
            ],
            rgb,
            auto=0.1,
        )
        for t in (-0.5, 0.0, 0.5):
            ink.crease([(x + t * w, sk.waist_y + 0.3), (x + t * sk.hip * 1.2, hem + 0.1)], rgb, 0.6, 0.8)
    for side in (-1.0, 1.0):
        ink.part(
            [
                [(side * 0.4, -0.02), (side * 0.62, 0.3), (side * 0.5 + x, 0.9)],
                [(side * 0.5 + x, 0.9), (side * 0.3 + x, 0.9)],
                [(side * 0.3 + x, 0.9), (side * 0.4, 0.3), (side * 0.24, 0.05)],
            ],
            rgb,
            auto=0.03,
        )
    ink.part(
        [
            [(-w - 0.06, sk.waist_y - 0.12), (0, sk.waist_y - 0.02), (w + 0.06, sk.waist_y - 0.12)],
            [(w + 0.06, sk.waist_y + 0.12), (0, sk.waist_y + 0.22), (-w - 0.06, sk.waist_y + 0.12)],
        ],
        rgb,
        auto=0.03,
    )


def draw_sash(fig: Figure, rgb: Rgb, height: float) -> None:
    """A belt or an obi round the waist."""
    sk, ink = fig.sk, fig.ink
    w, y = sk.half(sk.waist_y) + 0.12, sk.waist_y
    ink.part(
        [
            [(-w, y - height), (0, y - height + 0.1), (w, y - height)],
            [(w + 0.02, y + height * 0.6), (0, y + height * 0.6 + 0.1), (-w - 0.02, y + height * 0.6)],
        ],
        rgb,
        auto=0.08,
    )
    if height > 0.3:
        ink.stroke([[(-w, y - 0.04), (0, y + 0.06), (w, y - 0.04)]], trim_of(rgb), 0.07, closed=False)
    else:
        ink.part(
            [
                [(sk.centre - 0.12, y - height), (sk.centre + 0.12, y - height)],
                [(sk.centre + 0.12, y + height), (sk.centre - 0.12, y + height)],
            ],
            (226, 196, 104),
            auto=0,
        )


def draw_collar(fig: Figure, rgb: Rgb, sailor: bool) -> None:
    """A sailor collar or the two wings of a shirt collar."""
    ink, x = fig.ink, fig.sk.centre
    if fig.scene.from_behind:
        if sailor:
            ink.part(
                [[(-0.95, 0.02), (0.95, 0.02)], [(0.95, 0.02), (0.98, 1.2)], [(0.98, 1.2), (-0.98, 1.2)]],
                rgb,
                auto=0.05,
            )
        return
    for side in (-1.0, 1.0):
        if sailor:
            wing: list[Run] = [
                [(side * 0.36, -0.16), (side * 0.8, 0.0), (side * 1.0, 0.2)],
                [(side * 1.0, 0.2), (side * 0.82, 0.62)],
                [(side * 0.82, 0.62), (x + side * 0.05, 1.12)],
                [(x + side * 0.05, 1.12), (side * 0.32, 0.4), (side * 0.36, -0.16)],
            ]
        else:
            wing = [
                [(side * 0.38, -0.2), (side * 0.6, 0.1), (side * 0.52, 0.44)],
                [(side * 0.52, 0.44), (x + side * 0.04, 0.3)],
                [(x + side * 0.04, 0.3), (side * 0.3, 0.08), (side * 0.38, -0.2)],
            ]
        ink.part(wing, rgb, auto=0.04)
        if sailor:
            ink.brush(
                [(side * 0.92, 0.2), (side * 0.74, 0.58), (x + side * 0.08, 0.98)], 0.045, trim_of(rgb), taper=(1, 1)
            )


def draw_bow(ink: Ink, at: Point, size: float, rgb: Rgb, tails: float = 0.6, tilt: float = 0.0) -> None:
    """A bow with two loops, a knot and hanging ends."""
    x, y = at
    ca, sa = math.cos(tilt), math.sin(tilt)

    def put(px: float, py: float) -> Point:
        return x + (px * ca - py * sa) * size, y + (px * sa + py * ca) * size

    for side in (-1.0, 1.0):
        if tails:
            ink.part(
                [
                    [put(0, 0), put(side * 0.3, 0.5 * tails), put(side * 0.42, 1.5 * tails)],
                    [put(side * 0.42, 1.5 * tails), put(side * 0.62, 1.2 * tails)],
                    [put(side * 0.62, 1.2 * tails), put(side * 0.5, 0.4 * tails), put(0, 0)],
                ],
                rgb,
                auto=0.03,
            )
    for side in (-1.0, 1.0):
        loop = [
            put(0, 0),
            put(side * 0.5, -0.42),
            put(side * 0.98, -0.38),
            put(side * 1.02, 0.0),
            put(side * 0.9, 0.4),
            put(side * 0.45, 0.24),
            put(0, 0),
        ]
        ink.part([loop], rgb, auto=0.05)
        ink.crease([put(side * 0.15, 0), put(side * 0.4, -0.06), put(side * 0.62, -0.14)], rgb, 0.6)
    ink.part(ellipse(*put(0, 0), 0.2 * size, 0.22 * size), rgb, auto=0.02)


def _scarf(ink: Ink, rgb: Rgb) -> None:
    ink.part(
        [
            [(-0.62, -0.5), (0, -0.3), (0.62, -0.5)],
            [(0.72, -0.2), (0.62, 0.16), (0.0, 0.34), (-0.62, 0.16), (-0.72, -0.2)],
        ],
        rgb,
        auto=0.1,
    )
    ink.crease([(-0.55, -0.15), (0, 0.08), (0.6, -0.2)], rgb)
    ink.part(
        [
            [(0.16, 0.12), (0.6, 0.02)],
            [(0.6, 0.02), (0.78, 0.9), (0.7, 1.7)],
            [(0.7, 1.7), (0.2, 1.75)],
            [(0.2, 1.75), (0.3, 0.9), (0.16, 0.12)],
        ],
        rgb,
        auto=0.08,
    )


def draw_neckwear(fig: Figure) -> None:
    """Tie, bow, ribbon, neckerchief, choker or scarf: the first one worn."""
    ink, x = fig.ink, fig.sk.centre
    behind = fig.scene.from_behind
    rgb = fig.rgb("scarf")
    if rgb:
        _scarf(ink, rgb)
        return
    rgb = fig.rgb("choker")
    if rgb:
        ink.part([[(-0.37, -0.34), (0, -0.24), (0.37, -0.34)], [(0.39, -0.2), (0, -0.1), (-0.39, -0.2)]], rgb, auto=0)
    if behind:
        return
    rgb = fig.rgb("necktie")
    if rgb:
        ink.part(
            [
                [(x - 0.14, 0.14), (x + 0.14, 0.14)],
                [(x + 0.14, 0.14), (x + 0.09, 0.4)],
                [(x + 0.09, 0.4), (x + 0.2, 1.35)],
                [(x + 0.2, 1.35), (x, 1.62)],
                [(x, 1.62), (x - 0.2, 1.35)],
                [(x - 0.2, 1.35), (x - 0.09, 0.4)],
            ],
            rgb,
            auto=0.06,
        )
        ink.crease([(x - 0.1, 0.4), (x + 0.1, 0.4)], rgb, 0.7)
    rgb = fig.rgb("neckerchief")
    if rgb:
        for side in (-1.0, 1.0):
            ink.part(
                [
                    [(x, 1.0), (x + side * 0.4, 1.15), (x + side * 0.42, 1.7)],
                    [(x + side * 0.42, 1.7), (x + side * 0.12, 1.5), (x, 1.05)],
                ],
                rgb,
                auto=0.05,
            )
        ink.part([[(x - 0.16, 0.92), (x + 0.16, 0.92)], [(x + 0.12, 1.16), (x - 0.12, 1.16)]], rgb, auto=0.02)
    rgb = fig.rgb("bowtie")
    if rgb:
        draw_bow(ink, (x, 0.3), 0.42, rgb, tails=0)
    rgb = fig.rgb("neck_ribbon")
    if rgb:
        draw_bow(ink, (x, 0.32), 0.36, rgb, tails=1.3)


def sleeve_cut(fig: Figure) -> tuple[Cut, Rgb] | None:
    """The outermost sleeve, if the figure wears any: (cut, colour)."""
    for table in (OUTERWEAR, TOPS):
        tag = fig.worn(table)
        if tag and table[tag].sleeve != "none":
            rgb = fig.rgb(tag)
            if rgb:
                return table[tag], rgb
    return None
