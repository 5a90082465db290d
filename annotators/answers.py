"""What is asked about the clothes, how answers are normalised, and the light backend that answers.

The paper asks InstructBLIP for short answers and quotes one question, the first here. The others are ours; they
fix an outfit by its main garments. An empty answer says that the picture (or its tags) does not show it.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from annotators import clothes
from annotators.base import Batch, identity
from annotators.wardrobe import COLOUR_WORDS, garments

QUESTIONS: tuple[str, ...] = (
    "list top two colors of the clothing",
    "what is worn on the upper body",
    "what color is the upper garment",
    "what is worn on the lower body",
    "what color is the lower garment",
    "what legwear is worn",
    "what color is the legwear",
    "what is worn on the head",
)
"""The questions, in the order of the `answers` column. Any change gives the annotators another identity."""

LEAST = 0.25
"""Score from which a box is a face that clothes can be looked for under; detectors name noise at a few hundredths."""
_VERSION = 2
_SPLIT = re.compile(r"[,;/&+\n]|\band\b|\bor\b|\bwith\b")
_MARKS = re.compile(r"[^\w\s'-]|_")
_NOISE = re.compile(r"^(?:(?:a|an|the|its|her|his|it|is|are|mostly|mainly|light|dark|pale|bright|deep)\s+)+")
_NOTHING = frozenset({"", "n", "a", "none", "no", "nothing", "na", "not visible", "unknown", "unclear", "not sure"})


@lru_cache(maxsize=1 << 16)
def normalise(answer: str) -> frozenset[str]:
    """The things that a short answer names, without order, case, punctuation or choice of words.

    Empty when it names nothing ("", "none", "unknown", "not visible"). Splits on commas, "and" and their like;
    colours come out as the words of `annotators.colours`.
    """
    text = _SPLIT.sub(",", unicodedata.normalize("NFKC", answer).lower())
    items = (" ".join(_MARKS.sub(" ", part).split()) for part in text.split(","))
    plain = (_plain(item) for item in items)
    return frozenset(item for item in plain if item not in _NOTHING)


def _plain(item: str) -> str:
    item = _NOISE.sub("", item)
    return COLOUR_WORDS.get(item.removesuffix(" colored").removesuffix(" coloured").removesuffix(" color"), item)


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
        self.provenance = {"backend": "colours named in CIELAB below the face, and the cloth tags", "weights": "none"}

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
