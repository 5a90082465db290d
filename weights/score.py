"""How good a network is: faces found and false, mattes against truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from annotators.yolo import iou

Floats = NDArray[np.float32]

SLACK = 0.01


@dataclass
class FaceScore:
    """Counts at one threshold; a found face has a box of IoU 0.5 or more, each box serves one face."""

    faces: int = 0
    found: int = 0
    boxes: int = 0
    false: int = 0
    pictures: int = 0
    ious: list[float] = field(default_factory=list)

    def add(self, boxes: Floats, truth: Floats, unsure: Floats) -> None:
        """One picture: boxes best first, K x 4; a box over an unsure face counts neither way."""
        self.pictures += 1
        self.faces += len(truth)
        left = list(range(len(truth)))
        for box in boxes:
            overlaps = iou(box, truth[left]) if left else np.zeros(0, np.float32)
            if overlaps.size and overlaps.max() >= 0.5:
                self.ious.append(float(overlaps.max()))
                left.pop(int(overlaps.argmax()))
                self.found += 1
            elif not len(unsure) or iou(box, unsure).max() < 0.3:
                self.false += 1

    def summary(self) -> dict[str, float]:
        """Recall, precision, false boxes a picture, mean IoU of the found."""
        return {
            "recall": round(self.found / max(self.faces, 1), 4),
            "precision": round(self.found / max(self.found + self.false, 1), 4),
            "false_per_picture": round(self.false / max(self.pictures, 1), 4),
            "mean_iou": round(float(np.mean(self.ious)) if self.ious else 0.0, 4),
        }


def matte_iou(guess: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """IoU of two mattes, both cut at one half; 1 when both are empty."""
    a, b = guess > 127, truth > 127
    union = int((a | b).sum())
    return float((a & b).sum() / union) if union else 1.0


def best_threshold(scored: Iterable[tuple[Floats, Floats, Floats, Floats]]) -> tuple[float, dict[str, float]]:
    """A threshold for (boxes, scores, truth, unsure) of many pictures, and the score there: the strictest whose F1
    is within SLACK of the best, because the drawings of others hold more look-alikes than ours.
    """
    pictures: Sequence[tuple[Floats, Floats, Floats, Floats]] = list(scored)
    tried: list[tuple[float, float, dict[str, float]]] = []
    for threshold in np.arange(0.1, 0.81, 0.05):
        score = FaceScore()
        for boxes, scores, truth, unsure in pictures:
            score.add(boxes[scores >= threshold], truth, unsure)
        summary = score.summary()
        recall, precision = summary["recall"], summary["precision"]
        f1 = 2 * recall * precision / max(recall + precision, 1e-9)
        tried.append((f1, round(float(threshold), 2), summary))
    good = max(f1 for f1, _, _ in tried) - SLACK
    return next((threshold, summary) for f1, threshold, summary in reversed(tried) if f1 >= good)
