"""What is worn on the head: hairbands, bows, clips, flowers, hats."""

from __future__ import annotations

import math

from builders.sources.drawing.clothes import Figure
from builders.sources.drawing.hair import Hair
from builders.sources.drawing.layers import draw_bow
from builders.sources.drawing.model import Rgb
from builders.sources.drawing.shapes import Ink, Point, Run, bezier, ellipse, mix

HEADWEAR = ("beret", "hat", "witch_hat", "baseball_cap", "santa_hat", "crown")


def draw_head_ornaments(fig: Figure, hair: Hair) -> None:
    """Hairbands, bows, clips and hats, over the hair."""
    ink, v, s = fig.ink, hair.v, hair.s
    rgb = fig.rgb("hairband")
    if rgb:
        x = 1.06 + 0.8 * v
        top, low = [], []
        for i in range(9):
            a = math.pi * (0.06 + 0.88 * i / 8)
            px, py = -x * math.cos(a) - 0.1 * s, -0.75 - (0.6 + 0.55 * v) * math.sin(a)
            top.append((px, py - 0.05))
            low.append((px * 0.99, py + 0.12))
        ink.part([top, low[::-1]], rgb, auto=0.03)
    rgb = fig.rgb("maid_headdress")
    if rgb:
        y = -1.42 - 0.6 * v
        frill = [
            (-0.95 + 0.19 * i - 0.1 * s, y - 0.28 * (1 - ((i - 5) / 5) ** 2) + (0.1 if i % 2 else -0.12))
            for i in range(11)
        ]
        ink.part(
            [frill, [frill[-1], (0.85 - 0.1 * s, y + 0.22), (0, y - 0.06), (-0.85 - 0.1 * s, y + 0.22), frill[0]]],
            rgb,
            auto=0.05,
        )
    rgb = fig.rgb("hair_ribbon", "hair_bow")
    if rgb:
        big = 0.62 if fig.outfit.colour("hair_bow") else 0.38
        if hair.c.hair_tails == "twintails":
            for side in (-1.0, 1.0):
                draw_bow(ink, (side * (1.06 + v * 0.5) - 0.15 * s, -0.98), 0.4, rgb, 0.7, side * 0.5)
        elif fig.variant % 2:
            draw_bow(ink, (-0.1 * s, -1.6 - v), big, rgb, 0.0)
        else:
            side = 1.0 if fig.variant % 4 else -1.0
            draw_bow(ink, (side * (0.88 + 0.4 * v) - 0.1 * s, -1.15 - 0.4 * v), big * 0.9, rgb, 0.7, side * 0.6)
    _clips(fig, hair)
    hat = fig.worn(HEADWEAR)
    if hat:
        draw_hat(ink, hat, fig.rgb(hat) or (0, 0, 0), v, s)


def _clips(fig: Figure, hair: Hair) -> None:
    """Hairclips and flowers beside the fringe."""
    ink, s = fig.ink, hair.s
    rgb = fig.rgb("hairclip")
    if rgb:
        side = 1.0 if fig.variant % 2 else -1.0
        px = hair.head.at(side * 0.72, 0)[0]
        for k in (0, 1):
            ink.part(
                [
                    [(px - 0.2, -0.72 + 0.13 * k), (px + 0.16, -0.8 + 0.13 * k)],
                    [(px + 0.17, -0.74 + 0.13 * k), (px - 0.19, -0.65 + 0.13 * k)],
                ],
                rgb,
                auto=0,
            )
    rgb = fig.rgb("hair_flower")
    if rgb:
        side = 1.0 if fig.variant % 2 else -1.0
        cx, cy = side * 0.86 - 0.1 * s, -0.95
        for i in range(5):
            a = math.tau * i / 5
            ink.part(ellipse(cx + 0.2 * math.cos(a), cy + 0.2 * math.sin(a), 0.17, 0.17), rgb, auto=0.02)
        ink.part(ellipse(cx, cy, 0.11, 0.11), (250, 216, 90), auto=0)


def _soft_hat(ink: Ink, tag: str, rgb: Rgb, w: float, at: Point) -> None:
    """A beret or a crown: nothing with a brim."""
    x, y = at
    if tag == "beret":
        ink.part(
            [
                [
                    (x - w * 0.98, y + 0.02),
                    (x - w * 1.2, y - 0.5),
                    (x - 0.3, y - 1.05),
                    (x + w * 0.9, y - 0.85),
                    (x + w * 1.22, y - 0.3),
                    (x + w * 0.95, y + 0.06),
                    (x, y - 0.22),
                    (x - w * 0.98, y + 0.02),
                ]
            ],
            rgb,
            auto=0.18,
        )
        ink.part(ellipse(x + 0.1, y - 1.02, 0.09, 0.12), rgb, auto=0)
        return
    ink.part(
        [
            [(x - 0.5, y - 0.75), (x - 0.58, y - 1.4)],
            [(x - 0.58, y - 1.4), (x - 0.25, y - 1.05)],
            [(x - 0.25, y - 1.05), (x, y - 1.5)],
            [(x, y - 1.5), (x + 0.25, y - 1.05)],
            [(x + 0.25, y - 1.05), (x + 0.58, y - 1.4)],
            [(x + 0.58, y - 1.4), (x + 0.5, y - 0.75)],
        ],
        rgb,
        auto=0.05,
    )


def draw_hat(ink: Ink, tag: str, rgb: Rgb, v: float, s: float) -> None:
    """A hat on top of the hair."""
    w, y, x = 1.12 + 0.9 * v, -0.95 - 0.3 * v, -0.1 * s
    if tag in ("beret", "crown"):
        _soft_hat(ink, tag, rgb, w, (x, y))
        return
    tall = {"witch_hat": 2.2, "hat": 0.95, "baseball_cap": 0.85, "santa_hat": 1.5}[tag]
    dome: list[Run] = [
        bezier((x - w * 0.95, y + 0.05), (x - w * 0.9, y - tall), (x, y - tall), 6),
        bezier((x, y - tall), (x + w * 0.9, y - tall), (x + w * 0.95, y + 0.05), 6),
        bezier((x + w * 0.95, y + 0.05), (x, y + 0.1), (x - w * 0.95, y + 0.05), 5),
    ]
    if tag in ("witch_hat", "santa_hat"):
        tip = (x + 0.55, y - tall)
        dome = [
            bezier((x - w * 0.92, y), (x - 0.2, y - tall * 0.6), tip, 6),
            bezier(tip, (x + w * 0.7, y - tall * 0.4), (x + w * 0.92, y), 6),
            bezier((x + w * 0.92, y), (x, y + 0.1), (x - w * 0.92, y), 5),
        ]
    ink.part(dome, rgb, auto=0.2)
    trim: Rgb = (250, 250, 250) if tag == "santa_hat" else mix(rgb, (20, 20, 30), 0.45)
    if tag == "santa_hat":
        ink.part(ellipse(x + 0.55, y - tall, 0.24, 0.24), trim, auto=0.05)
    ink.part(
        [
            bezier((x - w * 0.95, y - 0.2), (x, y - 0.2), (x + w * 0.95, y - 0.2), 5),
            bezier((x + w * 0.97, y + 0.05), (x, y + 0.12), (x - w * 0.97, y + 0.05), 5),
        ],
        trim,
        auto=0,
    )
    if tag in ("hat", "witch_hat"):
        ink.part(ellipse(x, y + 0.06, w * 1.65, 0.3), rgb, auto=0.1)
    if tag == "baseball_cap":
        ink.part(
            [
                bezier((x - 0.8, y), (x + 0.6 * s, y + 0.75), (x + 0.8, y), 7),
                bezier((x + 0.8, y), (x, y - 0.2), (x - 0.8, y), 5),
            ],
            mix(rgb, (20, 20, 30), 0.2),
            auto=0.05,
        )
