"""FastComposer's own parts: a token of a word and a picture, and how far attention to it strays from the figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from torch import Tensor, nn
from torch.nn.functional import interpolate

from trainers.baselines.objects import MARK


class Fusion(ModelMixin, ConfigMixin):
    """Makes a word's vector and a picture's, both of this width, into one."""

    @register_to_config
    def __init__(self, width: int) -> None:
        super().__init__()
        self.joined, self.refined = _layers(2 * width, width), _layers(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, words: Tensor, places: Tensor, seen: Tensor) -> Tensor:
        """Texts B x tokens x width, each with its token at a place (int64 B) made one with a picture's vector (B x
        width); those with place 0 as they are."""
        rows = torch.arange(len(words), device=words.device)
        own = words[rows, places]
        mixed = own + self.joined(torch.cat([own, seen.to(own.dtype)], -1))
        mixed = self.norm(mixed + self.refined(mixed)).to(own.dtype)
        told = words.clone()
        told[rows, places] = torch.where((places > 0)[:, None], mixed, own)
        return told


def _layers(given: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.LayerNorm(given), nn.Linear(given, width), nn.GELU(), nn.Linear(width, width))


def anchored(tokenizer: Any, texts: Sequence[str]) -> tuple[list[str], Tensor]:
    """Texts without their mark, and the place (int64) of the token before it: 0 where there is no mark, no word before
    it, or no room for that word."""
    places = []
    for text in texts:
        before, mark, _ = text.partition(MARK)
        place = len(tokenizer(before, add_special_tokens=False).input_ids) if mark else 0  # the text's beginning is one
        places.append(place if place < tokenizer.model_max_length - 1 else 0)
    return [text.replace(MARK, "") for text in texts], torch.tensor(places)


class Noted(NamedTuple):
    """What attention is to note: by layer B x heads x (h w), the share of each place that goes to a text's token, of
    the tokens at these places (int64 B)."""

    places: Tensor
    shares: list[Tensor]


class Noting(AttnProcessor2_0):
    """Attention as ever, which fills a `Noted` where it is given one."""

    def __call__(self, attn: Attention, hidden_states: Tensor, encoder_hidden_states: Tensor,
                 attention_mask: Tensor | None = None, temb: Tensor | None = None,
                 noted: Noted | None = None) -> Tensor:
        """See `AttnProcessor2_0`; states are B x (h w) x C."""
        if noted is not None:
            asking, asked = (attn.head_to_batch_dim(one) for one in (
                attn.to_q(hidden_states), attn.to_k(encoder_hidden_states)))
            shares = attn.get_attention_scores(asking, asked).unflatten(0, (-1, attn.heads))
            at = noted.places[:, None, None, None].expand(*shares.shape[:3], 1)
            noted.shares.append(shares.gather(3, at)[..., 0])
        done: Tensor = super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask, temb)
        return done


def listen(unet: Any) -> None:
    """Lets a UNet's attention to words note, on all levels but the outermost, as FastComposer's authors have it."""
    levels = [f"{side}.{number}." for side in ("down_blocks", "up_blocks") for number, block in enumerate(
        getattr(unet, side)) if getattr(block, "has_cross_attention", False)]
    inner = (*levels[1:-1], "mid_block.")
    unet.set_attn_processor({name: Noting() if ".attn2." in name and name.startswith(inner) else one
                             for name, one in unet.attn_processors.items()})


def astray(noted: Noted, figures: Tensor) -> Tensor:
    """FastComposer's localization loss: the mean share outside of the figures (B x 1 x s x s, 1 or 0) less the mean
    share inside, over heads, layers and rows; 0 of rows with place 0."""
    losses = []
    for shares in noted.shares:
        side = round(shares.shape[2] ** 0.5)
        inside = interpolate(figures, (side, side), mode="bilinear", antialias=True).flatten(2)
        outside = 1 - inside
        losses.append(sum(sign * (shares.float() * part).sum(2) / (part.sum(2) + 1e-5)
                          for sign, part in ((1, outside), (-1, inside))).mean(1))
    return (torch.stack(losses).mean(0) * (noted.places > 0)).mean()
