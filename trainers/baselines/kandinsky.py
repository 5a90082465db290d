"""Kandinsky 2.2, a part at a time, as diffusers trains it.

The decoder's UNet is told the image encoder's vector of the reference, and its target is the target's noise; of the
variance that it says beside the noise nothing is learnt. The prior makes the vector of the target, or of the reference,
out of the prompt. That a part is sometimes told nothing is from the training of Kandinsky 2.1: the encoder then sees a
picture of nought, as in the pipelines, or the prompt is empty.
"""

from __future__ import annotations

import json
import shutil
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import torch
from diffusers import DiffusionPipeline, KandinskyV22CombinedPipeline, KandinskyV22Pipeline
from diffusers.image_processor import VaeImageProcessor
from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput
from PIL import Image
from torch import Tensor, nn

from trainers.baselines.feeding import Dropped, place_of, view_of
from trainers.baselines.image_encoders import seen
from trainers.baselines.kandinsky_base import Kandinsky, open_kandinsky
from trainers.baselines.kandinsky_options import Kandinsky as Options
from trainers.bases import Words
from trainers.data import open_data
from trainers.objective import errors, target
from trainers.options import Training
from trainers.training import draws, reference_grids
from trainers.training.draws import At
from trainers.training.feeding import Batch, Row, View
from trainers.training.loop import train
from trainers.training.method import Method
from trainers.training.record import Run
from trainers.training.reference_grids import Shown
from trainers.views.identities import COLUMNS


class _Part(Method):
    """What both parts have in common. `shown` are examples for grids of samples."""

    trains: str
    """The module of the pipeline that trains; all else of it is published as it was read."""

    def __init__(self, base: Kandinsky, options: Options, shown: Sequence[Shown] = ()) -> None:
        super().__init__(base)
        self._options, self._shown, self._kandinsky = options, shown, base
        self.image_encoder = base.image_encoder

    @torch.no_grad()
    def vectors(self, squares: Tensor, mask: Tensor | None = None) -> Tensor:
        """What the encoder says of squares B x 3 x h x w in -1..1: B vectors; a picture of nought where `mask`, bool B,
        is False."""
        pixels = seen(self.image_encoder, squares)
        found: Tensor = self.image_encoder(pixels if mask is None else pixels * mask[:, None, None, None]).image_embeds
        return found

    def publish(self, folder: Path) -> None:
        """A whole pipeline."""
        for path in self._kandinsky.files:
            place = path.relative_to(self._kandinsky.folder)
            if place.parts[0] != self.trains:
                (folder / place).parent.mkdir(exist_ok=True)
                shutil.copyfile(path, folder / place)
        getattr(self.base.pipeline, self.trains).save_pretrained(folder / self.trains)

    def facts(self) -> dict[str, Any]:
        """See `Method.facts`."""
        prompts = [one["text"] for one in self._shown]
        lines = self._usage(json.dumps(prompts[0] if prompts else "1girl", ensure_ascii=False),
                            place_of(self._kandinsky.other, self._options.out), int(self._options.resolution or 0))
        return super().facts() | {"prompts": prompts, "usage": "\n".join(lines),
                                  "other_licence": self._kandinsky.other.licence}

    @abstractmethod
    def _usage(self, prompt: str, other: str, side: int) -> list[str]:
        """Lines of code that load OUT and the other part, and draw a picture of `side` pixels."""


class _Decoder(KandinskyV22Pipeline):
    """As samples are drawn: it is told a prompt, which says nothing to it."""

    def __call__(self, prompt: str, **told: Any) -> Any:
        return super().__call__(**told)


class Decoder(_Part):
    """The decoder's UNet trains."""

    trains = "unet"

    def __init__(self, base: Kandinsky, options: Options, shown: Sequence[Shown] = ()) -> None:
        super().__init__(base, options, shown)
        self.unet.requires_grad_(True).train()

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """"loss"."""
        given = cast(Mapping[str, Any], batch)
        said = self.vectors(given["references"].squeeze(1), given["reference_mask"].squeeze(1))

        def told(noisy: Tensor, timesteps: Tensor, words: None) -> UNet2DConditionOutput:
            found = self.unet(noisy, timesteps, words, added_cond_kwargs={"image_embeds": said}).sample
            return UNet2DConditionOutput(found[:, : noisy.shape[1]])

        return {"loss": errors(self.base, batch, Words(None, None), told).mean()}

    def pipeline(self) -> DiffusionPipeline:
        """See `Method.pipeline`; with its own scheduler."""
        return _Decoder(**self.base.pipeline.components)

    def grid(self, prompts: list[str], options: Training, autocast: AbstractContextManager[None]) -> Image.Image:
        """Rows of a reference, the target, and samples, as many as prompts."""
        return reference_grids.grid(self, prompts, options, autocast, self._shown, self._told)

    def _told(self, references: list[Image.Image]) -> dict[str, Any]:
        squares = VaeImageProcessor().preprocess(references).to(self.image_encoder.device)
        return {"image_embeds": self.vectors(squares),
                "negative_image_embeds": self.vectors(squares, torch.zeros(len(squares), device=squares.device))}

    def _usage(self, prompt: str, other: str, side: int) -> list[str]:
        return ["from PIL import Image, ImageOps",
                "from diffusers import KandinskyV22Pipeline, KandinskyV22PriorPipeline", "",
                f'prior = KandinskyV22PriorPipeline.from_pretrained("{other}")',
                'pipe = KandinskyV22Pipeline.from_pretrained("OUT")', "",
                f'reference = ImageOps.pad(Image.open("reference.png").convert("RGB"), ({side}, {side}), '
                'color="white")',
                "seen = prior.interpolate([reference], [1.0])",
                f"picture = pipe(**seen, height={side}, width={side}).images[0]"]


class Prior(_Part):
    """The prior's transformer trains, but for the mean and the deviation of vectors, which it only keeps."""

    trains = "prior"

    def __init__(self, base: Kandinsky, options: Options, shown: Sequence[Shown] = ()) -> None:
        super().__init__(base, options, shown)
        self.prior = base.pipeline.prior.requires_grad_(True).train()
        for one in (self.prior.clip_mean, self.prior.clip_std):
            one.requires_grad_(False)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """"loss"."""
        squares = batch["pixels"]
        if self._options.predict == "reference":
            squares = cast(Mapping[str, Any], batch)["references"].squeeze(1)
        wanted = (self.vectors(squares).float() - self.prior.clip_mean) / self.prior.clip_std
        with torch.no_grad():  # as the pipeline does
            sentences, words, mask = self.base.pipeline._encode_prompt(batch["texts"], squares.device, 1, False)
        scheduler, noise, timesteps = self.base.scheduler, batch["noise"], batch["timesteps"]
        noisy = scheduler.add_noise(wanted, noise, timesteps)
        said = self.prior(noisy, timesteps, sentences, words, mask).predicted_image_embedding
        return {"loss": ((said.float() - target(scheduler, wanted, noise, timesteps)) ** 2).mean()}

    def exact(self) -> list[nn.Module]:
        """What the transformer keeps and does not train, too."""
        return [*super().exact(), self.prior]

    def pipeline(self) -> DiffusionPipeline:
        """See `Method.pipeline`: the prior, then the decoder, with their own schedulers."""
        prior = {f"prior_{name}": part for name, part in self.base.pipeline.components.items()}
        pipe = KandinskyV22CombinedPipeline(**self._kandinsky.decoder.components, **prior)
        for one in (pipe.prior_pipe, pipe.decoder_pipe):
            one.set_progress_bar_config(disable=True)
        return pipe

    def grid(self, prompts: list[str], options: Training, autocast: AbstractContextManager[None]) -> Image.Image:
        """A row for each prompt: its reference and target, which the prior does not see, and samples."""
        quiet = {"callback_steps": None}  # else the pipeline warns of what it passes on itself
        return reference_grids.grid(self, prompts, options, autocast, self._shown, lambda _: quiet)

    def _usage(self, prompt: str, other: str, side: int) -> list[str]:
        return ["from diffusers import KandinskyV22Pipeline, KandinskyV22PriorPipeline", "",
                'prior = KandinskyV22PriorPipeline.from_pretrained("OUT")',
                f'pipe = KandinskyV22Pipeline.from_pretrained("{other}")', "",
                f"seen = prior({prompt})",
                f"picture = pipe(**seen, height={side}, width={side}).images[0]"]


class Vectors:
    """A view whose noise is for vectors of so many numbers, and not for latents."""

    def __init__(self, view: View, width: int) -> None:
        self._view, self._width = view, width

    def rows(self, at: At) -> list[Row]:
        """See `View.rows`."""
        return [cast(Row, {**row, "noise": draws.noise((self._width,), at, row["id"])}) for row in self._view.rows(at)]


def fed(view: View, base: Kandinsky, options: Options) -> View:
    """The view as the part that trains needs it."""
    if options.part == "decoder":
        return Dropped(view, reference=options.drop)
    return Vectors(Dropped(view, prompt=options.drop), base.image_encoder.config.projection_dim)


def run(options: Options) -> int:
    """Trains and publishes; returns the exit code."""
    data = open_data(options.data, "--data", "retribooru", COLUMNS)
    base = open_kandinsky(options, options.out / "base")
    options = options.resolved(base.resolution)
    view = view_of(data, base, options)
    shown = reference_grids.shown(data, options, lambda split: view_of(split, base, options))
    other = "prior" if options.part == "decoder" else "decoder"
    record = Run(method="kandinsky", options=options, data={"data": data, other: base.other}, base=base.provenance())
    method = {"decoder": Decoder, "prior": Prior}[options.part](base, options, shown)
    return train(method, fed(view, base, options), options, record)
