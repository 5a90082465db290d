"""Pictures to spoil, and a small extractor."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter


def drawn(count: int, seed: int, side: int = 16) -> np.ndarray:
    """Coloured rectangles on a coloured ground, count x side x side x 3, 0 .. 1."""
    chance = np.random.default_rng(seed)
    made = np.broadcast_to(chance.random((count, 1, 1, 3)), (count, side, side, 3)).copy()
    for picture in made:
        for _ in range(3):
            top, left = chance.integers(0, side - 4, 2)
            high, wide = chance.integers(3, side // 2, 2)
            picture[top:top + high, left:left + wide] = chance.random(3)
    return made


def blurred(pictures: np.ndarray, radius: float) -> np.ndarray:
    return np.array([np.asarray(Image.fromarray((one * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius)))
                     for one in pictures]) / 255


def noisy(pictures: np.ndarray, level: float) -> np.ndarray:
    return np.clip(pictures + level * np.random.default_rng(9).normal(size=pictures.shape), 0, 1)


def maps(pictures: np.ndarray) -> list[np.ndarray]:
    """Two layers, each N x C x H x W: colours, and edges of both directions."""
    colours = np.moveaxis(pictures, 3, 1)
    edges = np.concatenate([np.diff(colours, axis=2)[:, :, :, 1:], np.diff(colours, axis=3)[:, :, 1:]], axis=1)
    return [colours, edges]


def features(pictures: np.ndarray) -> np.ndarray:
    """Mean and spread of every channel of both layers, N x 18."""
    return np.concatenate([np.concatenate([one.mean((2, 3)), one.std((2, 3))], axis=1) for one in maps(pictures)], 1)
