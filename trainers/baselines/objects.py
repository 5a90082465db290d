"""FastComposer's examples: a caption with a mark behind its noun phrase, and the figure that the mark stands for.

As its authors feed it: what the matte leaves out is noise, the figure's box is cut out and laid on a black square; some
examples have no caption and no figure, some no figure; of half of them the target's figure alone counts for the loss.
Of their strong transforms of figures here are a crop and a mirror, those of all baselines.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from schemas.tags import described
from trainers.training import draws
from trainers.training.draws import At
from trainers.training.feeding import Row, View
from trainers.views.references import Example

MARK = "<|image|>"
"""Stands in a text behind the word that is told together with the picture; its authors' own."""
_HALF = 0.5
_BLACK = -1.0


class Objects:
    """A view over one with captions by `captioned`, one reference a row, and mattes.

    A row's reference becomes its figure on noise, `matte` the target's figure, 1 or 0, and `mask` that figure alone by
    a chance of `masked`. By a chance of `both` the text is empty; of the other rows it loses its mark by a chance of
    `reference`, and wherever no figure is to be seen.
    """

    def __init__(self, view: View, both: float = 0.0, reference: float = 0.0, masked: float = 0.0) -> None:
        self._view, self._both, self._reference, self._masked = view, both, reference, masked

    def rows(self, at: At) -> list[Row]:
        """See `View.rows`."""
        return [self._marked(at, cast(Example, row)) for row in self._view.rows(at)]

    def _marked(self, at: At, row: Example) -> Example:
        name, [reference], [matte] = row["id"], row["references"], row.pop("reference_mattes")
        levels = torch.randint(256, reference.shape, generator=draws.generator(at, name, "ground"))
        row["references"] = cut(reference, matte, levels / 127.5 - 1)[None]
        row["matte"] = figure = (row["matte"] >= _HALF).float()
        if draws.uniform(at, name, "drop both") < self._both:
            row["text"] = ""
        elif (draws.uniform(at, name, "drop reference") < self._reference or not figure.any()
              or not (matte >= _HALF).any()):
            row["text"] = row["text"].replace(MARK, "")
        if MARK in row["text"] and draws.uniform(at, name, "mask") < self._masked:
            row["mask"] = interpolate(figure[None], row["valid"].shape[1:], mode="area")[0]
        return row


def captioned(prompts: str, character: str) -> str:
    """A RetriBooru row's caption, with the mark behind the noun phrase that it begins with."""
    noun, rest = described(prompts, character)
    return f"{noun}{MARK}{rest}"


def cut(picture: Tensor, matte: Tensor, ground: Tensor) -> Tensor:
    """The box of what a matte (1 x s x s, 0 .. 1) covers of a picture by half or more, elsewhere the ground, both 3 x s
    x s in -1..1, as big as a black square of this size takes it. A picture that shows nothing is black."""
    there = matte[0] >= _HALF
    if not there.any():
        return torch.full_like(picture, _BLACK)
    (top, bottom), (left, right) = ((int(found[0]), int(found[-1]) + 1) for found in (
        there.any(1).nonzero(), there.any(0).nonzero()))
    part = squared(torch.where(there, picture, ground)[:, top:bottom, left:right])
    return interpolate(part[None], picture.shape[1:], mode="bilinear", antialias=True)[0]


def squared(picture: Tensor) -> Tensor:
    """A picture 3 x h x w in -1..1 in the middle of the smallest black square that takes it."""
    high, wide = picture.shape[1:]
    first = abs(high - wide) // 2
    both = (first, abs(high - wide) - first)
    return pad(picture, (*both, 0, 0) if high > wide else (0, 0, *both), value=_BLACK)
