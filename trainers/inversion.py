"""Textual inversion: pictures become a new word's vectors; nothing else of the base changes, bit for bit.

Gal et al., "An Image is Worth One Word". The templates are ours.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from trainers import captions
from trainers.bases import Base, open_base
from trainers.data import open_data
from trainers.inversion_options import Inversion as Options
from trainers.inversion_options import file_name
from trainers.objective import errors
from trainers.rows import add_tokens, train_rows
from trainers.tiny import KINDS
from trainers.training.feeding import Batch
from trainers.training.loop import train
from trainers.training.method import Method
from trainers.training.record import Run
from trainers.views.decks import Deck, Frame
from trainers.views.pairs import Pairs

TEMPLATES = (
    "a photo of {}", "a photo of the {}", "a photo of one {}", "a photo of my {}", "a picture of {}",
    "a photo of a small {}", "a photo of a large {}", "a photo of a clean {}", "a photo of a nice {}",
    "a close up photo of {}", "a bright photo of {}", "a dark photo of {}", "a good photo of {}",
    "a cropped photo of {}", "{} in a photo", "a photo with {} in it",
)  # fmt: skip
"""Captions that say nothing but that there is a picture of it."""


class Inversion(Method):
    """The rows of a new word of some vectors train, in every text encoder of the base. `initial` as in `add_tokens`."""

    def __init__(self, base: Base, token: str, vectors: int = 1, initial: str | None = None, seed: int = 0) -> None:
        super().__init__(base)
        self.token = add_tokens(base, token, vectors, initial, seed)
        self.tables = train_rows(base, self.token.ids)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The mean error of the batch."""
        return {"loss": errors(self.base, batch, self.base.encode(batch["texts"])).mean()}

    def publish(self, folder: Path) -> None:
        """learned_embeds.safetensors, and for SDXL learned_embeds_2.safetensors, for diffusers; and the same for web
        interfaces under the name by which prompts call it there."""
        name, vectors = self.token.names[0], [table.rows.detach().cpu() for table in self.tables]
        save_vectors(vectors, name, folder, "learned_embeds")
        both = dict(zip(("clip_l", "clip_g"), vectors, strict=True)) if len(vectors) == 2 else {name: vectors[0]}
        save_file(both, folder / f"{file_name(name)}.safetensors")

    def facts(self) -> dict[str, Any]:
        """See `Method.facts`."""
        name = self.token.names[0]
        lines = [*opening(self.base), *loading("learned_embeds", len(self.tables)),
                 f"pipe({json.dumps(f'a photo of {name}', ensure_ascii=False)}).images[0]",
                 f"# web interfaces: put {file_name(name)}.safetensors into their folder embeddings and write "
                 f"{file_name(name)} in the prompt"]
        return super().facts() | {"token": name, "vectors": len(self.token.names), "prompts": [f"a photo of {name}"],
                                  "usage": "\n".join(lines)}


def save_vectors(vectors: list[Tensor], token: str, folder: Path, stem: str) -> None:
    """STEM.safetensors for load_textual_inversion and, for a second encoder, STEM_2.safetensors: one tensor each, by
    the token's name, of shape vectors x width."""
    for number, rows in enumerate(vectors):
        save_file({token: rows.contiguous()}, folder / f"{stem}{f'_{number + 1}' if number else ''}.safetensors")


def opening(base: Base, folder: str | None = None) -> list[str]:
    """Lines of code that open a pipeline of the base or, of its kind, one in `folder`. A tiny base lies in OUT."""
    kind = type(base.pipeline).__name__
    wanted = folder or (f"OUT/base/{base.name}" if base.name in KINDS else base.name)
    return [f"from diffusers import {kind}", "", f'pipe = {kind}.from_pretrained("{wanted}")']


def loading(stem: str, encoders: int) -> list[str]:
    """Lines of code with which diffusers loads what `save_vectors` wrote."""
    lines = [f'pipe.load_textual_inversion("OUT", weight_name="{stem}.safetensors")']
    if encoders == 2:
        lines.append(f'pipe.load_textual_inversion("OUT", weight_name="{stem}_2.safetensors", '
                     "text_encoder=pipe.text_encoder_2, tokenizer=pipe.tokenizer_2)")
        lines.append("pipe.text_encoder_2.text_model.eos_token_id = pipe.tokenizer_2.eos_token_id  # its config names "
                     "another id, and the new word would be read as the text's end")
    return lines


def view(options: Options, base: Base, rows: Any) -> Pairs:
    """The pictures, each with a template of its own at each use or with its caption."""
    side = options.resolution or base.resolution
    frame = Frame(side=side, latent=base.latent_shape(side), timesteps=base.scheduler.config.num_train_timesteps,
                  low=options.crop_ratio, flip=not options.no_flip)
    own = captions.identified(options.token)
    caption = (lambda row, at: own({**row, "class_name": ""}, at)) if options.captions == "own" else (
        captions.from_templates(TEMPLATES, options.token))
    return Pairs(Deck(rows, frame, caption))


def beginning(options: Options, rows: Any) -> str | None:
    """What the vectors begin as: --initial, or the class words of the pictures where all have the same."""
    names = set(rows["class_name"]) if "class_name" in rows.column_names else set()
    return options.initial or (names.pop() if len(names) == 1 else None)


def run(options: Options) -> int:
    """Trains and publishes; returns the exit code."""
    columns = ("kind", "scene") if options.captions == "own" else ()
    data = open_data(options.data, "--data", "", columns)
    base = open_base(options.base, options.out / "base")
    method = Inversion(base, options.token, options.vectors, beginning(options, data.rows), options.seed)
    record = Run(method="inversion", options=options, data={"data": data}, base=base.provenance())
    return train(method, view(options, base, data.rows), options, record)
