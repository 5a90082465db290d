"""Options of `trainers ip-adapter`."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.errors import UsageError
from schemas.terminal.fields import option
from trainers.baselines.baseline_options import Baseline
from trainers.options import Said

SAID = Said(
    "IP-Adapter: keys and values of its own for a picture, beside those of the prompt",
    """IP-Adapter (Ye et al.): a frozen image encoder sees the reference, and a projection makes four words of what it
says; every cross-attention gets keys and values for them. These and the projection train. OUT holds
ip_adapter.safetensors and the image encoder for load_ip_adapter of diffusers.""",
    """examples:
  trainers ip-adapter --data DATA/1.0.0 --preset paper --out RUN
  trainers ip-adapter --data DATA/1.0.0 --setting a --preset paper --out RUN
  trainers ip-adapter --data DATA/1.0.0 --base tiny --steps 200 --lr 1e-2 --out RUN
""")

ENCODER = "h94/IP-Adapter:models/image_encoder"


@dataclass(frozen=True, kw_only=True)
class IpAdapter(Baseline):
    """Options of `trainers ip-adapter`; the numbers are those of its authors' training."""

    image_encoder: str = option("", "what sees the reference: a folder, OWNER/NAME[@REVISION][:FOLDER] on the Hub, or "
                                f"tiny. Default: {ENCODER}, with a tiny base tiny", group="model", metavar="ENCODER")
    batch_size: int = option(8, "examples that a process sees at once", group="training", low=1, high=4096, metavar="N")
    reference_drop: float = option(0.05, "chance that an example is trained without its reference", group="data", low=0,
                                   high=1, metavar="P")
    prompt_drop: float = option(0.05, "the same without its prompt", group="data", low=0, high=1, metavar="P")
    both_drop: float = option(0.05, "the same without either", group="data", low=0, high=1, metavar="P")

    def check(self) -> None:
        """Raises UsageError, before anything is loaded."""
        super().check()
        chances = (self.reference_drop, self.prompt_drop, self.both_drop)
        if sum(chances) > 1:
            raise UsageError("--reference-drop, --prompt-drop and --both-drop exclude one another", allowed="1 in all",
                             seen=" + ".join(f"{chance:g}" for chance in chances))
