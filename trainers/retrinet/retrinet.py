"""RetriNet: a figure retrieved from several references (RetriBooru, section 5).

`retrieval` tells of the model. What trains is the retrieval encoder, the attention between it and the base, and the
base's decoder with the convolution behind it. References are told without noise, but at the target's timestep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import torch
from diffusers import DDIMScheduler
from PIL import Image
from torch import Tensor

from schemas.errors import UsageError
from trainers.bases import Base, open_base
from trainers.data import Data, open_data
from trainers.objective import target
from trainers.options import Training
from trainers.retrinet.pipeline import RetriNetPipeline
from trainers.retrinet.retrieval import Retrieval, denoised, embedded
from trainers.retrinet.retrinet_options import RetriNet as Options
from trainers.training import reference_grids, samples
from trainers.training.feeding import Batch
from trainers.training.loop import train
from trainers.training.method import Method
from trainers.training.record import Run
from trainers.training.reference_grids import Shown
from trainers.views.identities import COLUMNS, Identities
from trainers.views.references import Asked, References, Sheet, tally


class RetriNet(Method):
    """The base with a retrieval encoder. `options` are resolved; `shown` are rows of the view for grids of samples."""

    def __init__(self, base: Base, options: Options, shown: Sequence[Shown] = ()) -> None:
        super().__init__(base)
        if base.family != "sd":
            raise UsageError("RetriNet is of Stable Diffusion 1 and 2 alone", seen=base.name,
                             allowed="a base of class StableDiffusionPipeline", next_command="another --base")
        self._options, self._shown = options, shown
        self.retrieval = Retrieval.of(base.unet, cast(int, options.resolution), options.seed)
        if options.lock_both:
            self.retrieval.conv_in.requires_grad_(False)
            self.retrieval.down_blocks.requires_grad_(False)
        elif not options.lock_decoder:
            for part in (base.unet.up_blocks, base.unet.conv_norm_out, base.unet.conv_out):
                part.requires_grad_(True)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """"loss" and its parts, "whole_error" and "face_error", and what was referred to."""
        base, given = self.base, cast(Mapping[str, Any], batch)
        noise, timesteps = batch["noise"], batch["timesteps"]
        latents = base.latents(batch["pixels"], batch["latent_noise"])
        noisy = base.scheduler.add_noise(latents, noise, timesteps)
        memory = self._memory(given, embedded(base.unet, latents, timesteps))
        mask = given["reference_mask"] if self._options.repeat == "mask" else None
        said = denoised(base.unet, self.retrieval, noisy, timesteps, base.encode(batch["texts"]).embeds, memory, mask)
        wrong = (said.float() - target(base.scheduler, latents, noise, timesteps)) ** 2
        whole, face = (masked(wrong, given[name], self._options.normalise) for name in ("valid", "face"))
        counts = {name: value.to(wrong.device) for name, value in tally(given).items()}
        return {"loss": whole + self._options.face_weight * face, "whole_error": whole, "face_error": face, **counts}

    def _memory(self, given: Mapping[str, Any], time: Tensor) -> list[Tensor]:
        """What the retrieval encoder makes of a batch's references."""
        pictures = given["references"]
        latents = self.base.latents(pictures.flatten(0, 1), torch.zeros((), device=pictures.device))
        known = list(dict.fromkeys(word for words in given["concepts"] for word in words))
        places = torch.tensor([[known.index(word) for word in words] for words in given["concepts"]])
        words = self.base.encode(known).embeds[places]
        return self.retrieval.remember(latents.unflatten(0, pictures.shape[:2]), time, words)

    def spare_activations(self) -> None:
        """See `Method.spare_activations`."""
        super().spare_activations()
        self.retrieval.enable_gradient_checkpointing()

    def pipeline(self) -> RetriNetPipeline:
        """See `Method.pipeline`."""
        return pipeline(self.base, self.retrieval)

    def grid(self, prompts: list[str], options: Training, autocast: AbstractContextManager[None]) -> Image.Image:
        """A row for each prompt: its references, the target, and samples."""
        rows = [self._shown[number % len(self._shown)] for number in range(len(prompts))]
        more = [{name: row[name] for name in ("references", "concepts")} for row in rows]
        return reference_grids.page(rows, samples.drawn(self, prompts, options, autocast, more))

    def publish(self, folder: Path) -> None:
        """A whole pipeline, for `RetriNetPipeline.from_pretrained`."""
        # The base is opened anew: in training what is frozen may have been rounded to half precision.
        whole = open_base(str(self.base.folder), folder)
        retrieval = Retrieval.of(whole.unet, self.retrieval.config.resolution, self._options.seed)
        for part, mine in ((whole.unet, self.base.unet), (retrieval, self.retrieval)):
            part.load_state_dict({name: one.detach().cpu() for name, one in mine.named_parameters()
                                  if one.requires_grad}, strict=False)
        pipeline(whole, retrieval).save_pretrained(folder)

    def facts(self) -> dict[str, Any]:
        """See `Method.facts`."""
        concepts = list(self._shown[0]["concepts"]) if self._shown else ["figure"]
        names = ", ".join(f'"{number}.png"' for number in range(len(concepts)))
        lines = ["from PIL import Image", "from trainers.retrinet.pipeline import RetriNetPipeline", "",
                 'pipe = RetriNetPipeline.from_pretrained("OUT")',
                 f"references = [Image.open(name) for name in [{names}]]",
                 f'picture = pipe("1girl, long sleeves", references, {concepts}).images[0]']
        return super().facts() | {"prompts": [row["text"] for row in self._shown], "usage": "\n".join(lines)}


def masked(wrong: Tensor, mask: Tensor, normalise: str) -> Tensor:
    """The mean of errors B x C x h x w where a mask B x 1 x h x w is 1: over all elements, masked ones too, or for
    each row over its `area` alone (0 where it has none)."""
    kept = wrong * mask
    if normalise == "all":
        return kept.mean()
    return (kept.sum((1, 2, 3)) / (mask.sum((1, 2, 3)) * wrong.shape[1]).clamp(min=1)).mean()


def pipeline(base: Base, retrieval: Retrieval) -> RetriNetPipeline:
    """A pipeline over these very modules."""
    parts = base.pipeline
    return RetriNetPipeline(parts.vae, parts.text_encoder, parts.tokenizer, parts.unet,
                            DDIMScheduler.from_config(parts.scheduler.config, clip_sample=False), retrieval)


def view_of(data: Data, base: Base, options: Options, prompt_drop: float) -> References:
    """The targets and references that are trained on. Raises UsageError for rows without a reference."""
    side = cast(int, options.resolution)
    sheet = Sheet(side=side, latent=base.latent_shape(side), low=options.crop_ratio, flip=not options.no_flip,
                  timesteps=base.scheduler.config.num_train_timesteps)
    asked = Asked(own=options.setting == "a", count=options.references, compose=options.compose,
                  faces=options.face_share, widen=options.widen, majority=options.majority,
                  repeat="mask" if options.repeat == "mask" else "cycle", prompt_drop=prompt_drop)
    return References(Identities(data.rows), sheet, asked)


def run(options: Options) -> int:
    """Trains and publishes; returns the exit code."""
    data = open_data(options.data, "--data", "retribooru", COLUMNS)
    base = open_base(options.base, options.out / "base")
    options = options.resolved(base.resolution)
    shown = reference_grids.shown(data, options, lambda data: view_of(data, base, options, 0.0))
    method = RetriNet(base, options, shown)
    record = Run(method="retrinet", options=options, data={"data": data}, base=base.provenance())
    view = view_of(data, base, options, options.prompt_drop)
    return train(method, view, options, record, view.told())
