"""What is asked about the clothes, and how answers are normalised.

The paper asks InstructBLIP for short answers and quotes one question, the first here. The others are ours; they
fix an outfit by its main garments. An empty answer says that the picture (or its tags) does not show it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from schemas.wardrobe import COLOUR_WORDS

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

_SPLIT = re.compile(r"[,;/&+\n]|\band\b|\bor\b|\bwith\b")
_MARKS = re.compile(r"[^\w\s'-]")
_NOISE = re.compile(r"^(?:(?:a|an|the|its|her|his|it|is|are|mostly|mainly|light|dark|pale|bright|deep)\s+)+")
_NOTHING = frozenset({"", "n", "a", "none", "no", "nothing", "na", "not visible", "unknown", "unclear", "not sure"})


@lru_cache(maxsize=1 << 16)
def normalise(answer: str) -> frozenset[str]:
    """The things that a short answer names, without order, case, punctuation or choice of words.

    Empty when it names nothing ("", "none", "unknown", "not visible"). Splits on commas, "and" and their like;
    colours come out as the words of `schemas.colours`.
    """
    # An underscore counts as a letter to `_SPLIT`'s word bounds.
    text = _SPLIT.sub(",", unicodedata.normalize("NFKC", answer).lower().replace("_", " "))
    items = (" ".join(_MARKS.sub(" ", part).split()) for part in text.split(","))
    plain = (_plain(item) for item in items)
    return frozenset(item for item in plain if item not in _NOTHING)


def _plain(item: str) -> str:
    item = _NOISE.sub("", item)
    return COLOUR_WORDS.get(item.removesuffix(" colored").removesuffix(" coloured").removesuffix(" color"), item)
