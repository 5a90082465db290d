"""Inception score: whether a classifier is sure of each picture and sees many classes in all; higher is better.

    IS = exp( 1/N Σ_i KL( p(y|x_i) || 1/N Σ_j p(y|x_j) ) )                  (Salimans et al. 2016, section 4)

From 1, where all pictures are classified alike, to the lesser of C and N. It says nothing of real pictures, and of one
subject alone it is low by right.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.errors import UsageError
from trainers.metrics.checks import rows


class InceptionScore(NamedTuple):
    """Over splits."""

    mean: float
    std: float
    """of the splits themselves (n), as published; 0 for one split"""
    n: int
    """pictures"""


def inception_score(logits: npt.ArrayLike, splits: int = 10) -> InceptionScore:
    """IS of logits N x C, before softmax, over so many splits (the paper's: 50,000 pictures in 10). Pictures are dealt
    to the splits in turn, so that a list that is sorted by subject is not split by subject. A split of n pictures
    cannot score above n: take one split for few. UsageError for fewer pictures than splits, and for logits that are
    not finite."""
    if splits < 1:
        raise UsageError("inception score: splits", seen=splits, allowed="1 or more")
    found = rows("inception score: pictures", logits, splits)
    log = found - found.max(1, keepdims=True)
    log -= np.log(np.exp(log).sum(1, keepdims=True))
    scores = []
    for at in range(splits):
        part = log[at::splits]
        sure = np.exp(part)
        whole = sure.mean(0)
        # A class whose probability is 0 in float64 adds nothing to its picture.
        gain = np.where(sure > 0, sure * (part - np.log(np.where(whole > 0, whole, 1))), 0).sum(1)
        scores.append(np.exp(gain.mean()))
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)), len(found))
