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

import functools
import hashlib
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from builders import components, near
from builders.near import USUAL, Near, NearOptions, Pairs, Whole, Words
from schemas.answers import normalise

Things = frozenset[str]
"""A normalised answer."""

RULES = ("strict", "visible", "overlap", "identity")

_IDENTITY = ("character", "artist", "outfit_hint")
_PAIRS = 1 << 20  # of signatures that are compared at once
_BITS = 64


@dataclass(frozen=True)
class Groups:
    """For each row, in the order of the table: its references and its outfit; and the near copies among all rows."""

    similar: list[list[int]]
    """Row numbers in ascending order. Symmetric, never the row itself, never a near copy."""
    outfit: list[str]
    """Equal for rows that are connected through `similar`; 12 hex digits that follow from identity and least id. ""
    for a row without a reference."""
    near: list[Near]
    look: list[int]
    """The first row that shows the very same picture, see `near.twins`."""


def group(rows: pa.Table, match: str = "artist", rule: str = "visible",
          alike: NearOptions = USUAL) -> Groups:
    """Groups rows in id order with the columns id, character, artist, answers, outfit_hint, phash, phash_mirror,
    thumb, post_id and parent_id. `match` "character" drops the artist from the identity; `rule` is one of RULES;
    `alike` says what a near copy is. Every row answers the same questions.
    """
    if match == "character":
        rows = rows.set_column(rows.schema.get_field_index("artist"), "artist", pa.repeat("", rows.num_rows))
    told = np.asarray(pc.not_equal(rows["outfit_hint"], "")) | (rule == "identity")
    said, things = _heard(rows["answers"], told)
    phash, thumb = rows["phash"].to_pylist(), rows["thumb"].to_pylist()
    copies = near.near_copies(phash, rows["phash_mirror"].to_pylist(), thumb, rows["post_id"].to_pylist(),
                              rows["parent_id"].to_pylist(), alike)
    look = near.twins(phash, thumb)
    pairs = _kept_apart(_pairs(_Worn.of(_identity(rows), said), things, rule), np.asarray(look, dtype=np.int64), copies)
    similar = _lists(pairs, rows.num_rows)
    return Groups(similar, _outfits(pairs, rows), copies, look)


def _identity(rows: pa.Table) -> Whole:
    """Equal numbers for rows of one identity, and of one outfit where the source names it."""
    number = np.zeros(rows.num_rows, dtype=np.int64)
    for name in _IDENTITY:
        codes = rows[name].combine_chunks().dictionary_encode().indices.to_numpy()
        _, number = np.unique(number * (1 + codes.max(initial=0)) + codes, return_inverse=True)
    return number


def _heard(answers: pa.ChunkedArray, told: npt.NDArray[np.bool_]) -> tuple[Whole, list[Things]]:
    """Rows x questions: which of the returned sets of things an answer names. Rows that are `told` otherwise answer
    all alike."""
    lists = answers.combine_chunks()
    spoken = lists.flatten().dictionary_encode()
    sets = [normalise(answer) for answer in spoken.dictionary.to_pylist()]
    at = {things: place for place, things in enumerate(dict.fromkeys([*sets, frozenset({"told"})]))}
    codes = np.asarray([at[things] for things in sets], dtype=np.int64)[spoken.indices.to_numpy()]
    said = codes.reshape(len(lists), -1) if len(codes) else np.zeros((len(lists), 1), dtype=np.int64)
    said[told] = at[frozenset({"told"})]
    return said, list(at)


class _Worn(NamedTuple):
    """Distinct signatures within an identity, and the rows that have each: order[start:start + count]."""

    identity: Whole
    said: Whole
    """Signatures x questions."""
    order: Whole
    starts: Whole
    counts: Whole

    @classmethod
    def of(cls, identity: Whole, said: Whole) -> _Worn:
        worn = identity
        for answers in said.T:
            _, worn = np.unique(worn * (1 + said.max(initial=0)) + answers, return_inverse=True)
        _, first, counts = np.unique(worn, return_index=True, return_counts=True)
        return cls(identity[first], said[first], np.argsort(worn, kind="stable"), np.cumsum(counts) - counts, counts)


def _pairs(worn: _Worn, things: Sequence[Things], rule: str) -> Pairs:
    """Rows that match, both ways, every row with itself if it says enough."""
    size = np.asarray([len(named) for named in things])[worn.said]
    alone = np.arange(len(worn.said))
    if rule in ("visible", "overlap"):
        alone = alone[(size[:, 0] > 0) | ~size.any(axis=1)]
        agreeing = _agreeing(worn, things, rule)
        one, other = np.concatenate([agreeing, agreeing[:, ::-1], np.stack([alone, alone], axis=1)]).T
    else:
        one = other = alone
    return near.cross(worn.order, worn.starts[one], worn.counts[one], worn.order, worn.starts[other],
                      worn.counts[other])


def _agreeing(worn: _Worn, things: Sequence[Things], rule: str) -> Pairs:
    """Pairs of different signatures of one identity that agree, each once.

    Only those are compared that name a common thing in answer to the first question, which all rules want.
    """
    named = np.asarray([len(one) for one in things])
    at = {thing: place for place, thing in enumerate(sorted(frozenset().union(*things)))}
    flat = np.asarray([at[thing] for one in things for thing in one], dtype=np.int64)
    first = worn.said[:, 0]
    who, place = near.members((np.cumsum(named) - named)[first], named[first])
    bucket = worn.identity[who] * max(1, len(at)) + flat[place]
    order = np.argsort(bucket, kind="stable")
    who, bucket = who[order], bucket[order]
    following = np.searchsorted(bucket, bucket, side="right") - np.arange(len(bucket)) - 1
    bits = [_bits(worn.said[:, question], things) for question in range(worn.said.shape[1])]
    found = [np.empty((0, 2), dtype=np.int64)]
    for some in np.split(np.arange(len(who)), np.flatnonzero(np.diff(np.cumsum(following) // _PAIRS)) + 1):
        which, other = near.members(some + 1, following[some])
        pairs = np.stack([who[some][which], who[other]], axis=1)
        for mine in bits:
            pairs = pairs[_maybe(mine[pairs[:, 0]], mine[pairs[:, 1]], rule)]
        found.append(pairs)
    pairs = near.distinct(np.sort(np.concatenate(found), axis=1), len(worn.said))
    return pairs[_surely(worn.said, pairs, things, rule)]


def _bits(said: Whole, things: Sequence[Things]) -> Words:
    """For each answer to one question a bit for each thing that it names; beyond 64 things some share a bit."""
    codes, place = np.unique(said, return_inverse=True)
    at = {thing: 1 << number % _BITS for number, thing in enumerate(_all_of(codes, things))}
    return np.asarray([functools.reduce(operator.or_, (at[thing] for thing in things[code]), 0)
                       for code in codes.tolist()], dtype=np.uint64)[place]


def _all_of(codes: Whole, things: Sequence[Things]) -> list[str]:
    return sorted(frozenset[str]().union(*(things[code] for code in codes.tolist())))


def _maybe(one: Words, other: Words, rule: str) -> npt.NDArray[np.bool_]:
    """`_alike` for answers as bits."""
    shared = one & other
    if rule == "visible":
        return np.asarray((shared == one) | (shared == other))
    return np.asarray((shared > 0) | (one == 0) | (other == 0))


def _alike(one: Things, other: Things, rule: str) -> bool:
    """Whether two answers to a question agree: one names all that the other names, or they name a common thing."""
    shared = one & other
    return shared in (one, other) if rule == "visible" else bool(shared or not one or not other)


def _surely(said: Whole, pairs: Pairs, things: Sequence[Things], rule: str) -> npt.NDArray[np.bool_]:
    """Which pairs agree where two things share a bit."""
    sure = np.ones(len(pairs), dtype=bool)
    for answers in said.T:
        if len(_all_of(np.unique(answers), things)) > _BITS:
            codes, place = np.unique(np.sort(answers[pairs], axis=1), axis=0, return_inverse=True)
            sure &= np.asarray([_alike(things[one], things[other], rule) for one, other in codes.tolist()],
                               dtype=bool)[place.reshape(-1)]
    return sure


def agree(one: Sequence[str], other: Sequence[str], rule: str) -> bool:
    """Whether two rows' answers match by one of RULES, as `group` has it."""
    mine, others = (tuple(normalise(answer) for answer in said) for said in (one, other))
    if rule in ("strict", "identity"):
        return rule == "identity" or mine == others
    if not any(mine) and not any(others):
        return True
    return bool(mine[0] and others[0]) and all(map(_alike, mine, others, repeat(rule)))


def _kept_apart(pairs: Pairs, look: Whole, copies: Sequence[Near]) -> Pairs:
    """The pairs but for rows with themselves, their twins, and edits of either; sorted."""
    edits = np.sort(look[np.asarray(copies, dtype=np.int64).reshape(-1, 3)[:, :2]], axis=1)
    pairs = pairs[look[pairs[:, 0]] != look[pairs[:, 1]]]
    edited = np.zeros(len(look), dtype=bool)
    edited[edits] = True
    asked = np.flatnonzero(edited[look[pairs[:, 0]]])
    one, other = np.sort(look[pairs[asked]], axis=1).T
    refused = np.isin(one * len(look) + other, edits[:, 0] * len(look) + edits[:, 1])
    return near.distinct(np.delete(pairs, asked[refused], axis=0), len(look))


def _lists(pairs: Pairs, rows: int) -> list[list[int]]:
    ends = np.searchsorted(pairs[:, 0], np.arange(rows), side="right").tolist()
    others: list[int] = pairs[:, 1].tolist()
    return [others[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _outfits(pairs: Pairs, rows: pa.Table) -> list[str]:
    ids = rows["id"].to_pylist()
    roots = components.roots(pairs[pairs[:, 0] < pairs[:, 1]], len(ids)).tolist()
    least: dict[int, int] = {}
    for row in np.flatnonzero(np.bincount(pairs[:, 0])).tolist():
        if ids[row] < ids[least.setdefault(roots[row], row)]:
            least[roots[row]] = row
    firsts = rows.select([*_IDENTITY, "id"]).take(pa.array(least.values(), pa.int64()))
    words = pc.binary_join_element_wise(*firsts.columns, "\x1f").to_pylist()
    named = {root: hashlib.sha256(word.encode()).hexdigest()[:12] for root, word in zip(least, words, strict=True)}
    return [named.get(root, "") for root in roots]
