"""Runs as users start them, of two steps on a tiny base."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler

from trainers import cli


def run(method: str, out: Path, *more: str) -> Path:
    """OUT of a run of 32 pixels."""
    size = () if method in ("coti",) else ("--resolution", "32", "--steps", "2", "--sample-every", "0")
    assert cli.main([method, "--out", str(out), *size, *more]) == 0
    return out


def edited(out: Path, **said: Any) -> Path:
    """The run with other words in run.json."""
    path = out / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **said}))
    return out


def card(out: Path) -> dict[str, Any]:
    """What the card's code makes, but for pictures; "pipe" draws by DDIM."""
    [code] = re.findall(r"```python\n(.*?)```", (out / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for line in code.split("\n# or ")[0].replace('"OUT', f'"{out}').splitlines()
             if not any(word in line for word in ("pipe(", "Image.open", "interpolate", "seen ="))]
    scope: dict[str, Any] = {}
    exec("\n".join(lines), scope)
    scope["pipe"].set_progress_bar_config(disable=True)
    config = {name: value for name, value in scope["pipe"].scheduler.config.items() if name != "variance_type"}
    scope["pipe"].scheduler = DDIMScheduler.from_config(config, clip_sample=False)
    return scope


def noise(seeds: list[int], side: int = 32) -> torch.Tensor:
    """What pictures of these seeds begin with."""
    return torch.cat([torch.randn(1, 4, side // 4, side // 4, generator=torch.Generator().manual_seed(seed))
                      for seed in seeds])


def levels(pictures: Any) -> np.ndarray:
    """0..255, N x H x W x 3."""
    return np.stack([np.asarray(one, np.float32) for one in pictures])
