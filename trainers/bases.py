"""Base models: Stable Diffusion 1 and 2, Stable Diffusion XL, and the tiny ones, opened for training.

Of a folder or repository only safetensors are read. A safety checker is left out: nothing here trains it.

Two things about text encoders (transformers 5). CLIPTextModel holds its embeddings itself, CLIPTextModelWithProjection
in its `text_model`. The configurations of SD and SDXL name 2 as the end of a text, which is not its id; the sentence's
vector is then that of the highest id, and that is no longer the end once there are new words. `open_base` puts the
right id there: texts of known words are encoded as before, and those with new words as SDXL was trained.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers import DDPMScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline
from diffusers.utils import logging
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from annotators import hub, pretrained
from annotators.weights import files_digest
from schemas.errors import UsageError
from trainers import tiny

_SD, _SDXL = StableDiffusionPipeline.__name__, StableDiffusionXLPipeline.__name__
_PARTS = {_SD: ("unet", "vae", "text_encoder", "tokenizer", "scheduler")}
_PARTS[_SDXL] = (*_PARTS[_SD], "text_encoder_2", "tokenizer_2")
_WITHOUT: dict[str, dict[str, Any]] = {
    _SD: {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False},
    _SDXL: {"image_encoder": None, "feature_extractor": None},
}
"""What is neither trained nor drawn with here."""
_WEIGHTLESS = ("scheduler", "tokenizer", "image_processor")
"""Parts begin so that have no weights."""
_PREDICTIONS = ("epsilon", "v_prediction", "sample")
_ALLOWED = "tiny, tiny-v, tiny-sdxl, a folder as save_pretrained writes it, or OWNER/NAME[@REVISION] of the Hub"


class Words(NamedTuple):
    """Texts as the UNet is told them."""

    embeds: Tensor
    """B x tokens x width; of SDXL both encoders' side by side."""
    pooled: Tensor | None
    """B x width: SDXL's vector of the whole sentence."""


@dataclass
class Base:
    """A pipeline's modules, all of them float32 and frozen until a method says otherwise."""

    name: str
    """As in the command, without a path or revision."""
    folder: Path
    revision: str
    """The commit of the Hub; "" of a folder."""
    sha256: str
    licence: str
    pipeline: Any
    scheduler: DDPMScheduler
    """Adds noise in training, with the base's betas and prediction type."""

    @property
    def family(self) -> str:
        """"sd" or "sdxl"."""
        return "sdxl" if isinstance(self.pipeline, StableDiffusionXLPipeline) else "sd"

    @property
    def unet(self) -> Any:
        return self.pipeline.unet

    @property
    def vae(self) -> Any:
        return self.pipeline.vae

    @property
    def text_encoders(self) -> list[Any]:
        """One of SD, two of SDXL."""
        return [self.pipeline.text_encoder] + ([self.pipeline.text_encoder_2] if self.family == "sdxl" else [])

    @property
    def tokenizers(self) -> list[Any]:
        """In the order of the encoders."""
        return [self.pipeline.tokenizer] + ([self.pipeline.tokenizer_2] if self.family == "sdxl" else [])

    @property
    def modules(self) -> dict[str, nn.Module]:
        """By the names of the pipeline: unet, vae, text_encoder and, of SDXL, text_encoder_2."""
        return {name: part for name, part in self.pipeline.components.items() if isinstance(part, nn.Module)}

    @property
    def resolution(self) -> int:
        """Side of the pictures that it was trained on, pixels."""
        return int(self.unet.config.sample_size * self.pipeline.vae_scale_factor)

    def latent_shape(self, side: int) -> tuple[int, int, int]:
        """Channels, height and width of the latents of a square picture. Raises UsageError for sides that do not
        divide."""
        factor = self.pipeline.vae_scale_factor
        if side < factor or side % factor:
            raise UsageError("no side of pictures for this base", seen=side, allowed=f"a multiple of {factor}",
                             next_command=f"--resolution {self.resolution}")
        return int(self.vae.config.latent_channels), side // factor, side // factor

    def freeze(self) -> None:
        """Nothing trains, and nothing behaves as in training."""
        for module in self.modules.values():
            module.requires_grad_(False).eval()

    def encode(self, texts: Sequence[str]) -> Words:
        """Texts as the pipelines encode them, with gradients where something trains: of SD the last layer after its
        norm, of SDXL the last but one of both encoders. A token of several vectors is written once."""
        device = self.text_encoders[0].device
        found = self.pipeline.encode_prompt(list(texts), device=device, num_images_per_prompt=1,
                                            do_classifier_free_guidance=False)
        return Words(found[0], found[2] if self.family == "sdxl" else None)

    @torch.no_grad()
    def latents(self, pixels: Tensor, noise: Tensor) -> Tensor:
        """Latents B x 4 x h x w of pictures B x 3 x H x W in -1..1: drawn from the VAE's posterior with the noise
        given, scaled for the UNet, float32. The VAE runs in its own precision, whatever autocast says: SDXL's
        overflows in float16."""
        vae = self.vae
        with torch.autocast(pixels.device.type, enabled=False):
            drawn = vae.encode(pixels.to(vae.dtype)).latent_dist
        return (drawn.mean.float() + drawn.std.float() * noise) * vae.config.scaling_factor

    def pixels(self, latents: Tensor) -> Tensor:
        """The pictures, B x 3 x H x W in about -1..1, of latents as the UNet sees them."""
        decoded: Tensor = self.vae.decode(latents / self.vae.config.scaling_factor).sample
        return decoded

    def provenance(self) -> dict[str, str]:
        """What a run says of its base."""
        said = {"name": self.name, "pipeline": type(self.pipeline).__name__, "sha256": self.sha256,
                "licence": self.licence, "prediction_type": self.scheduler.config.prediction_type}
        return said | ({"revision": self.revision} if self.revision else {})


def open_base(wanted: str, place: Path) -> Base:
    """The base that `wanted` names, on the CPU in float32, frozen: one of `tiny.KINDS`, which is drawn into `place`, a
    folder of a diffusers pipeline, or OWNER/NAME[@REVISION] of the Hub. Raises UsageError.
    """
    found = _tiny(wanted, place) if wanted in tiny.KINDS else find(wanted, _PARTS, _ALLOWED)
    name = str(_config(found.folder / "model_index.json")["_class_name"])
    files = files_of(found.folder, name, _PARTS[name])
    channels = _config(found.folder / "unet" / "config.json").get("in_channels", 4)
    if channels != 4:
        raise UsageError("the base's UNet takes more than a picture, as those for inpainting do",
                         seen=f"{channels} channels", allowed="4 channels", next_command=_ALLOWED)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    pretrained.hush()
    try:
        pipeline = _opened(found.folder, name)
    except Exception as error:
        raise pretrained.unreadable("base", str(found.folder), error) from None
    base = Base(found.weights, found.folder, found.revision, files_digest(found.folder, files), found.licence, pipeline,
                _scheduler(pipeline, found.weights))
    for encoder, tokenizer in zip(base.text_encoders, base.tokenizers, strict=True):
        for part in (encoder, getattr(encoder, "text_model", encoder)):
            part.config.eos_token_id = part.eos_token_id = tokenizer.eos_token_id
    base.vae.enable_slicing()  # a picture at a time: in float32 one of 1024 px takes gigabytes
    for part in (pipeline, base.unet, base.vae):  # else what is published tells the folder on this machine
        part.register_to_config(_name_or_path=found.weights)
    base.freeze()
    return base


def _tiny(wanted: str, place: Path) -> pretrained.Found:
    folder = place / wanted
    if not (folder / "model_index.json").is_file():
        try:
            tiny.save(wanted, folder)
        except OSError:
            if not (folder / "model_index.json").is_file():  # else another process of the run was first
                raise
    return pretrained.Found(folder, wanted, "", "Apache-2.0: random weights of ours")


def find(wanted: str, kinds: Mapping[str, Sequence[str]], allowed: str) -> pretrained.Found:
    """The folder with a pipeline's files, by a path or a name of the Hub: of one of these classes, of which the parts
    are named that shall be read. Raises UsageError, which says what is `allowed`."""
    folder = Path(wanted)
    if (folder / "model_index.json").is_file():
        _known(folder / "model_index.json", folder.resolve().name, kinds, allowed)
        return pretrained.Found(folder, folder.resolve().name, "", "unknown: a folder of yours")
    if folder.is_file():
        raise UsageError("a base is no single file", seen=wanted, allowed=allowed,
                         next_command="in Python, StableDiffusionPipeline.from_single_file(FILE).save_pretrained(DIR)")
    there = hub.parse(f"{wanted}:model_index.json")
    if folder.is_dir() or there is None:
        raise UsageError("no model_index.json in that folder" if folder.is_dir() else "no such base", seen=wanted,
                         allowed=allowed)
    index, _ = hub.fetch(there)  # says in one line what is wrong with the name or the network
    name = _known(index, there.repo, kinds, allowed)  # before gigabytes are fetched
    folder, commit = hub.fetch_all(wanted, _patterns(kinds[name]))
    return pretrained.Found(folder, there.repo, commit, hub.licence(there, commit))


def _known(index: Path, whose: str, kinds: Mapping[str, Sequence[str]], allowed: str) -> str:
    """The pipeline's class. Raises UsageError for one that is none of `kinds`."""
    name = str(_config(index).get("_class_name", ""))
    if name not in kinds:
        raise UsageError("a pipeline that cannot be trained here", seen=name or f"{whose} without a class",
                         allowed=" or ".join(kinds), next_command=allowed)
    return name


def _patterns(parts: Sequence[str]) -> list[str]:
    """What is read of a folder or repository: weights in full precision alone."""
    return ["model_index.json", *(f"{part}/{file}" for part in parts for file in (
        "*.json", "*.txt", "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model-*.safetensors",
        "model.safetensors", "model-*.safetensors"))]


def files_of(folder: Path, name: str, parts: Sequence[str]) -> list[Path]:
    """What of the folder of a pipeline of the class `name` these parts are made of. Raises UsageError when it lacks
    weights."""
    found = [path for pattern in _patterns(parts) for path in folder.glob(pattern)]
    weighed = {path.parent.name for path in found if path.suffix == ".safetensors"}
    lacking = [part for part in parts if not part.startswith(_WEIGHTLESS) and part not in weighed]
    if lacking:
        raise UsageError("the base has no safetensors in full precision", seen=f"{folder.name}/{lacking[0]}",
                         allowed="diffusion_pytorch_model.safetensors or model.safetensors in each part",
                         next_command=f"in Python, {name}.from_pretrained(DIR).save_pretrained(NEW)")
    return found


def _opened(folder: Path, name: str) -> Any:
    """The pipeline. Raises what diffusers and transformers do, and ValueError when tensors or words are missing: of
    tensors the one would leave them empty, the other draw them at random."""
    encoders = {"text_encoder": CLIPTextModel, "text_encoder_2": CLIPTextModelWithProjection}
    given, missing = {}, []
    for part in _PARTS[name]:
        if part in encoders:
            given[part], told = encoders[part].from_pretrained(folder / part, dtype=torch.float32, use_safetensors=True,
                                                               output_loading_info=True)
            missing += sorted(told["missing_keys"])
    kind = StableDiffusionPipeline if name == _SD else StableDiffusionXLPipeline
    made = kind.from_pretrained(folder, dtype=torch.float32, use_safetensors=True, **_WITHOUT[name], **given)
    missing += [key for part in (made.unet, made.vae) for key, one in part.named_parameters() if one.is_meta]
    if missing:
        raise ValueError(f"{len(missing)} of its tensors are missing: {missing[0]}")
    # transformers makes a tokenizer of no files, too
    for tokenizer in (made.tokenizer, getattr(made, "tokenizer_2", made.tokenizer)):
        if "a</w>" not in tokenizer.get_vocab():
            raise ValueError("its tokenizer has no words")
    made.set_progress_bar_config(disable=True)
    return made


def _scheduler(pipeline: Any, name: str) -> DDPMScheduler:
    scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
    if scheduler.config.prediction_type not in _PREDICTIONS or getattr(pipeline.vae.config, "latents_mean", None):
        raise UsageError("a base of another kind of diffusion", allowed=", ".join(_PREDICTIONS),
                         seen=f"{name}: {scheduler.config.prediction_type}, {type(pipeline.scheduler).__name__}")
    return scheduler


def _config(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
