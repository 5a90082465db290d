"""Bases for training of any size, with random weights: what a step costs does not depend on what weights say."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple


class Words(NamedTuple):
    """Sizes of a text encoder."""

    width: int
    layers: int
    heads: int


class Sizes(NamedTuple):
    """Sizes of a base. `depth` counts the layers of each level's transformers, 0 where it does not look at words;
    `heads` is what the configuration calls attention_head_dim. Two encoders make it a Stable Diffusion XL, whose sizes
    and crop are embedded in `added` numbers each."""

    latent: int
    channels: tuple[int, ...]
    depth: tuple[int, ...]
    heads: int | tuple[int, ...]
    vae: tuple[int, ...]
    encoders: tuple[Words, ...]
    layers: int = 2
    groups: int = 32
    added: int = 256


TINY = Sizes(8, (8, 16), (0, 1), 2, (8, 8), (Words(16, 1, 2),), layers=1, groups=4)
TINY_XL = TINY._replace(encoders=(Words(16, 1, 2), Words(16, 1, 2)), added=8)
SMALL = Sizes(32, (64, 128), (0, 1), 4, (16, 32), (Words(64, 2, 4),), layers=1, groups=16)
"""A step takes two cores about a third of a second."""
SD15 = Sizes(64, (320, 640, 1280, 1280), (1, 1, 1, 0), 8, (128, 256, 512, 512), (Words(768, 12, 12),))
SDXL = Sizes(128, (320, 640, 1280), (0, 2, 10), (5, 10, 20), (128, 256, 512, 512),
             (Words(768, 12, 12), Words(1280, 32, 20)))


def base(sizes: Sizes, seed: int = 0) -> Any:
    """A `trainers.bases.Base` on the CPU, frozen."""
    import torch
    from diffusers import AutoencoderKL, DDPMScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline

    from trainers.bases import Base
    from trainers.vocabulary import tokenizer

    torch.manual_seed(seed)
    scheduler = DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False,
                              steps_offset=1)
    vae = AutoencoderKL(
        block_out_channels=sizes.vae, down_block_types=["DownEncoderBlock2D"] * len(sizes.vae),
        up_block_types=["UpDecoderBlock2D"] * len(sizes.vae), latent_channels=4, layers_per_block=sizes.layers,
        norm_num_groups=sizes.groups, sample_size=sizes.latent * 2 ** (len(sizes.vae) - 1))
    parts: dict[str, Any] = {"vae": vae, "unet": _unet(sizes), "scheduler": scheduler, "tokenizer": tokenizer(),
                             "text_encoder": _encoder(sizes.encoders[0], projected=False)}
    if len(sizes.encoders) == 2:
        pipeline: Any = StableDiffusionXLPipeline(
            **parts, text_encoder_2=_encoder(sizes.encoders[1], projected=True), tokenizer_2=tokenizer("!"))
    else:
        pipeline = StableDiffusionPipeline(**parts, safety_checker=None, feature_extractor=None,
                                           requires_safety_checker=False)
    pipeline.set_progress_bar_config(disable=True)
    made = Base("random", Path("random"), "", "", "", pipeline, scheduler)
    made.freeze()
    return made


def _unet(sizes: Sizes) -> Any:
    from diffusers import UNet2DConditionModel

    more: dict[str, Any] = {}
    if len(sizes.encoders) == 2:
        more = {"addition_embed_type": "text_time", "addition_time_embed_dim": sizes.added,
                "projection_class_embeddings_input_dim": 6 * sizes.added + sizes.encoders[1].width,
                "use_linear_projection": True}
    kinds = ["CrossAttn" if depth else "" for depth in sizes.depth]
    return UNet2DConditionModel(
        sample_size=sizes.latent, block_out_channels=sizes.channels, layers_per_block=sizes.layers,
        norm_num_groups=sizes.groups, attention_head_dim=sizes.heads,
        transformer_layers_per_block=tuple(max(depth, 1) for depth in sizes.depth),
        cross_attention_dim=sum(words.width for words in sizes.encoders),
        down_block_types=[f"{kind}DownBlock2D" for kind in kinds],
        up_block_types=[f"{kind}UpBlock2D" for kind in reversed(kinds)], **more)


def _encoder(words: Words, projected: bool) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    from trainers.vocabulary import tokenizer

    known = tokenizer()
    config = CLIPTextConfig(vocab_size=len(known), hidden_size=words.width, intermediate_size=4 * words.width,
                            num_hidden_layers=words.layers, num_attention_heads=words.heads,
                            projection_dim=words.width, bos_token_id=known.bos_token_id,
                            eos_token_id=known.eos_token_id, pad_token_id=known.pad_token_id)
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config)
