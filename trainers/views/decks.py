"""A dataset's rows turned over one a slot, each as the model sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import datasets

from schemas.errors import BuildError, RowError
from trainers import pictures
from trainers.captions import Caption, as_written, beginning
from trainers.training import draws
from trainers.training.draws import At
from trainers.training.feeding import Row


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What the model takes: squares of `side` pixels, latents of this shape (channels, h, w), so many timesteps.

    `low` is the least crop ratio; 1 cuts only what does not fit the square. `flip` mirrors every other picture.
    `augment` near-far is Custom Diffusion's in place of crops.
    """

    side: int
    latent: tuple[int, int, int]
    timesteps: int
    low: float = 0.75
    flip: bool = False
    augment: Literal["crop", "near-far"] = "crop"


class Deck:
    """Rows with `id`, undecoded `image` and what the caption reads (`data.open_data`). Each stands once in an epoch;
    `stream` names the order: decks with other names are shuffled apart. `prior` marks what regularizes."""

    def __init__(self, rows: datasets.Dataset, frame: Frame, caption: Caption = as_written, *,
                 stream: str = "instances", prior: bool = False) -> None:
        self._rows, self._frame, self._caption = rows, frame, caption
        self._said = rows.remove_columns("image")
        self._stream, self._prior = stream, prior
        self._kept = pictures.Kept(enough=round(frame.side / frame.low))

    def row(self, at: At) -> Row:
        """The row of a slot. Raises BuildError, which names the row, for a picture that cannot be read."""
        frame = self._frame
        number = draws.turn(len(self._rows), at.seed, at.position, self._stream)
        said = self._said[number]
        name = str(said["id"])
        try:
            picture = self._kept.picture(number, self._rows)
        except RowError as error:
            raise BuildError(f"the picture of row {name} cannot be used: {error}") from None
        if frame.flip:
            picture = pictures.mirrored(picture, at, name)
        if frame.augment == "crop":
            cut = pictures.cropped(picture, frame.side, frame.low, at, name)
        else:
            cut = pictures.near_or_far(picture, frame.side, frame.latent[1:], at, name)
        row = Row(id=name, pixels=cut.pixels, text=beginning(cut.prefix, self._caption(said, at)),
                  noise=draws.noise(frame.latent, at, name), latent_noise=draws.latent_noise(frame.latent, at, name),
                  timestep=draws.timestep(at, name, frame.timesteps), size=cut.size, prior=self._prior)
        if cut.mask is not None:
            row["mask"] = cut.mask
        return row
