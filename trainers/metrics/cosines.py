"""CLIP-I, DINO, CLIP-T, CLIP-T (object) and BLIP-ITC: cosines of embeddings, -1 .. 1, higher is better.

    similarity_i = 1/M_i Σ_j cos(p_i, r_ij)        alignment_i = cos(p_i, t_i)

From DreamBooth (section 4.1): the average pairwise cosine of a generated picture's embedding with those of the
subject's real pictures, and the cosine with its prompt's. The metrics differ in the model and the text alone; a table
has the mean over pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from trainers.metrics.checks import Floats, directions, same_length, same_width


def similarity(pictures: npt.ArrayLike, references: Sequence[npt.ArrayLike]) -> Floats:
    """Mean cosine of each picture with its own references, N, of embeddings N x d and, for each picture, M_i x d, of
    any length. A picture must not stand among its own references. UsageError where they do not pair up, are empty,
    all zeros or not finite."""
    same_length(pictures=np.asarray(pictures), references=references)
    seen = directions("pictures", pictures)
    # The mean of cosines is the cosine's dot product with the mean of the directions.
    liked = [directions(f"references of picture {at}", one).mean(0) for at, one in enumerate(references)]
    for one in liked:
        same_width("pictures and references", seen, one[None])
    return _dots(seen, np.array(liked))


def alignment(pictures: npt.ArrayLike, texts: npt.ArrayLike) -> Floats:
    """Cosine of each picture with its text, N, of embeddings N x d in one space, of any length. UsageError where they
    do not pair up, are empty, all zeros or not finite."""
    same_length(pictures=np.asarray(pictures), texts=np.asarray(texts))
    seen, said = directions("pictures", pictures), directions("texts", texts)
    same_width("pictures and texts", seen, said)
    return _dots(seen, said)


def _dots(one: Floats, other: Floats) -> Floats:
    """By row; -1 .. 1 in spite of rounding."""
    return cast(Floats, np.clip((one * other).sum(1), -1, 1))
