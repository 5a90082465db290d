"""Figures that a whole silhouette can fill: star, cross, snowflake, arrow, heart, horseshoe, crescent."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from builders.generators.light.geometry import Pair, Part, Points, poly

_BINS = 90


def _rays(count: int, inner: float, half: float = 0) -> list[Pair]:
    """Corners of `count` arms, the first upwards: pointed ones, or with `half` ones of that half-width."""
    out: list[Pair] = []
    for k in range(count):
        a = 2 * math.pi * k / count - math.pi / 2
        for far, side in ((1.0, -half), (1.0, half)) if half else ((1.0, 0.0),):
            out.append((far * math.cos(a) - side * math.sin(a), far * math.sin(a) + side * math.cos(a)))
        b = a + math.pi / count
        out.append((inner * math.cos(b), inner * math.sin(b)))
    return out


def _heart() -> list[Pair]:
    turns = [2 * math.pi * k / 60 for k in range(60)]
    return [(math.sin(t) ** 3, -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16)
            for t in turns]


_FIGURES: dict[str, list[Pair]] = {
    "star": _rays(5, 0.42), "cross": _rays(4, 0.32 * math.sqrt(2), 0.32), "snowflake": _rays(6, 0.24, 0.12),
    "heart": _heart(),
    "arrow": [(0, -1), (0.85, 0.1), (0.34, 0.1), (0.34, 1), (-0.34, 1), (-0.34, 0.1), (-0.85, 0.1)],
}


def filling(parts: Sequence[Part], name: str) -> list[Part]:
    """The parts, drawn to the outline of a figure as wide as high that stands where they stood."""
    dense = [poly([(float(x), float(y)) for x, y in part.points], 0.05) for part in parts]
    everything = np.concatenate(dense)
    low, high = everything.min(axis=0), everything.max(axis=0)
    half = np.maximum((high - low) / 2, 1e-6)
    uv = (everything - (low + high) / 2) / half
    uv = _radial(uv, _FIGURES[name]) if name in _FIGURES else _arched(uv, thin=name == "crescent")
    uv -= (uv.min(axis=0) + uv.max(axis=0)) / 2
    size = math.sqrt(half[0] * half[1])
    uv = uv * size + ((low[0] + high[0]) / 2, high[1] - uv[:, 1].max() * size)
    ends = np.cumsum([len(one) for one in dense])[:-1]
    return [part._replace(points=points) for part, points in zip(parts, np.split(uv, ends), strict=True)]


def _radial(uv: Points, corners: list[Pair]) -> Points:
    """Each ray from the middle, stretched so that its last point lies on the figure."""
    angle, far = np.arctan2(uv[:, 1], uv[:, 0]), np.hypot(uv[:, 0], uv[:, 1])
    reach = np.zeros(_BINS)
    at = ((angle + math.pi) / (2 * math.pi) * _BINS).astype(int) % _BINS
    np.maximum.at(reach, at, far)
    known = np.flatnonzero(reach)
    middle = (known + 0.5) / _BINS * 2 * math.pi - math.pi
    edge = poly(corners, 0.02)
    wanted = _at(angle, np.arctan2(edge[:, 1], edge[:, 0]), np.hypot(edge[:, 0], edge[:, 1]))
    return uv * (wanted / _at(angle, middle, reach[known]))[:, None]


def _at(angle: NDArray[np.float64], angles: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.interp(angle, angles, values, period=2 * math.pi))


def _arched(uv: Points, thin: bool) -> Points:
    """Bent around: a horseshoe open below, or `thin` at both ends and open to the right, a crescent."""
    u, v = uv[:, 0], uv[:, 1]
    a = u * 2.3
    far = 0.7 - 0.3 * v * (np.cos(u * math.pi / 2) if thin else 1)
    x, y = far * np.sin(a), -far * np.cos(a)
    return np.stack([y, x] if thin else [x, y], axis=1)
