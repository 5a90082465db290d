"""LoRA (Hu et al.): low-rank matrices beside the linear layers of attention, put in by peft.

Rank is also alpha, so that what is added to a weight is just up @ down, as diffusers reads a file that says nothing
else. Down begins as peft has it (Kaiming, uniform), up at zero: before the first step nothing is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig, get_peft_model_state_dict
from torch import nn

from trainers import kohya

FILE = "pytorch_lora_weights.safetensors"
_TARGETS = ["to_q", "to_k", "to_v", "to_out.0", "q_proj", "k_proj", "v_proj", "out_proj"]
"""Queries, keys, values and outputs of every attention: the UNet's names, then CLIP's."""


def add_lora(modules: Sequence[Any], rank: int, seed: int) -> None:
    """Freezes these modules and puts trainable float32 matrices beside the linear layers of their attentions.

    The first values follow from `seed`; torch's own state of chance is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in modules:
            module.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=_TARGETS))


def save_lora(pipeline: Any, folder: Path) -> None:
    """Writes the matrices that `add_lora` put into a pipeline's modules, for diffusers (`FILE`) and for others
    (`kohya.FILE`)."""
    names = [name for name in ("unet", "text_encoder", "text_encoder_2") if _has_lora(getattr(pipeline, name, None))]
    layers = {name: get_peft_model_state_dict(getattr(pipeline, name)) for name in names}
    pipeline.save_lora_weights(folder, weight_name=FILE, **{f"{name}_lora_layers": _for_diffusers(name, own)
                                                            for name, own in layers.items()})
    config = pipeline.unet.config
    alpha = pipeline.unet.peft_config["default"].lora_alpha
    kohya.save(layers, alpha, config.layers_per_block if hasattr(pipeline, "text_encoder_2") else None,
               folder / kohya.FILE)


def _has_lora(module: nn.Module | None) -> bool:
    return bool(getattr(module, "peft_config", None))


def _for_diffusers(part: str, own: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The names under which diffusers saves a part. CLIP's `text_model.` is what readers under transformers 4 look
    for; those under 5 take it away."""
    if part != "unet":
        own = {f"text_model.{name.removeprefix('text_model.')}": weight for name, weight in own.items()}
    return {name: weight.detach().cpu().contiguous() for name, weight in convert_state_dict_to_diffusers(own).items()}
