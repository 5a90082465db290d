"""Face boxes: every box over a low floor, so that the threshold is decided later without the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from annotators import yolo
from annotators.base import Batch, Picture, identity
from annotators.weights import LIGHT, resolve
from schemas.errors import UsageError

FLOOR = 0.05
OVERLAP = 0.5
FREE = 640
"""Side of the input of a detector that takes any size and says none."""
_VERSION = 1


class Faces:
    """Annotator `faces`: `boxes` and `scores`, best first.

    Boxes are x0, y0, x1, y1 over the width and height of the upright picture, clipped to 0..1: cheek to cheek,
    middle of the forehead to chin, when our own model looks; other detectors have their own idea of a face.
    `weights` is what `annotators.weights.resolve` takes: any YOLO export that `annotators.yolo` reads. Of a detector
    with several classes those count whose name has "face" in it.
    """

    name = "faces"
    needs: tuple[str, ...] = ("image",)
    features = pa.schema([("boxes", pa.list_(pa.list_(pa.float32(), 4))), ("scores", pa.list_(pa.float32()))])

    def __init__(self, weights: str = LIGHT) -> None:
        self._weights = resolve(self.name, weights)
        self.default_score = float(self._weights.notes.get("threshold", 0.5))
        """The score from which a box is taken for a face, as the model's notes recommend."""
        options = {"floor": FLOOR, "overlap": OVERLAP, "pad": yolo.PAD, "free": FREE} | self._weights.placed
        self.identity = identity(self.name, _VERSION, options, self._weights.sha256)
        self.provenance = self._weights.provenance("YOLO")

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """Boxes and scores of each picture; both empty where nothing scores over the floor."""
        found = [self._look(picture) for picture in batch["image"]]
        return {"boxes": [boxes for boxes, _ in found], "scores": [scores for _, scores in found]}

    def _look(self, picture: Picture) -> tuple[list[list[float]], list[float]]:
        net = self._weights.model(FREE)
        pixels, frame = yolo.letterbox(picture, net.size)
        wanted = face_classes(net.labels or self._weights.notes.get("labels", []))
        boxes, scores = yolo.decode(net(pixels), net.size, FLOOR, wanted)
        kept = yolo.nms(boxes, scores, OVERLAP)
        placed = yolo.to_picture(boxes[kept], frame)
        solid = (placed[:, 2] > placed[:, 0]) & (placed[:, 3] > placed[:, 1])  # not wholly in the padding
        return placed[solid].tolist(), scores[kept][solid].tolist()


def face_classes(labels: Sequence[str]) -> list[int] | None:
    """Numbers of the classes that are faces; None, for all, when there is one class or no names are known.

    Raises UsageError when none of several classes is a face.
    """
    if len(labels) < 2:
        return None
    faces = [number for number, label in enumerate(labels) if "face" in label.lower()]
    if not faces:
        raise UsageError("the detector knows no class of faces", seen=", ".join(labels),
                         allowed='a detector with one class, or with "face" in the name of one')
    return faces
