"""A target and what it is to be drawn after: the settings -a and -b, several references, concepts of them (RetriBooru).

-a shows the target's own file, -b another one of the same identity. All that is drawn (which references, in what
order, what of them, how each is transformed) follows from the place and the target's id, for each reference by
itself: under -a and -b it is the same, and only the files differ. References are drawn without replacement; where a
row has fewer than are asked for, they begin anew in the same order, each time transformed otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, NamedTuple

import torch
from PIL import Image

from trainers.training import draws
from trainers.training.draws import At
from trainers.training.feeding import Row
from trainers.views import concepts, letterbox
from trainers.views.concepts import CLOTHES, FACE, FIGURE, Shown
from trainers.views.identities import Identities
from trainers.views.letterbox import Laid


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What the model takes: squares of `side` pixels, latents of this shape (channels, h, w), so many timesteps. `low`
    is the least ratio of a transform's window; `flip` mirrors as often as not."""

    side: int
    latent: tuple[int, int, int]
    timesteps: int
    low: float = 0.75
    flip: bool = True

    @property
    def cell(self) -> int:
        """Pixels of a latent cell's side."""
        return self.side // self.latent[1]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be shown with a target: `count` references.

    `own` is -a: the target's file in place of others. `compose` is the chance, 0 .. 1, that a row's references are
    concepts and not whole figures; `faces` that a concept is the face and not the clothes. `widen` and `majority` are
    those of `concepts`. `repeat` says what becomes of references that only repeat others: they are shown again, or
    masked. `prompt_drop` is the chance of an empty prompt. `mattes` are wanted of all pictures.
    """

    own: bool = False
    count: int = 1
    compose: float = 0.0
    faces: float = 0.5
    widen: float = 1.6
    majority: float = 0.5
    repeat: Literal["cycle", "mask"] = "cycle"
    prompt_drop: float = 0.0
    mattes: bool = False


class Example(Row, total=False):
    """A target with its N references. `mask` is `valid`. All tensors are float32 but `reference_mask`."""

    references: torch.Tensor
    """N x 3 x side x side, -1 .. 1; white where masked"""
    reference_mask: torch.Tensor
    """bool N: False for those that the model must not see"""
    concepts: list[str]
    """N of figure, face, clothes"""
    reference_ids: list[str]
    valid: torch.Tensor
    """1 x h x w: 1 where the target's picture lies, 0 for the bars"""
    valid_pixels: torch.Tensor
    """1 x side x side"""
    face: torch.Tensor
    """1 x h x w: 1 where the target's face box lies; 0 all over where it has none"""
    face_pixels: torch.Tensor
    """1 x side x side"""
    matte: torch.Tensor
    """1 x side x side, 0 .. 1: of the target, where mattes are asked for"""
    reference_mattes: torch.Tensor
    """N x 1 x side x side"""


class References:
    """The view: every row is the target once in an epoch."""

    def __init__(self, identities: Identities, sheet: Sheet, asked: Asked) -> None:
        self._identities, self._sheet, self._asked = identities, sheet, asked

    def told(self) -> str:
        """One line for a person: what there is to be shown."""
        return self._identities.told(self._asked.count, self._asked.majority)

    def rows(self, at: At) -> list[Row]:
        """The example of a slot. Raises BuildError, which names the row, for pixels that cannot be read."""
        sheet, asked, known = self._sheet, self._asked, self._identities
        target = draws.turn(len(known), at.seed, at.position, "identities")
        pixels = _Pixels(cache(known.picture), cache(known.matte))
        name, picture, box = known.name(target), pixels.picture(target), known.box(target)
        laid = self._laid(Shown(picture), at, name, "target")
        valid, valid_pixels = laid.valid()
        face, face_pixels = laid.covered(concepts.in_pixels(box or (0, 0, 0, 0), picture.size))
        dropped = draws.uniform(at, name, "drop prompt") < asked.prompt_drop
        row = Example(
            id=name, pixels=laid.pixels(picture), text="" if dropped else known.prompt(target),
            noise=draws.noise(sheet.latent, at, name), latent_noise=draws.latent_noise(sheet.latent, at, name),
            timestep=draws.timestep(at, name, sheet.timesteps), prior=False,
            size=(sheet.side, sheet.side, 0, 0, sheet.side, sheet.side),
            mask=valid, valid=valid, valid_pixels=valid_pixels, face=face, face_pixels=face_pixels)
        if asked.mattes:
            row["matte"] = laid.levels(pixels.matte(target, picture.size))
        self._refer(row, at, target, pixels)
        return [row]

    def _refer(self, row: Example, at: At, target: int, pixels: _Pixels) -> None:
        """Puts the references into the target's row."""
        asked, side, name = self._asked, self._sheet.side, row["id"]
        files = self._files(at, name, target)
        words = [concepts.concept(word, self._identities.box(file), asked.majority)
                 for word, file in zip(self._wanted(at, name), files, strict=True)]
        slots = list(zip(files, words, strict=True))
        seen = [asked.repeat == "cycle" or slot not in slots[:number] for number, slot in enumerate(slots)]
        shown = torch.full((asked.count, 3, side, side), letterbox.WHITE)
        mattes = torch.zeros(asked.count, 1, side, side)
        for number, (file, word) in enumerate(slots):
            if not seen[number]:
                continue
            showing = self._shown(file, word, pixels)
            laid = self._laid(showing, at, name, f"reference {number}")
            laid.pixels(showing.picture, shown[number])
            if asked.mattes:
                laid.levels(pixels.matte(file, showing.picture.size), mattes[number])
        row["references"], row["reference_mask"] = shown, torch.tensor(seen)
        row["concepts"], row["reference_ids"] = words, [self._identities.name(file) for file in files]
        if asked.mattes:
            row["reference_mattes"] = mattes

    def _files(self, at: At, name: str, target: int) -> list[int]:
        """The rows whose files are the references."""
        asked = self._asked
        if asked.own:
            return [target] * asked.count
        there = self._identities.references(target)
        order = torch.randperm(len(there), generator=draws.generator(at, name, "references"))
        return [int(there[order[number % len(there)]]) for number in range(asked.count)]

    def _wanted(self, at: At, name: str) -> list[str]:
        """What the references are to show, before anything is known of them."""
        asked = self._asked
        if draws.uniform(at, name, "task") >= asked.compose:
            return [FIGURE] * asked.count
        return [FACE if draws.uniform(at, name, f"concept {number}") < asked.faces else CLOTHES
                for number in range(asked.count)]

    def _shown(self, file: int, word: str, pixels: _Pixels) -> Shown:
        picture, box = pixels.picture(file), self._identities.box(file)
        if box is None or word == FIGURE:
            return Shown(picture)
        if word == FACE:
            return concepts.face(picture, box, self._asked.widen)
        return concepts.clothes(picture, pixels.matte(file, picture.size), box, self._asked.widen)

    def _laid(self, shown: Shown, at: At, name: str, who: str) -> Laid:
        sheet = self._sheet
        transform = letterbox.drawn(at, name, who, sheet.low, sheet.flip)
        return letterbox.lay(shown.picture.size, sheet.cell, sheet.side, transform, shown.region)


class _Pixels(NamedTuple):
    """What `Identities` gives, decoded once for all of an example."""

    picture: Callable[[int], Image.Image]
    matte: Callable[[int, tuple[int, int]], Image.Image]


def tally(batch: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """For the log: how many different rows the references of a target are of, on average, and which share of all
    references are faces, clothes and whole figures."""
    said = [word for words in batch["concepts"] for word in words]
    distinct = [len(set(names)) for names in batch["reference_ids"]]
    shares = {word: said.count(word) / len(said) for word in (FIGURE, FACE, CLOTHES)}
    return {name: torch.tensor(value) for name, value in
            {"references": sum(distinct) / len(distinct), **shares}.items()}
