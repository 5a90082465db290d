"""What the two heads are trained for."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from weights.net import anchors, decode

TOP = 8  # anchors given to each face


def overlap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalised IoU of corner boxes along dimension -1 (broadcasting)."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    common = (high - low).clamp(min=0).prod(-1)
    area_a, area_b = (a[..., 2:] - a[..., :2]).prod(-1), (b[..., 2:] - b[..., :2]).prod(-1)
    union = area_a + area_b - common
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1)
    iou = common / union.clamp(min=1e-6)
    return iou, iou - (hull - union) / hull.clamp(min=1e-6)


def assign(scores: Tensor, boxes: Tensor, faces: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """Task-aligned assignment for one picture: which face each anchor answers for, and how well (0..1).

    `scores` A, `boxes` A x 4, `faces` K x 4, `centres` 2 x A. An anchor in a face competes with score^0.5 x IoU^4; each
    face takes its best `TOP`, and the wanted score is its alignment, scaled so that the best anchor gets its IoU.
    """
    inside = (
        (centres[0] > faces[:, :1]) & (centres[0] < faces[:, 2:3])
        & (centres[1] > faces[:, 1:2]) & (centres[1] < faces[:, 3:4])
    )
    iou = overlap(boxes[None], faces[:, None])[0].clamp(0, 1)
    match = (scores[None].sqrt() * iou**4 + 1e-9) * inside
    threshold = match.topk(TOP, 1).values[:, -1:]
    match = match * (match >= threshold)
    scaled = match / match.amax(1, keepdim=True).clamp(min=1e-12) * (iou * (match > 0)).amax(1, keepdim=True)
    wanted, face = scaled.max(0)
    return face, wanted


def face_loss(raw: Tensor, faces: list[Tensor], unsure: list[Tensor], size: int) -> Tensor:
    """Score: quality focal loss against the alignment; box: generalised IoU, both over the sum of alignments."""
    boxes, logits = decode(raw[:, :4], size).transpose(1, 2), raw[:, 4]
    centres, _ = anchors(size)
    wanted = torch.zeros_like(logits)
    counted = torch.ones_like(logits)
    box_loss = raw.new_zeros(())
    for i, (some, other) in enumerate(zip(faces, unsure, strict=True)):
        for x0, y0, x1, y1 in other.tolist():
            counted[i, (centres[0] > x0) & (centres[0] < x1) & (centres[1] > y0) & (centres[1] < y1)] = 0
        if not len(some):
            continue
        with torch.no_grad():
            face, target = assign(logits[i].sigmoid(), boxes[i], some, centres)
        wanted[i] = target
        counted[i, target > 0] = 1
        taken = target > 0
        giou = overlap(boxes[i, taken], some[face[taken]])[1]
        box_loss = box_loss + ((1 - giou) * target[taken]).sum()
    focus = (logits.sigmoid().detach() - wanted).abs() ** 1.5
    score_loss = (F.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * focus * counted).sum()
    return (2.0 * score_loss + 2.0 * box_loss) / wanted.sum().clamp(min=1.0)


def matte_loss(logits: Tensor, matte: Tensor) -> Tensor:
    """Cross entropy (heavier along the outline), and one minus the soft IoU of each picture that has a figure."""
    outline = F.max_pool2d(matte, 7, 1, 3) + F.max_pool2d(-matte, 7, 1, 3)
    weight = 1 + 2 * outline
    entropy = (F.binary_cross_entropy_with_logits(logits, matte, reduction="none") * weight).mean()
    guess = logits.sigmoid()
    common = (guess * matte).sum((1, 2, 3))
    union = (guess + matte - guess * matte).sum((1, 2, 3))
    present = matte.sum((1, 2, 3)) > 50
    soft = (1 - common / union.clamp(min=1.0))[present]
    return entropy + (soft.mean() if present.any() else 0.0)
