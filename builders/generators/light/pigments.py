"""Colour words and what they look like."""

from __future__ import annotations

import colorsys
import re
from functools import lru_cache

from PIL import ImageColor

from builders.generators.light.words import table, traits, words

Rgb = tuple[int, int, int]

# What CSS does not name, or names otherwise than people use the word.
_NAMES = table("colours")
_SHADES = {  # factor of saturation, factor of value, share of white
    "light": (0.75, 1.1, 0.4), "pale": (0.6, 1.1, 0.5), "pastel": (0.6, 1.1, 0.45), "soft": (0.8, 1.0, 0.25),
    "baby": (0.8, 1.1, 0.45), "powder": (0.7, 1.05, 0.4), "icy": (0.6, 1.1, 0.5), "faded": (0.6, 1.0, 0.25),
    "dusty": (0.55, 0.9, 0.12), "muted": (0.55, 0.9, 0.1), "dark": (1.05, 0.5, 0), "deep": (1.1, 0.62, 0),
    "rich": (1.2, 0.85, 0), "midnight": (1.05, 0.4, 0), "navy": (1.05, 0.45, 0), "bright": (1.2, 1.2, 0),
    "vivid": (1.3, 1.15, 0), "neon": (1.5, 1.3, 0), "hot": (1.5, 1.1, 0), "electric": (1.4, 1.25, 0),
    "burnt": (1.1, 0.72, 0), "smoky": (0.5, 0.75, 0.08), "royal": (1.2, 0.85, 0), "warm": (1.1, 1, 0.02),
    "cool": (0.8, 1, 0.06), "forest": (1.0, 0.5, 0), "sky": (0.8, 1.15, 0.35), "olive": (0.6, 0.6, 0),
    "lime": (1.2, 1.15, 0), "ice": (0.6, 1.1, 0.5),
}
RAINBOW = ("#e2403c", "#f39a35", "#f6d743", "#58b35a", "#3f7fd0", "#8a55b5")
_SUFFIX = re.compile(r"(ish|y|ed|en|ly|coloured|colored)$")


def _rgb(text: str) -> Rgb:
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def _named(word: str) -> Rgb | None:
    for one in (word, _SUFFIX.sub("", word), _SUFFIX.sub("e", word)):
        if one in _NAMES:
            return _rgb(_NAMES[one])
        if one in ImageColor.colormap:
            red, green, blue = ImageColor.getrgb(one)[:3]
            return red, green, blue
    return None


@lru_cache(maxsize=2048)
def named(text: str) -> Rgb | None:
    """The colour that the text names with its last colour word, shaded by the words before it; None without one."""
    said = words(text)
    together = "".join(said)
    if len(said) > 1 and together in ImageColor.colormap and together not in _NAMES:
        red, green, blue = ImageColor.getrgb(together)[:3]
        return red, green, blue
    for at in range(len(said) - 1, -1, -1):
        found = _named(said[at])
        if found:
            for word in said[:at]:
                if word in _SHADES:
                    found = shaded(found, *_SHADES[word])
                elif (other := _named(word)) is not None:  # "blue green": between the two
                    found = mixed(found, other, 0.35)
            return found
    return None


@lru_cache(maxsize=2048)
def pigment(text: str) -> Rgb:
    """The colour of any text: as named, or a hue of its own."""
    found = named(text)
    if found:
        return found
    a, b, c = traits(text, 3)
    r, g, b = colorsys.hsv_to_rgb(a, 0.45 + 0.4 * b, 0.55 + 0.35 * c)
    return round(r * 255), round(g * 255), round(b * 255)


def shaded(rgb: Rgb, saturation: float, value: float, white: float) -> Rgb:
    """Saturation and value times a factor, then a share of white."""
    h, s, v = colorsys.rgb_to_hsv(*(c / 255 for c in rgb))
    made = colorsys.hsv_to_rgb(h, min(1, s * saturation), min(1, v * value))
    return mixed((round(made[0] * 255), round(made[1] * 255), round(made[2] * 255)), (255, 255, 255), white)


def mixed(a: Rgb, b: Rgb, share: float) -> Rgb:
    """A colour `share` of the way from a to b."""
    return (round(a[0] + (b[0] - a[0]) * share), round(a[1] + (b[1] - a[1]) * share),
            round(a[2] + (b[2] - a[2]) * share))


def partner(rgb: Rgb) -> Rgb:
    """A second pigment that goes with the first and differs from it in lightness."""
    light = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
    return mixed(shaded(rgb, 0.9, 0.42, 0), rgb, 0.12) if light > 110 else mixed(rgb, (255, 250, 240), 0.55)
