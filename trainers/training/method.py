"""What a method is: a module that holds the base and whose forward gives the loss. The loop does all the rest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from diffusers import DDIMScheduler, DiffusionPipeline
from PIL import Image
from torch import Tensor, nn

from trainers.bases import Base
from trainers.options import Training
from trainers.training import samples
from trainers.training.feeding import Batch


class Method(nn.Module, ABC):
    """Made of a base, whose modules are frozen. What a method trains, it makes require gradients, in float32."""

    def __init__(self, base: Base) -> None:
        super().__init__()
        base.freeze()
        self.base = base
        # As children, so that they move with the method. The text encoders are named as in a pipeline.
        self.unet, self.vae, self.text_encoders = base.unet, base.vae, nn.ModuleList(base.text_encoders)

    @abstractmethod
    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """"loss", a scalar, and what else is worth a line in the log, scalars too: the same names every time."""

    def groups(self, lr: float) -> list[dict[str, Any]]:
        """The optimizer's parameter groups."""
        return [{"params": list(self.trained().values()), "lr": lr}]

    def trained(self) -> dict[str, nn.Parameter]:
        """What trains, by name."""
        return {name: one for name, one in self.named_parameters() if one.requires_grad}

    def weights(self) -> dict[str, Tensor]:
        """What a checkpoint keeps of the method, by name; `load` takes it."""
        return {name: one.detach() for name, one in self.trained().items()}

    @torch.no_grad()
    def load(self, weights: dict[str, Tensor]) -> None:
        """Takes what `weights` gave, bit for bit."""
        for name, one in self.trained().items():
            one.copy_(weights[name])

    def exact(self) -> list[nn.Module]:
        """What stays float32 in every precision: the VAE, which is small, and that of SDXL overflows in float16."""
        return [self.vae]

    def spare_activations(self) -> None:
        """Makes what trains compute its activations twice rather than keep them."""
        self.unet.enable_gradient_checkpointing()
        for one in self.text_encoders:
            if any(weight.requires_grad for weight in one.parameters()):
                # The name since transformers 5.23, or the one before.
                enable = getattr(one, "activation_checkpointing_enable", None) or one.gradient_checkpointing_enable
                enable({"use_reentrant": False})
                one.train()  # transformers looks at this too; their dropout is 0

    def pipeline(self) -> DiffusionPipeline:
        """A pipeline over these very modules, for samples."""
        pipe = self.base.pipeline
        pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config, clip_sample=False)
        return pipe

    def grid(self, prompts: list[str], options: Training, autocast: AbstractContextManager[None]) -> Image.Image:
        """A picture of how the method draws these prompts, by the same chance every time; see `samples.drawn`."""
        return samples.grid(self, prompts, options, autocast)

    @abstractmethod
    def publish(self, folder: Path) -> None:
        """Writes the weights as users load them into an empty folder."""

    def facts(self) -> dict[str, Any]:
        """For run.json and the card: "trains" (numbers of what trains), "prompts" (to try), "usage" (code that loads
        the folder OUT)."""
        return {"trains": sum(one.numel() for one in self.trained().values()), "prompts": []}
