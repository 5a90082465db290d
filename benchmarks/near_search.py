"""How fast near copies are found among the hashes of a pool, and how many of those that were planted.

    python -m benchmarks.near_search [--rows N] [--copies N] [--flood] [--all]

Random hashes and thumbnails. A copy has its original's hashes with 0 to 10 bits changed, as many of each, and its
thumbnail with every grey level changed by one; one of five is mirrored. `--flood` makes a tenth of the rows copies of
one picture besides, of up to five bits, most with hashes of their own. `builders.copies` tells who leaves; with
`--all`, `builders.near`, which seeks every pair, does the same work in another process.
"""

from __future__ import annotations

import argparse
import time
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from annotators.hashes import THUMB_SIDE
from benchmarks.grouping import Timed, measure
from builders.copies import copies
from builders.near import near_copies

MOST = 10
"""Bits in which a planted copy differs at most: the limit of a build."""
_FLOOD_BITS = 5

Words = npt.NDArray[np.uint64]
Whole = npt.NDArray[np.int64]


class Planted(NamedTuple):
    phash: list[str]
    phash_mirror: list[str]
    thumb: list[bytes]
    original: Whole
    copy: Whole
    """Rows: copy[k] shows what original[k] shows."""
    bits: Whole
    """In how many bits their hashes differ."""


def plant(rows: int, count: int, flood: bool, seed: int = 0) -> Planted:
    """Hashes of so many rows, of which `count` are copies of others."""
    chance = np.random.default_rng(seed)
    straight, mirrored = (chance.integers(0, 1 << 64, rows, dtype=np.uint64) for _ in range(2))
    thumbs = chance.integers(0, 256, (rows, THUMB_SIDE, THUMB_SIDE), dtype=np.uint8)
    order = chance.permutation(rows)
    original, copy, crowd = order[:count], order[count:2 * count], order[2 * count:2 * count + rows // 10]
    bits, turned = np.arange(count) % (MOST + 1), np.arange(count) % 5 == 4
    straight[copy] = np.where(turned, mirrored[original], straight[original]) ^ _changes(bits, chance)
    mirrored[copy] = np.where(turned, straight[original], mirrored[original]) ^ _changes(bits, chance)
    seen = np.where(turned[:, None, None], thumbs[original][:, :, ::-1], thumbs[original])
    thumbs[copy] = seen ^ 1
    if flood:
        some = chance.integers(0, _FLOOD_BITS + 1, len(crowd))
        straight[crowd] = straight[crowd[0]] ^ _changes(some, chance)
        mirrored[crowd] = mirrored[crowd[0]] ^ _changes(some, chance)
        thumbs[crowd] = thumbs[crowd[0]] ^ chance.integers(0, 4, (len(crowd), 1, 1), dtype=np.uint8)
    return Planted([f"{word:016x}" for word in straight.tolist()], [f"{word:016x}" for word in mirrored.tolist()],
                   [thumb.tobytes() for thumb in thumbs], original, copy, bits)


def _changes(bits: Whole, chance: np.random.Generator) -> Words:
    """For each number a word with so many bits set."""
    places = np.argsort(chance.random((len(bits), 64)), axis=1).astype(np.uint64)
    marked = np.arange(64) < bits[:, None]
    return np.bitwise_or.reduce(np.where(marked, np.uint64(1) << places, np.uint64(0)), axis=1)


def ours(rows: int, count: int, flood: bool) -> Timed:
    """Who leaves; the last figure is how many of the planted copies were found out."""
    planted = plant(rows, count, flood)
    began = time.perf_counter(), time.process_time()
    left = copies(planted.phash, planted.phash_mirror, planted.thumb, [False] * rows, [1] * rows)
    took = time.perf_counter() - began[0], time.process_time() - began[1]
    return *took, int(found(planted, left).sum())


def found(planted: Planted, left: dict[int, tuple[int, int]]) -> npt.NDArray[np.bool_]:
    """For each planted copy whether one of it and its original left for the other. Nothing else is like them."""
    pairs = np.stack([planted.original, planted.copy], axis=1)
    return np.asarray([left.get(max(pair), (-1,))[0] == min(pair) for pair in pairs.tolist()])


def every_pair(rows: int, count: int, flood: bool) -> Timed:
    """`builders.near` on the same rows."""
    planted = plant(rows, count, flood)
    began = time.perf_counter(), time.process_time()
    pairs = near_copies(planted.phash, planted.phash_mirror, planted.thumb, [""] * rows, [""] * rows)
    took = time.perf_counter() - began[0], time.process_time() - began[1]
    return *took, int(found(planted, {j: (i, bits) for i, j, bits in pairs}).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--copies", type=int, default=50_000, metavar="N")
    parser.add_argument("--flood", action="store_true")
    parser.add_argument("--all", action="store_true")
    asked = parser.parse_args()
    print(f"| {asked.rows:,} hashes | s | CPU s | peak MB | planted copies found |\n|---|---:|---:|---:|---:|")
    for name, contender in (("who leaves", ours), ("every pair", every_pair))[:1 + asked.all]:
        (wall, cpu, seen), peak = measure(contender, asked.rows, asked.copies, asked.flood)
        print(f"| {name} | {wall:.1f} | {cpu:.1f} | {peak:,.0f} | {seen / asked.copies:.4f} |", flush=True)


if __name__ == "__main__":
    main()
