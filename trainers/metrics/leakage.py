"""Leakage meter: how much of a reference's own layout returns in what was drawn.

    leak = corr(O, R) - corr(O, T)

O was drawn after the prompt of a target T with another picture R of the same identity as reference; corr is Pearson's
correlation of luminance (Rec. 601) by cells of a coarse grid, over those where both R and T have picture. About 0 for a
picture that owes R's layout nothing, as R and T are two pictures of one figure; 1 - corr(R, T) for a copy of R, the
opposite for a copy of T. Ours: RetriBooru (section 3) speaks of such leakage and has no measure for it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from schemas.errors import UsageError
from trainers.metrics.checks import Floats

GREY = np.array([0.299, 0.587, 0.114])
"""Rec. 601."""
GRID = 8
"""Cells along the longer side: layout, not detail."""


class Layout(NamedTuple):
    """A picture's luminance by cells."""

    light: Floats
    """h x w, in any unit"""
    where: Floats
    """h x w: 1 where there is picture, 0 where there is a bar"""


class Leak(NamedTuple):
    """Correlations, -1 .. 1."""

    reference: float
    target: float

    @property
    def leak(self) -> float:
        """-2 .. 2; higher leaks more"""
        return self.reference - self.target


def cells(picture: Floats, side: int) -> Floats:
    """Means over cells of side x side pixels, h x w and what more axes the picture has. UsageError where cells do not
    fit into it."""
    height, width, *more = picture.shape
    if not height or not width or height % side or width % side:
        raise UsageError("leakage: a picture's height and width", seen=(height, width), allowed=f"multiples of {side}")
    return np.asarray(picture.reshape(height // side, side, width // side, side, *more).mean((1, 3)), np.float64)


def laid(picture: npt.NDArray[np.uint8], grid: int = GRID) -> Layout:
    """A picture H x W x 3 of any size, whole and in the middle of grid x grid cells, as references are laid."""
    height, width, _ = picture.shape
    high, wide = (max(1, round(grid * side / max(height, width))) for side in (height, width))
    grey = Image.fromarray((picture @ GREY).astype(np.float32))
    top, left = (grid - high) // 2, (grid - wide) // 2
    found = Layout(np.zeros((grid, grid)), np.zeros((grid, grid)))
    inside = np.s_[top:top + high, left:left + wide]
    found.light[inside] = np.asarray(grey.resize((wide, high), Image.Resampling.BOX))
    found.where[inside] = 1
    return found


def alike(one: Floats, other: Floats, where: Floats) -> float:
    """Pearson's correlation over the places where `where` is above 0; 0 where one of both is even."""
    if not (where > 0).any():
        return 0.0
    first, second = (values[where > 0] - values[where > 0].mean() for values in (one, other))
    both = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float(first @ second) / both if both > 1e-9 else 0.0


def leakage(drawn: Layout, reference: Layout, target: Layout) -> Leak:
    """Correlations of what was drawn with the reference and with the target, over the places where all three have
    picture. UsageError for grids of unequal shapes and light that is not finite."""
    for name, one in zip(("drawn", "reference", "target"), (drawn, reference, target), strict=True):
        if one.light.shape != drawn.light.shape or one.where.shape != drawn.light.shape:
            raise UsageError(f"leakage: {name} picture's cells", seen=one.light.shape, allowed=f"{drawn.light.shape}")
        if not np.isfinite(one.light).all():
            raise UsageError(f"leakage: {name} picture holds NaN or infinity")
    where = drawn.where * reference.where * target.where
    return Leak(alike(drawn.light, reference.light, where), alike(drawn.light, target.light, where))
