"""The contract every annotator keeps, and the identity that keys its answers in the store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Picture = npt.NDArray[np.uint8]
"""Decoded picture: uint8, H x W x 3, sRGB, upright."""

Batch = Mapping[str, Sequence[Any]]
"""Columns of equal length; the column `image` holds Pictures."""


@runtime_checkable
class Annotator(Protocol):
    """Gives columns for a batch: one row out per row in, in the same order.

    Loading weights must wait until the first call, so that an annotator is cheap to build, pickles as
    plain options and tells its identity without opening a model session.
    """

    name: str
    """Short role name ("faces"); also the folder name in the store."""
    needs: tuple[str, ...]
    """Columns it reads: "image", columns of other annotators, or columns of the post ("cloths")."""
    features: pa.Schema
    """Columns it gives."""
    identity: str
    """Hex digest from `identity()`: another question, threshold inside the model or weight file gives another."""
    provenance: dict[str, str]
    """What the manifest says of it: backend, weights, revision, sha256, licence."""

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """Columns named in `features`, each as long as the batch. Deterministic per row."""
        ...


def identity(name: str, version: int, options: Mapping[str, Any], weights: str = "", needs: Sequence[str] = ()) -> str:
    """Digest (sha256, hex) of everything an answer depends on.

    `version` is raised by hand when the code around the model changes its answers; `weights` is the sha256 of
    the weight file; `needs` are the identities of the annotators whose columns are read.
    """
    said = {"name": name, "version": version, "options": dict(options), "weights": weights, "needs": list(needs)}
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
