"""`build weights convert`: a YOLO checkpoint of ultralytics, exported once to the ONNX file that builds read.

Such a checkpoint is a pickle, and unpickling runs whatever code it names: a build never opens one. Here it is opened,
by the person's own command, and ultralytics is told to let in no classes but its own and torch's, to install nothing
and to stay off the network. ultralytics is AGPL-3.0: it is imported here and by no build.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from annotators.faces import Faces
from schemas.atomic import replacing
from schemas.errors import UsageError

SETTINGS = {"YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true", "ULTRALYTICS_SAFE_LOAD": "true"}
"""Environment of ultralytics: by default it calls pip, sends statistics and opens every pickle."""
_KEPT = {"names", "imgsz", "stride", "task", "head", "author", "license"}
"""Metadata that stays in the ONNX file; the others hold the date and folders of a machine."""


def run(checkpoint: Path, out: Path | None) -> int:
    """Exports, tries the result and says what to do with it. Returns the exit code."""
    _checked(checkpoint)
    target = out or checkpoint.with_suffix(".onnx")
    if target.suffix != ".onnx" or target.exists():
        raise UsageError("--out must be a new file" if target.suffix == ".onnx" else "--out is no ONNX file",
                         seen=str(target), allowed="the name of a file that is not there yet, ending in .onnx",
                         next_command=f"build weights convert {shlex.quote(str(checkpoint))} --out FILE.onnx")
    os.environ.setdefault("YOLO_VERBOSE", "false")  # it would name a temporary folder as the result
    refused = ultralytics().utils.SAFE_LOAD
    print(f"opening {checkpoint}: " + ("ultralytics is told to refuse code inside it, yet open only what you trust"
                                       if refused else "code inside it will run"), flush=True)
    convert(open_yolo(checkpoint), target)
    print(told(target))
    return 0


def told(target: Path) -> str:
    """What a person needs to know of a detector that was written."""
    sha256 = hashlib.sha256(target.read_bytes()).hexdigest()
    return f"wrote {target} (sha256 {sha256})\n  use it:  build retribooru ... --faces {shlex.quote(str(target))}"


def ultralytics() -> Any:
    """The package, set up. Raises UsageError when it cannot be imported."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import onnx  # noqa: F401
        import ultralytics
    except ImportError as error:
        raise UsageError(f"ultralytics cannot be imported: {error}", seen="build weights",
                         allowed="a Python environment with the extra yolo (AGPL-3.0); without a display, "
                         "opencv-python-headless", next_command="pip install 'likeness[yolo]'") from None
    return ultralytics


def open_yolo(checkpoint: Path) -> Any:
    """The model in a .pt file. Raises UsageError when it is none, or no detector."""
    _checked(checkpoint)
    yolo = ultralytics().YOLO
    with tempfile.TemporaryDirectory(prefix="likeness-") as folder:
        # Under its own name it might be taken for one of those that ultralytics downloads.
        there = Path(folder) / "faces.pt"
        there.symlink_to(checkpoint.resolve())
        try:
            model = yolo(str(there))
        except Exception as error:  # whatever torch and pickle raise on files that are something else
            raise UsageError(f"ultralytics cannot open the checkpoint: {first_line(error)}", seen=str(checkpoint),
                             allowed="a detector that ultralytics wrote; one of the yolov5 repository has its own "
                             "export.py; ULTRALYTICS_SAFE_LOAD=0 before the command lets in classes of others, too"
                             ) from None
    if model.task != "detect":
        raise UsageError("the checkpoint is no detector", seen=model.task, allowed="a YOLO that finds boxes")
    return model


def _checked(checkpoint: Path) -> None:
    if checkpoint.suffix != ".pt" or not checkpoint.is_file():
        raise UsageError("no such checkpoint" if checkpoint.suffix == ".pt" else "not a checkpoint of ultralytics",
                         seen=str(checkpoint), allowed="a .pt file that ultralytics wrote")


def convert(model: Any, target: Path) -> None:
    """Writes an opened YOLO as ONNX: one picture in, boxes of all anchors out, names of classes as metadata. The same
    model gives the same bytes. Raises UsageError when the face annotator cannot read the result.
    """
    import onnx

    with tempfile.TemporaryDirectory(prefix="likeness-") as folder:
        model.model.pt_path = str(Path(folder) / "faces.pt")  # it exports beside this
        try:
            graph = onnx.load(model.export(format="onnx", simplify=False, device="cpu", verbose=False))
        except Exception as error:
            raise UsageError(f"ultralytics cannot export the checkpoint: {first_line(error)}", seen=target.stem,
                             next_command="pip install --upgrade ultralytics onnx") from None
    onnx.helper.set_model_props(graph, {one.key: one.value for one in graph.metadata_props if one.key in _KEPT})
    with replacing(target) as made:
        onnx.save(graph, str(made))
        Faces(str(made))({"image": [np.zeros((64, 64, 3), np.uint8)]})


def first_line(error: Exception) -> str:
    """What an error of another library says, short."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
