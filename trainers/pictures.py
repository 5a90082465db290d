"""From a published picture to the square that the model sees.

The paper says that training crops have "a variable ratio, ranging from 0.75 to 1", and of SDXL's conditioning that "we
increase the original image size to achieve a cropped image size of 1024": so the picture is resized until its shorter
side is the square's over the ratio, and the square is cut out of that; the size before the crop, which SDXL is told, is
the resized picture's. Where the paper is silent: Lanczos filter, the crop's place even over all there are, no flip.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps

from annotators import images
from schemas.errors import RowError
from trainers.training.draws import At, uniform, whole_number

KEPT = 512 * 2**20
"""Bytes of decoded pictures that a deck keeps."""


class Cut(NamedTuple):
    """A square of a picture: pixels float32 3 x side x side, -1 .. 1; size as in `feeding.Row`; what the caption is to
    begin with; and where the loss counts (float32 1 x h x w), None for everywhere."""

    pixels: torch.Tensor
    size: tuple[int, int, int, int, int, int]
    prefix: str = ""
    mask: torch.Tensor | None = None


def decoded(cell: Mapping[str, Any] | None) -> Image.Image:
    """The picture of an undecoded cell, RGB and upright, as the builders saw it. Raises RowError."""
    if cell is None or not (cell["bytes"] or cell["path"]):
        raise RowError("missing_file")
    data = cell["bytes"] or images.read(Path(cell["path"]))
    return images.upright(data)


class Kept:
    """Decoded pictures by row, those used last; no more than so many bytes. For several threads.

    A picture whose shorter side is more than twice `enough` pixels is kept reduced by a whole factor: what is resized
    from that is hardly different, and a photograph of 36 MB takes 4.
    """

    def __init__(self, enough: int, limit: int = KEPT) -> None:
        self._enough, self._limit, self._bytes = enough, limit, 0
        self._pictures: OrderedDict[int, Image.Image] = OrderedDict()
        self._lock = threading.Lock()

    def picture(self, row: int, rows: Any) -> Image.Image:
        """The picture of a row of the dataset. Raises RowError."""
        with self._lock:
            if row in self._pictures:
                self._pictures.move_to_end(row)
                return self._pictures[row]
        picture = decoded(rows[row]["image"])
        factor = min(picture.size) // (2 * self._enough)
        if factor > 1:
            picture = picture.reduce(factor)
        with self._lock:
            if row not in self._pictures:
                self._pictures[row] = picture
                self._bytes += _bytes(picture)
            while self._bytes > self._limit:
                self._bytes -= _bytes(self._pictures.popitem(last=False)[1])
        return picture


def cropped(picture: Image.Image, side: int, low: float, at: At, row: str) -> Cut:
    """A square of the picture, resized so that its shorter side is round(side / ratio), the ratio even in low .. 1."""
    short = round(side / (low + (1 - low) * uniform(at, row, "ratio")))
    scale = short / min(picture.size)
    width, height = (max(short, round(length * scale)) for length in picture.size)
    left = whole_number(at, row, "left", width - side + 1)
    top = whole_number(at, row, "top", height - side + 1)
    # Only the square is resized. Pillow's filter looks beyond the box, so this is the crop of the resized picture.
    x, y = picture.width / width, picture.height / height
    box = (left * x, top * y, min((left + side) * x, picture.width), min((top + side) * y, picture.height))
    square = picture.resize((side, side), Image.Resampling.LANCZOS, box=box)
    return Cut(_pixels(square), (height, width, top, left, side, side))


def near_or_far(picture: Image.Image, side: int, cells: tuple[int, int], at: At, row: str) -> Cut:
    """Custom Diffusion's augmentation, as its released code has it; `cells` is the size of the latents, h and w.

    The picture becomes a square, whatever its shape. With a chance of 0.66 its side is even in side // 3 .. side, and
    it lies somewhere on grey, which the mask leaves out with a cell of the picture's own rim; else its side is in
    1.2 .. 1.4 of the square's, and the square is cut out of it. The caption says so below 0.6 and above 1.
    """
    far = uniform(at, row, "far") < 0.66
    first, last = (side // 3, side) if far else (int(1.2 * side), int(1.4 * side) - 1)
    scale = first + whole_number(at, row, "scale", last - first + 1)
    room = abs(side - scale) + 1
    top, left = whole_number(at, row, "top", room), whole_number(at, row, "left", room)
    resized = _pixels(picture.resize((scale, scale), Image.Resampling.LANCZOS))
    words = ("a far away", "very small") if scale < 0.6 * side else ("zoomed in", "close up") if scale > side else ("",)
    prefix = words[whole_number(at, row, "words", len(words))]
    mask = torch.zeros(1, *cells)
    if scale > side:
        pixels = resized[:, top : top + side, left : left + side].contiguous()
        mask += 1
        return Cut(pixels, (scale, scale, top, left, side, side), prefix, mask)
    pixels = torch.zeros(3, side, side)
    pixels[:, top : top + scale, left : left + scale] = resized
    cell = side // cells[0]
    mask[:, top // cell + 1 : (top + scale) // cell - 1, left // cell + 1 : (left + scale) // cell - 1] = 1
    return Cut(pixels, (side, side, 0, 0, side, side), prefix, mask)


def mirrored(picture: Image.Image, at: At, row: str) -> Image.Image:
    """The picture or, as often, its mirror image: where it is turned round, what is cut and told is of that."""
    return ImageOps.mirror(picture) if uniform(at, row, "mirror") < 0.5 else picture


def _pixels(picture: Image.Image) -> torch.Tensor:
    levels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
    return levels.to(torch.float32, memory_format=torch.contiguous_format) / 127.5 - 1


def _bytes(picture: Image.Image) -> int:
    return 3 * picture.width * picture.height
