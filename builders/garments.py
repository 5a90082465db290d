"""Which general tags name a piece of clothing: a packaged list, and two rules for forms too many to list."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

COLOURS = (
    "aqua", "beige", "black", "blonde", "blue", "brown", "cream", "gold", "golden", "green", "grey", "gray", "lavender",
    "magenta", "maroon", "multicolored", "navy", "orange", "pink", "purple", "rainbow", "red", "silver", "tan", "teal",
    "turquoise", "two-tone", "violet", "white", "yellow",
)
"""Colour words that stand before a garment, also with light_, dark_ or pale_ before them."""

PATTERNS = (
    "animal_print", "argyle", "camouflage", "checkered", "diagonal-striped", "fishnet", "floral_print", "frilled",
    "fur-trimmed", "gingham", "gradient", "heart_print", "lace", "lace-trimmed", "latex", "layered", "leather",
    "leopard_print", "pinstripe", "plaid", "polka_dot", "print", "ribbed", "ribbon-trimmed", "see-through",
    "star_print", "striped", "vertical-striped",
)
"""Pattern and material words that stand before a garment."""

_PREFIX = re.compile(rf"(?:(?:light|dark|pale)_)?(?:{'|'.join(COLOURS)})_|(?:{'|'.join(PATTERNS)})_")


@lru_cache(maxsize=1)
def listed() -> frozenset[str]:
    """The tags of the packaged list, raw."""
    text = (files("builders") / "garments.txt").read_text(encoding="utf-8")
    return frozenset(tag for line in text.splitlines() if not line.startswith("#") for tag in line.split())


@lru_cache(maxsize=65_536)
def is_garment(tag: str) -> bool:
    """Whether a raw general tag names a garment.

    By the list; by colour or pattern words before a listed noun (light_blue_dress, black_striped_skirt); or as
    the uniform of one school or unit (..._uniform).
    """
    start = 0
    while tag[start:] not in listed() and not _of_a_unit(tag[start:]):
        found = _PREFIX.match(tag, start)
        if found is None:
            return False
        start = found.end()
    return True


def _of_a_unit(tag: str) -> bool:
    return tag.endswith("_uniform") and not tag.startswith("no_")
