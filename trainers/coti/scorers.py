"""What S_aes and S_con are in a cycle of COTI: `fixed`, or learnt anew in every cycle as the released code does.

Pictures are seen through the models that the pool's manifest names, so that previews and pool have comparable scores.

fixed: S_aes is what the pool's aesthetic model says; S_con compares with X_T, as it has grown, by Eq. 8.

refresh: S_con is ten times what a small network, begun anew, gives for "target" (`annotators.concept_classifier`),
learnt from X_T and from as many pictures of each kind that show something else. The aesthetic head is set back and
learns from the same pictures: 10 for seeds, 10 - (10 - s) c / N for what was chosen in cycle c of N with the score s,
and what it said before for all others; mean squared error, Adam at 1e-3, batches of 64, 50 epochs. LAION's head is one
linear map of the embedding (`annotators.aesthetics`), so it is enough to learn another that is added to what it said,
from zero; a head of another kind, such as ours, is corrected in the same way. (The code cuts s down to a whole number
for pictures of the pool, and trains five layers with dropout; both are left out.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from annotators import concept_classifier, scores
from annotators.aesthetics import Aesthetics
from annotators.base import Picture
from annotators.embeddings import Embeddings
from annotators.scores import Rule, Scores
from schemas.draws import draw

EPOCHS, BATCH, RATE = 50, 64, 1e-3
"""Of the aesthetic head."""

Vectors = npt.NDArray[np.float32]


class Seen(NamedTuple):
    """Pictures as the pool's models see them."""

    vectors: Vectors
    """N x width, of unit length."""
    looks: Scores
    """N, 0..10: S_aes before any refresh."""

    def some(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Seen:
        """Those at some places."""
        at = np.asarray(rows, np.int64)
        return Seen(self.vectors[at], self.looks[at])


class Eyes(NamedTuple):
    """The models that look."""

    embeddings: Embeddings
    aesthetics: Aesthetics

    def __call__(self, pictures: Sequence[Picture]) -> Seen:
        """What they see in pictures, H x W x 3, uint8."""
        if not pictures:
            return Seen(np.empty((0, self.embeddings.width), np.float32), np.empty(0, np.float32))
        batch = {"image": list(pictures)} | self.embeddings({"image": list(pictures)})
        if self.aesthetics.embeddings is not None:
            batch |= self.aesthetics.embeddings(batch)
        vectors = np.asarray(batch[self.embeddings.features.names[0]], np.float32)
        return Seen(vectors, scores.clipped(self.aesthetics(batch)["aesthetic"]))


class Scorer(NamedTuple):
    """The scores of a cycle, each of N pictures, 0..10."""

    aesthetic: Callable[[Seen], Scores]
    concept: Callable[[Seen], Scores]

    def gammas(self, previews: Seen) -> tuple[float, float]:
        """gamma_aes and gamma_con of the pictures that an embedding draws (Eqs. 9 and 10)."""
        return scores.gamma(self.aesthetic(previews)), scores.gamma(self.concept(previews))


def fixed(chosen: Vectors, rule: Rule) -> Scorer:
    """S_aes as it stands, and S_con by the embeddings of X_T, `chosen`."""

    def concept(seen: Seen) -> Scores:
        found = scores.Concept(seen.vectors)
        found.add(chosen)
        return found.scores(rule)

    return Scorer(lambda seen: scores.clipped(seen.looks), concept)


class Lesson(NamedTuple):
    """What is learnt from in a cycle."""

    positives: Seen
    """X_T."""
    targets: Scores
    """What S_aes should say of each of them."""
    others: Mapping[str, Seen]
    """Pictures of something else, by kind: of what the concept is confused with, of what the base model takes it
    for."""


def target(cycle: int, cycles: int, look: float) -> float:
    """S_aes that a picture should have which was chosen in a cycle, 0 for the seeds, of `cycles`."""
    return scores.TOP - (scores.TOP - look) * cycle / cycles if cycle else scores.TOP


def refreshed(lesson: Lesson, seed: int) -> Scorer:
    """Both scores learnt anew. Raises UsageError when there are no pictures of something else."""
    count = len(lesson.positives.looks)
    others = [seen.some(_drawn(len(seen.looks), count, f"{seed} {kind}")) for kind, seen in lesson.others.items()]
    vectors = np.concatenate([lesson.positives.vectors[:0], *(seen.vectors for seen in others)])
    classifier = concept_classifier.train(lesson.positives.vectors, vectors, seed)
    weights, bias = _correction(np.concatenate([lesson.positives.vectors, vectors]),
                                np.concatenate([lesson.targets - lesson.positives.looks,
                                                np.zeros(len(vectors), np.float32)]), seed)
    return Scorer(lambda seen: scores.clipped(seen.looks + seen.vectors @ weights + bias),
                  lambda seen: classifier.scores(seen.vectors))


def _drawn(there: int, count: int, words: str) -> list[int]:
    """At most `count` of the places 0 .. there-1, drawn by the hash of some words."""
    return sorted(range(there), key=lambda row: draw(words, str(row)))[:count]


def _correction(vectors: Vectors, missing: Scores, seed: int) -> tuple[Vectors, float]:
    """The linear map of embeddings, N x width, that comes closest to what is missing, N, as the head learns it."""
    import torch

    given, wanted = torch.from_numpy(vectors), torch.from_numpy(missing.astype(np.float32))
    weights = torch.zeros(given.shape[1], requires_grad=True)
    bias = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.Adam([weights, bias], lr=RATE)
    order = torch.Generator().manual_seed(seed)
    for _ in range(EPOCHS):
        for some in torch.randperm(len(given), generator=order).split(BATCH):
            optimizer.zero_grad()
            (given[some] @ weights + bias - wanted[some]).square().mean().backward()
            optimizer.step()
    return weights.detach().numpy(), float(bias.detach())
