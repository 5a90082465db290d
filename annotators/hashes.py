"""Perceptual hashes: what a picture looks like in 64 bits, and in a 16 x 16 thumbnail that confirms it.

The hash is the classic DCT hash (Zauner 2010, "Implementation and benchmarking of perceptual image hash
functions"): grey, 32 x 32, the lowest 8 x 8 frequencies, one bit each for above the median. It forgives another
encoder, size and tone; the thumbnail then tells a copy from another picture that is only laid out alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image

from annotators.base import Batch, Picture, identity

THUMB_SIDE = 16
_SIDE = 32
_LOW = 8
_VERSION = 1


def _cosines() -> npt.NDArray[np.float64]:
    """The first 8 rows of the 32-point DCT-II, 8 x 32."""
    frequency, place = np.arange(_LOW)[:, None], np.arange(_SIDE)[None, :]
    return np.asarray(np.cos(np.pi * frequency * (2 * place + 1) / (2 * _SIDE)), dtype=np.float64)


_DCT = _cosines()


def phash(picture: Picture) -> str:
    """64-bit DCT hash of a picture as 16 lower-case hex digits, lowest frequencies first.

    Bits are those of `imagehash.phash`; only flat pictures differ, whose bits there are rounding noise.
    """
    return _phash(Image.fromarray(picture).convert("L"))


def _phash(grey: Image.Image) -> str:
    small = grey.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    # Rounding keeps noise of 1e-13 from deciding bits: without it a blank picture hashes to anything.
    low = np.round(_DCT @ np.asarray(small, dtype=np.float64) @ _DCT.T, 4)
    return np.packbits(low > np.median(low)).tobytes().hex()


def thumbnail(picture: Picture) -> bytes:
    """Grey levels of the picture squeezed to 16 x 16, row by row: 256 bytes."""
    return _thumbnail(Image.fromarray(picture).convert("L"))


def _thumbnail(grey: Image.Image) -> bytes:
    return grey.resize((THUMB_SIDE, THUMB_SIDE), Image.Resampling.BOX).tobytes()


class Hashes:
    """Annotator `hashes`: `phash`, `phash_mirror` (of the picture seen in a mirror) and `thumb`."""

    name = "hashes"
    needs: tuple[str, ...] = ("image",)
    features = pa.schema([("phash", pa.string()), ("phash_mirror", pa.string()), ("thumb", pa.binary())])

    def __init__(self) -> None:
        self.identity = identity(self.name, _VERSION, {"bits": _LOW * _LOW, "thumb": THUMB_SIDE})
        self.provenance = {"backend": "64-bit DCT hash", "weights": "none"}

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """Hashes of each picture of the batch."""
        greys = [Image.fromarray(picture).convert("L") for picture in batch["image"]]
        return {
            "phash": [_phash(grey) for grey in greys],
            "phash_mirror": [_phash(grey.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) for grey in greys],
            "thumb": [_thumbnail(grey) for grey in greys],
        }
