"""Random hands to draw with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from builders.sources.drawing.model import Rgb, Style


def pick(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    """One key, drawn by weight."""
    names = list(weights)
    p = np.asarray([weights[n] for n in names], dtype=np.float64)
    return names[int(rng.choice(len(names), p=p / p.sum()))]


def _rgb(rng: np.random.Generator, low: float, high: float) -> Rgb:
    r, g, b = rng.uniform(low, high, 3).tolist()
    return r, g, b


def random_style(rng: np.random.Generator, wild: bool = False) -> Style:
    """A style; `wild` draws from far wider ranges than pretty pictures need."""
    u = rng.uniform
    if not wild:
        return Style(
            line_width=float(u(0.03, 0.05)),
            line_kind=pick(rng, {"tinted": 3, "black": 1}),
            shading=pick(rng, {"cel": 4, "soft": 2, "flat": 0.5}),
            eye_style=pick(rng, {"detailed": 3, "glossy": 3, "simple": 1}),
            nose=pick(rng, {"dot": 1, "line": 2, "shadow": 1}),
            shine=pick(rng, {"band": 2, "streaks": 2, "halo": 1, "none": 0.5}),
            heads=float(u(5.2, 6.8)),
            saturation=float(u(0.92, 1.08)),
            brightness=float(u(0.97, 1.03)),
            contrast=float(u(0.55, 0.85)),
            tint=((255, 230, 220), (120, 90, 190), float(rng.choice([0.0, 0.0, 0.06, 0.1]))),
            light=float(rng.choice([-1.0, 1.0])),
            rim=float(rng.choice([0.0, 0.0, 0.35])),
            rim_rgb=(255, 248, 230),
            blush=float(u(0.1, 0.5)),
            shadow_hue=float(u(-1, 1)),
            outline="none",
            grain=0.0,
            greyscale=False,
            eye_scale=float(u(0.95, 1.1)),
            seed=int(rng.integers(1 << 30)),
        )
    tint = (_rgb(rng, 60, 255), _rgb(rng, 20, 230), float(rng.choice([0.0, 0.0, 0.0, 0.1, 0.2, 0.35])))
    return Style(
        line_width=float(rng.choice([u(0.012, 0.03), u(0.03, 0.055), u(0.055, 0.11)], p=[0.3, 0.5, 0.2])),
        line_kind=pick(rng, {"tinted": 4, "black": 3, "none": 1.5}),
        shading=pick(rng, {"cel": 4, "soft": 3, "flat": 1, "painterly": 2, "sketch": 1}),
        eye_style=pick(rng, {"detailed": 4, "glossy": 3, "simple": 2, "flat": 1, "dot": 0.7, "ring": 1}),
        nose=pick(rng, {"dot": 1, "line": 1, "shadow": 1, "hook": 1, "none": 0.7}),
        shine=pick(rng, {"band": 2, "streaks": 2, "halo": 1, "none": 1.5}),
        heads=float(rng.choice([u(2.4, 3.6), u(4.2, 5.6), u(5.6, 7.8)], p=[0.15, 0.3, 0.55])),
        saturation=float(rng.choice([u(0.1, 0.7), u(0.7, 1.1), u(1.1, 1.5)], p=[0.15, 0.6, 0.25])),
        brightness=float(rng.choice([u(0.72, 0.95), u(0.95, 1.08)], p=[0.3, 0.7])),
        contrast=float(u(0.3, 1.3)),
        tint=tint,
        light=float(rng.choice([-1.0, 1.0])),
        rim=float(rng.choice([0.0, 0.0, u(0.3, 1.0)])),
        rim_rgb=_rgb(rng, 160, 255),
        blush=float(u(0, 1) ** 2),
        shadow_hue=float(u(-1.6, 1.6)),
        outline=pick(rng, {"none": 9, "white": 1, "black": 0.6}),
        grain=float(rng.choice([0.0, 0.0, 0.0, u(1, 8)])),
        greyscale=bool(rng.random() < 0.05),
        eye_scale=float(u(0.72, 1.3)),
        seed=int(rng.integers(1 << 30)),
        volume=float(rng.choice([u(0.3, 0.9), 1.0, u(1.1, 2.0)])),
        chin=float(rng.normal(0, 0.06)),
        jaw=float(rng.normal(0, 0.25)),
        eye_squash=float(rng.choice([1.0, u(0.6, 1.25)])),
        hue=float(rng.choice([0.0, rng.normal(0, 0.025), u(0, 1)], p=[0.7, 0.26, 0.04])),
    )
