"""What every metric asks of its arrays, and how it says no."""

from __future__ import annotations

from collections.abc import Sized
from typing import cast

import numpy as np
import numpy.typing as npt

from schemas.errors import UsageError

Floats = npt.NDArray[np.float64]


def rows(what: str, given: npt.ArrayLike, least: int = 1) -> Floats:
    """N x d numbers as float64. UsageError where they are fewer than `least` rows, another shape or not finite."""
    found = np.asarray(given, np.float64)
    if found.size == 0 or len(found) < least:
        raise UsageError(f"{what}: {found.shape[0] if found.ndim else 0} are too few", allowed=f"{least} or more")
    if found.ndim != 2:
        raise UsageError(f"{what}: an array of the wrong shape", seen=found.shape, allowed="rows x numbers")
    return _finite(what, found)


def values(what: str, given: npt.ArrayLike, least: int = 1) -> Floats:
    """N numbers as float64. UsageError as `rows`."""
    found = np.asarray(given, np.float64)
    if found.ndim != 1:
        raise UsageError(f"{what}: an array of the wrong shape", seen=found.shape, allowed="one number a picture")
    return rows(what, found[:, None], least)[:, 0]


def directions(what: str, given: npt.ArrayLike) -> Floats:
    """Rows of length 1. UsageError as `rows`, and for a row of zeros, which points nowhere."""
    found = rows(what, given)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    if not lengths.all():
        raise UsageError(f"{what}: number {int(np.argmin(lengths))} is all zeros, and has no cosine with anything")
    return cast(Floats, found / lengths)


def same_length(**given: Sized) -> None:
    """UsageError unless they pair up, one to one."""
    lengths = {name: len(one) for name, one in given.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{count} {name}" for name, count in lengths.items())
        raise UsageError(f"{said}: they do not pair up", allowed="as many of each")


def same_width(what: str, one: Floats, other: Floats) -> None:
    """UsageError unless rows of both have as many numbers."""
    if one.shape[1] != other.shape[1]:
        raise UsageError(f"{what}: {one.shape[1]} and {other.shape[1]} numbers a row", allowed="one model for both")


def _finite(what: str, found: Floats) -> Floats:
    bad = np.flatnonzero(~np.isfinite(found).all(1))
    if len(bad):
        raise UsageError(f"{what}: {len(bad)} of {len(found)} hold NaN or infinity, the first is number {bad[0]}")
    return found
