"""Aesthetic scores S_aes (COTI, Eq. 7), 0..10."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from annotators.base import Annotator
from annotators.embeddings import Embeddings
from annotators.light_aesthetics import LightAesthetics
from annotators.weights import LIGHT
from schemas.errors import UsageError


@runtime_checkable
class Aesthetics(Annotator, Protocol):
    """An annotator of one column `aesthetic`, float32, 0..10."""

    embeddings: Embeddings | None
    """Those that it reads and that must run before it in a chain, beside the pool's; None when there are none."""


def open_aesthetics(wanted: str, embeddings: Embeddings) -> Aesthetics:
    """The scores that `wanted` names for a pool with these `embeddings`: "light" is ours."""
    if wanted == LIGHT:
        return LightAesthetics()
    raise UsageError("no such aesthetic scores", seen=f"--aesthetics {wanted}", allowed="light")
