"""A small drawing board: shapes with smooth edges, in shares of the picture's side."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from builders.generators.light.fields import Pixels
from builders.generators.light.geometry import Pair
from builders.generators.light.pigments import Rgb, mixed

FINE = 2
"""Pixels of the board for one of the picture, each way."""


class Canvas:
    """x from 0 (left) to 1, y from 0 (top) to 1."""

    def __init__(self, size: int, top: Rgb, bottom: Rgb) -> None:
        """A board with a gradient from top to bottom."""
        self._side = size * FINE
        rows = np.linspace(0, 1, self._side)[:, None]
        ramp = np.asarray(np.rint(np.asarray(top) * (1 - rows) + np.asarray(bottom) * rows), np.uint8)
        image = Image.fromarray(np.ascontiguousarray(ramp[:, None, :]))
        self._image = image.resize((self._side, self._side), Image.Resampling.NEAREST)
        self._draw = ImageDraw.Draw(self._image, "RGBA")

    @classmethod
    def over(cls, picture: Pixels) -> Canvas:
        """A board on which the picture lies."""
        board = cls.__new__(cls)
        board._side = picture.shape[0] * FINE
        board._image = Image.fromarray(picture).resize((board._side, board._side), Image.Resampling.NEAREST)
        board._draw = ImageDraw.Draw(board._image, "RGBA")
        return board

    def pixels(self) -> Pixels:
        """What was drawn, at the picture's size."""
        return np.array(self._image.reduce(FINE))

    def poly(self, points: Sequence[Pair], rgb: Rgb, alpha: float = 1) -> None:
        """A filled polygon."""
        side = self._side
        self._draw.polygon([(x * side, y * side) for x, y in points], fill=(*rgb, round(alpha * 255)))

    def oval(self, cx: float, cy: float, rx: float, ry: float, rgb: Rgb, alpha: float = 1) -> None:
        """A filled ellipse."""
        s = self._side
        self._draw.ellipse(((cx - rx) * s, (cy - ry) * s, (cx + rx) * s, (cy + ry) * s),
                           fill=(*rgb, round(alpha * 255)))

    def box(self, x0: float, y0: float, x1: float, y1: float, rgb: Rgb, alpha: float = 1, r: float = 0) -> None:
        """A filled rectangle, with round corners where `r` is given."""
        s = self._side
        if x1 <= x0 or y1 <= y0:
            return
        corners, fill = (x0 * s, y0 * s, x1 * s, y1 * s), (*rgb, round(alpha * 255))
        if r:
            self._draw.rounded_rectangle(corners, r * s, fill=fill)
        else:
            self._draw.rectangle(corners, fill=fill)

    def line(self, points: Sequence[Pair], rgb: Rgb, width: float = 0.006, alpha: float = 1) -> None:
        """A line with round joints."""
        side = self._side
        self._draw.line([(x * side, y * side) for x, y in points], fill=(*rgb, round(alpha * 255)),
                        width=max(1, round(width * side)), joint="curve" if width > 0.01 else None)

    def glow(self, cx: float, cy: float, r: float, rgb: Rgb, alpha: float = 0.5) -> None:
        """Light that fades outwards."""
        for k in range(5):
            self.oval(cx, cy, r * (1 - k / 6), r * (1 - k / 6), rgb, alpha / 4)

    def ridge(self, rng: Random, y: float, height: float, rgb: Rgb, steps: int = 8, low: float = 1) -> None:
        """A jagged range of hills from edge to edge whose tops lie up to `height` above `y`; filled down to `low`."""
        tops = [(k / steps, y - height * (0.25 + 0.75 * rng.random()) * (1 if k % 2 else 0.45))
                for k in range(steps + 1)]
        self.poly([(0, low), *tops, (1, low)], rgb)

    def swell(self, rng: Random, y: float, height: float, rgb: Rgb) -> None:
        """Round hills from edge to edge, filled down to the bottom."""
        self.box(0, y, 1, 1, rgb)
        for k in range(3):
            self.oval(k / 2 + 0.2 * rng.random() - 0.1, y + 0.02, 0.36, height * (0.6 + 0.5 * rng.random()), rgb)

    def scatter(self, rng: Random, count: int, y: float, inks: Sequence[Rgb], r: float = 0.02,
                flat: float = 0.6) -> None:
        """Small ovals over the ground below `y`, larger towards the front."""
        for k in range(count):
            at = y + (1 - y) * (k + rng.random()) / count
            size = r * (0.5 + 0.9 * (at - y) / max(1 - y, 0.01))
            x, ink = rng.random(), inks[int(rng.random() * len(inks))]
            self.oval(x, at + size * 0.25, size, size * flat, mixed(ink, (0, 0, 0), 0.35))
            self.oval(x, at, size, size * flat, ink)
