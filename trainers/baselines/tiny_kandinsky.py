"""A tiny Kandinsky 2.2, of the real architectures, drawn from a seed as `trainers.tiny` draws its bases."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import torch
from diffusers import (
    DDPMScheduler,
    DiffusionPipeline,
    KandinskyV22Pipeline,
    KandinskyV22PriorPipeline,
    PriorTransformer,
    UnCLIPScheduler,
    UNet2DConditionModel,
    VQModel,
)
from transformers import CLIPImageProcessor, CLIPTextModelWithProjection

from schemas import atomic
from trainers import tiny, vocabulary
from trainers.baselines import image_encoders
from trainers.tiny import SIDE, WIDTH

NAME = "tiny"


def save(kind: str, place: Path) -> Path:
    """The folder below `place` of the tiny pipeline of this class, KandinskyV22Pipeline or KandinskyV22PriorPipeline;
    it is written where there is none."""
    folder = place / f"tiny-{kind}"
    if not (folder / "model_index.json").is_file():
        with torch.random.fork_rng(devices=[]):  # the layers draw weights of their own first
            made = _decoder() if kind == KandinskyV22Pipeline.__name__ else _prior()
        with suppress(OSError), atomic.whole(folder) as unfinished:  # another process drew it meanwhile
            made.save_pretrained(unfinished)
    return folder


def _decoder() -> DiffusionPipeline:
    """Its UNet has two of four levels, and says how sure it is beside the noise; it is told one vector."""
    unet = UNet2DConditionModel(
        sample_size=SIDE // 4, in_channels=4, out_channels=8, layers_per_block=1, block_out_channels=(32, 64),
        norm_num_groups=8, down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn", resnet_time_scale_shift="scale_shift", attention_head_dim=8,
        addition_embed_type="image", encoder_hid_dim_type="image_proj", encoder_hid_dim=WIDTH,
        cross_attention_dim=WIDTH)
    scheduler = DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="linear", clip_sample_range=2.0,
                              variance_type="learned_range")
    return KandinskyV22Pipeline(unet=tiny.drawn(unet, torch.Generator().manual_seed(0)), scheduler=scheduler,
                                movq=_movq())


def _prior() -> DiffusionPipeline:
    chance, tokenizer = torch.Generator().manual_seed(1), vocabulary.tokenizer()
    prior = tiny.drawn(PriorTransformer(
        num_attention_heads=4, attention_head_dim=WIDTH // 4, num_layers=2, embedding_dim=WIDTH,
        num_embeddings=tokenizer.model_max_length), chance)
    prior.clip_std.data.fill_(1)
    text_encoder = tiny.drawn(CLIPTextModelWithProjection(tiny.words(xl=True)), chance)
    encoder = image_encoders.drawn()
    side = encoder.config.image_size
    return KandinskyV22PriorPipeline(
        prior=prior, image_encoder=encoder, text_encoder=text_encoder, tokenizer=tokenizer,
        scheduler=UnCLIPScheduler(prediction_type="sample", clip_sample_range=5.0),
        image_processor=CLIPImageProcessor(size=side, crop_size=side))


@torch.no_grad()
def _movq() -> VQModel:
    """The tiny autoencoder without its deviation: latents are twice its means, and no codebook is asked for them."""
    linear = tiny.autoencoder()
    movq = VQModel(
        block_out_channels=(8, 8, 8), norm_num_groups=1,
        down_block_types=["DownEncoderBlock2D"] * 3, up_block_types=["UpDecoderBlock2D"] * 3,
        latent_channels=4, sample_size=SIDE, num_vq_embeddings=8)
    weights = linear.state_dict()
    for name in ("encoder.conv_out.weight", "encoder.conv_out.bias"):
        weights[name] = weights[name][:4]
    middle = torch.eye(4)[:, :, None, None]
    weights |= {"quant_conv.weight": 2 * middle, "quant_conv.bias": torch.zeros(4),
                "post_quant_conv.weight": middle / 2, "post_quant_conv.bias": torch.zeros(4),
                "quantize.embedding.weight": torch.zeros(8, 4)}
    movq.load_state_dict(weights)
    return movq
