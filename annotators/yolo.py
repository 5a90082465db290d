"""Reading detectors in the YOLOv8 output layout: letterbox in, boxes out. Pure functions on arrays.

The layout: input 1 x 3 x S x S, RGB 0..1, the picture scaled to fit and padded with grey 114; output
1 x (4 + classes) x anchors, rows cx, cy, w, h in input pixels, then one score 0..1 per class; no NMS inside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from annotators.base import Picture

Floats = npt.NDArray[np.float32]

PAD = 114
"""Grey level beside the picture, as these detectors are trained."""


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


def decode(output: Floats, floor: float) -> tuple[Floats, Floats]:
    """Boxes K x 4 (x0, y0, x1, y1, input pixels) and scores K of all anchors whose best class scores over `floor`.

    `output` is 1 x (4 + classes) x anchors. Boxes that are not finite or have no area are left out.
    """
    rows = output[0]
    scores = rows[4:].max(0)
    cx, cy, width, height = rows[:4]
    good = (scores > floor) & np.isfinite(rows).all(0) & (width > 0) & (height > 0)
    boxes = np.stack([cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2], 1)[good]
    return boxes.astype(np.float32), scores[good].astype(np.float32)


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
