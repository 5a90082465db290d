"""Stage "group": which rows are each other's references, and which split each row stands in."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from annotators.base import Annotator
from builders.annotate import Look
from builders.components import roots
from builders.groups import Groups, agree, group
from builders.near import NearOptions, adjacency
from builders.options import Retribooru
from builders.splits import Shares, assign
from schemas.records import Drop, drop

_TABLE = pa.schema([("id", pa.string()), ("character", pa.string()), ("artist", pa.string()),
                    ("outfit_hint", pa.string()), ("post_id", pa.string()), ("parent_id", pa.string()),
                    ("answers", pa.list_(pa.string())), ("phash", pa.string()), ("phash_mirror", pa.string()),
                    ("thumb", pa.binary())])
_SAID = ["answers", "phash", "phash_mirror", "thumb"]


class Place(NamedTuple):
    """Where a row stands in the dataset."""

    split: str
    outfit: str
    similar: list[str]


@dataclass(frozen=True)
class Places:
    """The place of every row to publish, by id; rows per split; and how many pairs of near copies were kept apart."""

    by_id: dict[str, Place]
    rows_in: Counter[str]
    near_copies: int


@contextmanager
def _no_cycles() -> Iterator[None]:
    """Looks for no garbage in cycles: millions of small lists are made here, none in a cycle, and to look through them
    again and again took a third of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@_no_cycles()
def group_outfits(look: Look, options: Retribooru) -> Places:
    """Drops rows without a reference and says where the others stand."""
    rows_in = len(look.ledger)
    rows = _table(look)
    alike = NearOptions(options.near_distance, options.near_likeness, options.family_distance, options.family_likeness)
    groups = group(rows, options.match, options.match_rule, alike)
    ids: list[str] = rows["id"].to_pylist()
    look.ledger.drop(lonely(rows, groups, options, look.given_by))
    look.progress.step(look.ledger.close_stage("group", rows_in))
    return _places(rows, ids, groups, Shares(options.test_seen, options.test_unseen, options.seed))


def _table(look: Look) -> pa.Table:
    batches = []
    for rows in look.ledger.briefs():
        said = {
            "id": [row.post.id for row in rows],
            "character": [row.post.characters[0] for row in rows],
            "artist": [row.post.artists[0] if row.post.artists else "" for row in rows],
            "outfit_hint": [row.post.outfit_hint for row in rows],
            "post_id": [row.post.post_id for row in rows],
            "parent_id": [row.post.parent_id for row in rows],
        }
        batches.append(pa.table(said | look.arrays(rows, _SAID), schema=_TABLE))
    return pa.concat_tables(batches) if batches else _TABLE.empty_table()


def lonely(rows: pa.Table, groups: Groups, options: Retribooru,
           models: Mapping[str, Annotator]) -> Iterator[tuple[str, Drop]]:
    """Ids of the rows without a reference, and why: nothing matches them, or only what is a near copy of them.

    `rows` are those of `group`, `models` the annotators by the column they give.
    """
    copies = _Copies(rows, groups, options)
    alone = [row for row, similar in enumerate(groups.similar) if not similar]
    some = rows.select(["id", "outfit_hint", "answers"]).take(pa.array(alone, pa.int64()))
    said = zip(alone, some["id"].to_pylist(), some["outfit_hint"].to_pylist(), _joined(some["answers"]), strict=True)
    for row, name, hint, seen in said:
        matches = copies.that_match(row)
        told = (f"of outfit {hint}" if hint else "of the same identity" if options.match_rule == "identity"
                else f"with the same answers, rule {options.match_rule}")
        if matches:
            seen += f"; matches only its near copies {', '.join(copies.ids(matches))}"
        told = f"another row {told}" + (", that is no near copy" if matches else "")
        decided = models["phash" if matches else "answers"]
        free = hint or options.match_rule == "identity"  # nothing hangs on the row's answers
        model = f"{decided.name}:{decided.identity[:16]}" if matches or not free else ""
        yield name, drop("no_reference", value=seen, threshold=told, model=model)


def _joined(answers: pa.ChunkedArray) -> list[str]:
    """Each row's answers in one line, "-" for an empty one."""
    lists = answers.combine_chunks()
    words = lists.flatten()
    words = pc.if_else(pc.equal(words, ""), "-", words)
    line: list[str] = pc.binary_join(pa.ListArray.from_arrays(lists.offsets, words), "; ").to_pylist()
    return line


class _Copies:
    """Which near copies of a row are of its identity and outfit, as `group` compares them."""

    def __init__(self, rows: pa.Table, groups: Groups, options: Retribooru) -> None:
        self._rows, self._rule, self._looks = rows, options.match_rule, groups.look
        self._identity = ["character", "outfit_hint", *(["artist"] if options.match == "artist" else [])]
        looks = groups.look
        self._edits = adjacency((looks[first], looks[second], bits) for first, second, bits in groups.near)
        self._shown: dict[int, list[int]] = {}
        for row, look in enumerate(looks):
            if look in self._edits:
                self._shown.setdefault(look, []).append(row)

    def ids(self, some: Sequence[int]) -> list[str]:
        """Ids of the rows."""
        return [self._rows["id"][row].as_py() for row in some]

    def that_match(self, row: int) -> list[int]:
        """Three of them at most, in the order of the rows that look alike."""
        look = self._looks[row]
        if look not in self._edits:
            return []
        near = (other for alike in sorted(self._edits[look] | {look})
                for other in self._shown[alike] if other != row)
        return list(islice((other for other in near if self._match(row, other)), 3))

    def _match(self, row: int, other: int) -> bool:
        one, another = ({name: self._rows[name][at].as_py() for name in (*self._identity, "answers")}
                        for at in (row, other))
        if any(one[name] != another[name] for name in self._identity):
            return False
        return bool(one["outfit_hint"]) or agree(one["answers"], another["answers"], self._rule)


def _places(rows: pa.Table, ids: list[str], groups: Groups, shares: Shares) -> Places:
    kept = [row for row, similar in enumerate(groups.similar) if similar]
    characters = rows["character"].to_pylist()
    splits = assign([characters[row] for row in kept], [groups.outfit[row] for row in kept],
                    _ties(groups, kept), shares)
    by_id = {ids[row]: Place(split, groups.outfit[row], list(map(ids.__getitem__, groups.similar[row])))
             for row, split in zip(kept, splits, strict=True)}
    return Places(by_id, Counter(splits), _near_among(groups, set(kept)))


def _ties(groups: Groups, kept: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of numbers in `kept` that tie what near copies tie, also through rows that are not kept."""
    near = np.asarray(groups.near, dtype=np.int64).reshape(-1, 3)[:, :2]
    _, first, part = np.unique(roots(near, len(groups.similar))[kept], return_index=True, return_inverse=True)
    least = first[part]
    tied = np.flatnonzero(least != np.arange(len(kept)))
    return list(zip(least[tied].tolist(), tied.tolist(), strict=True))


def _near_among(groups: Groups, kept: set[int]) -> int:
    """Pairs of kept rows that are near copies; equal pictures stand for each other in `groups.near`."""
    look = groups.look
    shown = Counter(look[row] for row in kept)
    edits = {(look[first], look[second]) for first, second, _ in groups.near if look[first] != look[second]}
    return (sum(count * (count - 1) // 2 for count in shown.values())
            + sum(shown[first] * shown[second] for first, second in edits))
