"""A method of few numbers over rows of chance, to look at the loop alone; and a program that trains it."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from schemas.terminal.ends import ended
from schemas.terminal.fields import option
from trainers.options import Training
from trainers.training import checkpoints, draws, loop
from trainers.training.draws import At
from trainers.training.feeding import Batch, Row
from trainers.training.loop import Loop, train
from trainers.training.method import Method
from trainers.training.record import Run


@dataclass(frozen=True, kw_only=True)
class Options(Training):
    """What the common options are tried with."""

    steps: int = option(12, "optimizer steps", group="training", low=1)
    lr: float = option(0.01, "learning rate", group="training", low=0)
    checkpoint_every: int = option(4, "steps between two checkpoints", group="output", low=1)
    sample_every: int = option(0, "steps between two grids of samples", group="samples", low=0)


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What goes wrong in a run."""

    poison: int | None = None
    """step in which a row is no number"""
    full: int | None = None
    """step after which no file may be big"""
    slow: int | None = None
    """step from which a slot takes two seconds, so that there is time to stop the run"""
    die: tuple[str, int] | None = None
    """to be killed when this file is half written for the so manyth time"""


class View:
    """One instance and one prior a slot, of eight each, with pictures of 8 x 8 that follow from their names."""

    def __init__(self, trouble: Trouble | None = None) -> None:
        self.trouble = trouble or Trouble()

    def rows(self, at: At) -> list[Row]:
        if self.trouble.slow is not None and at.step >= self.trouble.slow:
            time.sleep(2)
        if self.trouble.full is not None and at.step >= self.trouble.full:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        return [self._row(at, f"{kind}{draws.turn(8, at.seed, at.position, kind)}", prior)
                for kind, prior in (("mine", False), ("other", True))]

    def _row(self, at: At, name: str, prior: bool) -> Row:
        made = torch.Generator().manual_seed(sum(name.encode()))
        pixels = torch.rand(3, 8, 8, generator=made) * 2 - 1
        if at.step == self.trouble.poison and at.slot == 1 and not prior:
            pixels[0, 0, 0] = torch.nan
        return Row(id=name, pixels=pixels, text="", noise=draws.noise((3, 4, 4), at, name),
                   latent_noise=draws.latent_noise((3, 4, 4), at, name), timestep=draws.timestep(at, name, 1000),
                   size=(8, 8, 0, 0, 8, 8), prior=prior)


class Toy(Method):
    """Learns to tell the mean of a row's noise from its colours. `ballast` makes its files big."""

    def __init__(self) -> None:
        made = torch.random.fork_rng()
        with made:
            torch.manual_seed(0)
            parts = [nn.Linear(3, 3) for _ in range(4)]
        unet, vae, words, second = parts
        base: Any = SimpleNamespace(unet=unet, vae=vae, text_encoders=[words], resolution=8, freeze=lambda: [
            one.requires_grad_(False) for one in (unet, vae, words)])
        super().__init__(base)
        self.first, self.second = nn.Parameter(torch.zeros(3)), second
        self.ballast = nn.Parameter(torch.zeros(50_000))

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        colours = batch["pixels"].mean((2, 3))
        told = self.unet(colours) * self.first + self.second(colours) + self.ballast.mean()
        wrong = (told - batch["noise"].mean((2, 3)) - batch["timesteps"][:, None] / 1000).square().mean(1)
        mine, prior = wrong[~batch["prior"]].mean(), wrong[batch["prior"]].mean()
        return {"loss": mine + prior, "instance": mine, "prior": prior}

    def publish(self, folder: Path) -> None:
        checkpoints.save_tensors(self.weights(), folder / "toy.safetensors")
        (folder / "unet").mkdir()
        (folder / "unet" / "config.json").write_text("{}")


def run_of(options: Options, digest: str = "d1") -> Run:
    data = SimpleNamespace(name="toys", recipe="subject", version="1.0.0", digest=digest)
    return Run(method="toy", options=options, data={"data": data}, base={"name": "toy", "sha256": "b1"})


def loop_of(options: Options) -> Loop:
    return Loop(Toy(), View(), options, run_of(options))


def program(options: Options, trouble: Trouble, log: Path, environment: dict[str, str]) -> None:
    """Trains as the command line does, in a process of its own; stderr goes to `log`."""
    os.environ |= {"ACCELERATE_USE_CPU": "true", **environment}
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT), sys.stderr.fileno())
    torch.set_num_threads(1)
    if trouble.die:
        _die(*trouble.die)
    sys.exit(ended("trainers", lambda: train(Toy(), View(trouble), options, run_of(options)), "checkpoints are kept",
                   "the same command with --resume"))


def _die(name: str, times: int) -> None:
    """Dies at a file half written; or, where its name is "move", after so many of the published ones are in place."""
    save, move, left = checkpoints.save_tensors, loop._move, [times]

    def half(tensors: dict[str, Tensor], path: Path) -> None:
        save(tensors, path)
        left[0] -= path.name == name
        if path.name == name and not left[0]:
            os.truncate(path, path.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    def moved(source: Path, target: Path) -> None:
        move(source, target)
        left[0] -= name == "move"
        if name == "move" and not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    checkpoints.save_tensors, loop._move = half, moved
