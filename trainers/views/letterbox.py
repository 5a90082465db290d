"""Where a picture comes to lie on the model's square: whole, amid white, on whole cells of the latents.

The paper's figure shows targets with bars where there is no picture; Eq. 3 leaves those out of the loss. Where it is
silent: the picture lies in the middle, and its shorter side is cut (by less than a cell) to whole cells of the
latents, so that a cell is picture or bar and never both; it is resized with a bicubic filter.

The paper's "two different transforms" are a window of the picture and its mirror image. Both are relative to the
picture, so that one transform fits every file.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import interpolate

from trainers.training.draws import At, uniform

WHITE = 1.0
"""As a pixel."""

Box = tuple[float, float, float, float]
"""left, top, right, bottom"""
Whole = tuple[int, int, int, int]


class Transform(NamedTuple):
    """A window with `ratio` of the picture's width and height, at a place 0 .. 1 of the room it has; then mirrored."""

    ratio: float = 1.0
    x: float = 0.5
    y: float = 0.5
    mirrored: bool = False


WHOLE = Transform()


def drawn(at: At, row: str, who: str, low: float, flip: bool) -> Transform:
    """A transform of `who` (the target, or a reference's number) for a row: the ratio even in low .. 1, the place
    even, with `flip` as often mirrored as not."""
    return Transform(low + (1 - low) * uniform(at, row, f"{who} ratio"), uniform(at, row, f"{who} x"),
                     uniform(at, row, f"{who} y"), flip and uniform(at, row, f"{who} mirror") < 0.5)


class Laid(NamedTuple):
    """Where a window of a picture lies on a square of `side` pixels, of `cell` each of the latents' cells."""

    window: Whole
    """of the picture, its pixels"""
    area: Whole
    """of the square, its pixels: whole cells"""
    mirrored: bool
    cell: int
    side: int

    def pixels(self, picture: Image.Image, out: torch.Tensor | None = None) -> torch.Tensor:
        """An RGB picture on white, float32 3 x side x side, -1 .. 1; `out`, which is white already, where given."""
        square = torch.full((3, self.side, self.side), WHITE) if out is None else out
        torch.div(self._resized(picture), 127.5, out=self._part(square)).sub_(1)
        return square

    def levels(self, matte: Image.Image, out: torch.Tensor | None = None) -> torch.Tensor:
        """A matte on nothing, float32 1 x side x side, 0 .. 1; `out`, which is nought already, where given."""
        square = torch.zeros(1, self.side, self.side) if out is None else out
        torch.div(self._resized(matte), 255, out=self._part(square))
        return square

    def valid(self) -> tuple[torch.Tensor, torch.Tensor]:
        """1 where the picture lies, else 0, float32: for each cell (1 x h x w), and each pixel (1 x side x side)."""
        return self._masks(self.area)

    def covered(self, box: Box) -> tuple[torch.Tensor, torch.Tensor]:
        """The same for a box of the picture, in its pixels: of the square's pixels those nearest to it, and all cells
        that hold one. Nothing beyond the picture's area."""
        left, top, right, bottom = self.area
        x, y, beyond_x, beyond_y = self.window
        wide, high = (right - left) / (beyond_x - x), (bottom - top) / (beyond_y - y)
        first, last = (beyond_x - box[2], beyond_x - box[0]) if self.mirrored else (box[0] - x, box[2] - x)
        return self._masks((max(left, round(left + first * wide)), max(top, round(top + (box[1] - y) * high)),
                            min(right, round(left + last * wide)), min(bottom, round(top + (box[3] - y) * high))))

    def _part(self, square: torch.Tensor) -> torch.Tensor:
        left, top, right, bottom = self.area
        return square[:, top:bottom, left:right]

    def _resized(self, image: Image.Image) -> torch.Tensor:
        """uint8, channels first."""
        left, top, right, bottom = self.area
        x, y, beyond_x, beyond_y = self.window
        part = torch.from_numpy(np.atleast_3d(np.array(image)))[None, y:beyond_y, x:beyond_x].permute(0, 3, 1, 2)
        # On bytes torch does in a third of the time what Pillow does.
        resized = interpolate(part, (bottom - top, right - left), mode="bicubic", antialias=True)[0]
        return resized.flip(2) if self.mirrored else resized

    def _masks(self, box: Whole) -> tuple[torch.Tensor, torch.Tensor]:
        count = self.side // self.cell
        cells, pixels = torch.zeros(1, count, count), torch.zeros(1, self.side, self.side)
        left, top, right, bottom = box
        if left < right and top < bottom:
            pixels[:, top:bottom, left:right] = 1
            cells[:, top // self.cell : -(-bottom // self.cell), left // self.cell : -(-right // self.cell)] = 1
        return cells, pixels


def lay(size: tuple[int, int], cell: int, side: int, transform: Transform = WHOLE, region: Box | None = None) -> Laid:
    """Where a picture of this size (width, height) comes to lie, or the `region` of it, in its pixels."""
    x, y, beyond_x, beyond_y = region or (0, 0, *size)
    wide, high = (beyond_x - x) * transform.ratio, (beyond_y - y) * transform.ratio
    x += (beyond_x - x - wide) * transform.x
    y += (beyond_y - y - high) * transform.y
    scale = side / max(wide, high)
    across, down = (max(1, int(length * scale / cell + 1e-6)) * cell for length in (wide, high))
    cut_x, cut_y = (max(0.0, wide - across / scale) / 2, max(0.0, high - down / scale) / 2)
    left, top = ((side - length) // cell // 2 * cell for length in (across, down))
    (first, last), (upper, lower) = (_whole(x + cut_x, x + wide - cut_x, size[0]),
                                     _whole(y + cut_y, y + high - cut_y, size[1]))
    return Laid((first, upper, last, lower), (left, top, left + across, top + down), transform.mirrored, cell, side)


def _whole(first: float, last: float, length: int) -> tuple[int, int]:
    """The nearest edges of whole pixels, of which there are `length`; at least one pixel apart."""
    begin = min(round(first), length - 1)
    return begin, max(begin + 1, min(round(last), length))
