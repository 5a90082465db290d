"""FID and KID: how far apart two sets of pictures are, by features of a model; lower is better, 0 for equal sets.

    FID = |μ_r - μ_g|² + tr(Σ_r + Σ_g - 2 (Σ_r Σ_g)^½)                     (Heusel et al. 2017, Eq. 6)
    KID = E k(r, r') + E k(g, g') - 2 E k(r, g),  k(x, y) = (x·y / d + 1)³   (Binkowski et al. 2018, section 4)

in float64. torchmetrics has both, but was not taken: it needs torch, takes eigenvalues of a product of covariances,
which gives less than 0 where pictures are fewer than features (-0.001 for 20 of 512 with themselves), and draws KID's
subsets from torch's global generator. The tests compare with it. Here the root's trace is the sum of singular values of
a product of the centred features, which never needs the root, and KID is over all pairs, which is what the mean over
subsets tends to as they grow in number.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trainers.metrics.checks import Floats, rows, same_width

ENOUGH = 2_048
"""Pictures of each set from which FID is told without a warning: as many as Inception has features."""
_BLOCK = 1_024


class Distance(NamedTuple):
    """Of two sets."""

    value: float
    n: int
    """pictures of the smaller set"""
    warning: str = ""
    """what to print beside it; "" for nothing"""


def fid(real: npt.ArrayLike, made: npt.ArrayLike) -> Distance:
    """FID, 0 or more, in the features' unit squared, of features N x d and M x d; covariances are of samples (n - 1).
    Below `ENOUGH` pictures it comes with a warning: fewer give a higher value. UsageError below 2, and for features
    that are not finite or not of one model."""
    first, second = _both(real, made)
    n = min(len(first), len(second))
    apart = float(((first.mean(0) - second.mean(0))**2).sum())
    one, other = _root(first), _root(second)
    spread = float((one**2).sum() + (other**2).sum() - 2 * np.linalg.norm(one @ other.T, "nuc"))
    warning = "" if n >= ENOUGH else (f"FID of {n} pictures: below {ENOUGH:,} it is too high, the more the fewer; "
                                      "compare sets of one size only, and read KID beside it")
    return Distance(apart + max(0.0, spread), n, warning)


def kid(real: npt.ArrayLike, made: npt.ArrayLike) -> Distance:
    """KID, of features N x d and M x d: without bias at any number of pictures, so a little below 0 as often as above
    for sets that differ by chance alone. UsageError as `fid`."""
    first, second = _both(real, made)
    n, m = len(first), len(second)
    own = (_kernel(first, first, True) / (n * (n - 1)) + _kernel(second, second, True) / (m * (m - 1)))
    return Distance(own - 2 * _kernel(first, second, False) / (n * m), min(n, m))


def _both(real: npt.ArrayLike, made: npt.ArrayLike) -> tuple[Floats, Floats]:
    first, second = rows("features of real pictures", real, 2), rows("features of generated pictures", made, 2)
    same_width("features of real and generated pictures", first, second)
    return first, second


def _root(features: Floats) -> Floats:
    """A with AᵀA the covariance, of at most d rows. tr (AᵀA BᵀB)^½ is the sum of singular values of ABᵀ."""
    centred = (features - features.mean(0)) / np.sqrt(len(features) - 1)
    if len(centred) <= centred.shape[1]:
        return np.asarray(centred, np.float64)
    return np.asarray(np.linalg.qr(centred, mode="r"), np.float64)


def _kernel(one: Floats, other: Floats, same: bool) -> float:
    """Sum of k over all pairs; over those of two different pictures where both are the `same` set."""
    whole = sum(float(((one[at:at + _BLOCK] @ other.T / one.shape[1] + 1)**3).sum())
                for at in range(0, len(one), _BLOCK))
    return whole - float((((one**2).sum(1) / one.shape[1] + 1)**3).sum()) if same else whole
