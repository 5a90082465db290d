"""Tiny bases of the real architectures: every trainer runs on them on a CPU within a minute, and the tests run the code
that users run.

Their weights are drawn from a seed, the same bits on every machine, but for the autoencoder's: these are set by hand so
that it needs no training. It averages squares of 4 x 4 pixels and repeats them; of a trained run one sees the subject's
colours and shapes.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path
from typing import TypeVar

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DiffusionPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from annotators import pretrained
from trainers import tiny_clip, vocabulary
from trainers.tiny_options import Tiny

KINDS = {"tiny": "Stable Diffusion that predicts noise", "tiny-v": "Stable Diffusion that predicts v, as SD 2 does",
         "tiny-sdxl": "Stable Diffusion XL"}
"""The tiny bases by name, with what each is like."""

SIDE = 64
"""Of a picture, pixels."""

WIDTH = 32
"""Of a word's embedding."""
_Model = TypeVar("_Model", bound=nn.Module)
_ANCHOR = 64.0
"""What the autoencoder's constant channels hold: far more than a pixel, so that no picture changes its norms."""


def save(kind: str, folder: Path, seed: int = 0) -> None:
    """Writes the tiny base `kind`, one of KINDS, as `folder`, whole or not at all; less than 8 MB."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    pretrained.hush()
    unfinished = Path(tempfile.mkdtemp(prefix=".tmp-", dir=folder.parent))
    try:
        with torch.random.fork_rng(devices=[]):  # the layers draw weights of their own first
            made = _pipeline(kind, seed)
        made.save_pretrained(unfinished)
        unfinished.chmod(0o755)
        unfinished.replace(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def run(options: Tiny) -> int:
    """`trainers tiny`. Returns the exit code."""
    if options.kind == "clip":
        print(tiny_clip.save(options.data, options.out).told)
    else:
        save(options.kind, options.out)
    return 0


def _pipeline(kind: str, seed: int) -> DiffusionPipeline:
    xl = kind == "tiny-sdxl"
    chance = torch.Generator().manual_seed(seed)
    scheduler = DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False,
                              set_alpha_to_one=False, steps_offset=1,
                              prediction_type="v_prediction" if kind == "tiny-v" else "epsilon")
    parts = {"unet": drawn(_unet(xl), chance), "text_encoder": drawn(CLIPTextModel(words(xl)), chance),
             "vae": autoencoder(), "tokenizer": vocabulary.tokenizer(), "scheduler": scheduler}
    if not xl:
        return StableDiffusionPipeline(**parts, safety_checker=None, feature_extractor=None,
                                       requires_safety_checker=False)
    second = drawn(CLIPTextModelWithProjection(words(xl)), chance)
    return StableDiffusionXLPipeline(**parts, text_encoder_2=second, tokenizer_2=vocabulary.tokenizer("!"))


def _unet(xl: bool) -> UNet2DConditionModel:
    """As SD's, with two of its four levels; SDXL's is told both encoders' words, the whole sentence and six sizes."""
    more = {"addition_embed_type": "text_time", "addition_time_embed_dim": 8, "use_linear_projection": True,
            "projection_class_embeddings_input_dim": 6 * 8 + WIDTH, "transformer_layers_per_block": (1, 2)}
    return UNet2DConditionModel(
        sample_size=SIDE // 4, layers_per_block=1, block_out_channels=(32, 64), norm_num_groups=8,
        down_block_types=["CrossAttnDownBlock2D"] * 2, up_block_types=["CrossAttnUpBlock2D"] * 2,
        cross_attention_dim=WIDTH * (2 if xl else 1), attention_head_dim=4, **(more if xl else {}))


def words(xl: bool) -> CLIPTextConfig:
    """The tiny text encoder's. Ids of the text's frame are wrong, as those of SD and SDXL (see `trainers.bases`)."""
    return CLIPTextConfig(vocab_size=len(vocabulary.tokenizer()), hidden_size=WIDTH, intermediate_size=4 * WIDTH,
                          num_hidden_layers=2, num_attention_heads=4, projection_dim=WIDTH, bos_token_id=0,
                          eos_token_id=2, pad_token_id=1, hidden_act="gelu" if xl else "quick_gelu")


@torch.no_grad()
def drawn(model: _Model, chance: torch.Generator) -> _Model:
    """The model with weights that keep the size of what they are given, drawn evenly, as normal numbers differ between
    CPUs, and without biases."""
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            deviation = layer.weight[0].numel() ** -0.5
        elif isinstance(layer, nn.Embedding):
            deviation = 0.02
        else:
            continue
        evenly = torch.rand(layer.weight.shape, generator=chance) - 0.5
        layer.weight.copy_(evenly * (deviation * math.sqrt(12)))
        if getattr(layer, "bias", None) is not None:
            layer.bias.zero_()
    return model


@torch.no_grad()
def autoencoder() -> AutoencoderKL:
    """An autoencoder of SD's architecture that is linear. Latents are a picture's red, green and blue in -1..1 and
    their mean, at a quarter of its side; the factor to scale them is two, their deviation is 0.02.

    Each colour goes through it beside its negative: silu(x) - silu(-x) is x, and the mean of both is nothing. With the
    constant channels beside them the norms divide every picture by the same number.
    """
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8), norm_num_groups=1,
        down_block_types=["DownEncoderBlock2D"] * 3, up_block_types=["UpDecoderBlock2D"] * 3,
        latent_channels=4, sample_size=SIDE, scaling_factor=2.0)
    for name, values in vae.named_parameters():
        values.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)  # no residual branch gives anything
    signed = torch.zeros(8, 3)  # red, its negative, green, ...
    signed[range(6), (0, 0, 1, 1, 2, 2)] = torch.tensor([1.0, -1.0] * 3)
    anchors = torch.tensor([0.0] * 6 + [_ANCHOR, -_ANCHOR])
    encoder, decoder = vae.encoder, vae.decoder
    _centre(encoder.conv_in, signed, anchors)
    for block in encoder.down_blocks[:2]:
        block.downsamplers[0].conv.weight[:, :, :2, :2] = torch.eye(8)[:, :, None, None] / 4
    _centre(decoder.conv_in, torch.cat([signed, torch.zeros(8, 1)], dim=1), anchors)
    for block in decoder.up_blocks[:2]:
        _centre(block.upsamplers[0].conv, torch.eye(8))
    for norm in (encoder.conv_norm_out, decoder.conv_norm_out):
        norm.weight.fill_(_ANCHOR / 2)  # two of eight channels are 64 away from the mean: it divided by 32
    _centre(decoder.conv_out, signed.T)
    means = torch.cat([signed.T, signed.T.mean(0, keepdim=True), torch.zeros(4, 8)])
    _centre(encoder.conv_out, means, torch.tensor([0.0] * 4 + [2 * math.log(0.02)] * 4))
    _centre(vae.quant_conv, torch.eye(8))
    _centre(vae.post_quant_conv, torch.eye(4))
    return vae


def _centre(layer: nn.Conv2d, weights: torch.Tensor, bias: torch.Tensor | None = None) -> None:
    """Makes a convolution map each pixel by itself."""
    middle = layer.kernel_size[0] // 2
    layer.weight[:, :, middle, middle] = weights
    if bias is not None:
        layer.bias.copy_(bias)
