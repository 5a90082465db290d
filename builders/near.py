"""Near copies: pairs of pictures of which one is an edit of the other.

A reference that is an edit of the target leaks just what a method must not see, so such pairs are found over
the whole dataset, also between identities. Candidates share most bits of a perceptual hash, straight or in a
mirror; the 16 x 16 thumbnails confirm them. Pictures tied by their posts (one post, parent and child, children
of one parent) are compared whatever their hashes, against looser limits.

Candidates come from sorting: two hashes that differ in few bits, shuffled alike, often begin alike, and stand close
by when all are in order. Another shuffle gives another chance.

Nothing here grows with the square of the rows. Equal pictures are twins: only the first of them is compared
with the rest, and the others are tied to it. Crowds (nearly blank pictures, a parent of thousands) are
compared with some of their members only, always the same ones.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from math import prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from annotators.hashes import THUMB_SIDE
from builders import components

Near = tuple[int, int, int]
"""Rows i < j and how many of the 64 bits of their hashes differ, mirrored if that is closer."""

Words = npt.NDArray[np.uint64]
"""Hashes as numbers, first bit highest."""
Whole = npt.NDArray[np.int64]
"""Row numbers and counts of them."""
Pairs = npt.NDArray[np.int64]
"""M x 2 row numbers."""

_STEPS = (1, 3, 12, 32, 96)
"""Shuffles after which what has met a crowd leaves the search. Among 600,000 pictures 0.9988 of those meet whose hashes
differ in 10 bits, nearly all with fewer."""
_NEXT = 4
"""Hashes that each is compared with in a shuffle: those that follow it."""
_FEW = 16  # pictures looked at of those that share a hash that is only close
# Grey levels. Keeps the noise of a flat picture from deciding, as the constants do in SSIM.
_FLOOR = 4.0
_CHUNK = 1 << 16
_PART = 1 << 15  # hashes that stay in a core's cache
_THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class NearOptions:
    """How alike is a copy. The defaults were tuned on planted edits, see tests/builders/test_near.py."""

    distance: int = 10
    """Most bits (of 64) in which the hashes of a near copy may differ; the more there are, the more are missed."""
    likeness: float = 0.9
    """Least correlation of the thumbnails, -1..1."""
    family_distance: int = 20
    """The same for pictures tied by their posts."""
    family_likeness: float = 0.7
    """The same for pictures tied by their posts."""
    limit: int = 256
    """How many other pictures make a crowd: with so many that follow it one is compared because of one hash, one family
    or one crowd of near copies."""


USUAL = NearOptions()


def twins(phash: Sequence[str], thumb: Sequence[bytes]) -> list[int]:
    """For each row the first row whose hash and thumbnail equal its own; that is itself for most."""
    _, place, often = np.unique(_words(phash), return_inverse=True, return_counts=True)
    found, first = list(range(len(phash))), dict[tuple[str, bytes], int]()
    for row in np.flatnonzero(often[place] > 1).tolist():
        found[row] = first.setdefault((phash[row], thumb[row]), row)
    return found


def near_copies(phash: Sequence[str], phash_mirror: Sequence[str], thumb: Sequence[bytes],
                post_id: Sequence[str], parent_id: Sequence[str],
                options: NearOptions = USUAL) -> list[Near]:
    """All near copies among rows in id order, sorted: (i, j, distance) with i < j.

    Hashes are 16 hex digits, thumbnails 256 grey levels, ids "" where unknown. Of n twins only the n - 1 pairs
    with the first are listed, and a near copy of twins is listed for the first alone: ask `twins` for the rest.
    """
    first = twins(phash, thumb)
    shapes = Shapes.of(phash, phash_mirror, thumb)
    different = np.flatnonzero(np.asarray(first, dtype=np.int64) == np.arange(len(first)))
    found = {(twin, row): 0 for row, twin in enumerate(first) if row != twin}
    close = shapes.confirm(_close(shapes, different, options), options.distance, options.likeness)
    crowded = _crowded(list(close), len(first), options.limit)
    found |= close | shapes.confirm(crowded, options.distance, options.likeness)
    ties = _families(post_id, parent_id, options.limit)
    for pair, distance in shapes.confirm(ties, options.family_distance, options.family_likeness).items():
        found.setdefault(pair, distance)
    return sorted((i, j, distance) for (i, j), distance in found.items())


def _words(digits: Sequence[str]) -> Words:
    return np.frombuffer(bytes.fromhex("".join(digits)), dtype=">u8").astype(np.uint64)


class Shapes:
    """Hashes and thumbnails of all rows, compared pair by pair."""

    def __init__(self, straight: Words, mirrored: Words, thumbs: npt.NDArray[np.uint8]) -> None:
        self.straight, self.mirrored = straight, mirrored
        self.thumbs = thumbs.reshape(len(straight), THUMB_SIDE, THUMB_SIDE)

    @classmethod
    def of(cls, phash: Sequence[str], phash_mirror: Sequence[str], thumb: Sequence[bytes]) -> Shapes:
        """Those that `annotators.hashes` gives: 16 hex digits, 16 of the mirrored picture, 256 grey levels."""
        return cls(_words(phash), _words(phash_mirror), np.frombuffer(b"".join(thumb), np.uint8))

    def confirm(self, pairs: Pairs, distance: int, likeness: float) -> dict[tuple[int, int], int]:
        """The pairs within both limits, straight or mirrored, with their hash distance."""
        bits = self.apart(pairs, distance, likeness)
        close = bits <= distance
        return {(i, j): apart for (i, j), apart in zip(pairs[close].tolist(), bits[close].tolist(), strict=True)}

    def apart(self, pairs: Pairs, distance: int, likeness: float) -> npt.NDArray[np.uint8]:
        """For each pair in how many bits the hashes differ, straight or mirrored; 255 if they differ in more than
        `distance`, or the thumbnails are less alike than `likeness`."""
        found = np.full(len(pairs), 255, dtype=np.uint8)
        for start in range(0, len(pairs), _CHUNK):
            left, right = pairs[start:start + _CHUNK].T
            mine, theirs = self.thumbs[left], self.thumbs[right]
            straight = np.bitwise_count(self.straight[left] ^ self.straight[right])
            mirrored = np.minimum(np.bitwise_count(self.mirrored[left] ^ self.straight[right]),
                                  np.bitwise_count(self.straight[left] ^ self.mirrored[right]))
            for apart, seen in ((straight, mine), (mirrored, mine[:, :, ::-1])):
                close = np.flatnonzero(apart <= distance)
                unlike = correlation(seen[close], theirs[close]) < likeness
                apart[apart > distance] = 255
                apart[close[unlike]] = 255
            found[start:start + _CHUNK] = np.minimum(straight, mirrored)
        return found


def correlation(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """How alike are pairs of thumbnails, M x 16 x 16 each: -1..1, 1 for equal up to brightness and contrast."""
    a, b = (grey.reshape(len(grey), prod(grey.shape[1:])).astype(np.int32) for grey in (first, second))
    size = a.shape[1]

    def spread(x: npt.NDArray[np.int32], y: npt.NDArray[np.int32]) -> Whole:
        # Whole numbers, so that no order of adding can change a result; 256 * 255^2 fits 32 bits.
        return np.asarray(size * np.einsum("ij,ij->i", x, y).astype(np.int64)
                          - x.sum(1, dtype=np.int64) * y.sum(1, dtype=np.int64))

    floor = (size * _FLOOR) ** 2
    return np.asarray((spread(a, b) + floor) / np.sqrt((spread(a, a) + floor) * (spread(b, b) + floor)))


def _close(shapes: Shapes, rows: Whole, options: NearOptions) -> Pairs:
    """Pairs of rows whose hashes may be within the distance, each once, lower first."""
    pairs = np.empty((0, 2), dtype=np.int64)
    for start, end in pairwise(accumulate(_STEPS, initial=0)):
        held = Buckets.of(shapes, rows)
        left, right = held.meet(range(start, end), options.distance).T
        found = np.concatenate([_window(held.order, held.counts, options.limit),
                                cross(held.order, held.starts[left], np.minimum(held.counts[left], _FEW),
                                      held.order, held.starts[right], np.minimum(held.counts[right], _FEW))])
        found = np.sort(found[found[:, 0] != found[:, 1]], axis=1)
        pairs = distinct(np.concatenate([pairs, found]), len(shapes.straight))
        rows = rows[np.bincount(pairs.ravel(), minlength=len(shapes.straight))[rows] < options.limit]
    return pairs


def _crowded(close: Sequence[tuple[int, int]], size: int, limit: int) -> Pairs:
    """Pairs of rows that near copies tie, each with as many that follow, as others of a crowd may part two in every
    shuffle."""
    part = components.roots(np.asarray(close, dtype=np.int64).reshape(-1, 2), size)
    return _window(np.argsort(part, kind="stable"), np.bincount(part), limit)


def distinct(pairs: Pairs, size: int) -> Pairs:
    """Each pair once, sorted: as one number a pair, which sorts far faster than `numpy.unique` of rows."""
    codes = np.sort(pairs[:, 0] * size + pairs[:, 1])
    return np.stack(np.divmod(codes[np.diff(codes, prepend=-1) > 0], size), axis=1)


class Buckets(NamedTuple):
    """The distinct hashes of some places, straight and mirrored, in order, and the places that hold each:
    order[start:start + count]."""

    hashes: Words
    order: Whole
    starts: Whole
    counts: Whole

    @classmethod
    def of(cls, shapes: Shapes, some: Whole) -> Buckets:
        """Those of the places `some`."""
        said = np.concatenate([shapes.straight[some], shapes.mirrored[some]])
        order = np.argsort(said, kind="stable")
        said = said[order]
        starts = np.flatnonzero(np.diff(said, prepend=~said[:1]))
        return cls(said[starts], np.tile(some, 2)[order], starts, np.diff(starts, append=len(said)))

    def meet(self, shuffles: range, distance: int) -> Pairs:
        """Positions of the hashes that stand close by in one of the shuffles and differ in `distance` bits at most,
        each pair once, lower first."""
        with ThreadPoolExecutor(_THREADS) as threads:
            found = threads.map(lambda number: _neighbours(self.hashes, _swaps(number), distance), shuffles)
            return distinct(np.sort(np.concatenate(list(found)), axis=1), len(self.hashes))


def _neighbours(hashes: Words, swaps: Sequence[tuple[int, int]], distance: int) -> Pairs:
    order = np.sort(_shuffled(hashes, swaps))
    found = [np.empty((2, 0), dtype=np.uint64)]
    for start in range(0, len(order), _PART):
        mine = order[start:start + _PART]
        for step in range(1, _NEXT + 1):
            theirs = order[start + step:start + step + _PART]
            close = np.bitwise_count(mine[:len(theirs)] ^ theirs) <= distance
            if close.any():  # seldom
                found.append(np.stack([mine[:len(theirs)][close], theirs[close]]))
    pairs = np.searchsorted(hashes, _shuffled(np.concatenate(found, axis=1).ravel(), swaps[::-1]))
    return pairs.reshape(2, -1).T


def _swaps(number: int) -> list[tuple[int, int]]:
    """Shuffle `number`: bits that the mask marks change places with those so much higher. Half of all do each time,
    so that every place of the high quarter can hold any of four bits."""
    chance = random.Random(number)
    return [(32, chance.getrandbits(32)), (16, chance.getrandbits(64) & 0x0000FFFF0000FFFF),
            (8, chance.getrandbits(64) & 0x00FF00FF00FF00FF)]


def _shuffled(hashes: Words, swaps: Sequence[tuple[int, int]]) -> Words:
    """The hashes with their bits swapped. The same swaps the other way round undo it."""
    out = hashes.copy()
    for start in range(0, len(out), _PART):
        part = out[start:start + _PART]
        for by, mask in swaps:
            moved = ((part >> np.uint64(by)) ^ part) & np.uint64(mask)
            part ^= moved
            part ^= moved << np.uint64(by)
    return out


def cross(left: Whole, left_start: Whole, left_count: Whole, right: Whole, right_start: Whole,
           right_count: Whole) -> Pairs:
    """Every member of slice k of `left` with every member of slice k of `right`, for all k."""
    which, within = members(np.zeros_like(left_count), left_count * right_count)
    return np.stack([left[left_start[which] + within // right_count[which]],
                     right[right_start[which] + within % right_count[which]]], axis=1)


def members(starts: Whole, counts: Whole) -> tuple[Whole, Whole]:
    """All start, start + 1 ... start + count - 1 of the slices, in a row, and the slice that each is of."""
    which = np.repeat(np.arange(len(counts)), counts)
    return which, np.arange(len(which)) + (starts - np.cumsum(counts) + counts)[which]


def _window(order: Whole, counts: Whole, limit: int) -> Pairs:
    """Each member of slices that lie end to end in `order` with those that follow it in its slice, `limit` at most: a
    parent of thousands costs no thousands squared."""
    place = np.arange(len(order))
    which, following = members(place + 1, np.minimum(np.repeat(np.cumsum(counts), counts) - place - 1, limit))
    return np.stack([order[which], order[following]], axis=1)


def _families(post_id: Sequence[str], parent_id: Sequence[str], limit: int) -> Pairs:
    """Pairs of rows that share a post, or are parent and child, or children of one parent; each once, sorted."""
    named = [*chain.from_iterable(zip(post_id, parent_id, strict=True))]  # of each row its own, then its parent's
    family = pa.array(named, pa.string()).dictionary_encode().indices.to_numpy().astype(np.int64).reshape(-1, 2)
    ties = np.asarray([*map(bool, named)], dtype=bool).reshape(-1, 2)
    ties[:, 1] &= family[:, 0] != family[:, 1]
    rows, family = np.nonzero(ties)[0], family[ties]
    return distinct(_window(rows[np.argsort(family, kind="stable")], np.bincount(family), limit), len(post_id))


def adjacency(pairs: Iterable[Near]) -> dict[int, set[int]]:
    """Neighbours by row, both ways."""
    near: dict[int, set[int]] = {}
    for i, j, _ in pairs:
        near.setdefault(i, set()).add(j)
        near.setdefault(j, set()).add(i)
    return near
