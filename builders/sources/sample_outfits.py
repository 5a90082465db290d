"""Outfits that look alike and are not: what grouping by clothes must tell apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from builders.sources.drawing import Garment, Outfit, random_outfit
from builders.sources.drawing.clothes import FOOTWEAR, LEGWEAR, OUTERWEAR, TOPS
from builders.sources.drawing.model import COLOURS

# Garments that even a person would call by one name from across the room.
_FAMILIES = {"sundress": "dress", "long_dress": "dress", "maid_dress": "dress", "blouse": "shirt", "blazer": "jacket"}
_ANY = (*LEGWEAR, *FOOTWEAR, "glasses")


def recoloured(rng: np.random.Generator, outfit: Outfit) -> Outfit:
    """The same garments in colours of which none was worn before; equal ones stay equal. What goes with anything
    (stockings, shoes, glasses) stays as it is."""
    changing = [garment.colour for garment in outfit.garments if garment.tag not in _ANY]
    worn = list(dict.fromkeys(changing))
    fresh = [colour for colour in COLOURS if colour not in worn]
    turned = dict(zip(worn, rng.choice(fresh, len(worn), replace=len(worn) > len(fresh)).tolist(), strict=True))
    return Outfit(tuple(garment if garment.tag in _ANY else replace(garment, colour=turned[garment.colour])
                        for garment in outfit.garments))


def other_garments(rng: np.random.Generator, outfit: Outfit) -> Outfit:
    """Other kinds of tops in the same colours, and whatever goes with them; the tops' colours go to tops."""
    colours = [garment.colour for garment in _tops_first(outfit)]
    while True:
        other = random_outfit(rng)
        if not kinds_of_tops(other) & kinds_of_tops(outfit):
            given = {garment: colours[i % len(colours)] for i, garment in enumerate(_tops_first(other))}
            return Outfit(tuple(replace(garment, colour=given[garment]) for garment in other.garments))


def kinds_of_tops(outfit: Outfit) -> set[str]:
    """Kinds of what covers the upper body: visible in every framing that shows clothes."""
    return {_FAMILIES.get(garment.tag, garment.tag) for garment in outfit.garments if _is_top(garment)}


def _tops_first(outfit: Outfit) -> list[Garment]:
    return sorted(outfit.garments, key=lambda garment: not _is_top(garment))


def _is_top(garment: Garment) -> bool:
    return garment.tag in TOPS or garment.tag in OUTERWEAR
