"""The light backend that answers `schemas.answers.QUESTIONS`: colours are seen, garments read from the tags."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from annotators import clothes
from annotators.base import Batch, identity
from schemas.answers import QUESTIONS
from schemas.wardrobe import garments

LEAST = 0.25
"""Score from which a box is a face that clothes can be looked for under; detectors name noise at a few hundredths."""
_VERSION = 2


class LightAnswers:
    """Annotator `answers` without a language model: colours seen on the torso, garments read from the tags.

    `answers` holds one string for each of QUESTIONS, several things joined by a comma and a space; "unknown" as
    the first one when there are neither clothes to see nor coloured garment tags.
    """

    name = "answers"
    needs: tuple[str, ...] = ("image", "boxes", "scores", "mask", "cloths")
    features = pa.schema([("answers", pa.list_(pa.string()))])

    def __init__(self, needs: Sequence[str] = ()) -> None:
        """`needs` are the identities of the annotators that give boxes and mattes."""
        self.identity = identity(self.name, _VERSION, {"questions": QUESTIONS, "face": clothes.FACE,
                                                       "second": clothes.SECOND, "least": LEAST}, needs=needs)
        self.provenance = {"backend": "colours named in CIELAB below the face, and the cloth tags", "weights": "none",
                           "from_tags": "; ".join(QUESTIONS[1:])}

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """Answers for each row."""
        rows = zip(*(batch[name] for name in self.needs), strict=True)
        return {"answers": [_answers(*row) for row in rows]}


def _answers(picture: Any, boxes: Sequence[Sequence[float]], scores: Sequence[float], mask: bytes,
             cloths: Sequence[str]) -> list[str]:
    said = garments(cloths)
    colours: list[str] = []
    if boxes and max(scores) >= LEAST:
        with Image.open(io.BytesIO(mask)) as matte:
            colours = clothes.clothes_colours(picture, np.asarray(matte.convert("L")), boxes[int(np.argmax(scores))])
    if not colours:
        colours = list(dict.fromkeys([*said["upper colour"], *said["lower colour"]]))[:2] or ["unknown"]
    return [", ".join(items) for items in (colours, *said.values())]
