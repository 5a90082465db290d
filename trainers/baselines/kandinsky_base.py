"""Kandinsky 2.2 opened for training: its decoder, and of its prior what the part that trains needs.

On the Hub these are two pipelines. The decoder has no text encoder: it is told an image encoder's vector, and that
encoder belongs to the prior.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers import DDPMScheduler, KandinskyV22Pipeline, KandinskyV22PriorPipeline
from diffusers.utils import logging
from torch import Tensor, nn
from transformers import CLIPTextModelWithProjection, CLIPVisionModelWithProjection

from annotators import pretrained
from annotators.weights import files_digest
from schemas.errors import UsageError
from trainers.baselines import image_encoders, tiny_kandinsky
from trainers.baselines.kandinsky_options import PRIOR
from trainers.baselines.kandinsky_options import Kandinsky as Options
from trainers.bases import Base, files_of, find

_DECODER, _PRIOR = KandinskyV22Pipeline.__name__, KandinskyV22PriorPipeline.__name__
_PARTS = {_DECODER: ("unet", "movq", "scheduler"),
          _PRIOR: ("prior", "image_encoder", "text_encoder", "tokenizer", "scheduler", "image_processor")}
_ENCODERS = {"image_encoder": CLIPVisionModelWithProjection, "text_encoder": CLIPTextModelWithProjection}
_ALLOWED = "tiny, a folder as save_pretrained writes it, or OWNER/NAME[@REVISION] of the Hub"


class Part(NamedTuple):
    """A pipeline's files; a run's record takes it for data."""

    name: str
    folder: Path
    files: list[Path]
    """of the folder, those that were read"""
    version: str
    """commit of the Hub; "" of a folder"""
    digest: str
    licence: str
    recipe: str = ""


@dataclass
class Kandinsky(Base):
    """What trains as a `Base`: its name, files and scheduler; `pipeline` is the prior's, or the decoder's. All modules
    are float32 and on the CPU."""

    files: list[Path]
    """What of `folder` the pipeline is made of."""
    other: Part
    """Where what does not train is from."""
    decoder: Any
    """KandinskyV22Pipeline"""
    image_encoder: Any
    """CLIPVisionModelWithProjection"""

    @property
    def family(self) -> str:
        """ "kandinsky"."""
        return "kandinsky"

    @property
    def unet(self) -> Any:
        return self.decoder.unet

    @property
    def vae(self) -> Any:
        return self.decoder.movq

    @property
    def text_encoders(self) -> list[Any]:
        """The prior's, where that is what trains."""
        return [part for name, part in self.pipeline.components.items() if name == "text_encoder"]

    @property
    def modules(self) -> dict[str, nn.Module]:
        """All of them."""
        parts = {**self.decoder.components, **self.pipeline.components, "image_encoder": self.image_encoder}
        return {name: part for name, part in parts.items() if isinstance(part, nn.Module)}

    @property
    def resolution(self) -> int:
        """See `Base.resolution`."""
        return int(self.unet.config.sample_size * self.decoder.movq_scale_factor)

    def latent_shape(self, side: int) -> tuple[int, int, int]:
        """See `Base.latent_shape`; the pipeline has latents only of sides that divide by the factor of both MOVQ and
        UNet."""
        factor = self.decoder.movq_scale_factor
        if side < factor**2 or side % factor**2:
            raise UsageError("no side of pictures for this base", seen=side, allowed=f"a multiple of {factor**2}",
                             next_command=f"--resolution {self.resolution}")
        return int(self.vae.config.latent_channels), side // factor, side // factor

    @torch.no_grad()
    def latents(self, pixels: Tensor, noise: Tensor) -> Tensor:
        """See `Base.latents`. MOVQ's are not drawn, nor scaled."""
        with torch.autocast(pixels.device.type, enabled=False):
            found: Tensor = self.vae.encode(pixels.to(self.vae.dtype)).latents
        return found.float()

    def pixels(self, latents: Tensor) -> Tensor:
        """See `Base.pixels`."""
        decoded: Tensor = self.vae.decode(latents, force_not_quantize=True).sample
        return decoded


def open_kandinsky(options: Options, place: Path) -> Kandinsky:
    """The decoder and the prior that the options name; tiny ones are drawn into folders of `place`. Raises
    UsageError."""
    trains = options.part == "prior"
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    pretrained.hush()
    decoder = _find(options.base, _DECODER, _PARTS[_DECODER], place)
    usual = tiny_kandinsky.NAME if options.base == tiny_kandinsky.NAME else PRIOR
    prior = _find(options.prior or usual, _PRIOR, _PARTS[_PRIOR] if trains else ("image_encoder",), place)
    draws = _opened(KandinskyV22Pipeline, decoder)
    encoder = _part("image_encoder", prior)
    seen, told = encoder.config.projection_dim, draws.unet.config.encoder_hid_dim
    if seen != told:
        raise UsageError("the decoder belongs to another image encoder than the prior's", allowed="as many numbers",
                         seen=f"{seen} numbers of {prior.name}, {told} of {decoder.name}", next_command="--prior PRIOR")
    pipeline = _opened(KandinskyV22PriorPipeline, prior, image_encoder=encoder,
                       text_encoder=_part("text_encoder", prior)) if trains else draws
    scheduler = pipeline.scheduler if trains else DDPMScheduler.from_config(pipeline.scheduler.config)
    one, other = (prior, decoder) if trains else (decoder, prior)
    base = Kandinsky(one.name, one.folder, one.version, one.digest, one.licence, pipeline, scheduler, one.files, other,
                     draws, encoder)
    base.freeze()
    return base


def _find(wanted: str, kind: str, parts: tuple[str, ...], place: Path) -> Part:
    """The files of these parts of a pipeline of the class `kind`."""
    if wanted == tiny_kandinsky.NAME:
        found = pretrained.Found(tiny_kandinsky.save(kind, place), wanted, "", "Apache-2.0: random weights of ours")
    else:
        found = find(wanted, {kind: parts}, _ALLOWED)
    files = files_of(found.folder, kind, parts)
    return Part(found.weights, found.folder, files, found.revision, files_digest(found.folder, files), found.licence)


def _part(name: str, whole: Part) -> Any:
    """One of _ENCODERS. Raises UsageError when it cannot be read."""
    try:
        return image_encoders.read(_ENCODERS[name], whole.folder / name)
    except Exception as error:
        raise pretrained.unreadable(name.replace("_", " "), str(whole.folder), error) from None


def _opened(kind: Any, whole: Part, **given: Any) -> Any:
    """The pipeline. Raises UsageError when it cannot be read, or lacks tensors, which diffusers would leave empty."""
    try:
        made = kind.from_pretrained(whole.folder, dtype=torch.float32, use_safetensors=True, **given)
        parts = [part for part in made.components.values() if isinstance(part, nn.Module)]
        missing = [key for part in parts for key, one in part.named_parameters() if one.is_meta]
        if missing:
            raise ValueError(f"{len(missing)} of its tensors are missing: {missing[0]}")
    except Exception as error:
        raise pretrained.unreadable("base", str(whole.folder), error) from None
    made.set_progress_bar_config(disable=True)
    for part in parts:  # else what is published tells the folder on this machine
        if hasattr(part, "register_to_config"):
            part.register_to_config(_name_or_path=whole.name)
    return made
