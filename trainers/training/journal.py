"""What a run says of each step: a line in log.jsonl, curves and samples for TensorBoard."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from schemas import atomic


class Journal:
    """What was said after `step`, by a run that was stopped, is forgotten. After a `with` all is on the disk."""

    def __init__(self, out: Path, step: int) -> None:
        path = out / "log.jsonl"
        if path.exists():
            _forget_after(step, path)
        self._lines = path.open("a", encoding="utf-8", buffering=1)  # flushed line by line
        self._board = SummaryWriter(str(out / "tensorboard"), purge_step=step + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._board.flush()

    def write(self, step: int, said: dict[str, float]) -> None:
        """One line: step, loss and its parts, length of the gradient, learning rate."""
        self._lines.write(json.dumps({"step": step, **said}) + "\n")
        for name, value in said.items():
            self._board.add_scalar(name, value, step)

    def show(self, step: int, picture: Image.Image) -> None:
        """A grid of samples."""
        self._board.add_image("samples", np.asarray(picture), step, dataformats="HWC")


def _forget_after(step: int, path: Path) -> None:
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        try:
            if not line.endswith("\n") or json.loads(line)["step"] > step:
                break
        except (ValueError, KeyError):  # half a line, of a run that was killed
            break
        kept.append(line)
    atomic.write(path, "".join(kept).encode())
