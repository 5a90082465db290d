"""What garment tags say of an outfit: kinds and colours of its main parts.

Tags come as in the `cloths` column, spaces for underscores ("pleated skirt", "black legwear").
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from schemas.colours import NAMES

COLOUR_WORDS: dict[str, str] = {
    **{name: name for name in NAMES},
    "gray": "grey", "silver": "grey", "charcoal": "grey", "cream": "white", "ivory": "white", "off-white": "white",
    "navy": "blue", "navy blue": "blue", "indigo": "blue", "sky blue": "blue", "light blue": "blue",
    "dark blue": "blue", "teal": "aqua", "turquoise": "aqua", "cyan": "aqua", "violet": "purple",
    "lavender": "purple", "lilac": "purple", "magenta": "pink", "rose": "pink", "maroon": "red", "crimson": "red",
    "burgundy": "red", "beige": "brown", "tan": "brown", "gold": "yellow", "golden": "yellow", "blonde": "yellow",
    "lime": "green", "olive": "green",
}  # fmt: skip
"""Colour words met in answers and tags, and the Danbooru colour each counts as."""

# Outermost first: what is worn over the rest is what a picture shows. Each kind with the last words of its tags.
UPPER: dict[str, tuple[str, ...]] = {
    "coat": ("coat", "labcoat", "overcoat", "peacoat", "raincoat", "parka", "robe", "bathrobe", "tailcoat"),
    "cape": ("cape", "capelet", "cloak", "poncho", "shawl"),
    "armor": ("armor", "breastplate"),
    "jacket": ("jacket", "blazer", "gakuran", "bolero"),
    "cardigan": ("cardigan",),
    "vest": ("vest", "waistcoat"),
    "hoodie": ("hoodie",),
    "sweater": ("sweater", "turtleneck", "sweatshirt"),
    "kimono": ("kimono", "yukata", "furisode", "haori", "miko", "hanfu", "hanbok"),
    "cheongsam": ("cheongsam", "china dress", "qipao"),
    "dress": ("dress", "sundress", "gown", "evening gown", "nightgown"),
    "swimsuit": ("swimsuit", "bikini", "leotard", "bodysuit", "swimwear", "bikini top"),
    "serafuku": ("serafuku", "sailor shirt"),
    "t-shirt": ("t-shirt",),
    "tank top": ("tank top", "camisole", "tube top", "crop top", "halter top"),
    "shirt": ("shirt", "blouse"),
}  # fmt: skip
# General kinds also end on their special ones, so that a forgotten implied tag makes no difference.
LOWER: dict[str, tuple[str, ...]] = {
    "pleated skirt": ("pleated skirt",), "miniskirt": ("miniskirt", "microskirt"), "long skirt": ("long skirt",),
    "high-waist skirt": ("high-waist skirt",), "pencil skirt": ("pencil skirt",), "hakama": ("hakama", "hakama skirt"),
    "skirt": ("skirt", "miniskirt", "microskirt"), "shorts": ("shorts",), "jeans": ("jeans",),
    "pants": ("pants", "jeans", "leggings", "sweatpants"),
    "bloomers": ("bloomers", "buruma"),
}  # fmt: skip
LEGS: dict[str, tuple[str, ...]] = {
    "thighhighs": ("thighhighs", "thighhigh"), "kneehighs": ("kneehighs", "kneehigh", "over-kneehighs"),
    "pantyhose": ("pantyhose",), "socks": ("socks", "sock", "kneehighs", "kneehigh"), "leg warmers": ("leg warmers",),
}  # fmt: skip
HEAD: dict[str, tuple[str, ...]] = {
    "witch hat": ("witch hat",), "straw hat": ("straw hat",), "santa hat": ("santa hat",), "top hat": ("top hat",),
    "mob cap": ("mob cap",), "beret": ("beret",), "cap": ("cap",), "hat": ("hat", "beret", "cap"),
    "crown": ("crown", "tiara"),
    "helmet": ("helmet",), "veil": ("veil",), "maid headdress": ("maid headdress",),
    "hairband": ("hairband", "headband"), "hair ribbon": ("hair ribbon",), "hair bow": ("hair bow",),
    "hair flower": ("hair flower",), "hairclip": ("hairclip", "hairpin"),
}  # fmt: skip
GENERAL = {"serafuku": ("serafuku", "shirt"), "t-shirt": ("t-shirt", "shirt")}
"""Kinds that the general word names, too: Danbooru has "white shirt" for the colour of a serafuku or a T-shirt."""


def garments(cloths: Iterable[str]) -> dict[str, list[str]]:
    """Kind and colour of the upper and lower garment and the legwear, kinds of headwear, in that order.

    The upper garment is the outermost alone; of the others every kind is said, sorted. Empty where no tag speaks.
    """
    tags = sorted(set(cloths))
    upper = kinds(tags, UPPER)[:1]
    lower, legs, head = (sorted(kinds(tags, table)) for table in (LOWER, LEGS, HEAD))
    return {
        "upper": upper,
        "upper colour": coloured(tags, [GENERAL.get(kind, UPPER[kind]) for kind in upper]),
        "lower": lower,
        "lower colour": coloured(tags, LOWER.values()),
        "legwear": legs,
        "legwear colour": coloured(tags, [*LEGS.values(), ("legwear",)]),
        "head": head,
    }


def kinds(tags: Iterable[str], table: dict[str, tuple[str, ...]]) -> list[str]:
    """Kinds that some tag names, in the table's order: a pleated skirt is a skirt, too."""
    tails = {tail for tag in tags for tail in _tails(tag)}
    return [kind for kind, ends in table.items() if not tails.isdisjoint(ends)]


def coloured(tags: Iterable[str], named: Iterable[tuple[str, ...]]) -> list[str]:
    """Colours that tags begin with which end on the words of these kinds, sorted."""
    ends = {end for words in named for end in words}
    found = set()
    for tag in tags:
        first, _, rest = tag.removeprefix("light ").removeprefix("dark ").partition(" ")
        if first in COLOUR_WORDS and not ends.isdisjoint(_tails(rest)):
            found.add(COLOUR_WORDS[first])
    return sorted(found)


@lru_cache(maxsize=1 << 14)  # a dataset has few tags and many rows
def _tails(tag: str) -> frozenset[str]:
    """The tag, and what is left of it behind each space: the words that it ends on."""
    words = tag.split(" ")
    return frozenset(" ".join(words[at:]) for at in range(len(words)))
