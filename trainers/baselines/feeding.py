"""What all baselines are fed: a target and one whole reference."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from trainers.baselines.baseline_options import Baseline
from trainers.bases import Base
from trainers.data import Data
from trainers.views.identities import Identities
from trainers.views.references import Asked, References, Sheet


def view_of(data: Data, base: Base, options: Baseline, prompt_drop: float = 0.0) -> References:
    """The targets and references, by resolved options. Raises UsageError for rows without a reference."""
    side = cast(int, options.resolution)
    sheet = Sheet(side=side, latent=base.latent_shape(side), timesteps=base.scheduler.config.num_train_timesteps,
                  low=options.crop_ratio, flip=not options.no_flip)
    return References(Identities(data.rows), sheet, Asked(own=options.setting == "a", prompt_drop=prompt_drop))


def place_of(base: Base, out: Path) -> str:
    """Where a card's code finds the base: below OUT, or by its name."""
    return f"OUT/{base.folder.relative_to(out)}" if base.folder.is_relative_to(out) else base.name
