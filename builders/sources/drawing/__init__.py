"""Procedural anime figures with their truth: matte, face box, tags. Pure functions of their arguments.

    person, clothes = random_character(rng), random_outfit(rng)
    picture = draw(person, clothes, random_style(rng), random_scene(rng))

Everything is drawn from parametric curves as SVG and rasterised; nothing is read from disk.
"""

from builders.sources.drawing.choices import random_character, random_outfit, random_scene
from builders.sources.drawing.distractors import random_distractor
from builders.sources.drawing.model import COLOURS, Character, Drawing, Garment, Outfit, Scene, Style
from builders.sources.drawing.render import draw
from builders.sources.drawing.styles import random_style

# Raise it whenever a drawing changes: the sample mirror is drawn anew then, and what was made of an older one
# cannot be taken for it.
VERSION = 2

__all__ = [
    "COLOURS",
    "VERSION",
    "Character",
    "Drawing",
    "Garment",
    "Outfit",
    "Scene",
    "Style",
    "draw",
    "random_character",
    "random_distractor",
    "random_outfit",
    "random_scene",
    "random_style",
]
