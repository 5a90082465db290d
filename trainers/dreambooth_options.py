"""Options of `trainers dreambooth`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from schemas.errors import UsageError
from schemas.terminal.fields import option
from trainers.options import Said, Training
from trainers.presets import DROPOUT, FULL_LR, LORA_LR, OF_FAMILY, RATIO, Family, check_name, preset

SAID = Said(
    "a subject as a rare word before its class: DreamBooth with a regularization set",
    """DreamBooth as in "A Data Perspective on Enhanced Identity Preservation": every example is one of the subject's
pictures and one that regularizes, each with its own caption. SD trains the entire model; SDXL a LoRA and the
identifier's embeddings. Presets are the paper's runs: paper-sd, paper-sdxl, dreambooth-baseline, and
table4:SUBJECT, which trains a subject of DreamBench to the upper end of its best range and keeps what lies within.""",
    """examples:
  trainers dreambooth --data DATA/backpack/1.0.0 --regularization REG/1.0.0 --out RUN
  trainers dreambooth --data DATA/backpack/1.0.0 --regularization REG/1.0.0 --base tiny --steps 200 --lr 1e-3 --out RUN
  trainers dreambooth --data DATA/dog/1.0.0 --regularization REG/1.0.0 --preset table4:dog --out RUN
  trainers dreambooth --data DATA/dog/1.0.0 --regularization none --lora 16 --out RUN
""")

_SUBJECT = "build subject --images DIR --class-name backpack --out OUT"
_SET = "build regularization --class-name backpack --kind object --out OUT"


@dataclass(frozen=True, kw_only=True)
class Dreambooth(Training):
    """Options of `trainers dreambooth`. None is what the preset says; `resolved` puts it in."""

    data: str = option("", "the subject: a version folder of `build subject`, its OUT, or OWNER/NAME[@REVISION] on the "
                       "Hub", group="data", metavar="DATA")
    regularization: str = option("", "the same of `build regularization`; none trains without", group="data",
                                 metavar="DATA|none")
    max_instances: int | None = option(None, "so many of the subject's pictures, drawn by the seed; more contain "
                                       "fewer. Default: all", group="data", low=1, metavar="N")
    max_regularizers: int | None = option(None, "the same of the regularization set", group="data", low=1,
                                          metavar="N")
    captions: str | None = option(None, "the subject's captions: own, each picture's; class, \"a TOKEN CLASS\" for "
                                  "all. Default: own, in dreambooth-baseline class", group="data",
                                  choices=("own", "class"))
    word_dropout: float | None = option(None, "chance that an adjective of a regularizer's caption is left out. "
                                        f"Default: {DROPOUT:g}, in dreambooth-baseline 0", group="data", low=0, high=1,
                                        metavar="P")
    crop_ratio: float | None = option(None, "least ratio, 0.1 to 1, of a random crop's side to the picture's shorter "
                                      f"one. Default: {RATIO:g}, in dreambooth-baseline 1", group="data", low=0.1,
                                      high=1, metavar="R")

    preset: str = option("", "paper-sd, paper-sdxl, dreambooth-baseline or table4:SUBJECT. Default: the paper's for "
                         "the base", group="training", metavar="PRESET")
    steps: int | None = option(None, "optimizer steps. Default: by preset; 4,000 for SD, 8,000 for SDXL",
                               group="training", low=1, high=10_000_000, metavar="N")
    lr: float | None = option(None, f"learning rate. Default: {FULL_LR:g} for the entire model, {LORA_LR:g} for a LoRA",
                              group="training", low=0, high=10, metavar="RATE")
    prior_weight: float = option(1.0, "weight of the regularizers' loss", group="training", low=0, high=1e6,
                                 metavar="W")
    lora: int | None = option(None, "train a LoRA of this rank; 0: the entire model. Default: 0 for SD, 32 for SDXL",
                              group="model", low=0, high=4096, metavar="RANK")
    freeze_text_encoder: bool = option(False, "train the UNet alone, for small cards", group="model")
    publish_from: int | None = option(None, "publish the weights at every checkpoint from this step on, too, as "
                                      "OUT/steps/N; 0: none. Default: 0, with table4 the lower end of the range",
                                      group="output", low=0, high=10_000_000, metavar="N")

    def check(self) -> None:
        """Raises UsageError, before anything is loaded."""
        check_name(self.preset)
        if not self.data:
            raise UsageError("--data is missing", allowed="a subject that `build subject` published",
                             next_command=_SUBJECT)
        if not self.regularization:
            raise UsageError("--regularization is missing", next_command=_SET,
                             allowed="a set that `build regularization` published, or none to train without")
        super().check()

    def resolved(self, family: Family) -> Dreambooth:
        """The same with what the preset says for a base of this family. Raises UsageError for another's preset."""
        of = preset(self.preset, family)
        rank = of.lora if self.lora is None else self.lora
        usual: dict[str, Any] = {
            "steps": of.steps, "lora": rank, "lr": LORA_LR if rank else FULL_LR, "captions": of.captions,
            "word_dropout": of.word_dropout, "crop_ratio": of.crop_ratio, "publish_from": of.keep_from}
        given = {name: value for name, value in usual.items() if getattr(self, name) is None}
        made = replace(self, preset=self.preset or OF_FAMILY[family], **given)
        made.check()
        return made

    def kept_steps(self) -> range:
        """The steps at which weights are published beside the last ones."""
        every, last = self.checkpoint_every, self.steps or 0
        first = -(-(self.publish_from or last) // every) * every
        return range(first, last, every)
