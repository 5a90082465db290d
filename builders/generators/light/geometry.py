"""Outlines: dense lists of points, so that a shape word can bend them.

A thing stands in a box of x -1..1 and y -1 (top) .. 1 (ground).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""N x 2; an outline is closed by itself."""
Pair = tuple[float, float]


class Part(NamedTuple):
    """One filled outline of a thing."""

    points: Points
    ink: str
    """"main", "dark", "pale" or "second": the thing's pigment, with the texture; else a detail's own "#rrggbb"."""
    level: float = 0.5
    """How far it stands out, 0..1: neighbours of unlike level get an edge of light and shade."""


def oval(cx: float, cy: float, rx: float, ry: float, start: float = 0, stop: float = 360, n: int = 36) -> Points:
    """An ellipse, or the part of it between two angles (degrees, 0 right, 90 down) closed by a chord."""
    a = np.radians(np.linspace(start, stop, n))
    return np.stack([cx + rx * np.cos(a), cy + ry * np.sin(a)], axis=1)


def poly(corners: Sequence[Pair], step: float = 0.12) -> Points:
    """A polygon whose edges hold enough points to be bent."""
    out: list[Pair] = []
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
        n = max(1, math.ceil(math.hypot(bx - ax, by - ay) / step))
        out += [(ax + (bx - ax) * k / n, ay + (by - ay) * k / n) for k in range(n)]
    return np.asarray(out)


def box(x0: float, y0: float, x1: float, y1: float, r: float = 0.1) -> Points:
    """A rectangle with round corners."""
    r = min(r, (x1 - x0) / 2, (y1 - y0) / 2)
    corners = [(x1 - r, y1 - r, 0), (x0 + r, y1 - r, 90), (x0 + r, y0 + r, 180), (x1 - r, y0 + r, 270)]
    ring = [tuple(p) for cx, cy, a in corners for p in oval(cx, cy, r, r, a, a + 90, 6)]
    return poly(ring)


def smooth(knots: Sequence[Pair], closed: bool = False, per: int = 6) -> Points:
    """A Catmull-Rom curve through the knots."""
    p = np.asarray(knots, np.float64)
    ends = (p[-1:], p[:2]) if closed else (p[:1], p[-1:])
    q = np.concatenate([ends[0], p, ends[1]])
    t = (np.arange(per) / per)[None, :, None]
    a, b, c, d = (q[i:len(q) - 3 + i, None, :] for i in range(4))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t * t * t)
    out: Points = curve.reshape(-1, 2)
    return out if closed else np.concatenate([out, p[-1:]])


def loop(knots: Sequence[Pair]) -> Points:
    """A smooth closed outline through the knots."""
    return smooth(knots, closed=True)


def lathe(profile: Sequence[Pair]) -> Points:
    """A turned body: pairs of (y, half-width) from top to bottom, mirrored."""
    side = smooth([(w, y) for y, w in profile])
    return np.concatenate([side, side[::-1] * (-1, 1)])


def band(knots: Sequence[Pair], width: float, end: float | None = None) -> Points:
    """A smooth ribbon along the knots with round ends; `width` is half, `end` the half-width at the last knot."""
    spine = smooth(knots) if len(knots) > 2 else np.asarray(knots, np.float64)
    d = np.gradient(spine, axis=0)
    d /= np.maximum(np.hypot(d[:, 0], d[:, 1])[:, None], 1e-9)
    w = np.linspace(width, width if end is None else end, len(spine))[:, None]
    n = np.stack([d[:, 1], -d[:, 0]], axis=1) * w
    a = np.radians(np.arange(30, 180, 30))[:, None]
    tip = spine[-1] + (n[-1] * np.cos(a) + d[-1] * w[-1] * np.sin(a))
    tail = spine[0] - (n[0] * np.cos(a) + d[0] * w[0] * np.sin(a))
    return np.concatenate([spine + n, tip, (spine - n)[::-1], tail])


def moved(parts: Sequence[Part], dx: float = 0, dy: float = 0, scale: float = 1) -> list[Part]:
    """The parts, scaled about the origin and then shifted."""
    return [part._replace(points=part.points * scale + (dx, dy)) for part in parts]


def turned(points: Points, degrees: float, about: Pair = (0, 0)) -> Points:
    """The points, turned clockwise."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x, y = points[:, 0] - about[0], points[:, 1] - about[1]
    return np.stack([about[0] + x * c - y * s, about[1] + x * s + y * c], axis=1)


class Form(NamedTuple):
    """What a shape or body word does to outlines. All zero, or one for factors: nothing."""

    wide: float = 1
    tall: float = 1
    scale: float = 1
    round: float = 0
    """1 bends a square into a disc, -1 a disc into a square."""
    taper: float = 0
    """Wider at the bottom, or with a minus at the top; 1 ends in a point."""
    bulge: float = 0
    """Wider, or with a minus narrower, at half height."""
    diamond: float = 0
    wave: float = 0
    """Amount to which the sides swing."""
    bend: float = 0
    lean: float = 0
    star: float = 0
    """Amount of rays or lobes around."""
    rays: int = 5
    dent: float = 0
    """A notch in the top, as of a heart."""
    facets: int = 0
    """Corners that are left of each outline; 0 leaves all."""
    hole: float = 0
    outline: str = ""
    """A figure that the whole silhouette is drawn to (see `outlines.filling`), before all else."""

    def plus(self, other: Form) -> Form:
        """Both, one after the other."""
        sums = ("round", "taper", "bulge", "diamond", "wave", "bend", "lean", "star", "dent")
        return self._replace(
            wide=self.wide * other.wide, tall=self.tall * other.tall, scale=self.scale * other.scale,
            rays=other.rays if other.star else self.rays, facets=other.facets or self.facets,
            hole=max(self.hole, other.hole), outline=self.outline or other.outline,
            **{name: getattr(self, name) + getattr(other, name) for name in sums})


def bent(parts: Sequence[Part], form: Form) -> list[Part]:
    """The parts under a form; feet stay on the ground (y = 1) and the middle over x = 0."""
    if form == Form():
        return list(parts)
    if form.facets:
        parts = [_faceted(part, form.facets) for part in parts]
    everything = np.concatenate([part.points for part in parts])
    low, high = everything.min(axis=0), everything.max(axis=0)
    middle, half = (low + high) / 2, np.maximum((high - low) / 2, 1e-6)
    uv = _squeezed((everything - middle) / half, form, min(1.0, half[1] / half[0]))
    uv = uv * half * (form.wide, form.tall) * form.scale
    uv[:, 0] += middle[0] * form.scale
    uv[:, 1] += high[1] - uv[:, 1].max()
    out, at = [], 0
    for part in parts:
        out.append(part._replace(points=uv[at:at + len(part.points)]))
        at += len(part.points)
    return out


def _faceted(part: Part, corners: int) -> Part:
    if part.ink.startswith("#") or len(part.points) < 16 or np.ptp(part.points, axis=0).max() < 0.3:
        return part
    at = np.linspace(0, len(part.points), corners, endpoint=False).astype(int)
    return part._replace(points=poly([(float(x), float(y)) for x, y in part.points[at]]))


def _squeezed(uv: Points, form: Form, sway: float) -> Points:
    u, v = uv[:, 0], uv[:, 1]
    if form.round:
        far, near = np.hypot(u, v), np.maximum(np.abs(u), np.abs(v))
        ratio = near / np.maximum(far, 1e-9) if form.round > 0 else far / np.maximum(near, 1e-9)
        f = 1 + abs(form.round) * (np.where(far < 1e-6, 1, ratio) - 1)
        u, v = u * f, v * f
    if form.star:
        angle = np.arctan2(v, u) + math.pi / 2
        f = 1 + form.star * np.cos(form.rays * angle)
        u, v = u * f, v * f
    if form.dent:
        v = v + form.dent * np.maximum(0, 1 - 1.6 * np.abs(u)) * np.clip(-v, 0, 1)
    u = u * (1 + form.taper * v) * (1 + form.bulge * (1 - v * v)) * (1 - form.diamond * (np.abs(v) - 0.4))
    u = u + (form.wave * np.sin(v * 6.0 + 0.5) + form.bend * (v * v - 0.5) + form.lean * (1 - v) / 2) * sway
    return np.stack([u, v], axis=1)
