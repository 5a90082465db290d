"""Which split a row stands in: drawn by hashes of identities, so that versions stay comparable.

- `test_unseen` holds out whole characters;
- `test_seen` holds out whole outfits of characters that keep another outfit in training;
- `train` is the rest.

References never cross splits, because outfits are held out whole; and near copies never straddle them, because
whatever they tie (outfits, characters) moves together. The paper's record does not tell its splits; the shares are
ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from builders.components import Components

TRAIN, SEEN, UNSEEN = "train", "test_seen", "test_unseen"


@dataclass(frozen=True)
class Shares:
    """Shares of characters (unseen) and of outfits (seen) to hold out, 0..1, and the seed of the draw.

    A small dataset may have no identity under the share: then the nearest one is held out, so that no split that
    was asked for stays empty, as long as training keeps something.
    """

    seen: float
    unseen: float
    seed: int


def assign(characters: Sequence[str], outfits: Sequence[str], near: Iterable[tuple[int, int]],
           shares: Shares) -> list[str]:
    """The split of each row, in their order. `near` are pairs of rows that must not be parted."""
    near = list(near)
    people = _tied(characters, near)
    clothes = _tied(outfits, near)
    unseen = _draw(set(people), shares.unseen, f"{shares.seed}:character")
    wears: dict[str, set[str]] = {}  # character -> outfits in training
    worn_by: dict[str, set[str]] = {}
    for character, person, outfit in set(zip(characters, people, clothes, strict=True)):
        if person not in unseen:
            wears.setdefault(character, set()).add(outfit)
            worn_by.setdefault(outfit, set()).add(character)
    seen: set[str] = set()
    for outfit, chance in _by_chance(worn_by, f"{shares.seed}:outfit"):
        if shares.seen == 0 or (chance >= shares.seen and seen):
            break
        if all(len(wears[character]) > 1 for character in worn_by[outfit]):
            seen.add(outfit)
            for character in worn_by[outfit]:
                wears[character].discard(outfit)
    return [UNSEEN if person in unseen else SEEN if outfit in seen else TRAIN
            for person, outfit in zip(people, clothes, strict=True)]


def _tied(names: Sequence[str], near: Iterable[tuple[int, int]]) -> list[str]:
    """For each row the first, in sorted order, of all names that near copies tie to its own."""
    pairs = [(names[first], names[second]) for first, second in near]
    order = sorted(set(chain.from_iterable(pairs)))
    at = {name: number for number, name in enumerate(order)}
    parts = Components(len(order))
    for one, other in pairs:
        parts.union(at[one], at[other])
    tied = {name: order[parts.find(number)] for name, number in at.items()}
    return [tied.get(name, name) for name in names]


def _draw(names: Collection[str], share: float, salt: str) -> set[str]:
    """Names whose chance is under `share`; at least one, but never all, unless the share is nought."""
    if share == 0 or len(names) < 2:
        return set()
    ranked = _by_chance(names, salt)
    drawn = [name for name, chance in ranked if chance < share] or [ranked[0][0]]
    return set(drawn[:len(names) - 1])


def _by_chance(names: Iterable[str], salt: str) -> list[tuple[str, float]]:
    """Names with their chance in 0..1, which follows from salt and name alone; lowest first."""
    told = ((int(hashlib.sha256(f"{salt}:{name}".encode()).hexdigest()[:13], 16) / 16**13, name) for name in names)
    return [(name, chance) for chance, name in sorted(told)]
