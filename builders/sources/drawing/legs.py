"""Clothes of the legs and feet."""

from __future__ import annotations

from builders.sources.drawing.body import band, foot_shape, leg_limb
from builders.sources.drawing.clothes import LEGWEAR, Figure
from builders.sources.drawing.model import Rgb
from builders.sources.drawing.shapes import ellipse, hexa, luma
from builders.sources.drawing.skeleton import Leg


def draw_trousers(fig: Figure, rgb: Rgb, length: float) -> None:
    """Trousers or shorts."""
    sk, ink = fig.sk, fig.ink
    for leg in sk.legs:
        spine, widths = leg_limb(sk, leg)
        wide = [w + 0.03 + 0.08 * i / 12 for i, w in enumerate(widths)]
        ink.part(band(spine, wide, 0, length), rgb, auto=0.13, fill=hexa(rgb))  # even, so that hips and legs meet
        for k in (0.45, 0.52):
            if length > 0.6:
                p = spine[int(12 * k)]
                ink.crease([(p[0] - 0.2, p[1]), (p[0], p[1] + 0.08), (p[0] + 0.18, p[1] + 0.02)], rgb, 0.6, 0.8)
    w = sk.half(sk.waist_y) + 0.04
    ink.part(
        [
            [(-w, sk.waist_y), (w, sk.waist_y)],
            [(w, sk.waist_y), (sk.hip + 0.04, sk.hip_y), (sk.hip * 0.98, sk.crotch_y)],
            [(sk.hip * 0.98, sk.crotch_y), (0.06, sk.crotch_y + 0.18)],
            [(-0.06, sk.crotch_y + 0.18), (-sk.hip * 0.98, sk.crotch_y)],
            [(-sk.hip * 0.98, sk.crotch_y), (-sk.hip - 0.04, sk.hip_y), (-w, sk.waist_y)],
        ],
        rgb,
        auto=0.1,
        line=0,
        fill=hexa(rgb),
    )
    ink.crease([(0, sk.waist_y + 0.1), (0.03, sk.hip_y), (0, sk.crotch_y + 0.15)], rgb, 0.8)
    for side in (-1.0, 1.0):
        ink.crease(
            [(side * w, sk.waist_y), (side * (sk.hip + 0.04), sk.hip_y), (side * sk.hip * 0.98, sk.crotch_y)], rgb
        )


def draw_legwear(fig: Figure, leg: Leg, rgb: Rgb, start: float) -> None:
    """Stockings or socks from `start` (share of the leg from the hip) to the toes."""
    ink = fig.ink
    spine, widths = leg_limb(fig.sk, leg)
    ink.part(foot_shape(leg, 0.01), rgb, auto=0.05)
    ink.part(band(spine, widths, start, 1, 0.02), rgb, auto=0.1)
    if start > 0.05:
        ink.part(
            band(spine, widths, start, start + 0.035, 0.045),
            ink.dark(rgb, 0.4) if luma(rgb) > 90 else ink.light(rgb, 0.4),
            auto=0,
        )


def draw_shoe(fig: Figure, leg: Leg, tag: str, rgb: Rgb) -> None:
    """One shoe or boot."""
    ink = fig.ink
    if tag == "boots":
        spine, widths = leg_limb(fig.sk, leg)
        ink.part(band(spine, widths, 0.7, 1, 0.07), rgb, auto=0.1)
        ink.part(band(spine, widths, 0.7, 0.74, 0.1), ink.dark(rgb, 0.5), auto=0)
    ink.part(foot_shape(leg, 0.06), rgb, auto=0.07)
    (ax, ay), (tx, ty) = leg.ankle, leg.toe
    if tag == "sneakers":
        ink.paint(
            [
                [(tx - 0.28, ty - 0.02), (tx, ty + 0.03), (tx + 0.28, ty - 0.02)],
                [(tx + 0.27, ty + 0.07), (tx - 0.27, ty + 0.07)],
            ],
            (248, 248, 248),
        )
    elif tag != "boots":
        skin = ellipse(ax + (tx - ax) * 0.2, ay + 0.06, 0.16, 0.09)
        legwear = fig.rgb(*LEGWEAR)
        ink.paint(skin, legwear or fig.character.skin)
