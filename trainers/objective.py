"""The loss of diffusion models: what the UNet should say, how wrong it is on each row, and the weight of the priors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from trainers.bases import Base, Words


def target(scheduler: Any, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """What the UNet should predict, by the scheduler's prediction type: the noise; v, which is sqrt(a) noise less
    sqrt(1 - a) latents with a the product of alphas at the timestep; or the latents."""
    kind = scheduler.config.prediction_type
    if kind == "v_prediction":
        return scheduler.get_velocity(latents, noise, timesteps)
    return {"epsilon": noise, "sample": latents}[kind]


def errors(base: Base, batch: Mapping[str, Any], words: Words, unet: Any = None) -> Tensor:
    """Mean squared error of each row: B numbers in float32, over the mask alone where the batch has one.

    `unet` is asked in place of the base's own.
    """
    latents = base.latents(batch["pixels"], batch["latent_noise"])
    noise, timesteps = batch["noise"], batch["timesteps"]
    noisy = base.scheduler.add_noise(latents, noise, timesteps)
    also = {}
    if words.pooled is not None:
        also["added_cond_kwargs"] = {"text_embeds": words.pooled, "time_ids": batch["sizes"]}
    said = (base.unet if unet is None else unet)(noisy, timesteps, words.embeds, **also).sample
    wrong = (said.float() - target(base.scheduler, latents, noise, timesteps)) ** 2
    mask = batch.get("mask")
    if mask is None:
        return wrong.mean(dim=(1, 2, 3))
    # A picture too far away to fill a cell of the mask teaches nothing.
    return (wrong * mask).sum(dim=(1, 2, 3)) / (mask.sum(dim=(1, 2, 3)) * wrong.shape[1]).clamp(min=1)


def with_prior(errors: Tensor, prior: Tensor, weight: float = 1.0) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss, and its parts: mean error of the instances plus `weight` times that of the priors, where `prior` (B
    bools) is true. A batch of one kind has that part alone."""
    parts = {name: errors[rows].mean() for name, rows in (("instance", ~prior), ("prior", prior)) if rows.any()}
    loss = torch.stack([part * (weight if name == "prior" else 1.0) for name, part in parts.items()]).sum()
    return loss, parts
