"""Options of `trainers inversion`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schemas.errors import UsageError
from schemas.terminal.fields import option
from trainers.options import Said, Training

SAID = Said(
    "textual inversion: pictures become a new word, nothing else changes",
    """Textual inversion (Gal et al.): a new token is given vectors of its own, and they alone are trained, so that the
token stands for what the pictures show. OUT holds learned_embeds.safetensors for load_textual_inversion of diffusers
(and learned_embeds_2.safetensors for SDXL's second encoder), and the same as one file for web interfaces.""",
    """examples:
  trainers inversion --data DATA/backpack/1.0.0 --out RUN
  trainers inversion --data DATA/backpack/1.0.0 --base tiny --vectors 2 --steps 100 --out RUN
  trainers inversion --data POOL_RUN/selected --token "<axolotl>" --initial axolotl --out RUN
""")


@dataclass(frozen=True, kw_only=True)
class Inversion(Training):
    """Options of `trainers inversion`."""

    data: str = option("", "the pictures: a version folder, a build's OUT, or OWNER/NAME[@REVISION] on the Hub; of any "
                       "recipe", group="data", metavar="DATA")
    captions: str = option("templates", "templates, \"a photo of TOKEN\" and its like; own, those of `build subject` "
                           "with the token in place of the class words", group="data", choices=("templates", "own"))
    crop_ratio: float = option(1.0, "least ratio, 0.1 to 1, of a random crop's side to the picture's shorter one",
                               group="data", low=0.1, high=1, metavar="R")
    no_flip: bool = option(False, "do not mirror every other picture", group="data")

    token: str = option("<it>", "the new word", group="model", metavar="TOKEN")
    vectors: int = option(8, "vectors of the word", group="model", low=1, high=64, metavar="N")
    initial: str = option("", "words that the vectors begin as; what the pictures show does best. Default: the class "
                          "words of the data or, where it has none, numbers drawn like those of other words",
                          group="model", metavar="WORDS")

    steps: int = option(3000, "optimizer steps", group="training", low=1, high=10_000_000, metavar="N")
    batch_size: int = option(2, "examples that a process sees at once", group="training", low=1, high=4096, metavar="N")
    lr: float = option(5e-4, "learning rate", group="training", low=0, high=10, metavar="RATE")
    weight_decay: float = option(0.0, "weight decay of AdamW", group="training", low=0, high=10, metavar="W")

    def check(self) -> None:
        """Raises UsageError, before anything is loaded."""
        if not self.data:
            raise UsageError("--data is missing", allowed="a dataset with pictures",
                             next_command="build subject --images DIR --class-name WORDS --out OUT")
        super().check()


def file_name(token: str) -> str:
    """The token's letters and digits, for the name of a file: "it" for "<it>"."""
    return re.sub(r"\W+", "-", token).strip("-") or "token"
