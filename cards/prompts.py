"""What the rows of a regularization set say of its prompts: which words each family uses, how evenly, and which rows a
contact sheet shows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cards import shards
from schemas.draws import draw

SHOWN = 4
"""Pictures of each family on the contact sheet."""

FAMILIES = ("training", "photographic", "styled", "test", "class")
"""In the order in which a card tells of them."""


class Used(NamedTuple):
    """The words of one part in one family."""

    family: str
    part: str
    words: int
    """Different ones."""
    least: int
    most: int
    """Rows that use the rarest and the commonest of them."""
    evenness: float
    """Pielou's: the entropy of the words over the logarithm of their number, 0..1; 1 for a single word."""


@dataclass
class Prompts:
    """Rows by family, their words, and the scores."""

    rows: Counter[str] = field(default_factory=Counter)
    texts: set[bytes] = field(default_factory=set)
    """Digests of the different prompts."""
    words: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    shown: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    scores: list[float] = field(default_factory=list)
    attempts: Counter[int] = field(default_factory=Counter)

    @property
    def families(self) -> list[str]:
        """Those that have rows."""
        return [family for family in FAMILIES if self.rows[family]]


def survey(data: shards.Data, parts: Sequence[str]) -> Prompts:
    """Reads every row but its pixels."""
    found = Prompts()
    for _, row in shards.rows(data, ("id", "text", "family", "attempts", "clip_t", *parts)):
        family = row["family"]
        found.rows[family] += 1
        found.texts.add(draw(row["text"]).to_bytes(8, "big"))
        found.attempts[row["attempts"]] += 1
        if row["clip_t"] is not None:
            found.scores.append(row["clip_t"])
        for part in parts:
            if row[part]:
                found.words.setdefault((family, part), Counter())[row[part]] += 1
        lot = found.shown.setdefault(family, [])
        lot.append((draw(row["id"]), row["id"]))
        lot.sort()
        del lot[SHOWN:]
    return found


def used(seen: Prompts, parts: Sequence[str]) -> list[Used]:
    """The words of each family and part, in the order of the card."""
    return [Used(family, part, len(words), min(words.values()), max(words.values()), evenness(words))
            for family in seen.families for part in parts if (words := seen.words.get((family, part)))]


def evenness(words: Counter[str]) -> float:
    """Pielou's evenness, 0..1."""
    total = sum(words.values())
    if len(words) < 2:
        return 1.0
    entropy = -sum(count / total * math.log(count / total) for count in words.values())
    return entropy / math.log(len(words))
