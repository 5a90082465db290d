"""FastComposer (Xiao et al., 2023): a token that is both a noun of the prompt and a picture.

`objects` tells what it is fed, `fusion` how the token is made. As its authors train it: the text encoder stays, UNet,
fusion and the last layers of the image encoder train; the error is the mean over the whole picture also where only the
figure counts; attention to the token is kept on the target's figure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import torch
from diffusers import DDIMScheduler
from PIL import Image
from torch import Tensor

from schemas.draws import draw
from schemas.errors import UsageError
from trainers import tiny
from trainers.baselines.fastcomposer_options import ENCODER
from trainers.baselines.fastcomposer_options import FastComposer as Options
from trainers.baselines.fastcomposer_pipeline import FastComposerPipeline
from trainers.baselines.feeding import view_of
from trainers.baselines.fusion import Fusion, Noted, anchored, astray, listen
from trainers.baselines.image_encoders import TINY, ImageEncoder, open_encoder, seen
from trainers.baselines.objects import MARK, Objects, captioned
from trainers.bases import Base, open_base
from trainers.data import Data, open_data
from trainers.objective import errors
from trainers.options import Training
from trainers.training import reference_grids
from trainers.training.feeding import Batch
from trainers.training.loop import train
from trainers.training.method import Method
from trainers.training.record import Run
from trainers.training.reference_grids import Shown
from trainers.views.identities import COLUMNS


class FastComposer(Method):
    """The base, an image encoder, and what makes one token of a word and a picture. `shown` are examples for grids of
    samples."""

    def __init__(self, base: Base, encoder: ImageEncoder, options: Options, shown: Sequence[Shown] = ()) -> None:
        super().__init__(base)
        self._options, self._shown, self._encoder = options, shown, encoder
        width, seen_width = base.unet.config.cross_attention_dim, encoder.model.config.projection_dim
        if base.family != "sd" or width != seen_width:
            raise UsageError("FastComposer needs Stable Diffusion 1 or 2 and an image encoder with vectors as long as "
                             "its words", seen=f"{base.name}: {width}, {encoder.name}: {seen_width}",
                             allowed="the same numbers", next_command="another --base or --image-encoder")
        self.encoder = encoder.model
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(draw("fastcomposer", str(options.seed)))
            self.fusion = Fusion(width)
        layers = self.encoder.vision_model.encoder.layers
        for part in (base.unet, self.fusion, layers[max(0, len(layers) - options.image_layers) :]):
            part.requires_grad_(True)
        listen(base.unet)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """"loss" and its parts, "error" and "astray"."""
        base, given = self.base, cast(Mapping[str, Any], batch)
        texts, places = anchored(base.tokenizers[0], batch["texts"])
        noted = Noted(places.to(given["pixels"].device), [])
        said = self.encoder(seen(self.encoder, given["references"][:, 0])).image_embeds
        words = base.encode(texts)
        words = words._replace(embeds=self.fusion(words.embeds, noted.places, said))

        def told(noisy: Tensor, timesteps: Tensor, embeds: Tensor) -> Any:
            return self.unet(noisy, timesteps, embeds, cross_attention_kwargs={"noted": noted})

        counts, valid = (given[name].sum((1, 2, 3)) for name in ("mask", "valid"))
        error = (errors(base, batch, words, told) * counts / valid).mean()
        strayed = astray(noted, given["matte"])
        return {"loss": error + self._options.localization * strayed, "error": error, "astray": strayed}

    def pipeline(self) -> FastComposerPipeline:
        """See `Method.pipeline`."""
        return pipeline(self.base, self.encoder, self.fusion)

    def grid(self, prompts: list[str], options: Training, autocast: AbstractContextManager[None]) -> Image.Image:
        """A row for each prompt: its reference's figure, the target, and samples."""
        return reference_grids.grid(self, prompts, options, autocast, self._shown,
                                    lambda references: {"image": references[0]})

    def publish(self, folder: Path) -> None:
        """A whole pipeline, for `FastComposerPipeline.from_pretrained`."""
        # What is frozen is opened anew: in training it may have been rounded to half precision.
        whole = open_base(str(self.base.folder), folder)
        encoder = open_encoder(str(self._encoder.folder), folder).model
        for part, mine in ((whole.unet, self.unet), (encoder, self.encoder)):
            part.load_state_dict({name: one.detach().cpu() for name, one in mine.named_parameters()
                                  if one.requires_grad}, strict=False)
        pipeline(whole, encoder, self.fusion).save_pretrained(folder)

    def facts(self) -> dict[str, Any]:
        """See `Method.facts`."""
        prompts = [one["text"] for one in self._shown]
        prompt = json.dumps(prompts[0] if prompts else f"a girl{MARK}", ensure_ascii=False)
        side = self._options.resolution
        lines = ["from PIL import Image",
                 "from trainers.baselines.fastcomposer_pipeline import FastComposerPipeline", "",
                 'pipe = FastComposerPipeline.from_pretrained("OUT")', 'reference = Image.open("reference.png")',
                 f"# {MARK} stands behind the word that the reference tells of",
                 f"picture = pipe({prompt}, reference, height={side}, width={side}).images[0]"]
        return super().facts() | {"prompts": prompts, "usage": "\n".join(lines),
                                  "image_encoder_licence": self._encoder.licence}


def pipeline(base: Base, encoder: Any, fusion: Fusion) -> FastComposerPipeline:
    """A pipeline over these very modules."""
    parts = base.pipeline
    return FastComposerPipeline(parts.vae, parts.text_encoder, parts.tokenizer, parts.unet,
                                DDIMScheduler.from_config(parts.scheduler.config, clip_sample=False), encoder, fusion)


def view(data: Data, base: Base, options: Options, both: float = 0.0, reference: float = 0.0,
         masked: float = 0.0) -> Objects:
    """The targets and the figures of their references, by chances of `Objects`. Raises UsageError for rows without a
    reference."""
    return Objects(view_of(data, base, options, mattes=True, written=captioned), both, reference, masked)


def run(options: Options) -> int:
    """Trains and publishes; returns the exit code."""
    data = open_data(options.data, "--data", "retribooru", COLUMNS)
    base = open_base(options.base, options.out / "base")
    encoder = open_encoder(options.image_encoder or (TINY if base.name in tiny.KINDS else ENCODER),
                           options.out / "base")
    options = options.resolved(base.resolution)
    shown = reference_grids.shown(data, options, lambda split: view(split, base, options))
    fed = view(data, base, options, options.both_drop, options.reference_drop, options.masked)
    record = Run(method="fastcomposer", options=options, data={"data": data, "image-encoder": encoder},
                 base=base.provenance())
    return train(FastComposer(base, encoder, options, shown), fed, options, record)
