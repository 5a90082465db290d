"""COTI's scores (arXiv 2304.05265) as functions of arrays; builder and trainer both call them.

All scores lie on 0..10. The paper's Eq. 8 is a cosine, but Eq. 11 divides by 10 and Eq. 12 by 20/pi, so that a cosine
is taken times ten. Below, W is the pool, X_T the pictures chosen so far (the seeds at first), X_TI the pictures that
the embedding v draws, d the width of the embeddings.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from schemas.draws import draw

Scores = npt.NDArray[np.float32]
"""One number a picture."""
Vectors = npt.NDArray[np.float32] | npt.NDArray[np.float16]
"""Pictures x d, each of unit length; may be mapped from a file."""

Rule = Literal["mean", "min", "max"]
Strategy = Literal["coti", "aesthetic", "concept", "random", "full"]
RULES: tuple[Rule, ...] = get_args(Rule)
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

TOP = 10.0
"""The highest score."""
# Rows that a thread multiplies at a time: 0.8 MB of 768 numbers, which stay in its cache from the cast to the product.
_CHUNK = 256
_THREADS = min(4, os.cpu_count() or 1)


def clipped(scores: npt.ArrayLike) -> Scores:
    """S_aes (Eq. 7) of what an aesthetic model says, or another score: float32, no less than 0 and no more than 10."""
    return np.clip(np.asarray(scores, dtype=np.float32), 0, TOP)


class Concept:
    """S_con of a pool's pictures, which more pictures in X_T change at a cost of their number alone.

    Kept are the sum, the least and the greatest of the cosines to all of X_T: 16 bytes a picture.
    """

    def __init__(self, pool: Vectors) -> None:
        self.pool, self.count = pool, 0
        self._sum = np.zeros(len(pool))
        self._least = np.full(len(pool), np.inf, dtype=np.float32)
        self._greatest = np.full(len(pool), -np.inf, dtype=np.float32)

    def add(self, chosen: Vectors) -> None:
        """Counts B x d more embeddings to X_T: O(B W d), whatever X_T held before."""
        if not len(chosen):
            return
        self.count += len(chosen)
        theirs = np.ascontiguousarray(chosen, dtype=np.float32)
        with ThreadPoolExecutor(_THREADS) as threads:
            # The list waits for all, and hands on what one raised.
            list(threads.map(lambda start: self._add(slice(start, start + _CHUNK), theirs),
                             range(0, len(self.pool), _CHUNK)))

    def _add(self, part: slice, theirs: npt.NDArray[np.float32]) -> None:
        # Not by `@`: BLAS adds in another order with another number of threads, and published scores would differ.
        cosines = np.einsum("wd,bd->wb", self.pool[part].astype(np.float32, copy=False), theirs)
        self._sum[part] += cosines.sum(axis=1, dtype=np.float64)
        np.minimum(self._least[part], cosines.min(axis=1), out=self._least[part])
        np.maximum(self._greatest[part], cosines.max(axis=1), out=self._greatest[part])

    def scores(self, rule: Rule) -> Scores:
        """S_con(x) = 10 RULE over x' in X_T of cosine(E(x), E(x')), clipped to 0..10 (Eq. 8).

        The paper takes the minimum: the worst case, which one odd picture in X_T decides. The mean does not hang on
        one picture, the maximum asks for one good match. ValueError while X_T is empty.
        """
        if not self.count:
            raise ValueError("no picture shows the concept yet")
        cosines: dict[Rule, npt.NDArray[np.floating]] = {
            "mean": self._sum / self.count, "min": self._least, "max": self._greatest}
        return clipped(TOP * cosines[rule])


def gamma(scores: npt.ArrayLike) -> float:
    """How good the embedding is already: gamma(v) = mean over x in X_TI of S(x), 0..10, by S_aes (Eq. 9) or S_con
    (Eq. 10). 0 of no pictures, which makes Eq. 11 a plain sum."""
    found = np.asarray(scores, dtype=np.float64)
    return float(found.mean()) if found.size else 0.0


def integrated(aesthetic: Scores, concept: Scores, gamma_aesthetic: float = 0.0, gamma_concept: float = 0.0) -> Scores:
    """S_int(x) = (1 - gamma_aes / 10) S_aes(x) + (1 - gamma_con / 10) S_con(x), 0..20 (Eq. 11).

    The released code adds both scores as they are: gamma 0.
    """
    return np.asarray((1 - gamma_aesthetic / TOP) * aesthetic + (1 - gamma_concept / TOP) * concept, dtype=np.float32)


def phi(gamma_aesthetic: float, gamma_concept: float) -> float:
    """phi(v) = 10 sin(pi gamma_aes / 20) sin(pi gamma_con / 20), 0..10 (Eq. 12): 10 where both are 10, 0 where one
    is 0."""
    return TOP * math.sin(math.pi / 20 * gamma_aesthetic) * math.sin(math.pi / 20 * gamma_concept)


class Scored(NamedTuple):
    """A pool as selection sees it; its arrays are in the order of the rows."""

    ids: Sequence[str]
    aesthetic: Scores
    concept: Scores
    integrated: Scores


def select(strategy: Strategy, pool: Scored, budget: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """Rows of the `budget` best pictures, best first, of equal ones the first row first; all where there are no more.

    `coti` goes by S_int, `aesthetic` and `concept` by the score alone. `random` is drawn by the hash of seed and id:
    another order of the rows gives the same pictures. `full` is every row, whatever the budget.
    """
    if strategy == "full":
        return np.arange(len(pool.ids))
    if strategy == "random":
        drawn = [draw(str(seed), name) for name in pool.ids]
        return np.argsort(np.asarray(drawn, dtype=np.uint64), kind="stable")[:budget]
    by = {"coti": pool.integrated, "aesthetic": pool.aesthetic, "concept": pool.concept}[strategy]
    return np.argsort(-by, kind="stable")[:budget]
