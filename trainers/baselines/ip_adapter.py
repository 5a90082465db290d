"""IP-Adapter (Ye et al., 2023): a picture tells by keys and values of its own, beside those of the prompt.

As its authors train the plain model: the projection makes four words of the image encoder's one vector; keys and values
for them begin as those of the prompt; of each example one number decides whether the reference, the prompt, or both are
dropped; a dropped reference is a vector of nought.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import torch
from PIL import Image
from torch import Tensor, nn
from transformers import CLIPImageProcessor

from schemas.draws import draw
from trainers import tiny
from trainers.baselines.feeding import Dropped, place_of, view_of
from trainers.baselines.image_encoders import TINY, ImageEncoder, open_encoder, seen
from trainers.baselines.ip_adapter_options import ENCODER
from trainers.baselines.ip_adapter_options import IpAdapter as Options
from trainers.bases import Base, open_base
from trainers.data import open_data
from trainers.objective import errors
from trainers.options import Training
from trainers.training import checkpoints, reference_grids
from trainers.training.feeding import Batch
from trainers.training.loop import train
from trainers.training.method import Method
from trainers.training.record import Run
from trainers.training.reference_grids import Shown
from trainers.views.identities import COLUMNS

FILE = "ip_adapter.safetensors"
_WORDS = 4
"""That a picture becomes; diffusers knows the plain model by nothing else."""
_PROJECTION = {"proj": "image_embeds", "norm": "norm"}
"""Layers by their names in IP-Adapter's files and in diffusers."""


class IpAdapter(Method):
    """The base with keys and values for a picture. `shown` are examples for grids of samples."""

    def __init__(self, base: Base, encoder: ImageEncoder, options: Options, shown: Sequence[Shown] = ()) -> None:
        super().__init__(base)
        self._options, self._shown, self._encoder = options, shown, encoder
        self.encoder, side = encoder.model, encoder.model.config.image_size
        pipe = base.pipeline
        pipe.register_modules(image_encoder=self.encoder,
                              feature_extractor=CLIPImageProcessor(size=side, crop_size=side))
        pipe.load_ip_adapter(_begun(base.unet, encoder.model.config.projection_dim, options.seed), "", "")
        for part in (self._projection, *self._attentions):
            part.requires_grad_(True)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """"loss"."""
        given = cast(Mapping[str, Any], batch)
        with torch.no_grad():
            said = self.encoder(seen(self.encoder, given["references"].flatten(0, 1))).image_embeds
        said = said.unflatten(0, (len(given["references"]), -1)) * given["reference_mask"][..., None]

        def told(noisy: Tensor, timesteps: Tensor, words: Tensor, **more: Any) -> Any:
            added = {**more.get("added_cond_kwargs", {}), "image_embeds": [said]}
            return self.unet(noisy, timesteps, words, added_cond_kwargs=added)

        return {"loss": errors(self.base, batch, self.base.encode(batch["texts"]), told).mean()}

    @property
    def _projection(self) -> nn.Module:
        return cast(nn.Module, self.unet.encoder_hid_proj.image_projection_layers[0])

    @property
    def _attentions(self) -> list[nn.Module]:
        """Those that heed the picture, in the UNet's order."""
        return [one for one in self.unet.attn_processors.values() if isinstance(one, nn.Module)]

    def grid(self, prompts: list[str], options: Training, autocast: AbstractContextManager[None]) -> Image.Image:
        """A row for each prompt: its reference, the target, and samples."""
        return reference_grids.grid(self, prompts, options, autocast, self._shown,
                                    lambda references: {"ip_adapter_image": [references]})

    def publish(self, folder: Path) -> None:
        """ip_adapter.safetensors by the names of IP-Adapter's own files, and the image encoder as it was."""
        layers = {f"image_proj.{name}": getattr(self._projection, own) for name, own in _PROJECTION.items()}
        for number, one in enumerate(self._attentions):
            layers |= {f"ip_adapter.{2 * number + 1}.{name}": getattr(one, name)[0] for name in ("to_k_ip", "to_v_ip")}
        checkpoints.save_tensors({f"{layer}.{name}": values.detach() for layer, one in layers.items()
                                  for name, values in one.named_parameters()}, folder / FILE)
        (folder / "image_encoder").mkdir()
        for pattern in ("config.json", "model*.safetensors", "model*.safetensors.index.json"):
            for path in self._encoder.folder.glob(pattern):
                shutil.copyfile(path, folder / "image_encoder" / path.name)

    def facts(self) -> dict[str, Any]:
        """See `Method.facts`."""
        kind, side = type(self.base.pipeline).__name__, self._options.resolution
        prompts = [one["text"] for one in self._shown]
        prompt = json.dumps(prompts[0] if prompts else "1girl", ensure_ascii=False)
        lines = ["from PIL import Image, ImageOps", f"from diffusers import {kind}", "",
                 f'pipe = {kind}.from_pretrained("{place_of(self.base, self._options.out)}")',
                 f'pipe.load_ip_adapter("OUT", subfolder="", weight_name="{FILE}")',
                 "pipe.set_ip_adapter_scale(1.0)  # less heeds the prompt more", "",
                 f'reference = ImageOps.pad(Image.open("reference.png").convert("RGB"), ({side}, {side}), '
                 'color="white")',
                 f"picture = pipe({prompt}, ip_adapter_image=reference, height={side}, width={side}).images[0]"]
        return super().facts() | {"prompts": prompts, "usage": "\n".join(lines),
                                  "image_encoder_licence": self._encoder.licence}


def _begun(unet: Any, width: int, seed: int) -> dict[str, dict[str, Tensor]]:
    """What IP-Adapter begins with, by its own names, for pictures that are told by so many numbers."""
    words = unet.config.cross_attention_dim
    projection = {"proj": nn.Linear(width, _WORDS * words), "norm": nn.LayerNorm(words)}
    with torch.no_grad():
        chance = torch.Generator().manual_seed(draw("ip-adapter", str(seed)))
        for values in projection["proj"].parameters():
            values.uniform_(-1 / math.sqrt(width), 1 / math.sqrt(width), generator=chance)
    attentions = [unet.get_submodule(name.removesuffix(".processor")) for name in unet.attn_processors
                  if ".attn2." in name]
    return {"image_proj": {f"{layer}.{name}": values.detach() for layer, one in projection.items()
                           for name, values in one.named_parameters()},
            "ip_adapter": {f"{2 * number + 1}.{name}_ip.weight": getattr(one, name).weight.detach().clone()
                           for number, one in enumerate(attentions) for name in ("to_k", "to_v")}}


def run(options: Options) -> int:
    """Trains and publishes; returns the exit code."""
    data = open_data(options.data, "--data", "retribooru", COLUMNS)
    base = open_base(options.base, options.out / "base")
    encoder = open_encoder(options.image_encoder or (TINY if base.name in tiny.KINDS else ENCODER),
                           options.out / "base")
    options = options.resolved(base.resolution)
    view = view_of(data, base, options)
    shown = reference_grids.shown(data, options, lambda split: view_of(split, base, options))
    record = Run(method="ip-adapter", options=options, data={"data": data, "image-encoder": encoder},
                 base=base.provenance())
    method = IpAdapter(base, encoder, options, shown)
    return train(method, Dropped(view, options.reference_drop, options.prompt_drop, options.both_drop), options, record)
