"""Face boxes: every box over a low floor, so that the threshold is decided later without the model."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from annotators import yolo
from annotators.base import Batch, Picture, identity
from annotators.weights import LIGHT, model, resolve

FLOOR = 0.05
OVERLAP = 0.5
_VERSION = 1


class Faces:
    """Annotator `faces`: `boxes` and `scores`, best first.

    Boxes are x0, y0, x1, y1 over the width and height of the upright picture, clipped to 0..1: cheek to cheek,
    middle of the forehead to chin. `weights` is "light" or an ONNX file in the YOLOv8 output layout.
    """

    name = "faces"
    needs: tuple[str, ...] = ("image",)
    features = pa.schema([("boxes", pa.list_(pa.list_(pa.float32(), 4))), ("scores", pa.list_(pa.float32()))])

    def __init__(self, weights: str = LIGHT) -> None:
        self._weights = resolve(self.name, weights)
        self.default_score = float(self._weights.notes.get("threshold", 0.5))
        """The score from which a box is taken for a face, as the model's notes recommend."""
        options = {"floor": FLOOR, "overlap": OVERLAP, "pad": yolo.PAD}
        self.identity = identity(self.name, _VERSION, options, self._weights.sha256)
        self.provenance = self._weights.provenance("YOLOv8 layout, onnxruntime, one thread")

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """Boxes and scores of each picture; both empty where nothing scores over the floor."""
        found = [self._look(picture) for picture in batch["image"]]
        return {"boxes": [boxes for boxes, _ in found], "scores": [scores for _, scores in found]}

    def _look(self, picture: Picture) -> tuple[list[list[float]], list[float]]:
        net = model(self._weights.path, self._weights.sha256)
        pixels, frame = yolo.letterbox(picture, net.size)
        boxes, scores = yolo.decode(net(pixels), FLOOR)
        kept = yolo.nms(boxes, scores, OVERLAP)
        placed = yolo.to_picture(boxes[kept], frame)
        solid = (placed[:, 2] > placed[:, 0]) & (placed[:, 3] > placed[:, 1])  # not wholly in the padding
        return placed[solid].tolist(), scores[kept][solid].tolist()
