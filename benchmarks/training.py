"""What the training loop costs beside the model: its steps, fed from a dataset, against the same loop with batches
that are in memory already, and against a bare loop over the very same modules, in one process, in turn.

    python -m benchmarks.training [--rounds N] [--steps N] [--out DIR]

DreamBooth's pairs from two datasets that `build` makes: photographs of a subject and regularizers of 512 px. The bare
loop is what an example script does: forward, backward, clip, AdamW, with nothing logged or kept. Where there is a GPU,
models of the sizes of SD 1.5 (entire) at 512 px and SDXL (LoRA) at 1024 px in bf16, with the most memory that each way
took; else a small Stable Diffusion on one thread of the CPU, so that the feed has another core, as beside a GPU.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from PIL import Image

from benchmarks import training_bases
from benchmarks.training_bases import Sizes

WAYS = ("bare loop", "ours, batches in memory", "ours, fed")


class Case(NamedTuple):
    """A model to train, at its own resolution."""

    name: str
    sizes: Sizes
    device: str
    lora: int
    precision: str


CPU = (Case("small, entire, on a CPU", training_bases.SMALL, "cpu", 0, "no"),)
GPU = (Case("SD 1.5's sizes, entire", training_bases.SD15, "cuda", 0, "bf16"),
       Case("SDXL's sizes, LoRA of rank 32", training_bases.SDXL, "cuda", 32, "bf16"))


class Spent(NamedTuple):
    """Of a round, by step: seconds, and seconds of CPU of all threads."""

    wall: float
    cpu: float


def main(words: Sequence[str] | None = None) -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--steps", type=int, default=20, metavar="N", help="of each way in a round")
    parser.add_argument("--regularizers", type=int, default=60, metavar="N")
    parser.add_argument("--out", type=Path, default=Path("out/bench/training"), metavar="DIR")
    found = parser.parse_args(words)
    data = build(found.out / f"data{found.regularizers}", found.regularizers)
    print(f"{found.rounds} rounds of {found.steps} steps each way; a step is a pair\n")
    print("| Model | Way | steps/s | CPU s a step | of the bare loop | of batches in memory | peak GB of the GPU |\n"
          "|---|---|---:|---:|---:|---:|---:|")
    if not torch.cuda.is_available():
        torch.set_num_threads(1)
        print("no GPU: SD 1.5's and SDXL's sizes are not run", file=sys.stderr)
    for number, case in enumerate(GPU if torch.cuda.is_available() else CPU):
        run = found.out / f"run{number}"
        shutil.rmtree(run, ignore_errors=True)
        for line in measured(case, data, run, found.rounds, found.steps):
            print(line, flush=True)
    print("\n| Side of the pictures, px | CPU ms of one thread a pair |\n|---:|---:|")
    for side in (512, 1024):
        print(f"| {side} | {pair(data, side, found.steps):.1f} |", flush=True)


def build(out: Path, regularizers: int) -> tuple[Path, Path]:
    """A subject of five photographs of 1024 x 768 and a regularization set; both as published. Once made they stay."""
    photos, subject, regularization = out / "photos", out / "subject", out / "regularization"
    if (regularization / "1.0.0").exists():
        return subject, regularization
    photos.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(0)
    for number in range(5):
        small = Image.fromarray(chance.integers(0, 256, (48, 64, 3), np.uint8))
        small.resize((1024, 768), Image.Resampling.BICUBIC).save(photos / f"{number}.jpg", quality=92)
        (photos / f"{number}.txt").write_text("a backpack on a rock")
    command = [sys.executable, "-m", "builders.cli"]
    for words in (["subject", "--images", str(photos), "--class-name", "backpack", "--out", str(subject)],
                  ["regularization", "--class-name", "backpack", "--kind", "object", "--generator", "light", "--size",
                   "512", "--count", str(regularizers), "--out", str(regularization)]):
        subprocess.run([*command, *words, "--log", "json"], check=True, capture_output=True)
    return subject, regularization


def measured(case: Case, data: tuple[Path, Path], out: Path, rounds: int, steps: int) -> Iterator[str]:
    """A line of the table for each way. All ways train the same modules; each has an optimizer of its own."""
    import torch

    from trainers.training.feeding import Share, batches

    loop, view = opened(case, data, out)
    feed = batches(view, 0, range(steps), Share(), threads=2)
    stored = list(feed)
    autocast = partial(torch.autocast, case.device, torch.bfloat16, enabled=case.precision == "bf16")
    steps_of: dict[str, Callable[[int], None]] = {
        "bare loop": Bare(loop.model, list(loop.trained.values()), loop.options.lr, stored, autocast),
        "ours, batches in memory": partial(in_memory, loop, stored), "ours, fed": partial(fed, loop)}
    peaks = {way: peak(case, lambda way=way: steps_of[way](2)) for way in WAYS}  # also warms up
    spent: dict[str, list[Spent]] = {way: [] for way in WAYS}
    for number in range(rounds):
        for way in WAYS[number % 3:] + WAYS[:number % 3]:
            spent[way].append(timed(case, lambda way=way: steps_of[way](steps), steps))
    for way in WAYS:
        rate, cpu = (median(one[place] for one in spent[way]) for place in range(2))
        of = [f"{median(a.wall / b.wall for a, b in zip(spent[other], spent[way], strict=True)):.3f}"
              for other in WAYS[:2]]
        memory = f"{peaks[way]:.1f}" if case.device == "cuda" else ""
        yield f"| {case.name} | {way} | {1 / rate:.2f} | {cpu:.3f} | {of[0]} | {of[1]} | {memory} |"


def pair(data: tuple[Path, Path], side: int, count: int) -> float:
    """What the feed takes for a pair, its photographs decoded before: milliseconds of CPU."""
    from trainers.captions import without_words
    from trainers.data import open_data
    from trainers.training.draws import At
    from trainers.views.decks import Deck, Frame
    from trainers.views.pairs import Pairs

    frame = Frame(side=side, latent=(4, side // 8, side // 8), timesteps=1000)
    subject, others = (open_data(str(folder), "--data", "").rows for folder in data)
    view = Pairs(Deck(subject, frame), Deck(others, frame, without_words(0.5), stream="regularizers", prior=True))
    for step in range(len(subject)):
        view.rows(At(0, step, 0))
    begun = time.process_time()
    for step in range(count):
        view.rows(At(0, len(subject) + step, 0))
    return (time.process_time() - begun) / count * 1e3


def opened(case: Case, data: tuple[Path, Path], out: Path) -> tuple[Any, Any]:
    """The loop of `trainers dreambooth` and its view."""
    from trainers import dreambooth
    from trainers.data import open_data
    from trainers.dreambooth_options import Dreambooth
    from trainers.training.loop import Loop
    from trainers.training.record import Run

    base = training_bases.base(case.sizes)
    options = Dreambooth(data=str(data[0]), regularization=str(data[1]), out=out, lora=case.lora, seed=0, log="json",
                         precision=case.precision, checkpoint_every=10_000_000, sample_every=0).resolved(base.family)
    subject = open_data(options.data, "--data", "subject", ("text", "token", "class_name"))
    identity = dreambooth.identity_of(subject)
    regularization = dreambooth.open_regularization(options, identity)
    view = dreambooth.view_of(subject, regularization, base, options)
    method = dreambooth.Dreambooth(base, options, identity)
    return Loop(method, view, options, Run(method="dreambooth", options=options, data={}, base={})), view


class Bare:
    """The loop of an example script."""

    def __init__(self, model: Any, trained: list[Any], lr: float, stored: list[Any],
                 autocast: Callable[[], AbstractContextManager[Any]]) -> None:
        import torch

        self._model, self._trained, self._stored, self._autocast = model, trained, stored, autocast
        self._optimizer = torch.optim.AdamW(trained, lr=lr, fused=True)  # as ours

    def __call__(self, steps: int) -> None:
        import torch

        device = self._trained[0].device
        for [batch] in self._stored[:steps]:
            there = {name: value.to(device, non_blocking=True) if isinstance(value, torch.Tensor) else value
                     for name, value in batch.items()}
            with self._autocast():
                loss = self._model(there)["loss"]
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self._trained, 1.0)
            self._optimizer.step()
            self._optimizer.zero_grad()


def in_memory(loop: Any, stored: list[Any], steps: int) -> None:
    """Steps of our loop on batches that are there."""
    with mock.patch("trainers.training.loop.batches", lambda *_: (batch for batch in stored[:steps])):
        loop.train(loop.step + steps)


def fed(loop: Any, steps: int) -> None:
    """Steps of our loop as users take them."""
    loop.train(loop.step + steps)


def timed(case: Case, work: Callable[[], None], steps: int) -> Spent:
    """What a step of the work took."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wait(case)
    return Spent((time.perf_counter() - wall) / steps, (time.process_time() - cpu) / steps)


def peak(case: Case, work: Callable[[], None]) -> float:
    """The most memory that the GPU held meanwhile, gigabytes; 0 without one."""
    import torch

    if case.device == "cpu":
        work()
        return 0.0
    torch.cuda.reset_peak_memory_stats()
    work()
    wait(case)
    return torch.cuda.max_memory_allocated() / 1e9


def wait(case: Case) -> None:
    """Until the device has done what it was told."""
    import torch

    if case.device == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
