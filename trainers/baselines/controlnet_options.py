"""Options of `trainers controlnet`."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.terminal.fields import option
from trainers.baselines.baseline_options import Baseline
from trainers.options import Said

SAID = Said(
    "ControlNet: a trainable copy of the encoder tells the base of the reference",
    """ControlNet (Zhang et al.) with a reference where its authors have edges or poses: a copy of the base's encoder
and middle sees it, pixel by pixel, and adds to what the decoder is told. The copy trains, the base does not. OUT is for
ControlNetModel.from_pretrained.""",
    """examples:
  trainers controlnet --data DATA/1.0.0 --preset paper --out RUN
  trainers controlnet --data DATA/1.0.0 --setting a --preset paper --out RUN
  trainers controlnet --data DATA/1.0.0 --base tiny --steps 200 --lr 1e-3 --out RUN
""")


@dataclass(frozen=True, kw_only=True)
class ControlNet(Baseline):
    """Options of `trainers controlnet`; the numbers are those of its authors' training."""

    batch_size: int = option(4, "examples that a process sees at once", group="training", low=1, high=4096, metavar="N")
    lr: float = option(1e-5, "learning rate", group="training", low=0, high=10, metavar="RATE")
    prompt_drop: float = option(0.5, "chance that an example is trained without its prompt", group="data", low=0,
                                high=1, metavar="P")
