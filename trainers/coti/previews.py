"""Pictures that a method draws to be judged: the same prompts and seeds every time, kept as PNG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image

from schemas import atomic
from schemas.draws import draw
from trainers.training.loop import Loop

_TOGETHER = 4
"""Pictures that are drawn at a time, always in the same company: neighbours change a picture's last bits."""


def drawn(loop: Loop, prompt: str, numbers: Sequence[int], steps: int, guidance: float) -> Iterator[Image.Image]:
    """Pictures of a prompt by the loop's method as it stands; a number and the run's seed give the noise.

    They are decoded in the VAE's own float32, whatever the precision of the denoising.
    """
    pipe = loop.method.pipeline()
    pipe.set_progress_bar_config(disable=True)
    side = loop.options.resolution or loop.method.base.resolution
    for first in range(0, len(numbers), _TOGETHER):
        some = numbers[first:first + _TOGETHER]
        chance = [torch.Generator("cpu").manual_seed(draw("preview", str(loop.options.seed), str(number)))
                  for number in some]
        with loop.accelerator.autocast():
            made = pipe([prompt] * len(some), height=side, width=side, num_inference_steps=steps,
                        guidance_scale=guidance, generator=chance, output_type="latent").images
        with torch.no_grad():
            pixels = [pipe.vae.decode(one[None].to(pipe.vae.dtype) / pipe.vae.config.scaling_factor).sample
                      for one in made]
        yield from pipe.image_processor.postprocess(torch.cat(pixels), output_type="pil")


def keep(pictures: Sequence[Image.Image], folder: Path, first: int = 0) -> None:
    """Writes them as 0.png, 1.png ... or from another number on, in place of others."""
    for number, picture in enumerate(pictures, start=first):
        with atomic.replacing(folder / f"{number}.png") as path:
            picture.save(path, format="PNG")


def kept(folder: Path, count: int) -> list[Image.Image]:
    """What `keep` wrote."""
    return [Image.open(folder / f"{number}.png").convert("RGB") for number in range(count)]
