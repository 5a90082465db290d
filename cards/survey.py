"""One pass over the light columns: counts for the plots, and what the later passes will look at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from cards import shards
from schemas.draws import draw
from schemas.records import Rating

PAIRS = 200_000
"""Reference/target pairs measured at most: more than the paper's dataset has, so sampling starts above its size."""

MEMBERS = 6
"""Rows remembered of an outfit."""

MAX_PIXELS = 80_000_000
"""Larger pictures are neither shown nor measured: they would cost a decoder more memory than all the rest."""

LAST_BAR = 15
"""The paper's Figure 2 lumps rows with this many references or more."""

SHOWN = {Rating.GENERAL, Rating.SENSITIVE}
HIDDEN = {Rating.QUESTIONABLE, Rating.EXPLICIT}

_COLUMNS = ("id", "similar", "character", "artists", "cloths", "outfit", "rating", "width", "height")


class Pairs:
    """At most `limit` unordered pairs, those with the lowest draw; holds at most twice as many."""

    def __init__(self, limit: int = PAIRS) -> None:
        self.limit = limit
        self.whole = True
        """False once a pair was left out."""
        self._kept: dict[tuple[str, str], int] = {}
        self._highest = 2**64

    def add(self, one: str, other: str) -> None:
        pair = (one, other) if one < other else (other, one)
        key = draw(*pair)
        if key <= self._highest:
            self._kept[pair] = key
            if len(self._kept) > 2 * self.limit:
                self._prune()
        else:
            self.whole = False

    def _prune(self) -> None:
        best = sorted(self._kept.items(), key=lambda item: (item[1], item[0]))
        if len(best) > self.limit:
            self.whole = False
            best = best[: self.limit]
            self._highest = best[-1][1]
        self._kept = dict(best)

    def sample(self) -> list[tuple[str, str]]:
        """The pairs in the order of their draw."""
        self._prune()
        return list(self._kept)


@dataclass
class Outfit:
    """An outfit cluster, with the few members that a contact sheet could show: (draw, id), lowest first."""

    character: str
    artist: str
    size: int = 0
    rated: list[tuple[int, str]] = field(default_factory=list)
    unrated: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class Survey:
    """What the light columns say of a dataset."""

    lengths: Counter[int] = field(default_factory=Counter)
    """Length of `similar` -> rows."""
    characters: Counter[str] = field(default_factory=Counter)
    artists: set[str] = field(default_factory=set)
    cloths: Counter[str] = field(default_factory=Counter)
    """Cloth tag -> rows that carry it."""
    ratings: Counter[str] = field(default_factory=Counter)
    outfits: dict[str, Outfit] = field(default_factory=dict)
    pairs: Pairs = field(default_factory=Pairs)

    @property
    def rated(self) -> bool:
        """True when the source rates its pictures at all."""
        return any(rating != Rating.UNKNOWN for rating in self.ratings)

    def may_show(self, rating: str) -> bool:
        """Pictures rated above sensitive are never shown; unrated ones only where nothing is rated."""
        return rating in SHOWN or (rating == Rating.UNKNOWN and not self.rated)

    @property
    def for_all_audiences(self) -> bool:
        """False when a row is questionable or explicit, or has no rating though the source gives them."""
        return not any(rating in HIDDEN or (rating == Rating.UNKNOWN and self.rated) for rating in self.ratings)


def survey(data: shards.Data) -> Survey:
    """Reads every row once, without pixels. Memory grows with the outfits, not with the pictures."""
    seen = Survey()
    for _, row in shards.rows(data, _COLUMNS):
        similar = row["similar"] or []
        seen.lengths[len(similar)] += 1
        seen.characters[row["character"]] += 1
        seen.artists.add(row["artists"])
        seen.cloths.update(set(row["cloths"] or []))
        seen.ratings[row["rating"]] += 1
        for other in similar:
            seen.pairs.add(row["id"], other)
        _remember(seen.outfits, row)
    return seen


def _remember(outfits: dict[str, Outfit], row: dict[str, Any]) -> None:
    outfit = outfits.setdefault(row["outfit"], Outfit(row["character"], row["artists"]))
    outfit.size += 1
    if row["rating"] in HIDDEN or row["width"] * row["height"] > MAX_PIXELS:
        return
    members = outfit.rated if row["rating"] in SHOWN else outfit.unrated
    members.append((draw(row["id"]), row["id"]))
    members.sort()
    del members[MEMBERS:]


def length_bars(lengths: Counter[int]) -> list[tuple[str, int]]:
    """(name, rows) of each bar: 1 .. 14 and "≥15", with a bar for 0 only where such rows exist."""
    bars = [(str(n), lengths[n]) for n in range(0 if lengths[0] else 1, LAST_BAR)]
    return [*bars, (f"≥{LAST_BAR}", sum(rows for n, rows in lengths.items() if n >= LAST_BAR))]


def top(counts: Counter[str], size: int) -> list[tuple[str, int]]:
    """The most frequent names; ties by name, so that the order of the rows does not show."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:size]
