"""The light generator: draws what a prompt's words say, with nothing downloaded.

    picture, = Light()([Request({"shape": "round", "color": "red"}, "backpack", "a round red backpack", seed=1)])

Silhouettes come from the class, their geometry from the shape or body word, pigment from the colour, the surface from
texture or skin, the face from the emotion, the scene from background or motion, the treatment from the style.
"""

from __future__ import annotations

from collections.abc import Sequence

from annotators.base import Picture, identity
from builders.generators import Request
from builders.generators.light.render import render
from schemas.errors import UsageError

# Raise it whenever a picture changes: what was drawn before cannot be taken for it then.
VERSION = 1

__all__ = ["VERSION", "Light"]


class Light:
    """`builders.generators.Generator` that draws; one picture depends on nothing but its request and `size`."""

    name = label = "light"
    batch = 16
    steps = 0
    guidance = 0.0

    def __init__(self, size: int = 256) -> None:
        """Pictures of `size` x `size` pixels, 64..1024. Raises UsageError for another size."""
        if not 64 <= size <= 1024:
            raise UsageError("no size for the light generator", seen=str(size), allowed="64 to 1024 pixels a side")
        self.size = size
        self.identity = identity(self.name, VERSION, {"size": size})
        self.provenance = {"backend": "light", "name": "procedural renderer", "version": str(VERSION),
                           "licence": "Apache-2.0"}

    def __call__(self, requests: Sequence[Request]) -> list[Picture]:
        """One picture a request, uint8 RGB, in the same order."""
        return [render(one.parts, one.class_name, one.text, one.seed, self.size) for one in requests]
