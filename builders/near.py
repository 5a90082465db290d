"""Near copies: pairs of pictures of which one is an edit of the other.

A reference that is an edit of the target leaks just what a method must not see, so such pairs are found over
the whole dataset, also between identities. Candidates share most bits of a perceptual hash, straight or in a
mirror; the 16 x 16 thumbnails confirm them. Pictures tied by their posts (one post, parent and child, children
of one parent) are compared whatever their hashes, against looser limits.

Nothing here grows with the square of the rows. Equal pictures are twins: only the first of them is compared
with the rest, and the others are tied to it. Crowds (nearly blank pictures, a parent of thousands) are
compared with some of their members only, always the same ones.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, combinations
from math import prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from annotators.hashes import THUMB_SIDE

Near = tuple[int, int, int]
"""Rows i < j and how many of the 64 bits of their hashes differ, mirrored if that is closer."""

Words = npt.NDArray[np.uint64]
"""Hashes as numbers, first bit highest."""
Whole = npt.NDArray[np.int64]
"""Row numbers and counts of them."""
Pairs = npt.NDArray[np.int64]
"""M x 2 row numbers."""

_BANDS, _BAND_BITS = 4, 16
# Members looked at of the pictures that share a band, and of those that share a hash that is only close.
_CROWD, _FEW = 128, 16
# Grey levels. Keeps the noise of a flat picture from deciding, as the constants do in SSIM.
_FLOOR = 4.0
_CHUNK = 1 << 16
# Hashes of a block, and blocks that a thread asks about at a time: few enough for its core's cache.
_BLOCK, _PART = 4, 1 << 13
_THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class NearOptions:
    """How alike is a copy. The defaults were tuned on planted edits, see tests/builders/test_near.py."""

    distance: int = 10
    """Most bits (of 64) in which the hashes of a near copy may differ; beyond 11 some would be missed."""
    likeness: float = 0.9
    """Least correlation of the thumbnails, -1..1."""
    family_distance: int = 20
    """The same for pictures tied by their posts."""
    family_likeness: float = 0.7
    """The same for pictures tied by their posts."""
    limit: int = 64
    """Most other pictures that one is compared with because of one hash or one family."""


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
    candidates = different[_close(shapes, different, options)]
    found |= shapes.confirm(candidates, options.distance, options.likeness)
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
    """Pairs of positions in `rows` whose hashes may be within the distance, each once, lower position first."""
    if not len(rows):
        return np.empty((0, 2), dtype=np.int64)
    straight, mirrored = _buckets(shapes.straight[rows]), _buckets(shapes.mirrored[rows])
    found = [_window(straight.order, straight.counts, options.limit)]
    for asked in (straight, mirrored):
        left, right = _join(straight.hashes, asked.hashes, options)
        if asked is straight:
            left, right = left[left != right], right[left != right]
        found.append(cross(asked.order, asked.starts[left], np.minimum(asked.counts[left], _FEW),
                            straight.order, straight.starts[right], np.minimum(straight.counts[right], _FEW)))
    pairs = np.sort(np.concatenate(found), axis=1)
    return distinct(pairs[pairs[:, 0] != pairs[:, 1]], len(rows))


def distinct(pairs: Pairs, size: int) -> Pairs:
    """Each pair once, sorted: as one number a pair, which sorts far faster than `numpy.unique` of rows."""
    codes = np.sort(pairs[:, 0] * size + pairs[:, 1])
    return np.stack(np.divmod(codes[np.diff(codes, prepend=-1) > 0], size), axis=1)


class _Buckets(NamedTuple):
    """Hashes, and the positions of those in each bucket: order[start:start + count]."""

    hashes: Words
    order: Whole
    starts: Whole
    counts: Whole


def _buckets(hashes: Words) -> _Buckets:
    distinct, place = np.unique(hashes, return_inverse=True)
    counts = np.bincount(place, minlength=len(distinct))
    return _Buckets(distinct, np.argsort(place, kind="stable"), np.cumsum(counts) - counts, counts)


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


def _join(hashes: Words, asked: Words, options: NearOptions) -> tuple[Whole, Whole]:
    """Positions in `asked` and in `hashes` (distinct) of hashes within the distance, each pair once.

    Of two hashes that differ in few bits, one of the four bands differs in a quarter of them at most, so each band is
    looked up exactly, with every such change; and were that quarter reached in all bands, there would be bits to spare,
    so some bands need fewer changes. Of a band shared by a crowd, as those of nearly blank pictures are, only the first
    are seen; what comes near a crowd makes all changes in all bands, lest a pair be seen in none.
    """
    bands = list(zip(_bands(asked), _bands(hashes), strict=True))
    enough = [(options.distance + 1 - _BANDS + band) // _BANDS for band in range(_BANDS)]
    crowded = np.logical_or.reduce([_by_a_crowd(theirs, changes)[mine]
                                    for (mine, theirs), changes in zip(bands, enough, strict=True)])
    found = [np.empty((0, 2), dtype=np.int64)]
    for (mine, theirs), changes in zip(bands, enough, strict=True):
        held = _blocks(hashes, theirs, np.arange(len(hashes)))
        asking = held if asked is hashes else _blocks(asked, mine, np.arange(len(asked)))
        found += _search(asking, held, _flips(0, changes), options.distance)
        found += _search(_blocks(asked, mine, np.flatnonzero(crowded)), held,
                         _flips(changes + 1, options.distance // _BANDS), options.distance)
    both = distinct(np.concatenate(found), len(hashes))
    return both[:, 0], both[:, 1]


def _flips(least: int, most: int) -> list[int]:
    """Every change of so many bits of a band."""
    return [sum(1 << bit for bit in bits) for count in range(least, most + 1)
            for bits in combinations(range(_BAND_BITS), count)]


def _by_a_crowd(held: Whole, changes: int) -> npt.NDArray[np.bool_]:
    """For every value of a band whether so many changes lead to one that a crowd shares."""
    crowds = np.flatnonzero(np.bincount(held, minlength=1 << _BAND_BITS) > _CROWD)
    found = np.zeros(1 << _BAND_BITS, dtype=bool)
    found[crowds[:, None] ^ np.asarray(_flips(0, changes), dtype=np.int64)] = True
    return found


class _Blocks(NamedTuple):
    """Hashes in blocks of four that share a band: long runs of numbers, which are compared four by four.

    Those of a band, as far as others see them, are the columns starts[band]:starts[band] + counts[band].
    """

    hashes: Words
    """4 x blocks; a block that is not full repeats its last."""
    who: Whole
    """The positions of the hashes, 4 x blocks."""
    band: Whole
    unseen: npt.NDArray[np.bool_]
    """Blocks in a crowd that nobody sees."""
    starts: Whole
    counts: Whole


def _blocks(hashes: Words, band: Whole, some: Whole) -> _Blocks:
    """The blocks of some positions."""
    order = some[np.argsort(band[some].astype(np.uint16), kind="stable")]
    sizes = np.bincount(band[some], minlength=1 << _BAND_BITS)
    ends, counts = np.cumsum(sizes), -(-sizes // _BLOCK)
    of, within = members(np.zeros_like(counts), counts)
    who = order[np.minimum((ends - sizes)[of] + _BLOCK * within + np.arange(_BLOCK)[:, None], ends[of] - 1)]
    seen = _CROWD // _BLOCK
    return _Blocks(hashes[who], who, of, within >= seen, np.cumsum(counts) - counts, np.minimum(counts, seen))


def _search(asking: _Blocks, held: _Blocks, flips: Sequence[int], distance: int) -> Iterator[Pairs]:
    """Positions asked and held of hashes within the distance whose bands differ by one of the flips."""
    with ThreadPoolExecutor(_THREADS) as pool:
        parts = pool.map(lambda start: list(_ask(asking, start, held, flips, distance)),
                         range(0, len(asking.band), _PART))
        yield from chain.from_iterable(parts)


def _ask(asking: _Blocks, start: int, held: _Blocks, flips: Sequence[int], distance: int) -> Iterator[Pairs]:
    """`_search` for a part of the blocks asked, which stays in the processor's cache."""
    part = slice(start, start + _PART)
    hashes, band, unseen = np.ascontiguousarray(asking.hashes[:, part]), asking.band[part], asking.unseen[part]
    size = _BLOCK * _BLOCK * len(band)
    room = np.empty(size, np.uint64), np.empty(size, np.uint8), np.empty(size, np.bool_)
    for flip in flips:
        counts, first = held.counts[band ^ flip], held.starts[band ^ flip]
        if asking is held:  # of two bands that differ, the one without the lowest such bit asks
            counts *= (band & flip & -flip == 0) | unseen
        for step in range(int(counts.max())):
            mine = np.flatnonzero(counts > step)
            theirs = first[mine] + step
            differ, apart, close = (some[:_BLOCK * _BLOCK * len(mine)].reshape(_BLOCK, _BLOCK, -1) for some in room)
            np.bitwise_xor(hashes.take(mine, axis=1)[:, None], held.hashes.take(theirs, axis=1), out=differ)
            np.less_equal(np.bitwise_count(differ, out=apart), distance, out=close)
            for left, right in np.argwhere(close.any(axis=2)).tolist():  # seldom any
                pair = np.flatnonzero(close[left, right])
                yield np.stack([asking.who[left, start + mine[pair]], held.who[right, theirs[pair]]], axis=1)


def _bands(hashes: Words) -> list[Whole]:
    """The 64 bits as four numbers of 16. Bits are dealt out in turn, so that no band holds only the low
    frequencies, in which most pictures are alike."""
    bits = np.unpackbits(hashes.astype(">u8").view(np.uint8).reshape(-1, 8), axis=1)
    powers = 1 << np.arange(_BAND_BITS)
    return [np.asarray(bits[:, band::_BANDS] @ powers, dtype=np.int64) for band in range(_BANDS)]


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
