"""Options of `trainers retrinet`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from schemas.errors import UsageError
from schemas.terminal.fields import option
from trainers.options import Said, Training

SAID = Said(
    "RetriNet: a figure, or its face and clothes, retrieved from several references",
    """RetriNet as in "RetriBooru": a trainable copy of the base's encoder looks at the references and at what they
show; the decoder, which trains, too, is told at every block what was found there. Setting b shows other pictures of
the target's identity, a the target itself. Where the paper tells no number (learning rate, weight of the face's loss,
crops) it is a choice of ours.""",
    """examples:
  trainers retrinet --data DATA/1.0.0 --task compose --preset paper-9k --out RUN
  trainers retrinet --data DATA/1.0.0 --task reconstruct --setting a --references 1 --out RUN
  trainers retrinet --data DATA/1.0.0 --task compose --base tiny --steps 200 --lr 1e-3 --out RUN
""")

PRESETS = {"paper-9k": 9_000, "paper-45k": 45_000}
"""Steps. Both have 384 pixels, full precision, and on each of 8 GPUs batches of 1, 8 of them a step."""
_SIDE, _ACCUMULATION = 384, 8


@dataclass(frozen=True, kw_only=True)
class RetriNet(Training):
    """Options of `trainers retrinet`. None is what the preset says; `resolved` puts it in."""

    data: str = option("", "a version folder of `build retribooru`, its OUT, or OWNER/NAME[@REVISION] on the Hub",
                       group="data", metavar="DATA")
    task: str = option("reconstruct", "reconstruct: references are whole figures; compose: each is a face or clothes, "
                       "by chance; multitask: both", group="data", choices=("reconstruct", "compose", "multitask"))
    setting: str = option("b", "a: the target itself is the reference, under another transform; b: other pictures of "
                          "its identity are", group="data", choices=("a", "b"))
    references: int = option(4, "references of a target", group="data", low=1, high=64, metavar="N")
    repeat: str = option("cycle", "what becomes of references where a target has fewer: cycle shows some again, mask "
                         "shows those that there are", group="data", choices=("cycle", "mask"))
    compose_share: float = option(0.5, "share of targets to be composed in multitask", group="data", low=0, high=1,
                                  metavar="P")
    face_share: float = option(0.5, "chance that a concept is the face and not the clothes", group="data", low=0,
                               high=1, metavar="P")
    widen: float = option(1.6, "a face is shown in its box with sides so many times as long", group="data", low=1,
                          high=10, metavar="K")
    majority: float = option(0.5, "the figure is shown in place of clothes where the face box covers more than this "
                             "share of the picture", group="data", low=0, high=1, metavar="P")
    prompt_drop: float = option(0.5, "chance that a target is trained without its prompt", group="data", low=0, high=1,
                                metavar="P")
    crop_ratio: float = option(0.75, "least ratio, 0.1 to 1, of a random crop's sides to the picture's; target and "
                               "references are cropped each by itself", group="data", low=0.1, high=1, metavar="R")
    no_flip: bool = option(False, "never mirror; else half of the pictures are", group="data")

    resolution: int | None = option(None, f"side of the squares that pictures are laid on, pixels. Default: {_SIDE}, "
                                    "or the base's own where that is smaller", group="model", low=8, high=4096,
                                    metavar="PX")
    lock_decoder: bool = option(False, "keep the base's decoder as it is", group="model")
    lock_both: bool = option(False, "keep the decoder and the retrieval encoder as they are: only the attention "
                             "between them trains", group="model")
    preset: str = option("", "paper-9k or paper-45k, for 8 GPUs", group="training", metavar="PRESET",
                         choices=("", *PRESETS))
    steps: int | None = option(None, "optimizer steps. Default: by preset; else 9,000", group="training", low=1,
                               high=10_000_000, metavar="N")
    accumulation: int | None = option(None, f"batches whose gradients make one step. Default: {_ACCUMULATION} by "
                                      "preset; else 1", group="training", low=1, high=4096, metavar="N")
    lr: float = option(1e-5, "learning rate", group="training", low=0, high=10, metavar="RATE")
    face_weight: float = option(1.0, "weight of the face's loss beside that of the whole picture (lambda)",
                                group="training", low=0, high=1e6, metavar="W")
    normalise: str = option("all", "what a masked loss is the mean of: all, as the paper writes it; area, what the "
                            "mask leaves, so that small faces count as much as large ones", group="training",
                            choices=("all", "area"))

    def check(self) -> None:
        """Raises UsageError, before anything is loaded."""
        if not self.data:
            raise UsageError("--data is missing", allowed="a dataset that `build retribooru` published",
                             next_command="build retribooru --source SOURCE --out OUT")
        super().check()

    @property
    def compose(self) -> float:
        """Chance that a target's references are concepts."""
        return {"reconstruct": 0.0, "compose": 1.0, "multitask": self.compose_share}[self.task]

    def resolved(self, side: int) -> RetriNet:
        """The same with what the preset says, for a base of pictures of this side."""
        usual: dict[str, Any] = {"steps": PRESETS.get(self.preset, PRESETS["paper-9k"]),
                                 "accumulation": _ACCUMULATION if self.preset else 1,
                                 "resolution": min(_SIDE, side)}
        made = replace(self, **{name: value for name, value in usual.items() if getattr(self, name) is None})
        made.check()
        return made
