"""Invented people for the sample mirror. None is taken from a real work, artist or board."""

from __future__ import annotations

import hashlib

import numpy as np

COPYRIGHTS = ("paper_lantern_academy", "clockwork_orchard", "salt_and_starlight", "the_tea_house_at_platform_nine")

_FIRST = ("lio", "mira", "tova", "sae", "ruvi", "ann", "elo", "kipa", "nori", "vesa", "yun", "ora", "pell", "hase")
_LAST = ("velt", "maru", "sin", "dane", "rosa", "lune", "tael", "wick", "hana", "bryn", "tori", "fenn", "mio", "quil")
_HANDS = ("inkpot", "graphite", "lacquer", "watercress", "halftone", "sumi", "gouache", "pencil_case", "papercut",
          "nib", "crosshatch", "eraser_dust")
_BIRDS = ("heron", "wren", "plover", "magpie", "lark", "teal", "swift", "bunting", "dipper", "ibis", "rook", "crake")

ODD_TAGS = ("café_terrace", "e\u0301toile", "ぬいぐるみ", "^_^", ";d", "👒", "a|b`c*d", "<script>alert(1)</script>",
            "\u202eesrever", "x" * 170, "наклейка", "50%_\\off")
"""General tags as hostile as a free-text field lets them be: other scripts, combining marks, a direction
override, markup, table and path characters, great length. None holds a space or a control character."""


def character_names(rng: np.random.Generator, count: int) -> list[tuple[str, str]]:
    """`count` distinct (character tag, copyright tag) pairs; the first carries letters outside ASCII."""
    people = _pairs(rng, [a + b for a in _FIRST for b in _LAST], [b + a for a in _LAST for b in _FIRST], count)
    works = [COPYRIGHTS[int(rng.integers(len(COPYRIGHTS)))] for _ in people]
    names = [(f"{name}_({work})", work) for name, work in zip(people, works, strict=True)]
    return [(f"zoë_{name}" if i == 0 else name, work) for i, (name, work) in enumerate(names)]


def artist_names(rng: np.random.Generator, count: int) -> list[str]:
    """`count` distinct artist tags; the first carries letters outside ASCII."""
    names = _pairs(rng, list(_HANDS), [a + b for a in _BIRDS for b in ("", "ling", "_ii", "_kai", "_note")], count)
    return [f"{name}_(筆)" if i == 0 else name for i, name in enumerate(names)]


def _pairs(rng: np.random.Generator, first: list[str], second: list[str], count: int) -> list[str]:
    rounds = -(-count // (len(first) * len(second)))
    picks = rng.permutation(len(first) * len(second) * rounds)[:count]
    return [_pair(first, second, int(pick)) for pick in picks]


def _pair(first: list[str], second: list[str], pick: int) -> str:
    turn, place = divmod(pick, len(first) * len(second))
    name = f"{first[place % len(first)]}_{second[place // len(first)]}"
    return name if turn == 0 else f"{name}_{turn + 1}"


def tag_id(tag: str) -> int:
    """A board's number for a tag: the same in every record, 1..1,600,000."""
    return int.from_bytes(hashlib.sha256(tag.encode()).digest()[:8]) % 1_600_000 + 1
