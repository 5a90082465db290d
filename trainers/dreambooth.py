"""DreamBooth with a regularization set: a subject becomes what a rare word before its class means.

Of SD the entire model trains, UNet and text encoder. Of SDXL a LoRA on both text encoders and the UNet trains and, as
"we also train the text embeddings", the identifier's rows in both tables. Where the paper is silent: the regularizers'
loss counts as much as the subject's, as in DreamBooth; a LoRA lies on all of attention's linear layers, its alpha its
rank; of the text embeddings no row but the identifier's moves, as any other is a word of somebody else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from safetensors.torch import save_file
from torch import Tensor, nn

from schemas.errors import UsageError
from schemas.prompts import PARTS, compose, split
from trainers import kohya
from trainers.bases import Base, open_base
from trainers.captions import Caption, as_written, without_words
from trainers.data import BUILDS, Data, open_data, prefix
from trainers.dreambooth_options import Dreambooth as Options
from trainers.lora import add_lora, save_lora
from trainers.objective import errors, with_prior
from trainers.presets import Family, preset
from trainers.rows import TrainedRows, one_token, train_rows
from trainers.training.draws import At
from trainers.training.feeding import Batch
from trainers.training.loop import Loop
from trainers.training.method import Method
from trainers.training.record import Run
from trainers.views.decks import Deck, Frame
from trainers.views.pairs import Pairs

_BUILD = BUILDS["subject"]
TABLES = ("clip_l", "clip_g")
"""SDXL's text encoders as an embedding's file names them, which ComfyUI and A1111 read."""


def run(options: Options) -> int:
    """Trains; returns the exit code. Raises UsageError, before the first step, for data or a base that will not do."""
    subject = open_data(options.data, "--data", "subject", ("text", "token", "class_name"))
    identity = identity_of(subject)
    regularization = open_regularization(options, identity)
    base = open_base(options.base, options.out / "base")
    options = options.resolved(cast(Family, base.family))
    if regularization is not None:
        check_set(regularization, options)
        if preset(options.preset, cast(Family, base.family)).class_only:
            check_class_only(regularization, identity)
    data = {"data": subject} | ({"regularization": regularization} if regularization else {})
    record = Run(method="dreambooth", options=options, data=data, base=base.provenance())
    loop = Loop(Dreambooth(base, options, identity), view_of(subject, regularization, base, options), options, record)
    if not loop.finished:
        loop.publish_at = options.kept_steps()
        loop.train(cast(int, options.steps))
        loop.finish()
    return 0


class Identity(NamedTuple):
    """A subject's identifier and class words."""

    token: str
    class_name: str


class Dreambooth(Method):
    """The model, and what of it trains. `options` are resolved."""

    def __init__(self, base: Base, options: Options, identity: Identity) -> None:
        super().__init__(base)
        self._options, self._identity = options, identity
        ids = one_token(base, identity.token, f"{_BUILD} --token")
        encoders = [] if options.freeze_text_encoder else base.text_encoders
        self._rows: list[TrainedRows] = []
        if not options.lora:
            for module in (base.unet, *encoders):
                module.requires_grad_(True).train()
        else:
            add_lora([base.unet, *encoders], options.lora, options.seed)
        if base.family == "sdxl" and encoders:
            # The UNet is told the last but one layer of the first encoder: what comes behind has no gradient.
            behind = base.text_encoders[0]
            behind.encoder.layers[-1].requires_grad_(False)
            behind.final_layer_norm.requires_grad_(False)
            if options.lora:
                self._rows = train_rows(base, [[own] for own in ids])

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """"loss" and its parts, "instance" and "prior"."""
        words = self.base.encode(batch["texts"])
        loss, parts = with_prior(errors(self.base, batch, words), batch["prior"], self._options.prior_weight)
        return {"loss": loss, **parts}

    def exact(self) -> list[nn.Module]:
        """Text encoders too where a whole pipeline is published: frozen ones would come out rounded."""
        return [*super().exact(), *([] if self._options.lora else self.text_encoders)]

    def publish(self, folder: Path) -> None:
        """A whole pipeline; or a LoRA for diffusers and others and, of SDXL, TOKEN.safetensors with the identifier's
        rows."""
        if not self._options.lora:
            self.pipeline().save_pretrained(folder)
            return
        save_lora(self.base.pipeline, folder)
        if self._rows:
            rows = {name: one.rows.detach().cpu().float().contiguous()
                    for name, one in zip(TABLES, self._rows, strict=True)}
            save_file(rows, folder / rows_file(self._identity.token))

    def facts(self) -> dict[str, Any]:
        """See `Method.facts`."""
        token, name = self._identity
        beach = {"background": "on the beach"}
        return {**super().facts(), "token": token, "class_name": name, "usage": self._usage(),
                "prompts": [compose({}, name, token), compose(beach, name, token), compose(beach, name)]}

    def _usage(self) -> str:
        """Code that loads OUT. The identifier's rows go to their places in the tables. load_textual_inversion would
        make a new word of them, for which it wants another name, such as <olis>, and after which transformers takes
        that word's vector for the sentence's unless it is told the id of the end."""
        kind, own = type(self.base.pipeline).__name__, self.base.folder.is_relative_to(self._options.out)
        base = f"OUT/{self.base.folder.relative_to(self._options.out)}" if own else self.base.name
        lines = [f"from diffusers import {kind}", "",
                 f'pipe = {kind}.from_pretrained("{base if self._options.lora else "OUT"}")']
        if self._options.lora:
            lines.append(f'pipe.load_lora_weights("OUT")  # others than diffusers read {kohya.FILE}')
        if self._rows:
            lines += ["", "from safetensors.torch import load_file", "",
                      f'rows = load_file("OUT/{rows_file(self._identity.token)}")',
                      "parts = (pipe.text_encoder, pipe.tokenizer), (pipe.text_encoder_2, pipe.tokenizer_2)",
                      f"for (encoder, tokenizer), name in zip(parts, {TABLES}):",
                      f"    [word] = tokenizer({self._identity.token!r}, add_special_tokens=False).input_ids",
                      "    encoder.get_input_embeddings().weight.data[word] = rows[name][0]"]
        prompt = json.dumps(compose({}, *reversed(self._identity)), ensure_ascii=False)
        return "\n".join([*lines, "", f"picture = pipe({prompt}).images[0]"])


def rows_file(token: str) -> str:
    """Name of the file with an identifier's rows."""
    return re.sub(r"\W", "_", token) + ".safetensors"


def class_caption(row: Mapping[str, Any], at: At) -> str:
    """ "a TOKEN CLASS", whatever the picture shows."""
    return compose({}, row["class_name"], row["token"])


def identity_of(subject: Data) -> Identity:
    """What the rows agree on. Raises UsageError where they do not, or where a caption lacks it."""
    found = {Identity(row["token"], row["class_name"]) for row in subject.rows.select_columns(["token", "class_name"])}
    if len(found) > 1:
        raise UsageError("--data holds more than one identifier or class", seen=", ".join(map(" ".join, sorted(found))),
                         allowed="one subject", next_command=_BUILD)
    [identity] = found
    check_captions(subject, "--data", " ".join(identity))
    return identity


def check_captions(data: Data, flag: str, words: str) -> None:
    """Raises UsageError unless every caption of the dataset has these words."""
    lacking = [(name, text) for name, text in zip(data.rows["id"], data.rows["text"], strict=True)
               if split(text, words) is None]
    if lacking:
        name, text = lacking[0]
        raise UsageError(f"{flag}: {len(lacking):,} of {len(data.rows):,} captions lack the words {words!r}",
                         seen=f"{name}: {text}", allowed="captions that name the subject's class",
                         next_command=_BUILD if flag == "--data" else BUILDS["regularization"])


def open_regularization(options: Options, identity: Identity) -> Data | None:
    """The set; None without one. Raises UsageError for one of another class."""
    if options.regularization == "none":
        return None
    data = open_data(options.regularization, "--regularization", "regularization", ("text",))
    check_captions(data, "--regularization", identity.class_name)
    return data


def check_set(data: Data, options: Options) -> None:
    """Raises UsageError when words shall be left out of prompts whose parts the set does not tell."""
    told = set(data.rows.column_names)
    if options.word_dropout and not any({*names, "class_name"} <= told for names in PARTS.values()):
        raise UsageError("--regularization has no columns with the parts of its prompts, which --word-dropout leaves "
                         "out", seen=", ".join(data.rows.column_names), next_command="add --word-dropout 0")


def check_class_only(data: Data, identity: Identity) -> None:
    """Raises UsageError unless every prompt of the set is "a CLASS"."""
    others = set(data.rows["text"]) - {compose({}, identity.class_name)}
    if others:
        raise UsageError("dreambooth-baseline takes a set whose every prompt is the class", seen=min(others),
                         next_command=f"{BUILDS['regularization']} --prompts class-only")


def view_of(subject: Data, regularization: Data | None, base: Base, options: Options) -> Pairs:
    """The pairs that are trained on."""
    side = options.resolution or base.resolution
    frame = Frame(side=side, latent=base.latent_shape(side), low=cast(float, options.crop_ratio),
                  timesteps=base.scheduler.config.num_train_timesteps)
    rows = prefix(subject.rows, options.max_instances, options.seed)
    instances = Deck(rows, frame, class_caption if options.captions == "class" else as_written)
    if regularization is None:
        return Pairs(instances)
    dropout: Caption = without_words(options.word_dropout) if options.word_dropout else as_written
    rows = prefix(regularization.rows, options.max_regularizers, options.seed)
    return Pairs(instances, Deck(rows, frame, dropout, stream="regularizers", prior=True))
