"""Generators: from prompts to pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from annotators.base import Picture

BATCHES = (1, 2, 4, 8)
"""Sizes at which torch was found to give a row the same bits in any place with any neighbours."""


class Request(NamedTuple):
    """One picture that is wanted."""

    parts: Mapping[str, str]
    """The prompt's parts by name ("shape", "background", ...); "" or absent when the prompt has none."""
    class_name: str
    text: str
    """The whole prompt."""
    seed: int


@runtime_checkable
class Generator(Protocol):
    """Makes a picture for each request; the result for one depends on nothing but it and the identity.

    Loading weights must wait until the first call, so that a generator is cheap to build and pickles as plain options.
    """

    name: str
    """Short name, also of its folder in the store: "light", "diffusion"."""
    label: str
    """What rows call it: "light", or the model's name."""
    identity: str
    """Hex digest of name, version, options, weights, batch, dtype and device class."""
    provenance: dict[str, str]
    """What the manifest says of it."""
    batch: int
    """Requests a call should hold."""
    size: int
    """Side of the pictures, pixels."""
    steps: int
    """Sampling steps; 0 where there are none."""
    guidance: float
    """Guidance scale; 0 where there is none."""

    def __call__(self, requests: Sequence[Request]) -> Sequence[Picture | None]:
        """One picture a request, in the same order; None for one that the model's own safety filter blanked."""
        ...
