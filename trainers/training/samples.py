"""Grids of samples while a method trains: fixed prompts, fixed seeds, a row of pictures for each prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import torch
from diffusers.image_processor import VaeImageProcessor
from diffusers.utils import make_image_grid
from PIL import Image

from schemas.draws import draw
from trainers.options import Training

if TYPE_CHECKING:
    from trainers.training.method import Method


def grid(method: Method, prompts: list[str], options: Training, autocast: AbstractContextManager[None]) -> Image.Image:
    """The pictures of `drawn`, a row of them for each prompt."""
    side = options.resolution or method.base.resolution
    pictures = drawn(method, prompts, options, autocast, [{"height": side, "width": side}] * len(prompts))
    return make_image_grid(pictures, rows=len(prompts), cols=options.sample_count)


def drawn(method: Method, prompts: list[str], options: Training, autocast: AbstractContextManager[None],
          more: Sequence[Mapping[str, Any]]) -> list[Image.Image]:
    """`sample_count` pictures of each prompt by the method as it stands, with the seeds of every other time. `more`
    is what the pipeline is told with each prompt, the size of its picture among it.

    `autocast` sets the precision of the denoising; pictures are decoded in float32, the precision of the VAE here:
    that of SDXL has no room for float16.
    """
    pipe = method.pipeline()
    pipe.set_progress_bar_config(disable=True)
    device = next(method.parameters()).device
    latents = []
    with autocast:
        for row, (prompt, also) in enumerate(zip(prompts, more, strict=True)):
            for column in range(options.sample_count):
                chance = torch.Generator("cpu").manual_seed(draw("sample", str(options.seed), str(row), str(column)))
                made = pipe(prompt, num_inference_steps=options.sample_steps, guidance_scale=options.guidance,
                            generator=chance, output_type="latent", **also)
                latents.append(made.images.to(device, torch.float32))
    with torch.no_grad():
        decoded = [method.base.pixels(one) for one in latents]
    pictures: list[Image.Image] = VaeImageProcessor().postprocess(torch.cat(decoded), output_type="pil")
    return pictures
