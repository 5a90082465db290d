"""Options of `trainers fastcomposer`."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.terminal.fields import option
from trainers.baselines.baseline_options import Baseline
from trainers.options import Said

SAID = Said(
    "FastComposer: a noun of the prompt is told together with what an image encoder sees",
    """FastComposer (Xiao et al.): the caption begins with a noun phrase ("a girl"), and a small network makes a new
token of its last one and of what an image encoder says of the reference's figure, cut out on noise. The network, the
UNet and the encoder's last layers train; cross-attention to that token is taught to stay on the target's figure. OUT is
a FastComposerPipeline.""",
    """examples:
  trainers fastcomposer --data DATA/1.0.0 --preset paper --out RUN
  trainers fastcomposer --data DATA/1.0.0 --setting a --preset paper --out RUN
  trainers fastcomposer --data DATA/1.0.0 --base tiny --steps 200 --lr 1e-3 --out RUN
""")

ENCODER = "openai/clip-vit-large-patch14"


@dataclass(frozen=True, kw_only=True)
class FastComposer(Baseline):
    """Options of `trainers fastcomposer`; the numbers are those of its authors' training."""

    image_encoder: str = option("", "what sees the reference: a folder, OWNER/NAME[@REVISION][:FOLDER] on the Hub, or "
                                f"tiny; its vectors are as long as the base's words. Default: {ENCODER}, with a tiny "
                                "base tiny", group="model", metavar="ENCODER")
    image_layers: int = option(2, "last layers of the image encoder that train", group="model", low=0, high=1000,
                               metavar="N")
    batch_size: int = option(16, "examples that a process sees at once", group="training", low=1, high=4096,
                             metavar="N")
    lr: float = option(1e-5, "learning rate", group="training", low=0, high=10, metavar="RATE")
    localization: float = option(1e-3, "weight of the loss that keeps attention to the figure's token on the figure",
                                 group="training", low=0, high=1e6, metavar="W")
    masked: float = option(0.5, "chance that of an example the target's figure alone counts for the loss",
                           group="training", low=0, high=1, metavar="P")
    both_drop: float = option(0.1, "chance that an example is trained without prompt and reference", group="data",
                              low=0, high=1, metavar="P")
    reference_drop: float = option(0.1, "of the others, chance of one without the reference", group="data", low=0,
                                   high=1, metavar="P")
