"""A LoRA under the names that kohya's scripts write and ComfyUI, A1111 and others read.

A layer is `lora_PART_NAME`, its dots turned into underscores, with `.lora_down.weight`, `.lora_up.weight` and `.alpha`:
what is added to the layer's weight is alpha / rank * up @ down. SDXL's UNet has the block names of its first release
(input_blocks, middle_block, output_blocks) there. CLIP's layers keep the `text_model.` that transformers 5 leaves out
of its own names; diffusers' converter loses it, and takes the rank for alpha.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

FILE = "kohya_lora.safetensors"

Layers = Mapping[str, Mapping[str, torch.Tensor]]
"""By part of a pipeline (unet, text_encoder, text_encoder_2), by peft's names: "…to_q.lora_A.weight"."""

_ENDS = {".lora_A.weight": ".lora_down.weight", ".lora_B.weight": ".lora_up.weight"}


def save(layers: Layers, alpha: float, blocks: int | None, path: Path) -> None:
    """Writes `weights(…)` to `path`, with what readers ask of kohya's metadata."""
    rank = next(len(weight) for name, weight in layers["unet"].items() if "lora_A" in name)
    said = {"format": "pt", "ss_network_module": "networks.lora", "ss_network_dim": str(rank),
            "ss_network_alpha": f"{alpha:g}"}
    if blocks is not None:
        said["ss_base_model_version"] = "sdxl_base_v1-0"
    save_file(weights(layers, alpha, blocks), path, metadata=said)


def weights(layers: Layers, alpha: float, blocks: int | None) -> dict[str, torch.Tensor]:
    """The weights under kohya's names. `blocks` is None for SD, for SDXL its UNet's `layers_per_block`."""
    prefixes = {"unet": "lora_unet", "text_encoder": "lora_te" if blocks is None else "lora_te1",
                "text_encoder_2": "lora_te2"}
    made: dict[str, torch.Tensor] = {}
    for part, own in layers.items():
        for name, weight in own.items():
            layer, end = _split(name)
            if part != "unet":
                layer = f"text_model.{layer.removeprefix('text_model.')}"
            elif blocks is not None:
                layer = first_name(layer, blocks)
            key = f"{prefixes[part]}_{layer.replace('.', '_')}"
            made[key + end] = weight.detach().cpu().contiguous()
            made[key + ".alpha"] = torch.tensor(float(alpha))
    return made


def first_name(layer: str, blocks: int) -> str:
    """The name in SDXL's first release of a layer of diffusers' UNet, which must lie in an attention.

    A level has `blocks` attentions and a downsampler on the way down, `blocks` + 1 attentions on the way up.
    """
    found = re.fullmatch(r"(?:(down|up)_blocks\.(\d+)|mid_block)\.attentions\.(\d+)\.(.+)", layer)
    if found is None:
        raise ValueError(f"{layer} lies in no attention")
    way, level, number, rest = found.groups()
    if way is None:
        return f"middle_block.1.{rest}"
    at = int(level) * (blocks + 1) + int(number)
    return f"input_blocks.{at + 1}.1.{rest}" if way == "down" else f"output_blocks.{at}.1.{rest}"


def _split(name: str) -> tuple[str, str]:
    for end, new in _ENDS.items():
        if name.endswith(end):
            return name.removesuffix(end), new
    raise ValueError(f"{name} is no weight of a LoRA")
