"""Where concept words look on references: attention to words in RetriNet's retrieval encoder (RetriBooru, figure 6).

The paper's figure names input blocks (its 7 is the first layer of the third level); those that read words are 1, 2, 4,
5, 7 and 8 of Stable Diffusion's 12. A map is the share of a place's attention, the mean of all heads, that goes to the
tokens of the word; the rest goes to the text's beginning and end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import matplotlib
import numpy as np
import torch
from diffusers.utils import logging
from PIL import Image, ImageDraw, ImageFont
from safetensors.torch import save_file
from torch import Tensor, nn

from annotators import pretrained
from schemas import atomic
from schemas.errors import UsageError
from trainers.data import open_data
from trainers.retrinet.attend_options import Attend
from trainers.retrinet.pipeline import RetriNetPipeline
from trainers.retrinet.retrieval import Retrieval, embedded, encoded
from trainers.training.draws import At
from trainers.views.concepts import CLOTHES, FACE, FIGURE
from trainers.views.identities import COLUMNS, Identities
from trainers.views.references import Asked, Example, References, Sheet

WORDS = (FACE, CLOTHES, FIGURE)
_TILE, _GAP, _HEAD, _SIDE = 96, 4, 20, 64
"""Pixels of a page: a map's side, what lies between two, what a column's name takes and a row's."""


def run(options: Attend) -> int:
    """Writes OUT; returns the exit code. Raises UsageError for a run that cannot be read, and for a timestep that it
    does not know."""
    logging.disable_progress_bar()
    pretrained.hush()
    try:
        pipe = RetriNetPipeline.from_pretrained(options.run, use_safetensors=True)
    except Exception as error:
        raise pretrained.unreadable("RetriNet of --run", str(options.run), error) from None
    pipe = pipe.to("cuda" if torch.cuda.is_available() else "cpu")
    last = pipe.scheduler.config.num_train_timesteps - 1
    if max(options.times) > last:
        raise UsageError("--timesteps has one beyond the last", seen=max(options.times), allowed=f"0 to {last}")
    data = open_data(options.data, "--data", "retribooru", COLUMNS, options.split)
    side = int(pipe.retrieval.config.resolution)
    latent = (int(pipe.vae.config.latent_channels), *[side // pipe.vae_scale_factor] * 2)
    view = References(Identities(data.rows), Sheet(side=side, latent=latent, timesteps=last + 1, low=1.0, flip=False),
                      Asked(count=options.references, compose=float(options.task == "compose")))
    found: dict[str, Tensor] = {}
    with atomic.whole(options.out) as folder:
        for number in range(min(options.count, len(data.rows))):
            [row] = cast(list[Example], view.rows(At(options.seed, 0, number, options.count)))
            maps = attention(pipe, row["references"], options.times)
            page(row, maps, options.times).save(folder / f"{number}.png")
            found |= {f"{row['id']}/{block}": values for block, values in maps.items()}
        save_file(found, folder / "maps.safetensors")
    print(f"{options.out}: 0.png to {number}.png; maps.safetensors holds ID/BLOCK, timesteps x references x "
          f"{', '.join(WORDS)} x height x width")
    return 0


@torch.no_grad()
def attention(pipe: RetriNetPipeline, references: Tensor, timesteps: Sequence[int]) -> dict[int, Tensor]:
    """By input block, timesteps x N x WORDS x h x w, 0 .. 1, of references N x 3 x side x side in -1..1."""
    latents = pipe.latents(references).repeat_interleave(len(WORDS), 0)
    words = pipe.words(WORDS).repeat(len(references), 1, 1)
    lengths = [len(pipe.tokenizer(word, add_special_tokens=False).input_ids) for word in WORDS]
    maps: dict[int, list[Tensor]] = {}
    for timestep in timesteps:
        with _watched(pipe.retrieval) as seen:
            encoded(pipe.retrieval, latents, embedded(pipe.unet, latents, torch.tensor(timestep)), words)
        for block, shares in seen.items():
            side = round(shares.shape[1] ** 0.5)
            of_words = shares.unflatten(0, (len(references), len(WORDS)))
            # The text's beginning is its first token.
            maps.setdefault(block, []).append(torch.stack([
                of_words[:, at, :, 1 : 1 + length].sum(-1).unflatten(1, (side, side))
                for at, length in enumerate(lengths)], 1).float().cpu())
    return {block: torch.stack(values) for block, values in maps.items()}


@contextmanager
def _watched(retrieval: Retrieval) -> Iterator[dict[int, Tensor]]:
    """Within the block what is encoded leaves, by input block, the shares B x places x tokens of its last attention to
    words."""
    seen: dict[int, Tensor] = {}
    hooks = []
    number = 1  # after the first convolution
    for level in retrieval.down_blocks:
        layers = getattr(level, "attentions", ())
        for at, layer in enumerate(layers):
            def keep(part: nn.Module, given: tuple[Tensor], named: dict[str, Any], out: Tensor,
                     block: int = number + at) -> None:
                seen[block] = _shares(part, given[0], named["encoder_hidden_states"])
            hooks.append(layer.transformer_blocks[-1].attn2.register_forward_hook(keep, with_kwargs=True))
        number += len(level.resnets) + len(level.downsamplers or ())
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _shares(part: Any, states: Tensor, words: Tensor) -> Tensor:
    """How each place's attention is dealt out to the tokens, the mean of all heads."""
    asking, asked = (part.head_to_batch_dim(one) for one in (part.to_q(states), part.to_k(words)))
    return part.get_attention_scores(asking, asked).unflatten(0, (-1, part.heads)).mean(1)


def page(row: Example, maps: dict[int, Tensor], timesteps: Sequence[int]) -> Image.Image:
    """A line for each reference and word: the reference, then its maps by block and timestep, each from its least to
    its greatest value."""
    columns = [(block, at) for block in maps for at in range(len(timesteps))]
    lines = [(number, at) for number in range(len(row["references"])) for at in range(len(WORDS))]
    made = Image.new("RGB", (_SIDE + (1 + len(columns)) * (_TILE + _GAP), _HEAD + len(lines) * (_TILE + _GAP)), "white")
    pen, font = ImageDraw.Draw(made), ImageFont.load_default(11)
    for column, (block, at) in enumerate(columns, 1):
        pen.text((_SIDE + column * (_TILE + _GAP) + _TILE / 2, _HEAD / 2), f"block {block}, t = {timesteps[at]}",
                 "black", font, anchor="mm")
    for line, (number, word) in enumerate(lines):
        top = _HEAD + line * (_TILE + _GAP)
        pen.text((_SIDE - _GAP, top + _TILE / 2), WORDS[word], "black", font, anchor="rm")
        levels = ((row["references"][number] + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
        picture = Image.fromarray(levels).resize((_TILE, _TILE), Image.Resampling.LANCZOS)
        made.paste(picture, (_SIDE, top))
        for column, (block, at) in enumerate(columns, 1):
            made.paste(_heat(maps[block][at, number, word].numpy(), picture), (_SIDE + column * (_TILE + _GAP), top))
    return made


def _heat(values: np.ndarray, picture: Image.Image) -> Image.Image:
    """A map over the picture in grey."""
    low, high = values.min(), values.max()
    bright = matplotlib.colormaps["inferno"]((values - low) / max(high - low, 1e-12), bytes=True)[..., :3]
    heat = Image.fromarray(bright).resize(picture.size, Image.Resampling.BICUBIC)
    return Image.blend(picture.convert("L").convert("RGB"), heat, 0.7)
