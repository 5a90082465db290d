"""What the sample mirror will hold, decided before anything is drawn.

A *look* is one artist's hand, one character and one outfit; pictures of one look are each other's references.
Defects and near copies are planted beside looks that are whole without them, so that each row's fate has one
cause: its own defect, never that of a neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from builders.sources import sample_names
from builders.sources.drawing import (
    Character,
    Outfit,
    Style,
    random_character,
    random_outfit,
    random_style,
)
from builders.sources.sample_outfits import other_garments, recoloured

LAST_ID = 3_734_660
"""Last image of Danbooru2019."""

FATAL: dict[str, str] = {
    # defect: reason under which a build must drop the row
    "truncated": "truncated",
    "empty": "empty",
    "html": "not_an_image",
    "damaged": "corrupt",
    "animated": "animated",
    "bomb": "too_large",
    "too_small": "too_small",
    "directory": "not_a_file",
    "symlink": "outside_root",
    "unreadable": "unreadable",
    "second_file": "duplicate_file",
    "no_record": "no_metadata",
    "cut_record": "bad_metadata",
    "keyless_record": "bad_metadata",
    "bad_name": "bad_name",
    "deleted": "status",
    "banned": "status",
    "pending": "status",
    "banned_artist": "banned_artist",
    "questionable": "rating",
    "explicit": "rating",
    "two_characters": "character_count",
    "no_character": "character_count",
    "two_artists": "artist_count",
    "no_artist": "artist_count",
    "no_garment": "no_garment",
    "faceless_back": "no_face",
    "headless": "no_face",
    "two_figures": "many_faces",
    "singleton": "singleton",
    "lone_outfit": "no_reference",
}
HARMLESS = ("cmyk", "png16", "exif_rotated", "broken_icc", "wrong_extension", "odd_unicode", "duplicate_tags",
            "crop_suffix", "flagged")
"""Oddities that a reader must see through: these rows survive."""

NEAR = ("reencoded", "recoloured", "cropped", "mirrored", "child_expression", "child_text")
"""Kinds of near copy; the child_ ones name the original as their parent post."""

_SHARES = {"fatal": 0.27, "harmless": 0.10, "near": 0.08}
_LONGEST = 6
"""Most originals of one look."""


@dataclass(frozen=True)
class Look:
    """One artist's hand, one character, one outfit."""

    character: str
    copyright: str
    artist: str
    who: Character
    outfit: Outfit
    outfit_id: str
    """Shared by artists who draw the same character in the same outfit."""
    style: Style
    wardrobe: tuple[Outfit, ...]
    """Every outfit of the character; the others are made to look like the first."""


@dataclass(frozen=True)
class Figure:
    """One figure file. Everything that decides its bytes and its record is in here."""

    index: int
    """Place in the plan; keys the row's random numbers."""
    post_id: int
    look: Look
    scene: int
    """Index that keys the scene: a near copy has its original's."""
    defect: str = ""
    near_of: int = 0
    """Post id of the original of a near copy, else 0."""
    near_kind: str = ""
    near_scene: int = 0
    """Index that keys the edit of a near copy."""

    @property
    def expected(self) -> str:
        """The reason under which a build must drop this row, "" when it must survive."""
        return FATAL.get(self.defect, "")


def generator(seed: int, *key: int) -> np.random.Generator:
    """Random numbers for one purpose: equal key, equal numbers, whatever was drawn before."""
    return np.random.default_rng([seed, *key])


def plan(count: int, seed: int) -> list[Figure]:
    """`count` figure files, in order of post id.

    From about 120 rows on, every defect and kind of near copy occurs; smaller plans take the first of each list.
    """
    rng = generator(seed, 1)
    sizes = {kind: round(share * count) for kind, share in _SHARES.items()}
    originals = count - sizes["fatal"] - sizes["near"]
    looks = _looks(originals, seed)
    posts = iter((rng.choice(LAST_ID - 61_000, size=count, replace=False) + 60_000).tolist())
    clean = [Figure(index=i, post_id=next(posts), look=look, scene=i) for i, look in enumerate(looks)]
    order = rng.permutation(originals).tolist()
    odd = order[: sizes["harmless"]]
    for turn, place in enumerate(odd):
        clean[place] = replace(clean[place], defect=HARMLESS[turn % len(HARMLESS)])
    # An original is copied once at most, so that every near-copy pair is a planted one.
    bases = [clean[place] for place in order[sizes["harmless"]: sizes["harmless"] + sizes["near"]]]
    copies = [replace(base, index=originals + i, post_id=next(posts), near_of=base.post_id,
                      near_kind=NEAR[i % len(NEAR)], near_scene=originals + i) for i, base in enumerate(bases)]
    begin = originals + len(copies)
    hosts = [clean[place].look for place in rng.permutation(originals).tolist()]
    fatal = [_defective(begin + i, next(posts), hosts[i % len(hosts)], i, seed) for i in range(count - begin)]
    for i, figure in enumerate(fatal):
        fatal[i] = _second_file(figure, clean[order[-1 - i]]) if figure.defect == "second_file" else figure
    return sorted((*clean, *copies, *fatal), key=lambda figure: (figure.post_id, figure.index))


def _looks(originals: int, seed: int) -> list[Look]:
    """One look for each original, every look at least twice where there are two originals."""
    looks: list[Look] = []
    rng = generator(seed, 2)
    cast = _cast(originals, seed)
    while len(looks) < originals:
        look = next(cast)
        left = originals - len(looks)
        size = min(int(rng.integers(3, _LONGEST + 1)), left)
        # Never leave a single picture for the next look: it would have no reference.
        looks += [look] * (left if left - size < 2 else size)
    return looks


def _cast(originals: int, seed: int) -> Iterator[Look]:
    """Looks without end: popular characters have more artists and outfits than others."""
    people = sample_names.character_names(generator(seed, 3), max(originals, 2))
    hands = sample_names.artist_names(generator(seed, 4), max(3, originals // 30))
    styles = [random_style(generator(seed, 5, i)) for i in range(len(hands))]
    for number, (name, work) in enumerate(people):
        rng = generator(seed, 6, number)
        who = random_character(rng)
        outfits = _wardrobe(rng, 1 + int(rng.integers(0, 3)))
        artists = rng.permutation(len(hands))[: 1 + int(rng.integers(0, 3))].tolist()
        for artist in artists:
            # The first outfit is drawn by every artist of the character, the others by some.
            worn = [0, *(i for i in range(1, len(outfits)) if rng.random() < 0.7)]
            for i in worn:
                yield Look(name, work, hands[artist], who, outfits[i], f"{name}/{i}", styles[artist], outfits)


def _wardrobe(rng: np.random.Generator, size: int) -> tuple[Outfit, ...]:
    """Outfits of one character: the second has the first one's garments in other colours, the third the
    first one's colours on other garments."""
    first = random_outfit(rng)
    return (first, recoloured(rng, first), other_garments(rng, first))[:size]


def _defective(index: int, post_id: int, look: Look, turn: int, seed: int) -> Figure:
    rng = generator(seed, 7, index)
    names = list(FATAL)
    defect = names[turn % len(names)]
    if defect == "singleton":
        look = replace(look, artist=f"{look.artist}_{index}", style=random_style(rng))
    if defect == "lone_outfit":
        # Neither kinds nor colours of the first outfit, so that it cannot pass for another of the wardrobe.
        alone = recoloured(rng, other_garments(rng, look.wardrobe[0]))
        look = replace(look, outfit=alone, outfit_id=f"{look.character}/{index}")
    return Figure(index=index, post_id=post_id, look=look, scene=index, defect=defect)


def _second_file(figure: Figure, first: Figure) -> Figure:
    """The defect's file carries the post id of a whole one."""
    return replace(figure, post_id=first.post_id, look=first.look)
