"""ControlNet (Zhang et al., 2023): a trainable copy of the base's encoder and middle is shown the reference, and adds
to what the decoder is told through convolutions that begin as nought.

The model is diffusers' own. Its authors show it what lies on the target pixel by pixel; a reference does not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import torch
from diffusers import (
    ControlNetModel,
    DDIMScheduler,
    DiffusionPipeline,
    StableDiffusionControlNetPipeline,
    StableDiffusionXLControlNetPipeline,
)
from PIL import Image
from torch import Tensor

from schemas.draws import draw
from trainers.baselines.controlnet_options import ControlNet as Options
from trainers.baselines.feeding import place_of, view_of
from trainers.bases import Base, open_base
from trainers.data import open_data
from trainers.objective import errors
from trainers.options import Training
from trainers.training import reference_grids
from trainers.training.feeding import Batch
from trainers.training.loop import train
from trainers.training.method import Method
from trainers.training.record import Run
from trainers.training.reference_grids import Shown
from trainers.views.identities import COLUMNS

_CHANNELS = (16, 32, 96, 256)
"""Of what sees the reference: all but the first halve it, as the VAE does a picture."""
PIPELINES = {"sd": StableDiffusionControlNetPipeline, "sdxl": StableDiffusionXLControlNetPipeline}


class ControlNet(Method):
    """The base with a ControlNet. `shown` are examples for grids of samples."""

    def __init__(self, base: Base, options: Options, shown: Sequence[Shown] = ()) -> None:
        super().__init__(base)
        self._options, self._shown = options, shown
        halvings = len(base.vae.config.block_out_channels) - 1
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(draw("controlnet", str(options.seed)))
            self.controlnet = ControlNetModel.from_unet(
                base.unet, conditioning_embedding_out_channels=_CHANNELS[: halvings + 1]).requires_grad_(True).train()

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """"loss"."""
        [references] = cast(Mapping[str, Any], batch)["references"].unbind(1)

        def told(noisy: Tensor, timesteps: Tensor, words: Tensor, **more: Any) -> Any:
            down, middle = self.controlnet(noisy, timesteps, words, (references + 1) / 2, return_dict=False, **more)
            return self.unet(noisy, timesteps, words, down_block_additional_residuals=down,
                             mid_block_additional_residual=middle, **more)

        return {"loss": errors(self.base, batch, self.base.encode(batch["texts"]), told).mean()}

    def spare_activations(self) -> None:
        """See `Method.spare_activations`."""
        super().spare_activations()
        self.controlnet.enable_gradient_checkpointing()

    def pipeline(self) -> DiffusionPipeline:
        """See `Method.pipeline`."""
        parts = self.base.pipeline
        scheduler = DDIMScheduler.from_config(parts.scheduler.config, clip_sample=False)
        return PIPELINES[self.base.family](**{**parts.components, "scheduler": scheduler},
                                            controlnet=self.controlnet)

    def grid(self, prompts: list[str], options: Training, autocast: AbstractContextManager[None]) -> Image.Image:
        """A row for each prompt: its reference, the target, and samples."""
        return reference_grids.grid(self, prompts, options, autocast, self._shown,
                                    lambda references: {"image": references[0]})

    def publish(self, folder: Path) -> None:
        """config.json and weights, as ControlNetModel writes them."""
        self.controlnet.save_pretrained(folder)

    def facts(self) -> dict[str, Any]:
        """See `Method.facts`."""
        kind, side = PIPELINES[self.base.family].__name__, self._options.resolution
        prompts = [one["text"] for one in self._shown]
        prompt = json.dumps(prompts[0] if prompts else "1girl", ensure_ascii=False)
        lines = ["from PIL import Image, ImageOps", f"from diffusers import ControlNetModel, {kind}", "",
                 'controlnet = ControlNetModel.from_pretrained("OUT")',
                 f'pipe = {kind}.from_pretrained("{place_of(self.base, self._options.out)}", controlnet=controlnet)',
                 "", f'reference = ImageOps.pad(Image.open("reference.png").convert("RGB"), ({side}, {side}), '
                     'color="white")',
                 f"picture = pipe({prompt}, image=reference, height={side}, width={side}).images[0]"]
        return super().facts() | {"prompts": prompts, "usage": "\n".join(lines)}


def run(options: Options) -> int:
    """Trains and publishes; returns the exit code."""
    data = open_data(options.data, "--data", "retribooru", COLUMNS)
    base = open_base(options.base, options.out / "base")
    options = options.resolved(base.resolution)
    shown = reference_grids.shown(data, options, lambda split: view_of(split, base, options))
    record = Run(method="controlnet", options=options, data={"data": data}, base=base.provenance())
    view = view_of(data, base, options, options.prompt_drop)
    return train(ControlNet(base, options, shown), view, options, record)
