"""Encoders of pictures that see references: CLIP's vision models, of the Hub, of a folder, and a tiny one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

from annotators import hub, pretrained
from schemas import atomic
from schemas.errors import UsageError
from trainers import tiny

TINY = "tiny"
_PLACE = "tiny-image-encoder"
_ALLOWED = "tiny, a folder that holds config.json, or OWNER/NAME[@REVISION][:FOLDER] of the Hub"


class ImageEncoder(NamedTuple):
    """One that was opened, on the CPU in float32, frozen; a run's record takes it for data."""

    model: Any
    """CLIPVisionModelWithProjection"""
    folder: Path
    """with its config.json and model.safetensors"""
    name: str
    version: str
    """commit of the Hub; "" of a folder"""
    digest: str
    licence: str
    recipe: str = ""


def open_encoder(wanted: str, place: Path) -> ImageEncoder:
    """The encoder that `wanted` names; the tiny one is drawn into a folder of `place`. Raises UsageError."""
    found = _tiny(place) if wanted == TINY else _find(wanted)
    try:
        model = read(CLIPVisionModelWithProjection, found.folder)
    except Exception as error:
        raise pretrained.unreadable("image encoder", str(found.folder), error) from None
    return ImageEncoder(model.requires_grad_(False).eval(), found.folder, found.weights, found.revision, found.sha256(),
                        found.licence)


def read(kind: Any, folder: Path) -> Any:
    """A model of transformers, in float32. Raises what they do, and ValueError when tensors are missing, which they
    would draw at random."""
    pretrained.hush()
    model, told = kind.from_pretrained(folder, dtype=torch.float32, use_safetensors=True, output_loading_info=True)
    if told["missing_keys"]:
        raise ValueError(f"{len(told['missing_keys'])} of its tensors are missing: {min(told['missing_keys'])}")
    return model


def seen(encoder: Any, pictures: Tensor) -> Tensor:
    """Squares B x 3 x h x w in -1..1 as the encoder takes them: of its own side, by CLIP's means and deviations; so
    does CLIPImageProcessor, to a level of 255 or two."""
    side = encoder.config.image_size
    resized = interpolate(pictures, (side, side), mode="bicubic", antialias=True).clamp(-1, 1)
    mean, deviation = (pictures.new_tensor(one)[:, None, None] for one in (OPENAI_CLIP_MEAN, OPENAI_CLIP_STD))
    return (((resized + 1) / 2 - mean) / deviation).to(encoder.dtype)


def _find(wanted: str) -> pretrained.Found:
    folder = Path(wanted)
    if (folder / "config.json").is_file():
        return pretrained.Found(folder, folder.resolve().name, "", "unknown: a folder of yours")
    there = hub.parse(f"{wanted}/config.json" if ":" in wanted else f"{wanted}:config.json")
    if folder.is_dir() or there is None:
        raise UsageError("no such image encoder", seen=wanted, allowed=_ALLOWED)
    path, commit = hub.fetch(there)
    weights = there.file.removesuffix("config.json") + "model.safetensors"
    hub.fetch(replace(there, revision=commit, file=weights))
    return pretrained.Found(path.parent, wanted, commit, hub.licence(there, commit))


def drawn() -> CLIPVisionModelWithProjection:
    """One of CLIP's architecture, of 0.1 MB, that sees 32 x 32 pixels; its weights are chance, always the same."""
    with torch.random.fork_rng(devices=[]):  # the layers draw weights of their own first
        model = CLIPVisionModelWithProjection(CLIPVisionConfig(
            hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=32,
            patch_size=8, projection_dim=32))
    model.vision_model.embeddings.class_embedding.data.zero_()  # no layer's: `tiny.drawn` leaves it
    return tiny.drawn(model, torch.Generator().manual_seed(0))


def _tiny(place: Path) -> pretrained.Found:
    folder = place / _PLACE
    if not (folder / "config.json").is_file():
        with suppress(OSError), atomic.whole(folder) as unfinished:  # another process drew it meanwhile
            drawn().save_pretrained(unfinished)
    return pretrained.Found(folder, TINY, "", "Apache-2.0: random weights of ours")
