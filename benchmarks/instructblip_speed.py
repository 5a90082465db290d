"""How fast InstructBLIP answers: ours against one `generate` for each picture and question, in one run.

    python -m benchmarks.instructblip_speed [--size full|tiny] [--pictures N] [--out DIR]

Random weights of the real shape (`full`: 7 billion words' worth, for a GPU of 24 GB or more; `tiny` shows that the
benchmark runs). Five questions a picture; nothing stops a random model early, so every answer has the full length.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from annotators import instructblip
from annotators.instructblip import NEW_TOKENS, PROMPT
from benchmarks import random_blip
from schemas.answers import QUESTIONS

ASKED = [PROMPT.format(question) for question in QUESTIONS[:5]]
BATCHES = (1, 4, 8, 16, 32)


def loop(folder: Path, device: str, shown: Sequence[np.ndarray]) -> Callable[[], object]:
    """What a person writes: one picture, one question, the whole model each time."""
    import torch
    from transformers import InstructBlipForConditionalGeneration, InstructBlipProcessor

    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    model: Any = InstructBlipForConditionalGeneration.from_pretrained(folder, dtype=dtype).to(device).eval()
    processor = InstructBlipProcessor.from_pretrained(folder)

    def run() -> None:
        for picture in shown:
            for prompt in ASKED:
                given = processor(images=picture, text=prompt, return_tensors="pt").to(device, dtype)
                with torch.inference_mode():
                    made = model.generate(**given, do_sample=False, num_beams=1, max_new_tokens=NEW_TOKENS)
                processor.tokenizer.decode(made[0, given["input_ids"].shape[1]:], skip_special_tokens=True)

    return run


def ours(folder: Path, device: str, shown: Sequence[np.ndarray], batch: int) -> Callable[[], object]:
    """The annotator's reader, `batch` pictures at a time."""
    reader = instructblip._reader(str(folder), device)
    return lambda: [reader.answers(shown[at : at + batch], ASKED) for at in range(0, len(shown), batch)]


def timed(run: Callable[[], object], device: str) -> tuple[float, float]:
    """Seconds of the second of two runs, and the most gigabytes that torch held on the GPU."""
    import torch

    run()
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    begun = time.perf_counter()
    run()
    if device == "cuda":
        torch.cuda.synchronize()
    held = torch.cuda.max_memory_allocated() / 1e9 if device == "cuda" else 0.0
    return time.perf_counter() - begun, held


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--size", choices=("full", "tiny"), default="full" if device == "cuda" else "tiny")
    parser.add_argument("--pictures", type=int, default=32, metavar="N")
    parser.add_argument("--out", type=Path, default=Path("out/bench/instructblip"), metavar="DIR")
    found = parser.parse_args()
    shutil.rmtree(found.out, ignore_errors=True)
    size = random_blip.FULL if found.size == "full" else random_blip.TINY
    folder = random_blip.save(found.out, size, device, half=device == "cuda")
    rng = np.random.default_rng(0)
    shown = [rng.integers(0, 256, (512, 384, 3)).astype(np.uint8) for _ in range(found.pictures)]
    few = shown[: max(1, len(shown) // 8)]  # the loop is slow, and its pictures do not know of each other
    print(f"{found.size}, {device}, {len(ASKED)} questions, {NEW_TOKENS} words each\n")
    print("| Way | pictures/s | GB on the GPU | times the loop |\n|---|---:|---:|---:|")
    seconds, held = timed(loop(folder, device, few), device)
    base = len(few) / seconds
    print(f"| loop | {base:.2f} | {held:.1f} | 1.0 |", flush=True)
    for batch in BATCHES:
        seconds, held = timed(ours(folder, device, shown, batch), device)
        rate = len(shown) / seconds
        print(f"| likeness, {batch} at a time | {rate:.2f} | {held:.1f} | {rate / base:.1f} |", flush=True)


if __name__ == "__main__":
    main()
