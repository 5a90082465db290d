"""Reading YOLO detectors, whichever export: letterbox in, boxes out. Pure functions on arrays.

Input: 1 x 3 x S x S, RGB 0..1, the picture scaled to fit and padded with grey 114. Output, in input pixels:

    v8, v11     1 x (4 + classes) x anchors     cx, cy, w, h, then one score 0..1 a class; one anchor a cell
    v5          1 x anchors x (5 + classes)     cx, cy, w, h, objectness, scores; three anchors a cell
    NMS inside  1 x boxes x 6                   x0, y0, x1, y1, score, class; unused rows are zero
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from annotators.base import Picture
from schemas.errors import UsageError

Floats = npt.NDArray[np.float32]

PAD = 114
"""Grey level beside the picture, as these detectors are trained."""


_STRIDES = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32))
"""Strides of the heads: the usual three, and those of the P6 and P2 variants."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Where a picture of width x height lies in a square: `inner_width` x `inner_height` pixels from (left, top)."""

    width: int
    height: int
    inner_width: int
    inner_height: int
    left: int
    top: int


def letterbox(picture: Picture, size: int, pad: int = PAD) -> tuple[Floats, Letterbox]:
    """The picture scaled (antialiased) to fit size x size, centred: float32 1 x 3 x size x size in 0..1."""
    height, width = picture.shape[:2]
    scale = size / max(width, height)
    inner_width, inner_height = max(1, round(width * scale)), max(1, round(height * scale))
    frame = Letterbox(width, height, inner_width, inner_height, (size - inner_width) // 2, (size - inner_height) // 2)
    square = np.full((size, size, 3), pad, np.uint8)
    small = Image.fromarray(picture).resize((inner_width, inner_height), Image.Resampling.BILINEAR)
    square[frame.top : frame.top + inner_height, frame.left : frame.left + inner_width] = np.asarray(small)
    return np.ascontiguousarray(square.transpose(2, 0, 1)[None], dtype=np.float32) / np.float32(255), frame


def decode(output: Floats, size: int, floor: float, wanted: Sequence[int] | None = None) -> tuple[Floats, Floats]:
    """Boxes K x 4 (x0, y0, x1, y1, input pixels) and scores K of what scores over `floor` in its best wanted class.

    `size` is the side of the input, which tells the layouts apart; `wanted` are numbers of classes, None for all. In
    v5's layout the score is objectness times class, as that detector's own reader has it. Boxes that are not finite or
    have no area are left out. Raises UsageError for an output in none of the layouts.
    """
    corners, scores, classes = _table(output, size)
    if classes is not None:  # one class a row
        scores = np.where(np.ones_like(classes, bool) if wanted is None else np.isin(classes, wanted), scores, 0)
    else:
        scores = (scores if wanted is None else scores[:, list(wanted)]).max(1)
    good = (scores > floor) & np.isfinite(corners).all(1) & (corners[:, 2:] > corners[:, :2]).all(1)
    return corners[good].astype(np.float32), scores[good].astype(np.float32)


def _table(output: Floats, size: int) -> tuple[Floats, Floats, Floats | None]:
    """Corners N x 4; scores N x classes and None, or scores N and the class of each row."""
    if output.ndim == 3 and output.shape[0] == 1:
        first, last = output.shape[1:]
        cells = [sum((size // stride) ** 2 for stride in strides) for strides in _STRIDES]
        if last in cells and first > 4:
            rows = output[0].T
            return _corners(rows), rows[:, 4:], None
        if first in [3 * count for count in cells] and last > 4:
            rows = output[0]
            return _corners(rows), rows[:, 4:5] * (rows[:, 5:] if last > 5 else 1), None
        if last == 6:
            rows = output[0]
            return rows[:, :4], rows[:, 4], rows[:, 5]
    raise UsageError("the detector's output is in no known layout", seen=f"{list(output.shape)} for input {size}",
                     allowed="a YOLO export: 1 x (4 + classes) x anchors, 1 x anchors x (5 + classes), 1 x boxes x 6")


def _corners(rows: Floats) -> Floats:
    half = rows[:, 2:4] / 2
    return np.concatenate([rows[:, :2] - half, rows[:, :2] + half], 1)


def iou(box: Floats, others: Floats) -> Floats:
    """Intersection over union of one box (4) with each of K x 4."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    common = np.clip(high - low, 0, None).prod(1)
    areas = (others[:, 2:] - others[:, :2]).prod(1)
    union = (box[2:] - box[:2]).prod() + areas - common
    return np.asarray(common / np.maximum(union, 1e-9), dtype=np.float32)


def nms(boxes: Floats, scores: Floats, overlap: float) -> npt.NDArray[np.intp]:
    """Indices of the boxes that no better one overlaps by more than `overlap` IoU, best first, ties by index."""
    waiting = np.argsort(-scores, kind="stable")
    kept = []
    while waiting.size:
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        waiting = waiting[iou(boxes[best], boxes[waiting]) <= overlap]
    return np.asarray(kept, dtype=np.intp)


def to_picture(boxes: Floats, frame: Letterbox) -> Floats:
    """Boxes in input pixels to boxes over the picture's width and height, clipped to 0..1."""
    origin = np.array([frame.left, frame.top] * 2, np.float32)
    extent = np.array([frame.inner_width, frame.inner_height] * 2, np.float32)
    return np.asarray(np.clip((boxes - origin) / extent, 0, 1), dtype=np.float32)
