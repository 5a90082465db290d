"""Who is whose reference: same identity, same outfit, and neither is an edit of the other.

RetriBooru (section 3) matches the answers strictly, within one character and one artist. Pictures are cut in many
ways, so an answer may be empty because the picture does not show the garment; the rule says what that means:

- `strict`: every question's normalised answers are equal, empty ones too (the paper's words);
- `visible`: questions that one of the two leaves empty are passed over; of the first question, and at least one more
  unless both answer nothing else, the answers must be equal. Not transitive.

An outfit that the source itself names decides in place of the answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from annotators.answers import normalise
from builders import near
from builders.components import Components
from builders.near import Near

Signature = tuple[frozenset[str], ...]
"""Normalised answers, question by question; or one set that holds the outfit's name."""


@dataclass(frozen=True)
class Groups:
    """For each row, in the order of the table: its references and its outfit; and the near copies among all rows."""

    similar: list[list[int]]
    """Row numbers in ascending order. Symmetric, never the row itself, never a near copy."""
    outfit: list[str]
    """Equal for rows that are connected through `similar`; 12 hex digits that follow from identity and least id."""
    near: list[Near]


def agree_strict(first: Signature, second: Signature) -> bool:
    """Every question's answers are equal."""
    return first == second


def agree_visible(first: Signature, second: Signature) -> bool:
    """Answers are equal wherever both have one, and the first question is among those."""
    both = [one == other for one, other in zip(first, second, strict=True) if one and other]
    return bool(first[0] and second[0]) and all(both)


RULES = {"strict": agree_strict, "visible": agree_visible}


def group(rows: pa.Table, match: str = "artist", rule: str = "strict") -> Groups:
    """Groups rows in id order with the columns id, character, artist, answers, outfit_hint, phash, phash_mirror,
    thumb, post_id and parent_id. `match` "character" drops the artist from the identity; `rule` is one of RULES.
    """
    columns: dict[str, list[Any]] = {name: rows[name].to_pylist() for name in rows.column_names}
    copies = near.near_copies(columns["phash"], columns["phash_mirror"], columns["thumb"], columns["post_id"],
                              columns["parent_id"])
    apart = _Apart(columns["phash"], columns["thumb"], copies)
    identities: dict[tuple[str, ...], list[int]] = {}
    for row, (character, artist) in enumerate(zip(columns["character"], columns["artist"], strict=True)):
        identities.setdefault((character,) if match == "character" else (character, artist), []).append(row)
    similar: list[list[int]] = [[] for _ in range(rows.num_rows)]
    for members in identities.values():
        for row, matches in _matches(members, columns, rule):
            similar[row] = [other for other in matches if other != row and not apart.near(row, other)]
    return Groups(similar, _outfits(similar, columns["id"], list(identities.items())), copies)


def _matches(members: Sequence[int], columns: dict[str, list[Any]], rule: str) -> Iterator[tuple[int, list[int]]]:
    """Each member with all members whose signature agrees with its own. Compares distinct signatures only."""
    worn: dict[Signature, list[int]] = {}
    for row in members:
        hint = columns["outfit_hint"][row]
        said = tuple(normalise(answer) for answer in columns["answers"][row])
        worn.setdefault((frozenset({hint}),) if hint else said, []).append(row)
    if rule == "strict":
        agreeing = {signature: [signature] for signature in worn}
    else:
        agree = RULES[rule]
        agreeing = {one: [other for other in worn if one == other or (len(one) == len(other) and agree(one, other))]
                    for one in worn}
    for signature, rows in worn.items():
        matches = sorted(row for other in agreeing[signature] for row in worn[other])
        for row in rows:
            yield row, matches


class _Apart:
    """Answers whether two rows are near copies, twins of near copies included."""

    def __init__(self, phash: Sequence[str], thumb: Sequence[bytes], copies: Sequence[Near]) -> None:
        self._twin = near.twins(phash, thumb)
        self._near = near.adjacency(copies)

    def near(self, first: int, second: int) -> bool:
        one, other = self._twin[first], self._twin[second]
        return (one == other or other in self._near.get(one, ()) or second in self._near.get(first, ())
                or other in self._near.get(first, ()) or second in self._near.get(one, ()))


def _outfits(similar: Sequence[Sequence[int]], ids: Sequence[str],
             identities: Sequence[tuple[tuple[str, ...], list[int]]]) -> list[str]:
    parts = Components(len(similar))
    for row, others in enumerate(similar):
        for other in others:
            parts.union(row, other)
    identity = {row: key for key, members in identities for row in members}
    roots = parts.roots()
    least: dict[int, str] = {}
    for row, root in enumerate(roots):
        least[root] = min(least.get(root, ids[row]), ids[row])
    named = {root: hashlib.sha256("\x1f".join([*identity[root], name]).encode()).hexdigest()[:12]
             for root, name in least.items()}
    return [named[root] for root in roots]
