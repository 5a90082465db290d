"""Train both heads on the bank, on a CPU, and write faces.onnx and masks.onnx.

    python -m weights.data  --cache .cache/bank     # render the drawings, once
    python -m weights.train --cache .cache/bank --run .cache/run

A run that was stopped goes on from its checkpoint with the same command; --start FILE begins a new run with the
weights of another one's checkpoint. The models are exported from the averaged weights when the last step is done,
with a larger input than they were trained at: small figures gain, and training costs two thirds. Every command that
took part is kept in the notes beside the models.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from annotators import yolo
from weights.compose import Picture, compose
from weights.data import Bank
from weights.export import export
from weights.losses import face_loss, matte_loss
from weights.net import Likeness
from weights.score import best_threshold, matte_iou

TAME_FROM = 0.5  # share of the steps after which colours stay near the drawn ones, nearer to those of real art
HELD_OUT = 240  # composed pictures of the first chunk, which training never sees


@dataclass(frozen=True)
class Options:
    """One training run; `seed` decides the first weights and every composed picture."""

    cache: Path
    run: Path
    steps: int
    size: int
    export_size: int
    batch: int
    rate: float
    seed: int
    workers: int
    threads: int
    start: Path | None
    out: Path


class Stream(IterableDataset[Picture]):
    """Endless composed pictures; picture n follows from (seed, n), whichever worker makes it."""

    def __init__(self, options: Options, first: int) -> None:
        self._options, self._first = options, first

    def __iter__(self) -> Iterator[Picture]:
        torch.set_num_threads(1)
        bank = Bank(self._options.cache, held_out=False)
        info = torch.utils.data.get_worker_info()
        number, step = (0, 1) if info is None else (info.id, info.num_workers)
        for n in range(self._first + number, 2**62, step):
            wild = 0.4 if n > TAME_FROM * self._options.steps * self._options.batch else 1.0
            yield compose(bank, np.random.default_rng([self._options.seed, n]), self._options.size, wild)


def collate(pictures: list[Picture]) -> tuple[Tensor, Tensor, list[Tensor], list[Tensor]]:
    """Pictures to N x 3 x S x S and N x 1 x S x S uint8, and per picture its boxes and unsure boxes, K x 4."""
    images = torch.from_numpy(np.stack([p.image for p in pictures])).permute(0, 3, 1, 2)
    mattes = torch.from_numpy(np.stack([p.matte for p in pictures]))[:, None]
    faces = [torch.tensor(p.faces, dtype=torch.float32).reshape(-1, 4) for p in pictures]
    unsure = [torch.tensor(p.unsure, dtype=torch.float32).reshape(-1, 4) for p in pictures]
    return images, mattes, faces, unsure


class Average:
    """Exponential moving average of a network's weights and statistics."""

    def __init__(self, net: nn.Module) -> None:
        self.state = {name: value.detach().clone() for name, value in net.state_dict().items()}

    def update(self, net: nn.Module, step: int) -> None:
        keep = min(0.999, (1 + step) / (20 + step))
        for name, value in net.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[name].lerp_(value.detach(), 1 - keep)
            else:
                self.state[name].copy_(value)


def evaluate(state: dict[str, Tensor], options: Options, size: int) -> dict[str, Any]:
    """Scores of the averaged weights on the held-out pictures, composed at `size`."""
    net = Likeness().to(memory_format=torch.channels_last).eval()
    net.load_state_dict(state)
    bank = Bank(options.cache, held_out=True)
    scored, overlaps = [], []
    for n in range(HELD_OUT):
        picture = compose(bank, np.random.default_rng([options.seed, 1, n]), size)
        pixels = torch.from_numpy(picture.image).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            output, matte = net.boxes(pixels).numpy(), net.matte(pixels)[0, 0].numpy()
        boxes, scores = yolo.decode(output, size, 0.05)
        kept = yolo.nms(boxes, scores, 0.5)
        truth, unsure = (np.array(b, np.float32).reshape(-1, 4) for b in (picture.faces, picture.unsure))
        scored.append((boxes[kept], scores[kept], truth, unsure))
        if (picture.matte > 127).sum() > 50:
            overlaps.append(matte_iou((matte * 255).astype(np.uint8), picture.matte))
    threshold, faces = best_threshold(scored)
    return {"threshold": threshold, **faces, "matte_iou": round(float(np.mean(overlaps)), 4)}


def rate_at(step: int, options: Options) -> float:
    """Warm-up over 200 steps, then a cosine down to a fiftieth."""
    if step < 200:
        return options.rate * (step + 1) / 200
    done = (step - 200) / max(options.steps - 200, 1)
    return options.rate * (0.02 + 0.98 * (1 + math.cos(math.pi * min(done, 1))) / 2)


def train(options: Options) -> None:
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    options.run.mkdir(parents=True, exist_ok=True)
    net = Likeness().to(memory_format=torch.channels_last)
    stages: list[dict[str, Any]] = []
    if options.start:
        begun = torch.load(options.start, weights_only=True)
        net.load_state_dict(begun["average"])
        stages = begun["stages"]
    decayed = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=options.rate)
    average, first = Average(net), 0
    checkpoint = options.run / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(saved["net"])
        optimizer.load_state_dict(saved["optimizer"])
        average.state, first, stages = saved["average"], saved["step"], saved["stages"]
    if first < options.steps:
        drawings = Bank(options.cache, held_out=False).count("figures")
        stages.append({"command": command(options), "from_step": first, "drawings": drawings})
    stream = Stream(options, first * options.batch)
    loader = DataLoader(stream, options.batch, num_workers=options.workers, collate_fn=collate, prefetch_factor=6)
    batches = iter(loader)
    sums, clock = [0.0, 0.0], time.monotonic()
    for step in range(first, options.steps):
        losses = _step(net, optimizer, next(batches), rate_at(step, options), options.size)
        average.update(net, step)
        sums = [a + b for a, b in zip(sums, losses, strict=True)]
        if (step + 1) % 100 == 0:
            speed, clock = 100 * options.batch / (time.monotonic() - clock), time.monotonic()
            print(f"step {step + 1} faces {sums[0] / 100:.3f} matte {sums[1] / 100:.3f} {speed:.0f}/s", flush=True)
            sums = [0.0, 0.0]
        if (step + 1) % 500 == 0 or step + 1 == options.steps:
            state = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "average": average.state}
            torch.save({**state, "step": step + 1, "stages": stages}, checkpoint.with_suffix(".part"))
            checkpoint.with_suffix(".part").rename(checkpoint)
        if (step + 1) % 1500 == 0:
            print(f"step {step + 1} held out {json.dumps(evaluate(average.state, options, options.size))}", flush=True)
            clock = time.monotonic()
    publish(options)


def _step(
    net: Likeness, optimizer: torch.optim.Optimizer, batch: tuple[Any, ...], rate: float, size: int
) -> tuple[float, float]:
    images, mattes, faces, unsure = batch
    for group in optimizer.param_groups:
        group["lr"] = rate
    pixels = images.contiguous(memory_format=torch.channels_last).float() / 255
    with torch.autocast("cpu", torch.bfloat16):
        raw, logits = net(pixels)
    boxes = face_loss(raw.float(), faces, unsure, size)
    matte = matte_loss(logits.float(), mattes.float() / 255)
    optimizer.zero_grad(set_to_none=True)
    (0.15 * boxes + matte).backward()
    nn.utils.clip_grad_norm_(net.parameters(), 10.0)
    optimizer.step()
    return float(boxes.detach()), float(matte.detach())


def publish(options: Options) -> None:
    """Export the run's averaged weights with notes of how they came to be."""
    saved = torch.load(options.run / "checkpoint.pt", weights_only=True)
    scores = evaluate(saved["average"], options, options.export_size)
    print(f"final held out {json.dumps(scores)}", flush=True)
    last = saved["stages"][-1]
    shared = {"command": last["command"], "data_seed": options.seed, "steps": saved["step"],
              "drawings": last["drawings"], "stages": saved["stages"]}
    export(saved["average"], options.export_size, options.out, shared, scores)


def command(options: Options) -> str:
    """What to type for these options, paths aside."""
    given = ("steps", "size", "export_size", "batch", "rate", "seed")
    words = "".join(f" --{key.replace('_', '-')} {getattr(options, key)}" for key in given)
    return "python -m weights.train" + words + (" --start EARLIER" if options.start else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path(".cache/bank"))
    parser.add_argument("--run", type=Path, default=Path(".cache/run"), help="folder of the checkpoint")
    parser.add_argument("--steps", type=int, default=18_000)
    parser.add_argument("--size", type=int, default=256, help="side of the input in training, a multiple of 32")
    parser.add_argument("--export-size", type=int, default=320, help="side of the exported models' input")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1.5e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=1, help="processes that compose pictures")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    parser.add_argument("--start", type=Path, default=None, help="checkpoint.pt of another run to begin from")
    parser.add_argument("--out", type=Path, default=Path("annotators/models"))
    train(Options(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()
