"""Stable Diffusion pipelines of any size, and a CLIP, with random weights, saved as the real ones are.

Speed does not depend on what weights say, so benchmarks measure on these; tests load tiny ones through the code that
loads the real ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Shape:
    """Sizes of a pipeline. The picture's side is `latent` times two for each level of the VAE but the first."""

    latent: int = 8
    channels: tuple[int, ...] = (8, 16)
    cross: int = 16
    vae: tuple[int, ...] = (8, 16)
    groups: int = 4


TINY = Shape()


def save(folder: Path, shape: Shape = TINY, xl: bool = False, seed: int = 0) -> Path:
    """Writes a pipeline with weights drawn from `seed` and returns the folder."""
    import torch
    from diffusers import DDIMScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline

    torch.manual_seed(seed)
    scheduler = DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False,
                              steps_offset=1)
    parts: dict[str, Any] = {"unet": _unet(shape, xl), "vae": _vae(shape), "scheduler": scheduler}
    parts |= {"text_encoder": _words(shape, xl), "tokenizer": _tokenizer()}
    if xl:
        parts |= {"text_encoder_2": _words(shape, xl, projected=True), "tokenizer_2": _tokenizer()}
        pipeline: Any = StableDiffusionXLPipeline(**parts)
    else:
        pipeline = StableDiffusionPipeline(**parts, safety_checker=None, feature_extractor=None,
                                           requires_safety_checker=False)
    pipeline.save_pretrained(folder)
    return folder


def save_clip(folder: Path, seed: int = 0, width: int = TINY.cross) -> Path:
    """Writes a tiny CLIP, whose embeddings have `width` numbers, with its processor and returns the folder."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPProcessor

    torch.manual_seed(seed)
    words = _words(TINY, xl=False).config.to_dict()
    sight = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
             "image_size": 32, "patch_size": 8, "projection_dim": width}
    CLIPModel(CLIPConfig(text_config=words, vision_config=sight, projection_dim=width)).save_pretrained(folder)
    size = {"shortest_edge": 32}
    CLIPProcessor(CLIPImageProcessorPil(size=size, crop_size={"height": 32, "width": 32}),
                  _tokenizer()).save_pretrained(folder)
    return folder


def _unet(shape: Shape, xl: bool) -> Any:
    from diffusers import UNet2DConditionModel

    more: dict[str, Any] = {}
    if xl:  # both encoders' words side by side; the second's whole sentence and six sizes as time
        more = {"addition_embed_type": "text_time", "addition_time_embed_dim": 8,
                "projection_class_embeddings_input_dim": 6 * 8 + shape.cross, "use_linear_projection": True}
    return UNet2DConditionModel(
        sample_size=shape.latent, in_channels=4, out_channels=4, layers_per_block=1, block_out_channels=shape.channels,
        down_block_types=("DownBlock2D", *["CrossAttnDownBlock2D"] * (len(shape.channels) - 1)),
        up_block_types=(*["CrossAttnUpBlock2D"] * (len(shape.channels) - 1), "UpBlock2D"),
        cross_attention_dim=shape.cross * (2 if xl else 1), norm_num_groups=shape.groups, attention_head_dim=2, **more)


def _vae(shape: Shape) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        in_channels=3, out_channels=3, latent_channels=4, block_out_channels=shape.vae, norm_num_groups=shape.groups,
        down_block_types=["DownEncoderBlock2D"] * len(shape.vae), up_block_types=["UpDecoderBlock2D"] * len(shape.vae),
        sample_size=shape.latent * 2 ** (len(shape.vae) - 1))


def _words(shape: Shape, xl: bool, projected: bool = False) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    size = len(_vocabulary())
    config = CLIPTextConfig(vocab_size=size, hidden_size=shape.cross, intermediate_size=2 * shape.cross,
                            num_hidden_layers=2, num_attention_heads=2, projection_dim=shape.cross,
                            bos_token_id=size - 2, eos_token_id=size - 1, pad_token_id=size - 1,
                            hidden_act="gelu" if xl else "quick_gelu")
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config)


def _vocabulary() -> dict[str, int]:
    """Letters, digits and marks, within a word and at its end, and what frames a text."""
    letters = [chr(code) for code in range(33, 127)]
    return {token: at for at, token in enumerate([*letters, *(f"{one}</w>" for one in letters), "<|startoftext|>",
                                                  "<|endoftext|>"])}


def _tokenizer() -> Any:
    from transformers import CLIPTokenizer

    return CLIPTokenizer(vocab=_vocabulary(), merges=[], model_max_length=77)
