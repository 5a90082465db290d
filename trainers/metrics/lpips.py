"""LPIPS: how different two pictures look, by the maps of a network's layers; 0 for the same, higher is more different.

    d(x, x') = Σ_l 1/(H_l W_l) Σ_hw | w_l ⊙ (ŷ_l,hw - ŷ'_l,hw) |²            (Zhang et al. 2018, Eq. 1)

ŷ are maps whose channels have length 1 at each place. The network and its weights are the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from schemas.errors import UsageError
from trainers.metrics.checks import Floats, same_length

_LEAST = 1e-10
"""Added to lengths, as in the authors' code: a place without any response stays 0."""


def lpips(one: Sequence[npt.ArrayLike], other: Sequence[npt.ArrayLike],
          weights: Sequence[npt.ArrayLike] | None = None) -> Floats:
    """Distances of N pairs, of a map N x C_l x H_l x W_l for each layer l of both. `weights` C_l for each layer are
    those that the authors' code calls "lin": they stand before the squares, so they are w_l²; without them all are 1,
    and a layer adds 0 .. 4. UsageError where both do not pair up, are empty or not finite."""
    same_length(**{"layers of one": one, "layers of the other": other})
    if not one:
        raise UsageError("LPIPS: no layers", allowed="a map for each layer")
    if weights is not None:
        same_length(layers=one, weights=weights)
    total = 0.0
    for layer, (first, second) in enumerate(zip(one, other, strict=True)):
        near, far = _unit(layer, first), _unit(layer, second)
        if near.shape != far.shape:
            raise UsageError(f"LPIPS: layer {layer} has maps of {near.shape} and {far.shape}", allowed="equal shapes")
        squares = (near - far)**2
        if weights is not None:
            weight = np.asarray(weights[layer], np.float64).ravel()
            if len(weight) != squares.shape[1]:
                raise UsageError(f"LPIPS: layer {layer} has {squares.shape[1]} channels and {len(weight)} weights")
            squares = squares * weight[:, None, None]
        total = total + squares.sum(1).mean((1, 2))
    return np.asarray(total, np.float64)


def _unit(layer: int, given: npt.ArrayLike) -> Floats:
    found = np.asarray(given, np.float64)
    if found.ndim != 4 or not found.size:
        raise UsageError(f"LPIPS: maps of layer {layer}", seen=found.shape,
                         allowed="pictures x channels x height x width")
    if not np.isfinite(found).all():
        raise UsageError(f"LPIPS: maps of layer {layer} hold NaN or infinity")
    return np.asarray(found / (np.linalg.norm(found, axis=1, keepdims=True) + _LEAST), np.float64)
