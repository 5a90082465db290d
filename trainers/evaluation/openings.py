"""Opens a run's weights to draw with. What methods publish and how it is loaded differ: each has a function here that
does what its card says, and tells the pipeline prompts and references."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from diffusers import ControlNetModel, PriorTransformer, UNet2DConditionModel
from diffusers.image_processor import VaeImageProcessor
from diffusers.utils import logging
from PIL import Image, ImageOps
from safetensors.torch import load_file
from torch import Tensor

from annotators import pretrained
from schemas.errors import BuildError, UsageError
from trainers import lora
from trainers.baselines import controlnet, ip_adapter
from trainers.baselines.fastcomposer_pipeline import FastComposerPipeline
from trainers.baselines.image_encoders import seen
from trainers.baselines.kandinsky_base import open_kandinsky
from trainers.baselines.kandinsky_options import Kandinsky
from trainers.baselines.objects import MARK, captioned
from trainers.bases import Base, open_base
from trainers.dreambooth import TABLES, rows_file
from trainers.evaluation.drawers import DEVICE, Asked, Drawer, Told
from trainers.evaluation.runs import Run
from trainers.retrinet.pipeline import RetriNetPipeline
from trainers.rows import add_tokens, one_token


def open_drawer(run: Run, place: Path) -> Drawer:
    """What draws with a run. A tiny base that no run has is drawn into the folder `place`. Raises UsageError when its
    files, or its base, are not there any more."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    pretrained.hush()
    try:
        return _OPENED[run.method](run, place)
    except BuildError:
        raise
    except Exception as error:  # loaders raise whatever their parsing stumbles on
        raise pretrained.unreadable(f"weights of {run.method}", str(run.folder), error) from None


def base_of(run: Run) -> Base:
    """The base that a run was trained on, on the CPU. Raises UsageError when there is none or another one there."""
    said, wanted = run.said["base"], str(run.said["options"]["base"])
    base = open_base(_revised(run, wanted, said), run.folder / "base")
    _check(said["sha256"], base.sha256, wanted)
    return base


def _revised(run: Run, wanted: str, said: Mapping[str, str]) -> str:
    """Where the base lies; of the Hub, the very commit."""
    return f"{wanted.partition('@')[0]}@{said['revision']}" if said.get("revision") else run.located(wanted)


def _check(recorded: str, found: str, name: str) -> None:
    if recorded != found:
        raise UsageError("the base is not the one that the run was trained on", seen=f"{name}: sha256 {found[:16]}",
                         allowed=f"sha256 {recorded[:16]}", next_command="put that base where it was")


def _of_base(run: Run, base: Base, pipe: Any = None, told: Told | None = None) -> Drawer:
    """A drawer of a base's modules."""
    side = run.said.get("options", {}).get("resolution") or base.resolution
    return Drawer(run, base.pipeline if pipe is None else pipe, told or _prompted, base.pixels, side, base.latent_shape)


def _prompted(asked: Asked) -> dict[str, Any]:
    return {"prompt": asked.prompts, "height": asked.side, "width": asked.side}


def _square(asked: Asked) -> Image.Image:
    """The reference on a white square, as in training."""
    return ImageOps.pad(asked.shown[0], (asked.side, asked.side), color="white")


def _base(run: Run, place: Path) -> Drawer:
    return _of_base(run, open_base(str(run.folder), place))


def _whole(run: Run, place: Path) -> Drawer:
    """What lies in OUT is a pipeline like the base's."""
    return _of_base(run, open_base(str(run.folder), place))


def _dreambooth(run: Run, place: Path) -> Drawer:
    if not run.said["options"]["lora"]:
        return _whole(run, place)
    base, token = base_of(run), run.said["facts"]["token"]
    base.pipeline.load_lora_weights(str(run.folder), weight_name=lora.FILE)
    if (run.folder / rows_file(token)).is_file():
        rows = load_file(run.folder / rows_file(token))
        for encoder, word, name in zip(base.text_encoders, one_token(base, token), TABLES, strict=True):
            encoder.get_input_embeddings().weight.data[word] = rows[name][0]
    return _of_base(run, base)


def _word(run: Run, place: Path) -> Drawer:
    base, token = base_of(run), run.said["facts"]["token"]
    names = ["learned_embeds", "learned_embeds_2"][: len(base.text_encoders)]
    rows = [load_file(run.folder / f"{name}.safetensors")[token] for name in names]
    add_tokens(base, token, len(rows[0]), rows)
    return _of_base(run, base)


def _ip_adapter(run: Run, place: Path) -> Drawer:
    base = base_of(run)
    base.pipeline.load_ip_adapter(str(run.folder), subfolder="", weight_name=ip_adapter.FILE)

    def told(asked: Asked) -> dict[str, Any]:
        base.pipeline.set_ip_adapter_scale(1.0 if asked.scale is None else asked.scale)
        return {**_prompted(asked), "ip_adapter_image": _square(asked)}

    return _of_base(run, base, told=told)


def _controlnet(run: Run, place: Path) -> Drawer:
    base = base_of(run)
    pipe = controlnet.PIPELINES[base.family](**base.pipeline.components,
                                             controlnet=ControlNetModel.from_pretrained(run.folder))

    def told(asked: Asked) -> dict[str, Any]:
        return {**_prompted(asked), "image": _square(asked),
                "controlnet_conditioning_scale": 1.0 if asked.scale is None else float(asked.scale)}

    return _of_base(run, base, pipe, told)


def _of_pipe(run: Run, pipe: Any, side: int, told: Told) -> Drawer:
    """A drawer of a pipeline of ours."""
    channels, factor = pipe.vae.config.latent_channels, pipe.vae_scale_factor

    def shape(side: int) -> tuple[int, int, int]:
        if side % factor:
            raise UsageError("no side of pictures for this run", seen=side, allowed=f"a multiple of {factor}")
        return channels, side // factor, side // factor

    def decode(latents: Tensor) -> Tensor:
        found: Tensor = pipe.vae.decode(latents / pipe.vae.config.scaling_factor).sample
        return found

    return Drawer(run, pipe, told, decode, side, shape)


def _retrinet(run: Run, place: Path) -> Drawer:
    pipe = RetriNetPipeline.from_pretrained(run.folder)
    return _of_pipe(run, pipe, pipe.retrieval.config.resolution, lambda asked: {
        "prompt": asked.prompts, "references": asked.shown, "concepts": asked.concepts})


def _fastcomposer(run: Run, place: Path) -> Drawer:
    """The strength of the reference is the share of the steps that are told it: in its authors' code that is all but
    the first fifth."""
    def told(asked: Asked) -> dict[str, Any]:
        prompts = [one if MARK in one else captioned(one, "") for one in asked.prompts]
        start = None if asked.scale is None else round((1 - asked.scale) * asked.steps)
        return {**_prompted(asked._replace(prompts=prompts)), "image": asked.shown[0], "start_merge_step": start}

    return _of_pipe(run, FastComposerPipeline.from_pretrained(run.folder), run.said["options"]["resolution"], told)


def _kandinsky(run: Run, place: Path) -> Drawer:
    """The decoder draws what the image encoder says of the reference; or what the prior makes of the prompt."""
    options, said = run.options(Kandinsky), run.said
    part, other = options.part, "prior" if options.part == "decoder" else "decoder"
    data = said["data"][other]
    recorded = {part: said["base"], other: {"sha256": data["digest"], "revision": data["version"]}}
    places = {name: _revised(run, wanted, recorded[name]) if wanted else ""
              for name, wanted in (("decoder", options.base), ("prior", options.prior))}
    base = open_kandinsky(replace(options, base=places["decoder"], prior=places["prior"]), run.folder / "base")
    _check(recorded[part]["sha256"], base.sha256, base.name)
    _check(recorded[other]["sha256"], base.other.digest, base.other.name)
    encoder, prior = base.image_encoder.to(DEVICE), base.pipeline.to(DEVICE)
    if part == "decoder":
        base.decoder.register_modules(unet=UNet2DConditionModel.from_pretrained(run.folder, subfolder="unet"))
    else:
        prior.register_modules(prior=PriorTransformer.from_pretrained(run.folder, subfolder="prior").to(DEVICE))

    def refer(asked: Asked) -> dict[str, Any]:
        pixels = seen(encoder, VaeImageProcessor().preprocess(_square(asked)).to(DEVICE))
        said = encoder(torch.cat([pixels, torch.zeros_like(pixels)])).image_embeds
        picture, nothing = (one.expand(len(asked.prompts), -1) for one in said[:, None])
        return {"image_embeds": picture, "negative_image_embeds": nothing, "height": asked.side, "width": asked.side}

    def tell(asked: Asked) -> dict[str, Any]:
        made = prior(asked.prompts, generator=asked.chance)
        return {**made, "height": asked.side, "width": asked.side}

    return _of_base(run, base, base.decoder, refer if part == "decoder" else tell)


_OPENED: dict[str, Callable[[Run, Path], Drawer]] = {
    "base": _base, "dreambooth": _dreambooth, "inversion": _word, "coti": _word, "custom": _whole,
    "retrinet": _retrinet, "ip-adapter": _ip_adapter, "controlnet": _controlnet, "fastcomposer": _fastcomposer,
    "kandinsky": _kandinsky,
}
