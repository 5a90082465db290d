"""How good a picture looks by what can be counted: sharpness, exposure and colourfulness.

It knows no composition and no subject: noise is sharp to it, and a garish picture colourful. It sorts out the blurred,
the dim and the washed out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image

from annotators.base import Batch, Picture, identity
from annotators.embeddings import Embeddings

SIDE = 256
"""Longer side, pixels, at which all pictures are judged: a smaller one is enlarged, and then blurred."""
SHARP = 16.0
"""Mean Laplacian, levels, of a picture that is half as sharp as can be."""
DARK, BRIGHT = 2, 253
"""Luma at or beyond these is lost to shadow or light."""
TAILS = (0.05, 0.95)
"""Shares of the pixels between whose lumas the tonal range lies."""
VIVID = 109.0
"""Colourfulness that Hasler and Suesstrunk call extreme."""
_OPPONENTS = np.asarray([[1, -1, 0], [0.5, 0.5, -1]])
"""Red less green, and yellow less blue, of red, green, blue."""
_VERSION = 1

Numbers = npt.NDArray[np.float64]


class LightAesthetics:
    """Annotator `aesthetic`, 0..10, float32: ten times the mean of `sharpness`, `exposure` and `colourfulness`."""

    name = "aesthetics"
    needs: tuple[str, ...] = ("image",)
    features = pa.schema([("aesthetic", pa.float32())])
    embeddings: Embeddings | None = None

    def __init__(self) -> None:
        self.identity = identity(self.name, _VERSION, {"side": SIDE, "sharp": SHARP, "lost": [DARK, BRIGHT],
                                                       "tails": TAILS, "vivid": VIVID})
        self.provenance = {"backend": "sharpness, exposure, colourfulness", "weights": "none"}

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """A score of each picture."""
        return {"aesthetic": [score(picture) for picture in batch["image"]]}


def score(picture: Picture) -> float:
    """0..10, of float32's precision."""
    height, width = picture.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    seen = Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    luma = np.asarray(seen.convert("L"))
    parts = sharpness(luma), exposure(luma), colourfulness(np.asarray(seen))
    return float(np.float32(10 * sum(parts) / len(parts)))


def sharpness(luma: npt.NDArray[np.uint8]) -> float:
    """0..1: s / (s + SHARP) of the mean size s of the Laplacian of the inner pixels (H x W); 0 where there are none."""
    if min(luma.shape) < 3:
        return 0.0
    level = luma.astype(np.int16)
    around = level[:-2, 1:-1] + level[2:, 1:-1] + level[1:-1, :-2] + level[1:-1, 2:]
    mean = float(np.abs(around - 4 * level[1:-1, 1:-1]).mean())
    return mean / (mean + SHARP)


def exposure(luma: npt.NDArray[np.uint8]) -> float:
    """0..1: tonal range between the TAILS over 255, times the share of pixels that are not lost (H x W)."""
    counts = np.bincount(luma.ravel(), minlength=256)
    low, high = np.searchsorted(np.cumsum(counts), np.asarray(TAILS) * luma.size)
    kept = counts[DARK + 1:BRIGHT].sum() / luma.size
    return float((high - low) / 255 * kept)


def colourfulness(picture: Picture) -> float:
    """0..1: the measure of Hasler and Suesstrunk 2003 ("Measuring colourfulness in natural images", M3) over VIVID, at
    most 1."""
    pixels = picture.reshape(-1, 3).astype(np.float64)
    # Sums of whole numbers, exact in any order.
    mean, square = pixels.sum(axis=0) / len(pixels), pixels.T @ pixels / len(pixels)
    spread = np.trace(_OPPONENTS @ (square - np.outer(mean, mean)) @ _OPPONENTS.T)
    strength = np.linalg.norm(_OPPONENTS @ mean)
    return float(min(1.0, (np.sqrt(max(0.0, spread)) + 0.3 * strength) / VIVID))
