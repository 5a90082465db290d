"""Draws with a run's pipeline, whatever its method, what an evaluation asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from diffusers import DDIMScheduler
from diffusers.image_processor import VaeImageProcessor
from PIL import Image
from torch import Tensor

from annotators import images
from schemas.errors import BuildError, RowError, UsageError
from trainers.evaluation.plans import Job, Sampler
from trainers.evaluation.runs import Run

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Asked(NamedTuple):
    """What a pipeline is to be told for jobs that are drawn together, after the same references."""

    prompts: list[str]
    shown: list[Image.Image]
    """references, RGB"""
    concepts: list[str]
    """what each shows"""
    scale: float | None
    side: int
    """of the pictures, pixels"""
    steps: int
    chance: list[torch.Generator]
    """one a picture, of the CPU; the noise that latents begin with is drawn already"""


Told = Callable[[Asked], Mapping[str, Any]]
"""What a method's pipeline is called with beside the sampler's numbers and the noise."""


@dataclass
class Drawer:
    """A run's pipeline. `decode` makes pictures B x 3 x H x W in -1..1 of latents; `shape` is that of the latents of a
    square picture, and raises UsageError for sides that do not divide."""

    run: Run
    pipe: Any
    told: Told
    decode: Callable[[Tensor], Tensor]
    side: int
    shape: Callable[[int], tuple[int, int, int]]

    def __post_init__(self) -> None:
        self.pipe.set_progress_bar_config(disable=True)
        self.pipe.to(DEVICE)
        self._scheduler = self.pipe.scheduler

    def draw(self, jobs: Sequence[Job], pictures: Mapping[str, bytes], sampler: Sampler) -> list[Image.Image]:
        """The pictures of at most `sampler.batch` jobs that show the same references at the same scale. The noise that
        one begins with is torch.randn's of torch.Generator("cpu").manual_seed(seed).

        Always `sampler.batch` are drawn at once. Raises UsageError for references that the method does not take, and
        BuildError for pictures that are no numbers.
        """
        check_shown(self.run, jobs[0])
        self._schedule(sampler)
        whole = [*jobs, *[jobs[-1]] * (sampler.batch - len(jobs))]
        side = sampler.side or self.side
        chance = [torch.Generator("cpu").manual_seed(job.seed) for job in whole]
        noise = torch.stack([torch.randn(self.shape(side), generator=one) for one in chance])
        shown = jobs[0].shown
        asked = Asked([job.prompt for job in whole], [_reference(pictures, one.picture) for one in shown],
                      [one.concept for one in shown], jobs[0].scale, side, sampler.steps, chance)
        with torch.no_grad():
            latents = self.pipe(num_inference_steps=sampler.steps, guidance_scale=sampler.guidance, generator=chance,
                                latents=noise, output_type="latent", **self.told(asked)).images
            # One at a time: in float32 a picture of 1024 px takes gigabytes.
            pixels = torch.cat([self.decode(one[None]).float().cpu() for one in latents[: len(jobs)]])
        if not pixels.isfinite().all():
            raise BuildError(f"what {self.run.folder} draws is no number: its weights are broken")
        made: list[Image.Image] = VaeImageProcessor().postprocess(pixels, output_type="pil")
        return made

    def _schedule(self, sampler: Sampler) -> None:
        if sampler.scheduler not in ("ddim", "own"):
            raise UsageError("no scheduler of an evaluation", seen=sampler.scheduler, allowed="ddim, own")
        # DDIM has no use for the variance that Kandinsky's UNet says beside the noise.
        config = {name: value for name, value in self._scheduler.config.items() if name != "variance_type"}
        own = sampler.scheduler == "own"
        self.pipe.scheduler = self._scheduler if own else DDIMScheduler.from_config(config, clip_sample=False)


def check_shown(run: Run, job: Job) -> None:
    """Raises UsageError when a job shows other references than the run's method takes."""
    fits = {"none": not job.shown, "one": len(job.shown) == 1, "many": bool(job.shown)}[run.takes]
    if not fits:
        raise UsageError(f"{run.method} is shown {run.takes.replace('many', 'one or more')} of the references",
                         seen=f"{len(job.shown)} in {job.key}", allowed="a protocol for this method")
    if job.scale is not None and not run.scales:
        raise UsageError(f"{run.method} has no strength of the reference", seen=f"{job.scale:g} in {job.key}",
                         allowed="a protocol without it")


def _reference(pictures: Mapping[str, bytes], name: str) -> Image.Image:
    try:
        return images.upright(pictures[name])
    except RowError as error:
        raise UsageError(f"a reference cannot be read: {error}", seen=name) from None
