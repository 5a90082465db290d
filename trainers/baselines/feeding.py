"""What all baselines are fed: a target and one whole reference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

import torch

from schemas.tags import prompt
from trainers.baselines.baseline_options import Baseline
from trainers.bases import Base
from trainers.data import Data
from trainers.training import draws
from trainers.training.draws import At
from trainers.training.feeding import Row, View
from trainers.views.identities import Identities
from trainers.views.references import Asked, Example, References, Sheet


def view_of(data: Data, base: Base, options: Baseline, prompt_drop: float = 0.0, mattes: bool = False,
            written: Callable[[str, str], str] = prompt) -> References:
    """The targets and references, by resolved options; `mattes` and `written` as in `Asked` and `Identities`. Raises
    UsageError for rows without a reference."""
    side = cast(int, options.resolution)
    sheet = Sheet(side=side, latent=base.latent_shape(side), timesteps=base.scheduler.config.num_train_timesteps,
                  low=options.crop_ratio, flip=not options.no_flip)
    asked = Asked(own=options.setting == "a", prompt_drop=prompt_drop, mattes=mattes)
    return References(Identities(data.rows, written=written), sheet, asked)


class Placed(Protocol):
    """Of a base, or a part of one."""

    name: str
    folder: Path


def place_of(base: Placed, out: Path) -> str:
    """Where a card's code finds the base: below OUT, or by its name."""
    return f"OUT/{base.folder.relative_to(out)}" if base.folder.is_relative_to(out) else base.name


class Dropped:
    """A view whose examples are trained without their reference, their prompt, or both, by chances that exclude one
    another."""

    def __init__(self, view: View, reference: float = 0.0, prompt: float = 0.0, both: float = 0.0) -> None:
        self._view, self._reference, self._prompt, self._both = view, reference, prompt, both

    def rows(self, at: At) -> list[Row]:
        """See `View.rows`."""
        return [self._drop(row, draws.uniform(at, row["id"], "drop")) for row in self._view.rows(at)]

    def _drop(self, row: Row, chance: float) -> Row:
        """`chance` is even in 0 .. 1: first come both, then the reference, then the prompt."""
        alone = self._both + self._reference
        if chance < alone:
            mask = cast(Example, row)["reference_mask"]
            row = cast(Row, {**row, "reference_mask": torch.zeros_like(mask)})
        if chance < self._both or alone <= chance < alone + self._prompt:
            row = cast(Row, {**row, "text": ""})
        return row
