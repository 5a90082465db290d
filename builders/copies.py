"""Which pictures of a pool stay when near copies leave: of each crowd of copies one, a seed if there is one.

Candidates come from shuffles as in `builders.near`, but of fewer: one picture that stays is enough for a copy to leave.
Only neighbours are compared, so no crowd costs more than its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from builders.near import USUAL, Buckets, NearOptions, Pairs, Shapes, Whole, cross, distinct, twins

_STEPS = (1, 3, 12, 32, 48)
"""Shuffles before what was found leaves the search, so that it crowds nobody out. Among a million pictures 0.985 of
those meet in one of these whose hashes differ in 10 bits, 0.998 with 9 bits, nearly all with fewer."""
_CROWD = 64
"""Pictures that one is compared with before it leaves the search."""
_FEW = 4
"""Pictures compared of those that share a hash."""


class Copy(NamedTuple):
    """Why a picture leaves."""

    of: int
    """Row of the picture that stays."""
    distance: int
    """Bits, of 64, in which their hashes differ, mirrored if that is closer."""


def copies(phash: Sequence[str], phash_mirror: Sequence[str], thumb: Sequence[bytes], seed: Sequence[bool],
           pixels: Sequence[int], options: NearOptions = USUAL) -> dict[int, Copy]:
    """The rows that leave, each a near copy of one that stays. Rows are in id order.

    Seeds come first, then pictures with more pixels, then lower ids: a row stays unless it is near one before it
    that stays. Hashes and thumbnails are those of `annotators.hashes`; of `options` the limits of tied pictures mean
    nothing here.
    """
    order = np.lexsort((-np.asarray(pixels, dtype=np.int64), ~np.asarray(seed, dtype=bool)))
    rows = order.tolist()
    phash, phash_mirror = [phash[row] for row in rows], [phash_mirror[row] for row in rows]
    thumb = [thumb[row] for row in rows]
    first = np.asarray(twins(phash, thumb), dtype=np.int64)
    shapes = Shapes.of(phash, phash_mirror, thumb)
    kept = _search(shapes, np.flatnonzero(first == np.arange(len(first))), options)
    kept = np.where(kept[first] < 0, first, kept[first])  # twins leave for the first of them, or for what it leaves for
    left = np.flatnonzero(kept != np.arange(len(kept)))
    bits = shapes.apart(np.stack([kept[left], left], axis=1), options.distance, options.likeness)
    return {rows[place]: Copy(rows[stays], apart) for place, stays, apart in
            zip(left.tolist(), kept[left].tolist(), bits.tolist(), strict=True)}


def _search(shapes: Shapes, some: Whole, options: NearOptions) -> Whole:
    """For each place the one for which it leaves, lower and staying, or -1. Only near copies among `some` are sought.

    Not all pairs meet before one of them leaves. So those that stay of all that were near another are searched again,
    until nobody leaves.
    """
    left = np.full(len(shapes.straight), -1, dtype=np.int64)
    while len(some):
        looks, met = np.zeros_like(left), np.zeros(len(left), dtype=bool)
        for start, end in pairwise(accumulate(_STEPS, initial=0)):
            pairs = _candidates(shapes, some, range(start, end), options.distance)
            looks += np.bincount(pairs[:, 1], minlength=len(looks))
            close = pairs[_near(shapes, pairs, options)]
            _leave(close, left)
            met[close] = True
            back = _follow(shapes, left, options)
            met[back] = True
            searched = np.zeros_like(met)
            searched[some[looks[some] <= _CROWD]] = True
            searched[back] = True
            some = np.flatnonzero(searched & (left < 0))
        some = np.flatnonzero(met & (left < 0))
    return left


def _near(shapes: Shapes, pairs: Pairs, options: NearOptions) -> npt.NDArray[np.bool_]:
    return np.asarray(shapes.apart(pairs, options.distance, options.likeness) <= options.distance)


def _leave(close: Pairs, left: Whole) -> None:
    """Of each pair of near copies that both stay yet, the higher place leaves. The pairs are sorted, so that what makes
    the lower one leave is seen before it makes another leave."""
    gone = dict[int, int]()
    for stays, leaves in close.tolist():
        if stays not in gone:
            gone.setdefault(leaves, stays)
    left[list(gone)] = list(gone.values())


def _follow(shapes: Shapes, left: Whole, options: NearOptions) -> Whole:
    """Places that left for one that now leaves, too: they leave for the same, if they are near it. If not they come
    back, and are returned."""
    back = [np.empty(0, dtype=np.int64)]
    while len(lost := np.flatnonzero((left >= 0) & (left[left] >= 0))):
        left[lost] = left[left[lost]]
        far = lost[~_near(shapes, np.stack([left[lost], lost], axis=1), options)]
        left[far] = -1
        back.append(far)
    return np.concatenate(back)


def _candidates(shapes: Shapes, some: Whole, shuffles: range, distance: int) -> Pairs:
    """Pairs of places whose hashes, straight or mirrored, are equal or met in a shuffle; each once, lower first."""
    held = Buckets.of(shapes, some)
    few, shared = np.minimum(held.counts, _FEW), np.flatnonzero(held.counts > 1)
    met = held.meet(shuffles, distance).T
    pairs = np.concatenate([cross(held.order, held.starts[shared], few[shared],
                                  held.order, held.starts[shared], held.counts[shared]),
                            cross(held.order, held.starts[met[0]], few[met[0]],
                                  held.order, held.starts[met[1]], few[met[1]])])
    pairs = np.sort(pairs, axis=1)
    return distinct(pairs[pairs[:, 0] != pairs[:, 1]], len(shapes.straight))
