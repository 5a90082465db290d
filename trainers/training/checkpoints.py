"""Checkpoints: folders of safetensors and JSON that are there whole or not at all.

    checkpoints/step-00000500/weights.safetensors      what trains, by name
                              optimizer.safetensors    the state of AdamW, by NAME/KEY
                              ema.safetensors          with --ema: the averaged weights
                              state.json               step, learning rate, counts and what the method keeps

A second one of the same step (the method went on without training) ends in -1, and so on.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from schemas import atomic
from schemas.errors import BuildError

_NAME = re.compile(r"step-([0-9]{8,})(?:-([0-9]+))?")


class Checkpoint(NamedTuple):
    """All that a run needs to go on; `state` is JSON."""

    weights: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    ema: dict[str, Tensor]
    state: dict[str, Any]


def sweep(out: Path) -> None:
    """Removes what a killed run left unfinished in OUT."""
    for path in [*out.glob(f"{atomic.TEMPORARY}*"), *out.glob(f"*/{atomic.TEMPORARY}*")]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def found(home: Path) -> list[Path]:
    """The checkpoints in a folder, the newest last."""
    folders = list(home.iterdir()) if home.is_dir() else []
    named = ((_NAME.fullmatch(path.name), path) for path in folders)
    return [path for _, path in sorted(((int(name[1]), int(name[2] or 0)), path) for name, path in named if name)]


def save(home: Path, step: int, checkpoint: Checkpoint, keep: int) -> Path:
    """Writes a checkpoint and removes all but the `keep` newest. Returns its folder."""
    name = f"step-{step:08d}"
    others = [path for path in found(home) if path.name == name or path.name.startswith(f"{name}-")]
    folder = home / (f"{name}-{len(others)}" if others else name)
    with atomic.whole(folder) as temporary:
        save_tensors(checkpoint.weights, temporary / "weights.safetensors")
        save_tensors(checkpoint.optimizer, temporary / "optimizer.safetensors")
        if checkpoint.ema:
            save_tensors(checkpoint.ema, temporary / "ema.safetensors")
        (temporary / "state.json").write_text(json.dumps(checkpoint.state, indent=1) + "\n", encoding="utf-8")
    for old in found(home)[:-keep]:
        shutil.rmtree(old)
    return folder


def load(folder: Path) -> Checkpoint:
    """Reads a checkpoint. Raises BuildError for one that somebody has damaged."""
    try:
        ema = folder / "ema.safetensors"
        return Checkpoint(load_file(folder / "weights.safetensors"), load_file(folder / "optimizer.safetensors"),
                          load_file(ema) if ema.exists() else {},
                          json.loads((folder / "state.json").read_text(encoding="utf-8")))
    except (SafetensorError, OSError, ValueError) as error:
        raise BuildError(f"a checkpoint cannot be read: {folder}: {error}; remove it, and --resume takes the one "
                         "before") from None


def save_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    """Writes a safetensors file. Raises OSError where there is no room."""
    try:
        save_file({name: one.detach().cpu().contiguous() for name, one in tensors.items()}, path)
    except SafetensorError as error:
        raise OSError(f"{path}: {error}") from None
