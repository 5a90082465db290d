"""Options of `trainers custom`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from schemas.errors import UsageError
from schemas.terminal.fields import option
from trainers.inversion_options import file_name
from trainers.options import Said, Training

SAID = Said(
    "Custom Diffusion with ClassDiffusion's guidance by the class, of one concept or several",
    """Custom Diffusion (Kumari et al.): a new word before the class words, and how cross-attention reads text (its keys
and values), are trained. ClassDiffusion's semantic preservation loss keeps the phrase of the concept close to its
class, so that prompts with several conditions still work. OUT is a whole pipeline; beside it lie the trained layers
alone (pytorch_custom_diffusion_weights.safetensors) and each word's embedding.""",
    """examples:
  trainers custom --data DATA/backpack/1.0.0 --out RUN
  trainers custom --data DATA/teddybear/1.0.0,DATA/barn/1.0.0 --out RUN
  trainers custom --data DATA/backpack/1.0.0 --regularization REG/1.0.0 --class-guidance 0 --out RUN
  trainers custom --data DATA/backpack/1.0.0 --base tiny --steps 200 --lr 1e-3 --out RUN
""")
_INITIAL = "ktn,pll,ucd"
"""Custom Diffusion's: words that mean little."""


@dataclass(frozen=True, kw_only=True)
class Custom(Training):
    """Options of `trainers custom`."""

    data: str = option("", "the concepts: version folders of `build subject`, OUTs or OWNER/NAME[@REVISION] on the "
                       "Hub, a comma between two", group="data", metavar="DATA[,DATA]")
    regularization: str = option("none", "the same of `build regularization`, one for each concept or any number; none "
                                 "trains without", group="data", metavar="DATA[,DATA]|none")
    captions: str = option("class", "class, \"photo of a TOKEN CLASS\" for all, as the paper; own, each picture's",
                           group="data", choices=("class", "own"))
    augment: str = option("near-far", "near-far, the paper's pictures from far and near, which the captions tell; "
                          "crop, squares cut at random", group="data", choices=("near-far", "crop"))
    no_flip: bool = option(False, "do not mirror every other picture", group="data")

    tokens: str = option("", "the new words, one for each concept, a comma between two. Default: <new1>,<new2> and so "
                         "on", group="model", metavar="TOKEN[,TOKEN]")
    initial: str = option(_INITIAL, "the words that they begin as, each one token of the base", group="model",
                          metavar="WORD[,WORD]")

    class_guidance: float = option(1.0, "weight of the semantic preservation loss; 0: plain Custom Diffusion. The "
                                   "released code sums its masked loss over the four channels of the latents: its 1 "
                                   "is 0.25 here", group="training", low=0, high=1e6, metavar="W")
    class_encoding: str = option("plain", "how the loss reads text: plain, as the model does; released, as the "
                                 "published code, which takes its position from the new word and, with SD 1.5, looks "
                                 "at it rather than at the end of the text", group="training",
                                 choices=("plain", "released"))
    prior_weight: float = option(1.0, "weight of the regularizers' loss", group="training", low=0, high=1e6,
                                 metavar="W")
    steps: int | None = option(None, "optimizer steps. Default: 500 for one concept, 800 for more", group="training",
                               low=1, high=10_000_000, metavar="N")
    batch_size: int = option(2, "examples that a process sees at once", group="training", low=1, high=4096, metavar="N")
    lr: float = option(1e-5, "learning rate for one picture", group="training", low=0, high=10, metavar="RATE")
    lr_rule: str = option("scaled", "scaled, the rate times the pictures of a step, as in the paper's scripts; plain, "
                          "as it is given", group="training", choices=("scaled", "plain"))

    def check(self) -> None:
        """Raises UsageError, before anything is loaded."""
        if not self.data:
            raise UsageError("--data is missing", allowed="subjects that `build subject` published",
                             next_command="build subject --images DIR --class-name backpack --out OUT")
        count = len(self.concepts)
        if self.tokens and len(self.words) != count:
            raise UsageError("--tokens names another number of words than --data of concepts", seen=self.tokens,
                             allowed=f"{count}, a comma between two")
        if len({file_name(word) for word in self.words}) < count:
            raise UsageError("--tokens names words that are too much alike", seen=self.tokens,
                             allowed="words that differ in letters or digits")
        if len(self.beginnings) < count:
            raise UsageError("--initial names too few words", seen=self.initial,
                             allowed=f"{count}, a comma between two")
        super().check()

    def resolved(self) -> Custom:
        """The same with the number of steps that the number of concepts asks for."""
        return self if self.steps else replace(self, steps=500 if len(self.concepts) == 1 else 800)

    @property
    def concepts(self) -> list[str]:
        """The datasets of the concepts."""
        return _parts(self.data)

    @property
    def regularizers(self) -> list[str]:
        """The regularization sets."""
        return [] if self.regularization == "none" else _parts(self.regularization)

    @property
    def words(self) -> list[str]:
        """The new word of each concept."""
        return _parts(self.tokens) or [f"<new{number}>" for number in range(1, len(self.concepts) + 1)]

    @property
    def beginnings(self) -> list[str]:
        """The words whose embeddings the new ones begin as; as many as concepts or more."""
        return _parts(self.initial)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
