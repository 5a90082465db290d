"""Answers against cloth tags: whether a model and the people who tagged say the same of the clothes.

Neither is the truth. People tag what they notice, so that a missing tag says nothing: only a garment or a colour that
a tag names can be held against an answer, and only where the answer names one, too. What is compared:

- garments (upper body, lower body, legwear, head): the kinds of `schemas.wardrobe` that tags and answer name. They
  agree when they share one: a pleated skirt is a skirt, and of a jacket over a shirt either may be answered;
- colours of a garment: the colours that its tags begin with. They agree when they share one. Of the upper body only
  where the outermost garment's colour is tagged: "jacket, white shirt" does not say that the jacket is white;
- top colours of the clothing: likewise, where that colour is tagged, with the colours of upper and lower garments.

To share one is lenient on purpose: two colours are asked for, and a tag may name a third.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from cards import shards
from schemas.answers import QUESTIONS, normalise
from schemas.wardrobe import COLOUR_WORDS, GENERAL, HEAD, LEGS, LOWER, UPPER, coloured, garments, kinds

WORST = 12
"""Rows listed."""

Things = frozenset[str]

_KINDS = {QUESTIONS[1]: UPPER, QUESTIONS[3]: LOWER, QUESTIONS[5]: LEGS, QUESTIONS[7]: HEAD}
"""Questions about kinds of garments; the others ask for colours."""


class Contradiction(NamedTuple):
    """An answer that shares nothing with what the tags say."""

    question: str
    answer: str
    tags: tuple[str, ...]
    """Kinds or colours that the tags name, sorted."""


@dataclass(frozen=True)
class Contradicted:
    """A row with all its contradictions."""

    id: str
    post_url: str
    found: tuple[Contradiction, ...]
    clash: int
    """Things that tags and answers name without sharing one."""

    @property
    def order(self) -> tuple[int, int, str]:
        """Worst first: more answers contradicted, then more things named; then by id."""
        return -len(self.found), -self.clash, self.id


@dataclass
class Agreement:
    """Rows whose tags speak to a question: the answer shares something with them, nothing, or names nothing known."""

    agree: int = 0
    differ: int = 0
    silent: int = 0

    @property
    def share(self) -> float | None:
        """Of the answers that can be compared, those that agree, 0..1; None when there are none."""
        return self.agree / (self.agree + self.differ) if self.agree + self.differ else None


@dataclass
class CrossCheck:
    """Agreement by question, and the rows that are contradicted worst, worst first."""

    questions: dict[str, Agreement] = field(default_factory=lambda: {question: Agreement() for question in QUESTIONS})
    worst: list[Contradicted] = field(default_factory=list)

    @property
    def checked(self) -> bool:
        """Whether any tag spoke to any question."""
        return any(one.agree + one.differ + one.silent for one in self.questions.values())


def check(data: shards.Data) -> CrossCheck:
    """Reads every row once, without pixels; what is kept does not grow with them. Unknown questions are passed over."""
    seen = CrossCheck()
    for _, row in shards.rows(data, ("id", "post_url", "cloths", "answers")):
        tags = tags_say(row["cloths"] or ())
        found, clash = [], 0
        for said in row["answers"] or ():
            spoken = tags.get(said["question"])
            if not spoken:
                continue
            heard, count = answer_says(said["question"], said["answer"]), seen.questions[said["question"]]
            count.agree += bool(heard & spoken)
            count.silent += not heard
            if heard and not heard & spoken:
                count.differ += 1
                clash += len(heard | spoken)
                found.append(Contradiction(said["question"], said["answer"], tuple(sorted(spoken))))
        if found:
            row_found = Contradicted(row["id"], row["post_url"] or "", tuple(found), clash)
            seen.worst = sorted([*seen.worst, row_found], key=lambda one: one.order)[:WORST]
    return seen


def tags_say(cloths: Iterable[str]) -> dict[str, Things]:
    """What cloth tags name, by question; empty where they say nothing that could be held against an answer."""
    tags = sorted(set(cloths))
    said = garments(tags)
    upper = coloured(tags, UPPER.values()) if said["upper colour"] else []
    spoken = ([*upper, *said["lower colour"]] if upper else [], _general(kinds(tags, UPPER)), upper, said["lower"],
              said["lower colour"], said["legwear"], said["legwear colour"], said["head"])
    return {question: frozenset(things) for question, things in zip(QUESTIONS, spoken, strict=True)}


def answer_says(question: str, answer: str) -> Things:
    """The kinds or colours that an answer names, in any words; empty where it names none that are known."""
    things = sorted(normalise(answer))
    if question in _KINDS:
        return frozenset(_general(kinds(things, _KINDS[question])))
    return frozenset(COLOUR_WORDS[word] for thing in things for word in thing.split() if word in COLOUR_WORDS)


def _general(named: list[str]) -> list[str]:
    return [*named, *(word for kind in named for word in GENERAL.get(kind, ()))]
