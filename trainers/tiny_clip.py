"""A tiny CLIP for tables on a tiny base: it learns from the pictures and prompts of a dataset, and of nothing else.

CLIP's own loss and architecture, of some hundred thousand weights. Words of the prompts that are met more than once are
single tokens. A tenth of the rows, by the hash of their ids, is held out to tell how well it knows which prompt is
whose. What it says holds for pictures and words like those of its dataset.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPProcessor

from annotators import pretrained
from schemas.draws import draw
from schemas.errors import RowError, UsageError
from schemas.terminal.progress import Progress
from trainers import vocabulary
from trainers.data import open_data
from trainers.pictures import decoded

SIDE, PATCH, WIDTH, LAYERS = 64, 16, 64, 2
STEPS, BATCH, RATE, WARMUP = 600, 64, 1e-3, 50
DROPPED = 0.2
"""Chance of a word to be left out of a prompt, each time, so that the others are learnt, too."""
SHIFT = 4
"""Pixels by which pictures are moved at most."""
HELD = 10
"""One row in so many is held out."""
MET = 8
"""Rows that have a word which becomes a token, at least."""


class Known(NamedTuple):
    """How well it tells held-out pictures' prompts from each other."""

    first: float
    """share of pictures whose own prompt is nearest"""
    five: float
    """share of those whose own prompt is among the nearest five"""
    pictures: int
    prompts: int
    """different ones"""

    @property
    def told(self) -> str:
        """A line for a person."""
        return (f"of {self.pictures} held-out pictures, {self.first:.0%} are nearest to their own prompt (chance: "
                f"{1 / self.prompts:.1%}), {self.five:.0%} have it among the nearest five (chance: "
                f"{min(1, 5 / self.prompts):.1%})")


def save(data: str, folder: Path, steps: int = STEPS) -> Known:
    """Trains on a dataset with the columns `image` and `text` and writes `folder`, whole or not at all, as
    CLIPModel.from_pretrained reads it. Raises UsageError when there is no such dataset, or it is too small."""
    pretrained.settle("cpu", "--kind clip")
    pretrained.hush()
    opened = open_data(data, "--data", "")
    texts, ids = list(opened.rows["text"]), list(opened.rows["id"])
    held = [row for row, name in enumerate(ids) if draw("held out", name) % HELD == 0]
    taught = sorted({*range(len(ids))} - {*held})
    if len(taught) < BATCH or len(held) < 2:
        raise UsageError("--data is too small to learn from", seen=f"{len(ids)} rows", allowed=f"{2 * BATCH} or more",
                         next_command="build regularization --count 2000")
    met = Counter(word for row in taught for word in set(texts[row].lower().split())
                  if word.isascii() and word.isalpha())
    words = vocabulary.tokenizer(more=sorted(word for word, rows in met.items() if rows >= MET))
    processor = CLIPProcessor(CLIPImageProcessorPil(size={"shortest_edge": SIDE},
                                                    crop_size={"height": SIDE, "width": SIDE}), words)
    pixels = _pixels(opened.rows, processor)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = CLIPModel(_config(len(words)))
    _teach(model, words, pixels, texts, taught, steps)
    known = _known(model.eval(), words, pixels[held], [texts[row] for row in held])
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".tmp-", dir=folder.parent))
    try:
        model.save_pretrained(unfinished)
        processor.save_pretrained(unfinished)
        unfinished.chmod(0o755)
        unfinished.replace(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return known


def _config(vocabulary_size: int) -> CLIPConfig:
    size = {"hidden_size": WIDTH, "intermediate_size": 2 * WIDTH, "num_hidden_layers": LAYERS,
            "num_attention_heads": 4, "projection_dim": WIDTH}
    end = vocabulary_size - 1
    return CLIPConfig(text_config=size | {"vocab_size": vocabulary_size, "bos_token_id": end - 1, "eos_token_id": end,
                                          "pad_token_id": end},
                      vision_config=size | {"image_size": SIDE, "patch_size": PATCH}, projection_dim=WIDTH)


def _pixels(rows: Any, processor: Any) -> torch.Tensor:
    """Of all pictures, N x 3 x SIDE x SIDE, as the processor gives them to whoever asks the model later."""
    made = []
    for row in rows.select_columns(["id", "image"]):
        try:
            picture = decoded(row["image"])
        except RowError as error:
            raise UsageError(f"--data: a picture cannot be read: {error}", seen=row["id"]) from None
        made.append(processor.image_processor([picture], return_tensors="pt")["pixel_values"])
    return torch.cat(made)


def _teach(model: CLIPModel, words: Any, pixels: torch.Tensor, texts: Sequence[str], taught: Sequence[int],
           steps: int) -> None:
    chance = torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.1)
    with Progress().bar("train", steps, "step") as bar:
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1, (step + 1) / WARMUP) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
            some = [taught[at] for at in torch.randperm(len(taught), generator=chance)[:BATCH]]
            said = [_shortened(texts[row], chance) for row in some]
            given = words(said, padding=True, truncation=True, return_tensors="pt")
            fits = model(pixel_values=_moved(pixels[some], chance), **given).logits_per_image
            loss = _contrast(fits, _others([texts[row] for row in some]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                model.logit_scale.clamp_(max=math.log(100))  # as CLIP's authors do
            bar.advance(1, note=f"loss {loss.item():.2f}")


def _contrast(fits: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """CLIP's loss, in which pictures with the same prompt are not told apart."""
    own = torch.arange(len(fits))
    fits = fits.masked_fill(~(others | torch.eye(len(fits), dtype=torch.bool)), -torch.inf)
    cross = torch.nn.functional.cross_entropy
    return (cross(fits, own) + cross(fits.T, own)) / 2


def _others(texts: Sequence[str]) -> torch.Tensor:
    """N x N: where two texts differ."""
    number = {text: at for at, text in enumerate(texts)}
    said = torch.tensor([number[text] for text in texts])
    return said[:, None] != said


def _shortened(text: str, chance: torch.Generator) -> str:
    given = text.split()
    kept = torch.rand(len(given), generator=chance) >= DROPPED
    return " ".join(word for word, keep in zip(given, kept.tolist(), strict=True) if keep)


def _moved(pixels: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    down, right = torch.randint(0, 2 * SHIFT + 1, (2,), generator=chance).tolist()
    wide = torch.nn.functional.pad(pixels, (SHIFT,) * 4, mode="replicate")
    return wide[:, :, down:down + SIDE, right:right + SIDE]


@torch.inference_mode()
def _known(model: CLIPModel, words: Any, pixels: torch.Tensor, texts: Sequence[str]) -> Known:
    given = words(list(texts), padding="max_length", truncation=True, return_tensors="pt")
    made = model(pixel_values=pixels, **given)
    fits = made.logits_per_image
    nearer = ((fits >= fits.diagonal()[:, None]) & _others(texts)).sum(1)
    return Known(float((nearer == 0).float().mean()), float((nearer < 5).float().mean()), len(texts), len(set(texts)))
