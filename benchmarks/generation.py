"""What `build regularization` costs beside the diffusion model: the whole command against the bare pipeline, called
with the same prompts and seeds in the same batches, in one run.

    python -m benchmarks.generation [--count N] [--rounds N] [--out DIR]

A Stable Diffusion with random weights whose batch takes more than a second of one core. Both are processes of their own
that import, load the model and draw; ours also plans, encodes and stores each picture, and publishes with a card.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

from benchmarks import random_diffusion
from benchmarks.processes import run
from builders.prompting.planning import Wanted, plan
from builders.prompting.pools import read_pools

SHAPE = random_diffusion.Shape(latent=32, channels=(64, 128), cross=64, vae=(32, 64), groups=16)
BATCH, STEPS = 4, 10


def bare(folder: Path, asked: Path) -> None:
    """The pipeline alone: one thread, as ours has. Prints the seconds of a batch."""
    import torch
    from diffusers import DiffusionPipeline

    torch.set_num_threads(1)
    pipeline = DiffusionPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    rows = json.loads(asked.read_text())
    begun = time.perf_counter()
    for start in range(0, len(rows), BATCH):
        texts, seeds = zip(*rows[start : start + BATCH], strict=True)
        pipeline(list(texts), num_inference_steps=STEPS, output_type="np",
                 generator=[torch.Generator().manual_seed(seed) for seed in seeds])
    print(f"{(time.perf_counter() - begun) / (len(rows) / BATCH):.2f} s a batch", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=160, metavar="N", help="pictures, a multiple of 4")
    parser.add_argument("--rounds", type=int, default=1, metavar="N")
    parser.add_argument("--out", type=Path, default=Path("out/bench/generation"), metavar="DIR")
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    found = parser.parse_args()
    model, asked = found.out / "model", found.out / "asked.json"
    if found.bare:
        bare(model, asked)
        return
    shutil.rmtree(found.out, ignore_errors=True)
    random_diffusion.save(model, SHAPE)
    pools = read_pools("object", "static")
    rows = plan(Wanted("object", "backpack", found.count), pools.words, pools.styles)
    asked.write_text(json.dumps([(row.text, row.seed) for row in rows]))
    print(f"{found.count} pictures of {SHAPE.latent * 2} px, batches of {BATCH}, {STEPS} steps\n")
    print("| Way | s | CPU s | times the bare pipeline |\n|---|---:|---:|---:|", flush=True)
    ours = [sys.executable, "-m", "builders.cli", "regularization", "--class-name", "backpack", "--kind", "object",
            "--count", str(found.count), "--generator", str(model), "--steps", str(STEPS), "--out",
            str(found.out / "built")]
    for _ in range(found.rounds):
        base = run([sys.executable, "-m", "benchmarks.generation", "--bare", "--out", str(found.out)])
        print(f"| bare pipeline | {base.wall:.1f} | {base.cpu:.1f} | 1.00 |", flush=True)
        shutil.rmtree(found.out / "built", ignore_errors=True)
        took = run(ours)
        print(f"| build regularization | {took.wall:.1f} | {took.cpu:.1f} | {took.wall / base.wall:.3f} |",
              flush=True)


if __name__ == "__main__":
    main()
