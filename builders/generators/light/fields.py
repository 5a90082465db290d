"""Fields over a picture: noise and waves in 0..1, as float32 arrays.

Only sums, products, roots and comparisons: these give the same bits on every processor, where the vector
versions of sine and exponential do not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Field = NDArray[np.floating[Any]]
Pixels = NDArray[np.uint8]
Rng = np.random.Generator
Treat = Callable[[Pixels, Rng], Pixels]
"""What a style does to a whole picture."""


def wave(t: Field) -> Field:
    """A smooth wave of period 1 between 0 and 1, made of parabolas; 0.5 at whole numbers."""
    x = (t - np.floor(t)) * 2 - 1
    out: Field = 0.5 - 2 * x * (1 - np.abs(x))
    return out


def triangle(t: Field) -> Field:
    """A zigzag of period 1 between 0 (at whole numbers) and 1."""
    out: Field = np.abs((t - np.floor(t)) * 2 - 1)
    return 1 - out


def step(t: Field, low: float, high: float) -> Field:
    """0 below `low`, 1 above `high`, a ramp between."""
    out: Field = np.clip((t - low) * np.float32(1 / (high - low)), 0, 1)
    return out


def noise(rng: np.random.Generator, shape: tuple[int, ...], rows: float, columns: float = 0, octaves: int = 3) -> Field:
    """Cloudy noise with so many blobs down and across in its coarsest layer."""
    height, width = shape
    total = np.zeros((height, width), np.float32)
    amount, whole = 1.0, 0.0
    columns = columns or rows * width / height
    for _ in range(octaves):
        grid = rng.integers(0, 256, (max(2, round(rows) + 1), max(2, round(columns) + 1)), dtype=np.uint8)
        total += np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC),
                            np.float32) * np.float32(amount)
        whole += amount
        amount, rows, columns = amount / 2, rows * 2, columns * 2
    total *= np.float32(1 / (255 * whole))
    return total


def grain(rng: np.random.Generator, shape: tuple[int, ...]) -> Field:
    """White noise, -0.5..0.5, more often small."""
    raw = rng.integers(0, 256, (2, *shape), dtype=np.uint8)
    out: Field = (raw[0].astype(np.float32) + raw[1]) * np.float32(1 / 510) - np.float32(0.5)
    return out


def blurred(field: Field, radius: float) -> Field:
    """A field in 0..1, blurred."""
    image = Image.fromarray(np.asarray(np.clip(field, 0, 1) * 255, np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), np.float32) * np.float32(1 / 255)


def slope(field: Field) -> tuple[Field, Field]:
    """Differences across and down, as large as the field."""
    dx, dy = np.zeros_like(field), np.zeros_like(field)
    dx[:, 1:-1] = field[:, 2:] - field[:, :-2]
    dy[1:-1] = field[2:] - field[:-2]
    return dx, dy
