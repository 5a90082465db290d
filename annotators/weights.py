"""Where weights come from: our own packaged light model, or a file on this machine; the sha256 is always recorded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.errors import UsageError

LIGHT = "light"
"""The name that stands for our packaged model of a role."""


@dataclass(frozen=True)
class Weights:
    """A weight file that exists: its path, the sha256 of its bytes, and what stands beside it.

    `notes` is the JSON beside a packaged model (training command, seed, scores, `threshold`), {} for a bare file.
    """

    path: str
    sha256: str
    source: str
    licence: str
    notes: Mapping[str, Any] = field(default_factory=dict)

    def provenance(self, backend: str) -> dict[str, str]:
        """What the manifest says of it; never the path, which belongs to one machine."""
        return {"backend": backend, "weights": self.source, "sha256": self.sha256, "licence": self.licence}


def resolve(role: str, wanted: str = LIGHT) -> Weights:
    """The weights of `role` ("faces", "masks"): `wanted` is "light" or the path of an ONNX file.

    Raises UsageError when there is no such file.
    """
    packaged = Path(str(resources.files("annotators"))) / "models" / f"{role}.onnx"
    path = packaged if wanted == LIGHT else Path(wanted)
    if not path.is_file():
        raise UsageError(
            f"no weights for {role}",
            seen=wanted,
            allowed='the path of an ONNX file, or "light" for the packaged model',
            next_command="the same command with --models light",
        )
    if path != packaged:
        return Weights(str(path), _sha256(path), path.name, "unknown: a file of yours")
    notes = json.loads(packaged.with_suffix(".json").read_text(encoding="utf-8"))
    return Weights(str(path), _sha256(path), f"packaged {path.name}", str(notes["licence"]), notes)


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


class Model:
    """An ONNX model with one picture in and one array out, read by one thread; opened once per process."""

    def __init__(self, path: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises a dozen private classes for files that are no models
            raise UsageError(f"cannot read the model: {error}", seen=path, allowed="an ONNX file") from error
        entry = self._session.get_inputs()[0]
        self._input = entry.name
        height, width = entry.shape[2:]
        if not isinstance(height, int) or height != width:
            raise UsageError("the model's input is not square", seen=entry.shape, allowed="[N, 3, S, S] with a fixed S")
        self.size = height
        """Side of the input, pixels."""

    def __call__(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Output of the model for one input 1 x 3 x S x S."""
        return np.asarray(self._session.run(None, {self._input: pixels})[0], dtype=np.float32)


@lru_cache(maxsize=8)
def model(path: str, sha256: str) -> Model:
    """The model at `path`; the digest is part of the key, so a replaced file is opened anew."""
    return Model(path)
