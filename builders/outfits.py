"""Stage "group": which rows are each other's references, and which split each row stands in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

from annotators.base import Annotator
from builders.annotate import Look
from builders.components import Components
from builders.groups import Groups, agreement, group
from builders.near import NearOptions, adjacency, twins
from builders.options import Retribooru
from builders.splits import Shares, assign
from schemas.answers import normalise
from schemas.records import Drop, drop

_TABLE = pa.schema([("id", pa.string()), ("character", pa.string()), ("artist", pa.string()),
                    ("outfit_hint", pa.string()), ("post_id", pa.string()), ("parent_id", pa.string()),
                    ("answers", pa.list_(pa.string())), ("phash", pa.string()), ("phash_mirror", pa.string()),
                    ("thumb", pa.binary())])
_SAID = ["answers", "phash", "phash_mirror", "thumb"]


@dataclass(frozen=True)
class Place:
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
    for rows in look.ledger.rows():
        said: dict[str, list[Any]] = look.columns(rows, _SAID)
        said |= {
            "id": [row.post.id for row in rows],
            "character": [row.post.characters[0] for row in rows],
            "artist": [row.post.artists[0] if row.post.artists else "" for row in rows],
            "outfit_hint": [row.post.outfit_hint for row in rows],
            "post_id": [row.post.post_id for row in rows],
            "parent_id": [row.post.parent_id for row in rows],
        }
        batches.append(pa.Table.from_pydict(said, schema=_TABLE))
    return pa.concat_tables(batches) if batches else _TABLE.empty_table()


def lonely(rows: pa.Table, groups: Groups, options: Retribooru,
           models: Mapping[str, Annotator]) -> Iterator[tuple[str, Drop]]:
    """Ids of the rows without a reference, and why: nothing matches them, or only what is a near copy of them.

    `rows` are those of `group`, `models` the annotators by the column they give.
    """
    said = rows.select(["id", "outfit_hint", "answers"]).to_pylist()
    copies = _Copies(rows, groups, options)
    for row, similar in enumerate(groups.similar):
        if similar:
            continue
        hint, matches = said[row]["outfit_hint"], copies.that_match(row)
        told = (f"of outfit {hint}" if hint else "of the same identity" if options.match_rule == "identity"
                else f"with the same answers, rule {options.match_rule}")
        seen = "; ".join(answer or "-" for answer in said[row]["answers"])
        if matches:
            seen += f"; matches only its near copies {', '.join(said[other]['id'] for other in matches)}"
        told = f"another row {told}" + (", that is no near copy" if matches else "")
        decided = models["phash" if matches else "answers"]
        model = f"{decided.name}:{decided.identity[:16]}" if matches or not copies.told(row) else ""
        yield said[row]["id"], drop("no_reference", value=seen, threshold=told, model=model)


class _Copies:
    """Which near copies of a row are of its identity and outfit, as `group` compares them."""

    def __init__(self, rows: pa.Table, groups: Groups, options: Retribooru) -> None:
        self._rule = options.match_rule
        self._looks = twins(rows["phash"].to_pylist(), rows["thumb"].to_pylist())
        looks = self._looks
        self._edits = adjacency((looks[first], looks[second], bits) for first, second, bits in groups.near)
        self._hints: list[str] = rows["outfit_hint"].to_pylist()
        self._answers: list[list[str]] = rows["answers"].to_pylist()
        artists = rows["artist"].to_pylist() if options.match == "artist" else [""] * rows.num_rows
        self._identities = list(zip(rows["character"].to_pylist(), artists, self._hints, strict=True))
        self._alike: dict[tuple[object, int], list[int]] = {}
        for row, key in enumerate(zip(self._identities, looks, strict=True)):
            self._alike.setdefault(key, []).append(row)

    def told(self, row: int) -> bool:
        """Whether nothing hangs on the row's answers."""
        return bool(self._hints[row]) or self._rule == "identity"

    def that_match(self, row: int) -> list[int]:
        """Three of them at most, in the order of the rows that look alike."""
        look = self._looks[row]
        near = (other for alike in sorted(self._edits.get(look, set()) | {look})
                for other in self._alike.get((self._identities[row], alike), []) if other != row)
        return list(islice((other for other in near if self.told(row) or self._agree(row, other)), 3))

    def _agree(self, row: int, other: int) -> bool:
        mine, others = (tuple(normalise(answer) for answer in self._answers[one]) for one in (row, other))
        return others in next(agreement(list(dict.fromkeys([mine, others])), self._rule))


def _places(rows: pa.Table, ids: list[str], groups: Groups, shares: Shares) -> Places:
    kept = [row for row, similar in enumerate(groups.similar) if similar]
    characters = rows["character"].to_pylist()
    splits = assign([characters[row] for row in kept], [groups.outfit[row] for row in kept],
                    _ties(groups, kept), shares)
    by_id = {ids[row]: Place(split, groups.outfit[row], [ids[other] for other in groups.similar[row]])
             for row, split in zip(kept, splits, strict=True)}
    return Places(by_id, Counter(splits), _near_among(rows, groups, set(kept)))


def _ties(groups: Groups, kept: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of numbers in `kept` that tie what near copies tie, also through rows that are not kept."""
    parts = Components(len(groups.similar))
    for first, second, _ in groups.near:
        parts.union(first, second)
    least: dict[int, int] = {}
    return [(least.setdefault(parts.find(row), number), number) for number, row in enumerate(kept)]


def _near_among(rows: pa.Table, groups: Groups, kept: set[int]) -> int:
    """Pairs of kept rows that are near copies; equal pictures stand for each other in `groups.near`."""
    look = twins(rows["phash"].to_pylist(), rows["thumb"].to_pylist())
    shown = Counter(look[row] for row in kept)
    edits = {(look[first], look[second]) for first, second, _ in groups.near if look[first] != look[second]}
    return (sum(count * (count - 1) // 2 for count in shown.values())
            + sum(shown[first] * shown[second] for first, second in edits))
