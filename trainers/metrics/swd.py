"""SWD, Similarity Weighted Diversity: whether the same picture is both alike and diverse (RetriBooru, section 4).

    SWD(div, sim) = 1/N Σ_i div_i · sim_i                                  (Eq. 1)
    (Σ div_i · sim_i)² ≤ Σ div_i² · Σ sim_i²                               (Eq. 2)

N is the number of pictures drawn, i one of them. A table has SWD(VQA, CLIP-I), SWD(VQA, CLIP-T) and
SWD(CLIP-T, CLIP-I); the paper writes the last as SWD(CLIP-I, CLIP-T), too, which is the same number. It is the mean of
products, not the product of means: those differ by the covariance of both over the pictures.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trainers.metrics.checks import Floats, same_length, values


def products(div: npt.ArrayLike, sim: npt.ArrayLike) -> Floats:
    """What each picture adds, N, of its diversity and its similarity, N each, in the units of both. UsageError where
    they do not pair up, are empty or not finite."""
    same_length(diversities=np.asarray(div), similarities=np.asarray(sim))
    return values("diversities", div) * values("similarities", sim)


def swd(div: npt.ArrayLike, sim: npt.ArrayLike) -> float:
    """Eq. 1; higher is better. UsageError as `products`."""
    return float(products(div, sim).mean())
