"""Who is whose reference: same identity, same outfit, and neither is an edit of the other.

RetriBooru (section 3) matches the answers strictly, within one character and one artist. Pictures are cut in many
ways, so an answer may be empty, or name fewer things, because the picture does not show them all. The rule says
what that means:

- `strict`: every question's normalised answers are equal, empty ones too (the paper's words);
- `visible`: nothing that one picture shows contradicts the other: of each question's two answers one names all that
  the other names, so that an empty one is passed over. Not transitive. Equal to `strict` where answers are complete;
- `overlap`: of each question that both answer, the answers have something in common. Not transitive;
- `identity`: answers are not compared: for folders whose subjects wear nothing, or never change.

Under the looser rules both must have answered the first question, or neither any question: subjects of a folder that
wear nothing are told apart by their folder alone. An outfit that the source itself names decides in place of the
answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from builders import near
from builders.components import Components
from builders.near import USUAL, Near, NearOptions
from schemas.answers import normalise

Signature = tuple[frozenset[str], ...]
"""Normalised answers, question by question; or one set that holds the outfit's name."""

RULES = ("strict", "visible", "overlap", "identity")

_CELLS = 1 << 22  # of a table of pairs that is held at once


@dataclass(frozen=True)
class Groups:
    """For each row, in the order of the table: its references and its outfit; and the near copies among all rows."""

    similar: list[list[int]]
    """Row numbers in ascending order. Symmetric, never the row itself, never a near copy."""
    outfit: list[str]
    """Equal for rows that are connected through `similar`; 12 hex digits that follow from identity and least id."""
    near: list[Near]


def group(rows: pa.Table, match: str = "artist", rule: str = "visible",
          alike: NearOptions = USUAL) -> Groups:
    """Groups rows in id order with the columns id, character, artist, answers, outfit_hint, phash, phash_mirror,
    thumb, post_id and parent_id. `match` "character" drops the artist from the identity; `rule` is one of RULES;
    `alike` says what a near copy is.
    """
    columns: dict[str, list[Any]] = {name: rows[name].to_pylist() for name in rows.column_names}
    copies = near.near_copies(columns["phash"], columns["phash_mirror"], columns["thumb"], columns["post_id"],
                              columns["parent_id"], alike)
    look = near.twins(columns["phash"], columns["thumb"])
    edits = near.adjacency((look[i], look[j], distance) for i, j, distance in copies)
    artists = [""] * rows.num_rows if match == "character" else columns["artist"]
    identities: dict[tuple[str, ...], list[int]] = {}
    for row, identity in enumerate(zip(columns["character"], artists, columns["outfit_hint"], strict=True)):
        identities.setdefault(identity, []).append(row)
    similar: list[list[int]] = [[] for _ in range(rows.num_rows)]
    for (*_, hint), members in identities.items():
        if len(members) == 1:
            continue
        decided = hint or rule == "identity"
        told = [(frozenset({hint}),) if decided else _heard(columns["answers"][row]) for row in members]
        for row, matches in _matches(members, told, rule):
            refused = edits.get(look[row], set()) | {look[row]}  # the row itself, its twins, and edits of either
            similar[row] = [other for other in matches if look[other] not in refused]
    return Groups(similar, _outfits(similar, columns["id"], list(identities.items())), copies)


def _heard(answers: Sequence[str]) -> Signature:
    return tuple(normalise(answer) for answer in answers)


def _matches(members: Sequence[int], told: Sequence[Signature], rule: str) -> Iterator[tuple[int, list[int]]]:
    """Each member with all members whose signature agrees with its own. Compares distinct signatures only."""
    worn: dict[Signature, list[int]] = {}
    for row, signature in zip(members, told, strict=True):
        worn.setdefault(signature, []).append(row)
    for rows, agreeing in zip(worn.values(), agreement(list(worn), rule), strict=True):
        matches = sorted(row for other in agreeing for row in worn[other])
        for row in rows:
            yield row, matches


def agreement(worn: Sequence[Signature], rule: str) -> Iterator[list[Signature]]:
    """For each of the distinct signatures all that agree with it, itself among them where it says enough."""
    if rule in ("strict", "identity"):
        yield from ([signature] for signature in worn)
        return
    tables = [_named([said[question] for said in worn]) for question in range(len(worn[0]))]
    step = max(1, _CELLS // len(worn))
    for first in range(0, len(worn), step):
        some = slice(first, first + step)
        agree = np.ones((len(worn[some]), len(worn)), dtype=bool)
        for question, table in enumerate(tables):
            shared, named = table[some] @ table.T, table.sum(axis=1)
            fewer = np.minimum(named[some, None], named)
            agree &= shared == fewer if rule == "visible" else (shared > 0) | (fewer == 0)
            if question == 0:
                agree &= fewer > 0
        silent = np.array([not any(said) for said in worn])
        agree |= silent[some, None] & silent
        for others in agree:
            yield [worn[other] for other in np.flatnonzero(others).tolist()]


def _named(answers: Sequence[frozenset[str]]) -> npt.NDArray[np.float32]:
    """K x T: 1 where the answer names the thing, of the T that any of them names. Floats, whose products are fast."""
    at = {thing: place for place, thing in enumerate(sorted(frozenset().union(*answers)))}
    table = np.zeros((len(answers), len(at)), dtype=np.float32)
    for row, answer in enumerate(answers):
        table[row, [at[thing] for thing in answer]] = 1
    return table


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
