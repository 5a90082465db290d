"""Options of `trainers kandinsky`."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.errors import UsageError
from schemas.terminal.fields import option
from trainers.baselines.baseline_options import Baseline
from trainers.options import Said

SAID = Said(
    "Kandinsky 2.2: the decoder told of the reference, or the prior",
    """Kandinsky 2.2, a part at a time. The decoder's UNet draws the target after the image encoder's vector of the
reference, without words; the prior makes such a vector of the prompt. The UNet trains, or the prior's transformer, and
nothing else. OUT is for KandinskyV22Pipeline.from_pretrained, or KandinskyV22PriorPipeline's.""",
    """examples:
  trainers kandinsky --data DATA/1.0.0 --preset paper --out RUN
  trainers kandinsky --data DATA/1.0.0 --part prior --preset paper --out RUN
  trainers kandinsky --data DATA/1.0.0 --setting a --base tiny --steps 200 --lr 1e-3 --out RUN
""")

PRIOR = "kandinsky-community/kandinsky-2-2-prior"


@dataclass(frozen=True, kw_only=True)
class Kandinsky(Baseline):
    """Options of `trainers kandinsky`; the numbers are those of diffusers' training."""

    base: str = option("kandinsky-community/kandinsky-2-2-decoder", "the decoder: a diffusers folder, "
                       "OWNER/NAME[@REVISION] on the Hub, or tiny, a small Kandinsky that is made on the spot",
                       group="model", metavar="BASE")
    prior: str = option("", f"the prior and its image encoder, likewise. Default: {PRIOR}, with the tiny decoder tiny",
                        group="model", metavar="BASE")
    part: str = option("decoder", "which of the two trains; the other serves for the samples", group="model",
                       choices=("decoder", "prior"))
    predict: str = option("target", "whose vector the prior learns to make of the target's prompt: the target's, the "
                          "same under a and b, or the reference's", group="data", choices=("target", "reference"))
    drop: float = option(0.1, "chance that an example is trained without what its part is told: the decoder the "
                         "reference, the prior the prompt", group="data", low=0, high=1, metavar="P")
    accumulation: int = option(4, "batches whose gradients make one step", group="training", low=1, high=4096,
                               metavar="N")
    lr: float = option(1e-5, "learning rate", group="training", low=0, high=10, metavar="RATE")
    sample_steps: int = option(50, "denoising steps of the decoder in a sample, by its own scheduler", group="samples",
                               low=1, high=1000, metavar="N")
    guidance: float = option(4.0, "classifier-free guidance of the decoder in the samples", group="samples", low=0,
                             high=100, metavar="G")

    def check(self) -> None:
        """Raises UsageError, before anything is loaded."""
        super().check()
        if self.part == "decoder" and self.predict != "target":
            raise UsageError("--predict is for the prior", seen=self.predict, next_command="add --part prior")
        if self.part == "prior" and self.gradient_checkpointing:
            raise UsageError("--gradient-checkpointing is for the decoder: diffusers' prior has none",
                             next_command="leave it out")
