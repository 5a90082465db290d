"""The scene of a prompt: place, hour and weather, from the nouns of its background or motion."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import numpy as np

from builders.generators.light import pieces as p
from builders.generators.light.canvas import Canvas
from builders.generators.light.fields import Pixels
from builders.generators.light.pieces import dark, pale
from builders.generators.light.pigments import Rgb, mixed, pigment
from builders.generators.light.places import PLACES
from builders.generators.light.props import beside
from builders.generators.light.surfaces import surface
from builders.generators.light.words import Table


class Light(NamedTuple):
    """An hour or a weather: the sky's colours, and how everything below is tinted."""

    top: Rgb
    bottom: Rgb
    tint: Rgb = (255, 255, 255)
    front: str = ""


class Scene(NamedTuple):
    """A drawn scene."""

    backdrop: Pixels
    tint: Rgb
    """White, or what light does to colours: each channel's factor times 255."""
    front: tuple[str, ...]
    """What is drawn over the subject: "rain", "snow", "fog", "water", "petals", ..."""
    floating: bool
    """Whether the subject has nothing under it."""


LIGHTS = {
    "night": Light((9, 12, 40), (44, 52, 104), (126, 136, 190)),
    "sunset": Light((92, 62, 128), (255, 164, 86), (255, 214, 178)),
    "dawn": Light((138, 164, 226), (255, 206, 196), (255, 232, 226)),
    "storm": Light((66, 72, 90), (140, 146, 156), (184, 190, 204), "rain"),
    "rain": Light((112, 124, 142), (176, 184, 194), (208, 214, 224), "rain"),
    "snowfall": Light((168, 182, 204), (224, 232, 242), (236, 240, 250), "snow"),
    "fog": Light((190, 198, 204), (222, 226, 228), (232, 234, 236), "fog"),
    "grey": Light((160, 168, 180), (208, 214, 220), (234, 236, 240)),
    "rainbow": Light((110, 166, 226), (214, 232, 244)), "day": Light((84, 156, 228), (204, 230, 250)),
}
_HOURS = Table.read("hours")
_FRONTS = Table.read("fronts")
_PLACES = Table.read("places")
_HINTS = Table.read("hints")
_INDOORS = {"cave", "stage", "library", "kitchen", "shop", "works", "gallery", "hall", "school", "room", "studio",
            "deep", "space", "market"}
_FLOATS = {"space", "deep", "sky"}
_PLAIN_BACKDROP = Table.read("backdrops")


def place_of(text: str) -> str:
    """The place that a text names, else the one its things belong to ("a samovar": a room); "" where neither is known.
    """
    return _PLAIN_BACKDROP.first(text) or _PLACES.first(text) or _HINTS.first(text)


def scene(text: str, size: int, r: Random) -> Scene:
    """The scene that a background or motion speaks of; a text of unknown nouns gets colours of its own."""
    text = text.lower()
    place = place_of(text)
    hour = _HOURS.first(text) or "day"
    if place in _INDOORS and hour != "night":
        hour = "day"
    light = LIGHTS[hour]
    c = Canvas(size, light.top, light.bottom)
    if hour == "night":
        p.stars(c, r)
        c.oval(0.78, 0.16, 0.06, 0.06, (250, 246, 220))
    elif hour in ("sunset", "dawn"):
        c.glow(0.3, 0.5, 0.3, (255, 226, 150), 0.7)
        c.oval(0.3, 0.5, 0.09, 0.09, (255, 232, 160))
    if place:
        PLACES[place](c, r, text)
    else:
        _unknown(c, text)
    if hour == "rainbow":
        for k, ink in enumerate(((230, 70, 70), (245, 160, 60), (250, 225, 90), (110, 190, 100), (80, 140, 220),
                                 (140, 90, 190))):
            c.line([(0.5 + (0.52 - 0.025 * k) * x, 0.62 - (0.5 - 0.025 * k) * y) for x, y in
                    ((-1, 0), (-0.9, 0.44), (-0.7, 0.71), (-0.38, 0.92), (0, 1), (0.38, 0.92), (0.7, 0.71), (0.9, 0.44),
                     (1, 0))], ink, 0.024, 0.8)
    lies = surface(c, r, text, bool(place) and place not in _INDOORS)
    beside(c, r, text, 0.74)
    fronts = (*((light.front,) if light.front and (place not in _INDOORS or light.front == "fog") else ()),
              *_FRONTS.all(text))
    tint = light.tint if place not in ("space", "deep", "studio") else (255, 255, 255)
    floats = any(word in text for word in ("float", "drifting", "swim", "falling", "flying", "tossed", "hanging",
                                           "soaring", "tied to"))
    pixels = c.pixels()
    if tint != (255, 255, 255):
        pixels = np.asarray(pixels * (np.asarray(tint, np.float32) / np.float32(255)), np.uint8)
    return Scene(pixels, tint, fronts, (place in _FLOATS and not lies) or floats)


def _unknown(c: Canvas, text: str) -> None:
    if not text.strip():
        c.box(0, 0, 1, 0.72, (206, 210, 214))
        c.box(0, 0.72, 1, 1, (176, 178, 180))
        return
    ink = pigment(text)
    for k in range(8):
        c.box(0, 0.72 * k / 8, 1, 0.72 * (k + 1) / 8 + 0.01, mixed(pale(ink, 0.7), pale(ink, 0.35), k / 8))
    c.box(0, 0.72, 1, 1, dark(mixed(ink, (128, 128, 128), 0.4), 0.15))
