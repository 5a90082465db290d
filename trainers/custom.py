"""Custom Diffusion with ClassDiffusion's semantic preservation loss.

Kumari et al., "Multi-Concept Customization of Text-to-Image Diffusion": a new word before the class words, and the keys
and values of cross-attention, train. Huang et al., "ClassDiffusion", adds `semantic.semantic_loss`. Its released code
has either that loss or a regularization set; here they go together.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import datasets
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from schemas.errors import UsageError
from trainers import captions
from trainers.bases import Base, open_base
from trainers.custom_options import Custom as Options
from trainers.data import Data, open_data
from trainers.inversion import loading, opening, save_vectors
from trainers.inversion_options import file_name
from trainers.objective import errors, with_prior
from trainers.rows import add_tokens, one_token, train_rows
from trainers.semantic import semantic_loss
from trainers.training.draws import At
from trainers.training.feeding import Batch
from trainers.training.loop import train
from trainers.training.method import Method
from trainers.training.record import Run
from trainers.views.decks import Deck, Frame
from trainers.views.pairs import Pairs

DELTA = "pytorch_custom_diffusion_weights.safetensors"
"""The file that diffusers' load_attn_procs reads."""


class Concept(NamedTuple):
    """A new word, the class words behind it, and the word that it begins as."""

    token: str
    class_name: str
    initial: str


class Custom(Method):
    """Keys and values of the UNet's cross-attention and a row for each concept train, at `rate` times the loop's
    learning rate."""

    def __init__(self, base: Base, concepts: Sequence[Concept], guidance: float = 1.0, released: bool = False,
                 prior_weight: float = 1.0, rate: float = 1.0) -> None:
        super().__init__(base)
        self.concepts, self.rate = list(concepts), rate
        self._guidance, self._released, self._prior_weight = guidance, released, prior_weight
        ids = []
        for one in concepts:
            one_token(base, one.initial, "--initial")
            ids.append(add_tokens(base, one.token, initial=one.initial).ids)
        self.tables = train_rows(base, [[its[0] for its in of] for of in zip(*ids, strict=True)])
        self.attentions = {name: part for name, part in base.unet.named_modules() if name.endswith("attn2")}
        for part in self.attentions.values():
            for layer in (part.to_k, part.to_v):
                layer.requires_grad_(True)
                layer.register_forward_hook(_start_stays)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The error of the concepts' pictures and of those that regularize, and how far the phrases are from their
        classes."""
        wrong = errors(self.base, batch, self.base.encode(batch["texts"]))
        loss, parts = with_prior(wrong, batch["prior"], self._prior_weight)
        if self._guidance:
            pairs = [(one.token, one.class_name) for one in self.concepts]
            parts["semantic"] = semantic_loss(self.base, pairs, self._released)
            loss = loss + self._guidance * parts["semantic"]
        return {"loss": loss, **parts}

    def groups(self, lr: float) -> list[dict[str, Any]]:
        """See `Method.groups`."""
        return super().groups(lr * self.rate)

    def publish(self, folder: Path) -> None:
        """A whole pipeline; the trained layers alone; and each concept's embedding, named by its token."""
        # The base is opened anew: in training what is frozen may have been rounded to half precision.
        whole = open_base(str(self.base.folder), folder)
        for number, one in enumerate(self.concepts):
            vectors = [table.rows[number : number + 1].detach().cpu() for table in self.tables]
            add_tokens(whole, one.token, initial=vectors)
            save_vectors(vectors, one.token, folder, file_name(one.token))
        layers = {f"{name}.to_{kind}.weight": getattr(part, f"to_{kind}").weight.detach().cpu().contiguous()
                  for name, part in self.attentions.items() for kind in "kv"}
        whole.unet.load_state_dict(layers, strict=False)
        whole.pipeline.save_pretrained(folder)
        # As diffusers names them; it wants to know of every attention, so those without anything new have no numbers.
        alone = {re.sub(r"\.to_([kv])\.", r".processor.to_\1_custom_diffusion.", name): values
                 for name, values in layers.items()}
        alone |= {name: torch.zeros(0) for name in self.base.unet.attn_processors if ".attn1." in name}
        save_file(alone, folder / DELTA)

    def facts(self) -> dict[str, Any]:
        """See `Method.facts`."""
        prompts = [f"photo of a {one.token} {one.class_name}" for one in self.concepts]
        if len(self.concepts) > 1:
            prompts.append("photo of " + " and ".join(f"a {one.token} {one.class_name}" for one in self.concepts))
        lines = [*opening(self.base, "OUT"), f"pipe({json.dumps(prompts[0], ensure_ascii=False)}).images[0]", "",
                 "# or what was trained alone, in a pipeline of the base (without _pipeline diffusers adds no layer)",
                 opening(self.base)[-1],
                 f'pipe.unet.load_attn_procs("OUT", weight_name="{DELTA}", _pipeline=pipe)']
        for one in self.concepts:
            lines += loading(file_name(one.token), len(self.tables))
        return super().facts() | {"tokens": [one.token for one in self.concepts], "prompts": prompts,
                                  "usage": "\n".join(lines)}


def _start_stays(layer: nn.Module, given: object, states: Tensor) -> Tensor:
    """What cross-attention reads of the text's start mark, which is the same for all texts, trains nothing (Custom
    Diffusion's code)."""
    return torch.cat([states[:, :1].detach(), states[:, 1:]], dim=1)


def concept(data: Data, token: str, initial: str, wanted: str) -> Concept:
    """The concept of a subject's dataset. Raises UsageError where its rows name several classes."""
    names = sorted(set(data.rows["class_name"]))
    if len(names) > 1:
        raise UsageError("--data has a dataset of several classes", seen=wanted, allowed="one subject each",
                         next_command="build subject --images DIR --class-name WORDS --out OUT")
    return Concept(token, names[0], initial)


def view(options: Options, base: Base, instances: Sequence[Data], regularizers: Sequence[Data]) -> Pairs:
    """The pictures of all concepts in one deck, and those that regularize in another."""
    side = options.resolution or base.resolution
    frame = Frame(side=side, latent=base.latent_shape(side), timesteps=base.scheduler.config.num_train_timesteps,
                  low=1.0, flip=not options.no_flip, augment=cast(Literal["crop", "near-far"], options.augment))
    rows = [one.rows.select_columns(["id", "image", *_columns(options)])
            .add_column("identifier", [word] * len(one.rows))
            for one, word in zip(instances, options.words, strict=True)]
    concepts = Deck(datasets.concatenate_datasets(rows), frame, _own if options.captions == "own" else _plain)
    if not regularizers:
        return Pairs(concepts)
    others = datasets.concatenate_datasets([one.rows.select_columns(["id", "image", "text"]) for one in regularizers])
    return Pairs(concepts, Deck(others, replace(frame, augment="crop"), stream="regularizers", prior=True))


def _columns(options: Options) -> tuple[str, ...]:
    """What the captions of the concepts are made of."""
    return ("class_name", "kind", "scene") if options.captions == "own" else ("class_name",)


def _own(row: Any, at: At) -> str:
    return captions.identified(row["identifier"])(row, at)


def _plain(row: Any, at: At) -> str:
    return f"photo of a {row['identifier']} {row['class_name']}"


def run(options: Options) -> int:
    """Trains and publishes; returns the exit code."""
    options = options.resolved()
    instances = [open_data(one, "--data", "subject", _columns(options)) for one in options.concepts]
    regularizers = [open_data(one, "--regularization", "regularization", ("text",)) for one in options.regularizers]
    base = open_base(options.base, options.out / "base")
    rate = 1.0
    if options.lr_rule == "scaled":
        pictures = options.batch_size * options.accumulation * int(os.environ.get("WORLD_SIZE", "1"))
        rate = float(pictures * (2 if regularizers else 1))
    concepts = [concept(*one) for one in zip(instances, options.words, options.beginnings, options.concepts,
                                             strict=False)]
    method = Custom(base, concepts, options.class_guidance, options.class_encoding == "released",
                    options.prior_weight, rate)
    data = {_flag(flag, number): one for flag, opened in (("data", instances), ("regularization", regularizers))
            for number, one in enumerate(opened)}
    record = Run(method="custom", options=options, data=data, base=base.provenance())
    return train(method, view(options, base, instances, regularizers), options, record)


def _flag(name: str, number: int) -> str:
    return f"{name} {number + 1}" if number else name
