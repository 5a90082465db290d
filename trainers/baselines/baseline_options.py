"""Options that the baselines have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from schemas.errors import UsageError
from schemas.terminal.fields import option
from trainers.options import Training

SIDE, PRECISION = 256, "fp16"
"""Pixels and precision of the paper's baselines."""


@dataclass(frozen=True, kw_only=True)
class Baseline(Training):
    """How a baseline trains. None is what the preset or the base says; `resolved` puts it in."""

    data: str = option("", "a version folder of `build retribooru`, its OUT, or OWNER/NAME[@REVISION] on the Hub",
                       group="data", metavar="DATA")
    setting: str = option("b", "a: the target itself is the reference, under another transform; b: another picture of "
                          "its identity is", group="data", choices=("a", "b"))
    crop_ratio: float = option(0.75, "least ratio, 0.1 to 1, of a random crop's sides to the picture's; target and "
                               "reference are cropped each by itself", group="data", low=0.1, high=1, metavar="R")
    no_flip: bool = option(False, "never mirror; else half of the pictures are", group="data")
    resolution: int | None = option(None, f"side of the squares that pictures are laid on, pixels. Default: {SIDE}, "
                                    "or the base's own where that is smaller", group="model", low=8, high=4096,
                                    metavar="PX")
    preset: str = option("", f"paper: {PRECISION} on squares of {SIDE} pixels, for GPUs; numbers that the paper does "
                         "not tell are the method's own", group="training", metavar="PRESET", choices=("", "paper"))
    precision: str | None = option(None, "what frozen weights and activations are kept in; what trains stays float32. "
                                   f"Default: {PRECISION} by preset; else no", group="running",
                                   choices=("no", "fp16", "bf16"))
    steps: int = option(9_000, "optimizer steps", group="training", low=1, high=10_000_000, metavar="N")

    def check(self) -> None:
        """Raises UsageError, before anything is loaded."""
        if not self.data:
            raise UsageError("--data is missing", allowed="a dataset that `build retribooru` published",
                             next_command="build retribooru --source SOURCE --out OUT")
        super().check()

    def resolved(self, side: int) -> Self:
        """The same with what the preset says, for a base of pictures of this side."""
        return replace(self, resolution=self.resolution or min(SIDE, side),
                       precision=self.precision or (PRECISION if self.preset else "no"))
