"""Where weights come from: our packaged light model, the Hub at a resolved commit, or a file on this machine; the
sha256 is always recorded. Where they run: ours on the CPU, so that light builds are equal on every machine; others on a
GPU where there is one.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from annotators import hub
from schemas.errors import UsageError

LIGHT = "light"
"""The name that stands for our packaged model of a role."""

PAPER = {
    "faces": "deepghs/anime_face_detection:face_detect_v1.4_s/model.onnx",
    "masks": "skytnt/anime-seg:isnetis.onnx",
}
"""What "paper" stands for. The paper names neither file: its supplement points to a YOLO for anime faces and to IS-Net,
and these are their best public descendants that open without running code.
"""

CPU, CUDA = "cpu", "cuda"
"""Device classes. TensorRT and the like are left alone: they build a network anew on each machine, often in halves."""
_PROVIDERS: dict[str, list[Any]] = {
    CPU: ["CPUExecutionProvider"],
    # By default each session times cuDNN's algorithms and takes the fastest, so that two workers give two answers.
    CUDA: [("CUDAExecutionProvider", {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}), "CPUExecutionProvider"],
}


@dataclass(frozen=True)
class Weights:
    """A weight file that exists: its path, the sha256 of its bytes, and what stands beside it.

    `notes` is the JSON beside a packaged model (training command, seed, scores, `threshold`); of a model of the Hub
    the `threshold` and `labels` beside it; {} for a bare file. `revision` is the commit of a file of the Hub; `device`
    is where it runs, CPU or CUDA.
    """

    path: str
    sha256: str
    source: str
    licence: str
    notes: Mapping[str, Any] = field(default_factory=dict)
    revision: str = ""
    device: str = CPU

    @property
    def placed(self) -> dict[str, str]:
        """What its place adds to an identity: a GPU gives other bits."""
        return {} if self.device == CPU else {"device": self.device}

    def model(self, free: int) -> Model:
        """The opened model, one for all who ask in this process; `free` as in Model."""
        return _model(self.path, self.sha256, free, self.device)

    def provenance(self, kind: str) -> dict[str, str]:
        """What the manifest says of it; never the path, which belongs to one machine."""
        backend = f"{kind}, onnxruntime, {'one thread' if self.device == CPU else f'float32 on {self.device}'}"
        said = {"backend": backend, "weights": self.source, "sha256": self.sha256, "licence": self.licence}
        return said | ({"revision": self.revision} if self.revision else {})


def resolve(role: str, wanted: str = LIGHT) -> Weights:
    """The weights of `role` ("faces", "masks"). `wanted` is "light", "paper", the path of an ONNX file, or
    `OWNER/NAME[@REVISION]:FILE` on the Hub, from where it is fetched once. All but ours run on a GPU if there is one.

    Raises UsageError when there is no such file or it cannot be had.
    """
    packaged = _packaged(role)
    path = packaged if wanted == LIGHT else Path(wanted)
    if path.suffix in (".pt", ".pth", ".ckpt"):
        raise UsageError("a checkpoint of this kind can run code when it is opened, so a build never reads one",
                         seen=wanted, allowed="an ONNX export of it",
                         next_command=f"build weights convert {shlex.quote(wanted)}, where you trust it")
    there = hub.parse(PAPER[role] if wanted == "paper" else wanted)
    if there is not None and not path.is_file():
        return _from_hub(there)
    if not path.is_file():
        raise UsageError(
            f"no weights for {role}",
            seen=wanted,
            allowed="light, paper, the path of an ONNX file, or OWNER/NAME[@REVISION]:FILE on the Hub",
            next_command="the same command with --models light",
        )
    if path != packaged:
        return Weights(str(path), _sha256(path), path.name, "unknown: a file of yours", device=device())
    notes = json.loads(packaged.with_suffix(".json").read_text(encoding="utf-8"))
    return Weights(str(path), _sha256(path), f"packaged {path.name}", str(notes["licence"]), notes)


def _from_hub(there: hub.HubFile) -> Weights:
    """A file of the Hub, with what deepghs and others write beside their detectors."""
    path, commit = hub.fetch(there)
    notes: dict[str, Any] = {}
    told, labels = hub.beside(there, commit, "threshold.json"), hub.beside(there, commit, "labels.json")
    if isinstance(told, dict) and isinstance(told.get("threshold"), int | float) and 0 <= told["threshold"] <= 1:
        notes["threshold"] = told["threshold"]
    if isinstance(labels, list) and all(isinstance(label, str) for label in labels):
        notes["labels"] = labels
    source = f"{there.repo}:{there.file}"
    return Weights(str(path), _sha256(path), source, hub.licence(there, commit), notes, commit, device())


def _packaged(role: str) -> Path:
    return Path(str(resources.files("annotators"))) / "models" / f"{role}.onnx"


def offered(providers: Sequence[str]) -> str:
    """The best device class that some of onnxruntime's providers stand for."""
    return CUDA if "CUDAExecutionProvider" in providers else CPU


@lru_cache(maxsize=1)
def device() -> str:
    """The best device class on this machine. What onnxruntime offers is only what it was built for, so a small session
    is opened: without a card or its libraries it lands on the CPU. `CUDA_VISIBLE_DEVICES=` hides the card.
    """
    import onnxruntime

    best = offered(onnxruntime.get_available_providers())
    if best == CPU:
        return CPU
    try:
        Model(str(_packaged("faces")), 0, best)
    except UsageError:
        return CPU
    return best


def files_digest(folder: Path, some: Sequence[Path] = ()) -> str:
    """Sha256 over names and contents of a folder's files, or of some of them; files of the Hub's cache are already
    named by their contents."""
    whole = hashlib.sha256()
    for path in sorted(some or (path for path in folder.rglob("*") if path.is_file())):
        name = path.resolve().name
        if len(name) != 64:
            name = _sha256(path)
        whole.update(f"{path.relative_to(folder).as_posix()}\t{name}\n".encode())
    return whole.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


class Model:
    """An ONNX model with one picture in and arrays out, read by one thread or a GPU; opened once per process."""

    def __init__(self, path: str, free: int, device: str = CPU) -> None:
        """`free` is the side, in pixels, of the input of a model that takes any. Raises UsageError for a file that is
        no such model, and when the session does not open on `device`.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        if device == CUDA:
            options.use_deterministic_compute = True
            onnxruntime.preload_dlls()  # CUDA that came as Python packages
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=_PROVIDERS[device])
        except Exception as error:  # onnxruntime raises a dozen private classes for files that are no models
            raise UsageError(f"cannot read the model: {error}", seen=path, allowed="an ONNX file") from error
        if offered(self._session.get_providers()) != device:  # onnxruntime falls back to the CPU and goes on
            raise UsageError("onnxruntime cannot use the GPU, but this build began on one", seen=Path(path).name,
                             allowed="machines alike", next_command="with --engine ray ask for one: --gpus 1; or "
                             "CUDA_VISIBLE_DEVICES= before the command, for the CPU")
        entry = self._session.get_inputs()[0]
        self._path, self._input, self._half = path, entry.name, entry.type == "tensor(float16)"
        told: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        sides = {side if isinstance(side, int) else _written_side(told, free) for side in entry.shape[2:]}
        if len(entry.shape) != 4 or len(sides) != 1:
            raise UsageError("the model's input is not square", seen=entry.shape, allowed="[N, 3, S, S]")
        self.size = sides.pop()
        """Side of the input, pixels."""
        self.labels = _written_labels(told)
        """Names of a detector's classes, as its exporter wrote them into the file; empty when it did not."""

    def __call__(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """First output of the model for one input 1 x 3 x S x S. Raises UsageError when it cannot be run."""
        return self.outputs(pixels)[0]

    def outputs(self, pixels: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
        """All outputs, in order. Raises UsageError as above."""
        given = pixels.astype(np.float16) if self._half else pixels
        try:
            made = self._session.run(None, {self._input: given})
        except Exception as error:  # as above: another input, no memory left
            raise UsageError(f"the model cannot be run: {error}", seen=Path(self._path).name,
                             allowed="a model with one picture in, and memory for as many as --workers") from error
        return [np.asarray(one, dtype=np.float32) for one in made]


def _written_side(told: Mapping[str, str], free: int) -> int:
    """The side of the input that ultralytics writes as `imgsz`, else `free`."""
    sides = re.findall(r"[0-9]+", told.get("imgsz", ""))
    return max(map(int, sides)) if sides else free


def _written_labels(told: Mapping[str, str]) -> list[str]:
    """The classes that ultralytics and yolov5 write as `names`: a Python dict or list, as text."""
    try:
        names = ast.literal_eval(told.get("names", "[]"))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    if isinstance(names, dict):
        names = [names.get(number, "") for number in range(len(names))]
    return [str(name) for name in names] if isinstance(names, list) else []


@lru_cache(maxsize=8)
def _model(path: str, sha256: str, free: int, device: str) -> Model:
    """The model at `path`; the digest is part of the key, so a replaced file is opened anew."""
    return Model(path, free, device)
