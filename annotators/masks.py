"""Figure mattes: which pixels belong to the drawn figure, softly."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image

from annotators import yolo
from annotators.base import Batch, Picture, identity
from annotators.weights import LIGHT, resolve
from schemas.errors import UsageError
from schemas.manifest import pixels_digest

PAD = 0
"""Level beside the picture: black, as the segmentation networks of this field are trained."""
FREE = 1024
"""Side of the input of a network that takes any size: what the anime segmentation network was trained at."""
PNG_LEVEL = 1
"""Level 9 takes five times as long for a few per cent; pinned, because the bytes are stored."""
STEEPEST = 3.0
"""Enlarging a matte widens its edges by the same factor; they are made steeper again by it, at most by this."""
_VERSION = 2


class Masks:
    """Annotator `masks`: `mask`, an 8-bit grey PNG of the upright picture's size, 0 background .. 255 figure;
    `mask_sha256`, `schemas.manifest.pixels_digest` of it; `coverage`, the mean matte 0..1; `bounds`, x0, y0, x1, y1
    over width and height of what is over one half, empty when nothing is. `weights` is what
    `annotators.weights.resolve` takes: input 1 x 3 x S x S, RGB 0..1, the picture scaled to fit and padded with black;
    output 1 x 1 x S x S, 0..1.
    """

    name = "masks"
    needs: tuple[str, ...] = ("image",)
    features = pa.schema(
        [("mask", pa.binary()), ("mask_sha256", pa.string()), ("coverage", pa.float32()),
         ("bounds", pa.list_(pa.float32()))]
    )

    def __init__(self, weights: str = LIGHT) -> None:
        self._weights = resolve(self.name, weights)
        options = {"pad": PAD, "png": PNG_LEVEL, "steepest": STEEPEST, "free": FREE} | self._weights.placed
        self.identity = identity(self.name, _VERSION, options, self._weights.sha256)
        self.provenance = self._weights.provenance("matte network")

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """Matte, coverage and bounds of each picture."""
        mattes = [self.matte(picture) for picture in batch["image"]]
        return {
            "mask": [_png(matte) for matte in mattes],
            "mask_sha256": [pixels_digest("L", matte.shape[::-1], matte.tobytes()) for matte in mattes],
            "coverage": [float(matte.mean() / 255) for matte in mattes],
            "bounds": [bounds(matte) for matte in mattes],
        }

    def matte(self, picture: Picture) -> npt.NDArray[np.uint8]:
        """The matte of one picture, uint8 H x W."""
        net = self._weights.model(FREE)
        pixels, frame = yolo.letterbox(picture, net.size, PAD)
        made = net(pixels)
        if made.shape != (1, 1, net.size, net.size):
            raise UsageError("the matte network's output is not a matte", seen=list(made.shape),
                             allowed=f"[1, 1, {net.size}, {net.size}]")
        square = made[0, 0]
        inner = square[frame.top : frame.top + frame.inner_height, frame.left : frame.left + frame.inner_width]
        whole = Image.fromarray(inner).resize((frame.width, frame.height), Image.Resampling.BILINEAR)
        return steepened(np.asarray(whole), frame.width / frame.inner_width)


def steepened(matte: npt.NDArray[np.float32], enlarged: float) -> npt.NDArray[np.uint8]:
    """The matte (0..1) as 0..255 with edges as steep as before it was enlarged that many times."""
    steep = min(max(enlarged, 1.0), STEEPEST)
    made = matte - 0.5
    made *= steep
    made += 0.5
    np.clip(made, 0, 1, out=made)
    made *= 255
    return np.asarray(np.rint(made, out=made), dtype=np.uint8)


def bounds(matte: npt.NDArray[np.uint8]) -> list[float]:
    """x0, y0, x1, y1 over width and height of the pixels over one half, [] when there are none."""
    solid = matte > 127
    columns, rows = np.nonzero(solid.any(0))[0], np.nonzero(solid.any(1))[0]
    if not columns.size:
        return []
    height, width = matte.shape
    return [
        float(columns[0] / width), float(rows[0] / height),
        float((columns[-1] + 1) / width), float((rows[-1] + 1) / height),
    ]


def _png(matte: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(matte).save(buffer, "PNG", compress_level=PNG_LEVEL)
    return buffer.getvalue()
