"""Options that all methods have in common. Needs nothing but the core: help and option errors work without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from schemas.errors import UsageError
from schemas.terminal.fields import check_fields, log_option, option

RECORD = "run.json"
"""What tells a run's folder from others."""
PLACES = frozenset({"out", "resume", "threads", "log", "checkpoint_every", "keep", "sample_every", "sample_prompts",
                    "sample_count", "sample_steps", "guidance", "base", "data", "regularization", "pool",
                    "confusable", "embeddings", "aesthetics", "preset", "publish_from", "gradient_checkpointing"})
"""May differ on --resume: they do not change what is learnt, but for rounding, or name what is compared by its
digest."""


class Said(NamedTuple):
    """What the help of a command says: a line in `trainers --help`, a paragraph, examples."""

    about: str
    description: str
    examples: str


@dataclass(frozen=True, kw_only=True)
class Training:
    """How the loop trains. Each method has fields of its own, and other defaults, in a dataclass made of this one."""

    base: str = option("stable-diffusion-v1-5/stable-diffusion-v1-5", "the model to begin with: a diffusers folder, "
                       "OWNER/NAME[@REVISION] on the Hub, or tiny, tiny-v, tiny-sdxl, small ones that are made on "
                       "the spot", group="model", metavar="BASE")
    resolution: int | None = option(None, "side of the training pictures in pixels. Default: the base's own",
                                    group="model", low=8, high=4096, metavar="PX")
    steps: int = option(1000, "optimizer steps", group="training", low=1, high=10_000_000, metavar="N")
    batch_size: int = option(1, "examples that a process sees at once", group="training", low=1, high=4096, metavar="N")
    accumulation: int = option(1, "batches whose gradients make one step", group="training", low=1, high=4096,
                               metavar="N")
    lr: float = option(1e-4, "learning rate", group="training", low=0, high=10, metavar="RATE")
    schedule: str = option("constant", "how the rate goes on after the warmup; linear and cosine end at 0",
                           group="training", choices=("constant", "constant_with_warmup", "linear", "cosine"))
    warmup: int = option(0, "steps in which the rate rises from 0 (not with constant)", group="training", low=0,
                         high=10_000_000, metavar="N")
    optimizer: str = option("adamw", "adamw8bit keeps its state in a quarter of the memory and needs "
                            "likeness[bits]", group="training", choices=("adamw", "adamw8bit"))
    weight_decay: float = option(0.01, "weight decay of AdamW", group="training", low=0, high=10, metavar="W")
    max_grad_norm: float = option(1.0, "gradients longer than this are shortened to it; 0: never", group="training",
                                  low=0, high=1e9, metavar="NORM")
    ema: float = option(0.0, "decay of a moving average of the weights, which is then what is published and sampled; "
                        "0: none", group="training", low=0, high=0.9999999, metavar="DECAY")
    seed: int = option(0, "all chance follows from it", group="training", low=0, high=2**63 - 1, metavar="SEED")
    precision: str = option("no", "what frozen weights and activations are kept in; what trains stays float32",
                            group="running", choices=("no", "fp16", "bf16"))
    gradient_checkpointing: bool = option(False, "compute activations twice rather than keep them: less memory, a "
                                          "third slower", group="running")
    threads: int = option(2, "threads that load pictures; the result does not depend on it", group="running", low=1,
                          high=256, metavar="N")
    sample_every: int = option(500, "steps between two grids of samples; 0: none", group="samples", low=0,
                               high=10_000_000, metavar="N")
    sample_prompts: str = option("", "prompts of the samples, with | between them. Default: some of the method's",
                                 group="samples", metavar="'TEXT | TEXT'")
    sample_count: int = option(4, "samples of each prompt; their seeds stay the same", group="samples", low=1, high=64,
                               metavar="N")
    sample_steps: int = option(25, "denoising steps of a sample (DDIM)", group="samples", low=1, high=1000, metavar="N")
    guidance: float = option(7.5, "classifier-free guidance of the samples", group="samples", low=0, high=100,
                             metavar="G")
    out: Path = option(Path(), "folder for weights, checkpoints, samples and the log", group="output", metavar="OUT")
    resume: bool = option(False, "go on from the newest checkpoint in OUT, as if nothing had happened", group="output")
    checkpoint_every: int = option(500, "steps between two checkpoints", group="output", low=1, high=10_000_000,
                                   metavar="N")
    keep: int = option(2, "checkpoints to keep, the newest", group="output", low=1, high=1_000_000, metavar="N")
    log: str = log_option()

    def check(self) -> None:
        """Raises UsageError, before anything is loaded. Methods check their own fields too."""
        if self.out == Path():
            raise UsageError("--out is missing", allowed="a folder", next_command="add --out OUT")
        check_fields(self)
        self.check_out()
        if self.schedule == "constant" and self.warmup:
            raise UsageError("--warmup is for other schedules", seen=self.warmup,
                             allowed="with --schedule constant_with_warmup, linear or cosine")
        if self.warmup and self.steps is not None and self.warmup >= self.steps:
            raise UsageError("--warmup leaves no step", seen=self.warmup, allowed=f"0 to {self.steps - 1}")

    def check_out(self) -> None:
        """Raises UsageError when OUT holds a run that nobody asked to go on with, or what no run wrote and this one
        would replace: a base, somebody's README.md."""
        if (self.out / RECORD).is_file():
            if not self.resume:
                raise UsageError("OUT holds a run already", seen=str(self.out), allowed="a new or empty folder",
                                 next_command="add --resume to go on with it, or take another --out")
        elif there := [name for name in ("model_index.json", "README.md") if (self.out / name).exists()]:
            raise UsageError(f"OUT holds {there[0]}, which no run wrote", seen=str(self.out),
                             allowed="a new or empty folder", next_command="another --out")

    def prompts(self) -> list[str]:
        """The prompts of --sample-prompts."""
        return [text.strip() for text in self.sample_prompts.split("|") if text.strip()]
