"""RetriNet's own part (RetriBooru, section 5.1 and figure 4), and how a denoising goes with it.

A copy of the UNet's encoder, the retrieval encoder, looks at clean latents of N references and at their concept words.
Each output of the frozen encoder that the decoder takes as a skip, an "input block" (12 in Stable Diffusion: the first
convolution, two layers in each of four levels, three downsamplings), asks by cross-attention what all references hold
at that block; through a convolution that begins at zero the answer is added to the skip.

Where the paper is silent: tokens are normalized before they ask and are asked, as in the UNet's transformers, by heads
of 64 channels, as in Stable Diffusion 2; nothing tells which reference is the first, so their order does not matter;
the middle block is not told anything. The time's embedding is the frozen one, as the figure's caption says.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from diffusers import ConfigMixin, ModelMixin, UNet2DConditionModel
from diffusers.configuration_utils import register_to_config
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn

from schemas.draws import draw

_HEAD = 64
"""Channels of an attention's head."""


class Retriever(nn.Module):
    """Cross-attention from one input block to the references, and the convolution that begins at zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        heads = max(1, width // _HEAD)
        self.norm_asking, self.norm_asked = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads=heads, dim_head=width // heads)
        self.out = nn.Conv2d(width, width, 1)
        for values in self.out.parameters():
            nn.init.zeros_(values)

    def forward(self, skip: Tensor, memory: Tensor, mask: Tensor | None) -> Tensor:
        """What is added to a skip B x C x h x w, of a memory B x tokens x C; `mask`, bool B x tokens, is false for
        tokens that are not to be seen."""
        asking = self.norm_asking(skip.flatten(2).transpose(1, 2))
        seen = self.attention(asking, self.norm_asked(memory), None if mask is None else mask[:, None])
        return self.out(seen.transpose(1, 2).unflatten(2, skip.shape[2:]))


class Retrieval(ModelMixin, ConfigMixin):
    """The retrieval encoder, `conv_in` and `down_blocks` of a UNet with this configuration, and a retriever for each
    of its outputs. References are laid on squares of `resolution` pixels."""

    _supports_gradient_checkpointing = True

    @register_to_config
    def __init__(self, unet: dict[str, Any], resolution: int) -> None:
        super().__init__()
        whole = UNet2DConditionModel.from_config(unet)
        self.conv_in, self.down_blocks = whole.conv_in, whole.down_blocks
        widths = [self.conv_in.out_channels]
        for block in self.down_blocks:
            widths += [one.out_channels for one in (*block.resnets, *(block.downsamplers or ()))]
        self.retrievers = nn.ModuleList(Retriever(width) for width in widths)

    @classmethod
    def of(cls, unet: UNet2DConditionModel, resolution: int, seed: int) -> Retrieval:
        """One that begins as a copy of this UNet's encoder; the attention's weights are drawn by the seed."""
        told = {name: value for name, value in unet.config.items() if not name.startswith("_")}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(draw("retrieval", str(seed)))
            made = cls(told, resolution)
        made.conv_in, made.down_blocks = deepcopy(unet.conv_in), deepcopy(unet.down_blocks)
        return made.requires_grad_(True)

    def remember(self, latents: Tensor, embedded: Tensor, words: Tensor) -> list[Tensor]:
        """What is there to be retrieved: for each block B x (N h w) x C, of latents B x N x 4 x h x w, the time's
        embedding B x E and concept words B x N x tokens x width."""
        count = latents.shape[1]
        skips = encoded(self, latents.flatten(0, 1), embedded.repeat_interleave(count, 0), words.flatten(0, 1))
        return [skip.unflatten(0, (-1, count)).permute(0, 1, 3, 4, 2).flatten(1, 3) for skip in skips]

    def retrieve(self, skips: list[Tensor], memory: list[Tensor], mask: Tensor | None = None) -> list[Tensor]:
        """The skips with what their blocks retrieve. `mask`, bool B x N, is false for references that are not to be
        seen."""
        found = []
        for skip, tokens, retriever in zip(skips, memory, self.retrievers, strict=True):
            seen = None if mask is None else mask.repeat_interleave(tokens.shape[1] // mask.shape[1], 1)
            found.append(skip + retriever(skip, tokens, seen))
        return found


def embedded(unet: UNet2DConditionModel, latents: Tensor, timesteps: Tensor) -> Tensor:
    """The time's embedding B x E, of B latents at B timesteps or one."""
    return unet.time_embedding(unet.get_time_embed(latents, timesteps))


def encoded(part: Any, latents: Tensor, embedded: Tensor, words: Tensor) -> list[Tensor]:
    """The outputs of all input blocks of `part`, a UNet or a Retrieval."""
    state = part.conv_in(latents)
    skips = [state]
    for block in part.down_blocks:
        state, new = block(hidden_states=state, temb=embedded, **_told(block, words))
        skips += new
    return skips


def denoised(unet: UNet2DConditionModel, retrieval: Retrieval, noisy: Tensor, timesteps: Tensor, words: Tensor,
             memory: list[Tensor], mask: Tensor | None = None) -> Tensor:
    """What the UNet says of noisy latents B x 4 x h x w and words B x tokens x width while it has the memory of what
    `retrieval` looked at. Its encoder and middle are given no gradients: they are frozen, and before all that trains.
    """
    with torch.no_grad():
        time = embedded(unet, noisy, timesteps)
        skips = encoded(unet, noisy, time, words)
        state = unet.mid_block(skips[-1], time, **_told(unet.mid_block, words))
    skips = retrieval.retrieve(skips, memory, mask)
    for block in unet.up_blocks:
        own, skips = skips[-len(block.resnets):], skips[: -len(block.resnets)]
        state = block(hidden_states=state, temb=time, res_hidden_states_tuple=tuple(own),
                      upsample_size=skips[-1].shape[2:] if skips else None, **_told(block, words))
    return unet.conv_out(unet.conv_act(unet.conv_norm_out(state)))


def _told(block: nn.Module, words: Tensor) -> dict[str, Tensor]:
    """The words, for a block that takes them."""
    return {"encoder_hidden_states": words} if getattr(block, "has_cross_attention", False) else {}
