"""Error bars: bootstrap intervals of means, paired tests, and spread over repeats.

Pictures of one subject resemble each other, so the subject is what is drawn anew first, then pictures within it: a
table speaks of subjects that are not in it. In simulations such intervals held the truth in 96 % of tables of 30
subjects, 92 % of 10, 88 % of 5 and 78 % of 3: few subjects are few. Where there is one subject only, its pictures are
drawn, and the interval speaks of that subject alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trainers.metrics.checks import Floats, same_length, values

ROUNDS = 2_000
"""Of the bootstrap, and flips of signs where not all are tried."""


class Mean(NamedTuple):
    """A mean and the ends of its 95 % interval, in the values' unit."""

    mean: float
    low: float
    high: float


class Paired(NamedTuple):
    """How far two methods are apart on the same pictures."""

    difference: float
    """mean of a minus b"""
    low: float
    high: float
    """ends of its 95 % interval"""
    p: float
    """how often chance alone would give as large a difference, above 0 .. 1, two-sided"""
    pairs: int


class Repeats(NamedTuple):
    """Over runs of one protocol with other seeds."""

    mean: float
    std: float
    """of a sample (n - 1); nan for one run, which has none"""
    runs: int


def mean(given: npt.ArrayLike, clusters: Sequence[object] | None = None, seed: int = 0) -> Mean:
    """Mean of N values, one a picture, and 95 % of a percentile bootstrap over clusters (subjects, N labels; without
    them each picture is its own) and values within. It follows from values, labels and seed alone. UsageError for no
    values, those that are not finite and labels that do not pair up."""
    found = values("values", given)
    drawn = _bootstrap(found, _numbers(found, clusters), seed)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Mean(float(found.mean()), float(low), float(high))


def paired(one: npt.ArrayLike, other: npt.ArrayLike, clusters: Sequence[object] | None = None,
           seed: int = 0) -> Paired:
    """Two methods on the same N prompts and seeds, paired by place: `mean` of the differences, and p of a test that
    flips the signs of whole clusters (all ways of doing so up to 10 clusters, else `ROUNDS` drawn ones). Of k clusters
    p is at least 2^(1-k): two subjects prove nothing. One cluster alone is tested by its pictures. UsageError as
    `mean`, and where both do not pair up."""
    same_length(first=np.asarray(one), second=np.asarray(other))
    apart = values("first", one) - values("second", other)
    found = mean(apart, clusters, seed)
    sums = np.bincount(_numbers(apart, clusters), apart).astype(np.float64)
    return Paired(*found, _flips(sums, seed), len(apart))


def repeats(means: npt.ArrayLike) -> Repeats:
    """Mean and standard deviation of the means of runs. UsageError for none, or one that is not finite."""
    found = values("repeats", means)
    return Repeats(float(found.mean()), float(found.std(ddof=1)) if len(found) > 1 else float("nan"), len(found))


def _numbers(found: Floats, clusters: Sequence[object] | None) -> npt.NDArray[np.int64]:
    """0 .. k-1 for each value, by the place where its label stands first; of one label alone each is its own."""
    if clusters is None:
        return np.arange(len(found))
    same_length(values=found, clusters=clusters)
    order = {label: at for at, label in enumerate(dict.fromkeys(clusters))}
    return np.array([order[label] for label in clusters], np.int64) if len(order) > 1 else np.arange(len(found))


def _bootstrap(found: Floats, numbers: npt.NDArray[np.int64], seed: int) -> Floats:
    """Means of `ROUNDS` samples: as many clusters drawn with replacement, as many values within each."""
    ordered = found[np.argsort(numbers, kind="stable")]
    sizes = np.bincount(numbers)
    starts = np.cumsum(sizes) - sizes
    chance = np.random.default_rng(seed)
    total, count = np.zeros(ROUNDS), np.zeros(ROUNDS)
    for _ in sizes:
        drawn = chance.integers(len(sizes), size=ROUNDS)
        size = sizes[drawn][:, None]
        places = (chance.random((ROUNDS, sizes.max())) * size).astype(np.int64)
        kept = np.arange(sizes.max()) < size
        total += np.where(kept, ordered[starts[drawn][:, None] + places], 0).sum(1)
        count += size[:, 0]
    return total / count


def _flips(sums: Floats, seed: int) -> float:
    """p of sums by cluster: the share of flips of signs that are as far from 0. The sums as they are count as one."""
    many = len(sums)
    if many <= 10:
        signs = 1 - 2 * (np.arange(2**many)[:, None] >> np.arange(many) & 1)
    else:
        drawn = np.random.default_rng(seed).integers(0, 2, (ROUNDS, many)) * 2 - 1
        signs = np.vstack([np.ones((1, many), np.int64), drawn])
    # Equal sums in another order are equal but for rounding.
    far = np.abs(signs @ sums) >= abs(sums.sum()) - 1e-9 * np.abs(sums).sum()
    return float(far.mean())
