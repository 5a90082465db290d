"""R-precision: how often a picture's own caption is found by the picture, 0 .. 1, higher is better.

Three measures go by that name, and COTI's tables do not say which theirs is:

- `attngan` (Xu et al. 2018, section 4): the own caption is nearer than all of 99 mismatched ones;
- `classifier`, COTI's code of April 2023: the mean probability of a classifier of the concept, no retrieval at all;
- `among_classes`, its code of July 2023: the own caption is among the nearest 200 of itself and 1,000 others, "a
  painting of X" of the ImageNet classes.

All give a number a picture, whose mean over pictures is the score.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from schemas.draws import draw
from schemas.errors import UsageError
from trainers.metrics.checks import Floats, directions, rows, same_length, same_width, values

AMONG = 100
"""Captions of `attngan`, the own one with them."""
TOP = 200
"""Of `among_classes`."""


def attngan(pictures: npt.ArrayLike, texts: npt.ArrayLike, others: Sequence[npt.ArrayLike], keys: Sequence[str],
            among: int = AMONG) -> Floats:
    """1 where a picture's cosine with its own text is above that with each of `among` - 1 mismatched ones, else 0: N,
    of pictures N x d, their texts N x d and, for each picture, M_i x d texts that do not describe it. Which of these
    are drawn follows from the picture's key alone, not from its neighbours. A tie is a miss. UsageError where they do
    not pair up, and for less than `among` - 1 mismatched texts."""
    same_length(pictures=np.asarray(pictures), texts=np.asarray(texts), others=others, keys=keys)
    seen, own = directions("pictures", pictures), directions("texts", texts)
    hits = np.zeros(len(seen))
    for at, key in enumerate(keys):
        wrong = directions(f"other texts of picture {at}", others[at])
        same_width("pictures and other texts", seen, wrong)
        if len(wrong) < among - 1:
            raise UsageError(f"R-precision: picture {at} has {len(wrong)} mismatched captions",
                             allowed=f"{among - 1} or more")
        drawn = np.random.default_rng(draw("R-precision", key)).permutation(len(wrong))[:among - 1]
        hits[at] = _nearer(seen[at], own[at], wrong[drawn]) == 0
    return hits


def classifier(probabilities: npt.ArrayLike) -> Floats:
    """Probabilities of the concept, N, as they are. UsageError for one outside 0 .. 1."""
    found = values("R-precision: probabilities", probabilities)
    if found.min() < 0 or found.max() > 1:
        raise UsageError("R-precision: probabilities", seen=f"{found.min():g} .. {found.max():g}", allowed="0 .. 1")
    return found


def among_classes(pictures: npt.ArrayLike, texts: npt.ArrayLike, classes: npt.ArrayLike, top: int = TOP) -> Floats:
    """1 where a picture's own text is among its `top` nearest of itself and the captions of classes, else 0: N, of
    pictures N x d, their texts N x d and class captions M x d, M at least `top`, or all would be hits. A tie is a
    miss. UsageError where they do not pair up or are too few."""
    same_length(pictures=np.asarray(pictures), texts=np.asarray(texts))
    seen, own = directions("pictures", pictures), directions("texts", texts)
    wrong = directions("class captions", rows("class captions", classes, top))
    same_width("pictures and class captions", seen, wrong)
    return np.array([_nearer(*pair, wrong) < top for pair in zip(seen, own, strict=True)], np.float64)


def _nearer(picture: Floats, own: Floats, wrong: Floats) -> int:
    """How many of the wrong texts are as near to the picture as its own, or nearer."""
    # The margin is for rounding: a caption that stands twice is a tie.
    return int((wrong @ picture >= own @ picture - 1e-12).sum())
