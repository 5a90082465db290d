"""Runs of the baselines as users start them, and the code of their cards."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler
from PIL import Image

from schemas.draws import draw
from trainers import cli

SIDE, STEPS, GUIDANCE = 64, 3, 2.0
"""Of the samples; pixels."""


def trained(method: str, data: Path, out: Path, *more: str) -> Path:
    """OUT of a run of two steps on a tiny base."""
    assert cli.main([method, "--data", str(data), "--base", "tiny", "--steps", "2", "--batch-size", "2",
                     "--sample-count", "1", "--sample-steps", str(STEPS), "--guidance", str(GUIDANCE), "--out",
                     str(out), *more]) == 0
    return out


def cells(out: Path) -> list[list[Image.Image]]:
    """The last grid of samples, by rows: reference, target, sample."""
    grid = Image.open(sorted((out / "samples").iterdir())[-1])
    assert grid.width == 3 * SIDE
    return [[grid.crop((SIDE * column, SIDE * row, SIDE * (column + 1), SIDE * (row + 1))) for column in range(3)]
            for row in range(grid.height // SIDE)]


def loaded(out: Path, ddim: bool = True) -> dict[str, Any]:
    """What the card's code makes, but for the picture; "pipe" draws as the samples were drawn, by DDIM."""
    text = (out / "README.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    scope: dict[str, Any] = {}
    exec("\n".join(line for line in code.replace('"OUT', f'"{out}').splitlines() if "pipe(" not in line), scope)
    scope["pipe"].set_progress_bar_config(disable=True)
    if ddim:
        scope["pipe"].scheduler = DDIMScheduler.from_config(scope["pipe"].scheduler.config, clip_sample=False)
    return scope


def drawn(pipe: Any, prompt: str, row: int, **more: Any) -> np.ndarray:
    """0..255, H x W x 3: a picture that begins as the samples of a row of a run with seed 0 do."""
    chance = torch.Generator().manual_seed(draw("sample", "0", str(row), "0"))
    side = SIDE // pipe.vae_scale_factor
    latents = torch.randn(1, 4, side, side, generator=chance)
    made: np.ndarray = pipe(prompt, height=SIDE, width=SIDE, num_inference_steps=STEPS, guidance_scale=GUIDANCE,
                            latents=latents, output_type="np", **more).images[0]
    return made * 255
