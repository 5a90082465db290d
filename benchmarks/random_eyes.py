"""A DINO of any size, and a CLIP like ViT-B/32 or half of it, with random weights, saved as the real ones are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TINY: dict[str, Any] = {"hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24,
                        "image_size": 32, "patch_size": 8}
SMALL: dict[str, Any] = {"hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6,
                         "intermediate_size": 1536, "image_size": 224, "patch_size": 16}
"""ViT-S/16."""
HALF = SMALL | {"hidden_size": 192, "num_hidden_layers": 6, "num_attention_heads": 3, "intermediate_size": 768}


def save_dino(folder: Path, size: dict[str, Any] = TINY, seed: int = 0) -> Path:
    """Writes a DINO (v1) with its processor and returns the folder."""
    import torch
    from transformers import ViTConfig, ViTImageProcessorPil, ViTModel

    torch.manual_seed(seed)
    ViTModel(ViTConfig(**size), add_pooling_layer=False).save_pretrained(folder)
    side = size["image_size"]
    ViTImageProcessorPil(size={"height": side, "width": side}).save_pretrained(folder)
    return folder


def save_clip(folder: Path, half: bool = False, seed: int = 0) -> Path:
    """Writes a CLIP of ViT-B/32's sizes, but for the vocabulary, or of half of its width and depth, and returns the
    folder."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPProcessor

    from benchmarks.random_diffusion import _tokenizer

    torch.manual_seed(seed)
    words = _tokenizer()
    ends = {"bos_token_id": len(words) - 2, "eos_token_id": len(words) - 1, "pad_token_id": len(words) - 1}
    text, sight = ({"hidden_size": width // 2, "intermediate_size": 2 * width, "num_hidden_layers": 6,
                    "num_attention_heads": width // 128} if half else {} for width in (512, 768))
    CLIPModel(CLIPConfig(text_config={"vocab_size": len(words), **ends, **text},
                         vision_config=sight)).save_pretrained(folder)
    CLIPProcessor(CLIPImageProcessorPil(), words).save_pretrained(folder)
    return folder
