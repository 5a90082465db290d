"""`build verify`, all rows together: references, outfits and splits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from builders.components import Components
from builders.splits import SEEN, TRAIN, UNSEEN


class Stand(NamedTuple):
    """Where a published row stands, and whose it is."""

    split: str
    character: str
    artist: str
    outfit: str
    similar: frozenset[str]

    @classmethod
    def of(cls, row: Mapping[str, Any], split: str) -> Stand:
        """From a published row, in which anything may be null."""
        similar = frozenset(other for other in row["similar"] or [] if other is not None)
        return cls(split, row["character"] or "", row["artists"] or "", row["outfit"] or "", similar)


def place_faults(rows: Mapping[str, Stand], match: str) -> Iterator[str]:
    """What is wrong with references, outfits and splits of the rows, by id. `match` is "artist" or "character"."""
    for row, stand in rows.items():
        if not stand.similar:
            yield f"row {row}: it has no reference"
        yield from (f"row {row}: {fault}" for other in sorted(stand.similar) for fault in _pair(row, other, rows))
    yield from _outfits(rows, match)
    yield from _splits(rows)


def _pair(row: str, other: str, rows: Mapping[str, Stand]) -> Iterator[str]:
    if other == row:
        yield "it is its own reference"
    elif other not in rows:
        yield f"its reference {other} is not in the dataset"
    elif rows[other].split != rows[row].split:
        yield f"its reference {other} is in split {rows[other].split}"
    elif rows[other].outfit != rows[row].outfit:
        yield f"its reference {other} has another outfit"
    elif row not in rows[other].similar:
        yield f"its reference {other} does not name it"


def _outfits(rows: Mapping[str, Stand], match: str) -> Iterator[str]:
    """An outfit is one identity's, and all its rows hang together by their references."""
    number = {row: at for at, row in enumerate(rows)}
    parts = Components(len(rows))
    worn: dict[str, list[str]] = {}
    for row, stand in rows.items():
        worn.setdefault(stand.outfit, []).append(row)
        for other in stand.similar & rows.keys():
            parts.union(number[row], number[other])
    for outfit, wearers in sorted(worn.items()):
        characters = sorted({rows[row].character for row in wearers})
        artists = sorted({rows[row].artist for row in wearers})
        if len(characters) > 1:
            yield f"outfit {outfit} has {len(characters)} characters: {', '.join(characters[:5])}"
        if match == "artist" and len(artists) > 1:
            yield f"outfit {outfit} has {len(artists)} artists: {', '.join(artists[:5])}"
        apart = len({parts.find(number[row]) for row in wearers})
        if apart > 1:
            yield f"outfit {outfit} is {apart} groups of rows that no reference ties"


def _splits(rows: Mapping[str, Stand]) -> Iterator[str]:
    """Whole characters are held out in test_unseen; those of test_seen stand in train as well."""
    stands: dict[str, dict[str, str]] = {}  # split -> character -> a row
    for row, stand in rows.items():
        stands.setdefault(stand.split, {}).setdefault(stand.character, row)
    for character, row in stands.get(UNSEEN, {}).items():
        for split in (TRAIN, SEEN):
            if character in stands.get(split, {}):
                yield f"row {row}: its character {character} of {UNSEEN} stands in {split} too"
    for character, row in stands.get(SEEN, {}).items():
        if character not in stands.get(TRAIN, {}):
            yield f"row {row}: its character {character} of {SEEN} does not stand in {TRAIN}"
