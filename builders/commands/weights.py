"""`build weights ...`: models that are converted or trained."""

from __future__ import annotations

from collections.abc import Sequence

from builders.commands import tool
from schemas.terminal import arguments
from schemas.terminal.commands import Command
from schemas.terminal.interrupts import ctrl_c_waits

_CONVERT = """Exports a YOLO checkpoint of ultralytics to ONNX, once, and tries the result on a blank picture. Such a
checkpoint can run code when it is opened; ultralytics is told to refuse what is not its own, yet open only what you
trust. Needs the extra yolo (pip install 'likeness[yolo]'), which is AGPL-3.0."""

_TRAIN_FACES = """Trains a YOLO on the face boxes of a published dataset, judged by its test splits, and exports it as
`build weights convert` does. The boxes are those that a detector found: look at them first. Needs the extra yolo, which
is AGPL-3.0."""


def convert_parser() -> arguments.Parser:
    """Options of `build weights convert`."""
    parser = tool("build weights convert", _CONVERT)
    parser.add_argument("checkpoint", type=arguments.path, metavar="FACE.pt", help="a detector that ultralytics wrote")
    parser.add_argument("--out", type=arguments.path, metavar="FILE.onnx",
                        help="where to write; default: beside the checkpoint")
    return parser


def train_faces_parser() -> arguments.Parser:
    """Options of `build weights train-faces`."""
    parser = tool("build weights train-faces", _TRAIN_FACES)
    parser.add_argument("dataset", type=arguments.path, metavar="DATASET", help="a version folder such as OUT/1.0.0")
    parser.add_argument("--base", default="yolo11n.yaml", metavar="NAME.yaml|FILE.pt", help="what to begin with: an "
                        "architecture of ultralytics with random weights, or a checkpoint (default: yolo11n.yaml)")
    parser.add_argument("--epochs", type=int, default=100, metavar="N",
                        help="times that every picture is shown (default: 100)")
    parser.add_argument("--size", type=int, default=640, metavar="PX",
                        help="side of the network's input, a multiple of 32 (default: 640)")
    parser.add_argument("--out", type=arguments.path, required=True, metavar="DIR",
                        help="new folder for faces.onnx and faces.pt")
    return parser


def _convert(words: Sequence[str]) -> int:
    found = convert_parser().parse_args(list(words))
    with ctrl_c_waits():
        from builders import face_weights

    return face_weights.run(found.checkpoint, found.out)


def _train_faces(words: Sequence[str]) -> int:
    found = train_faces_parser().parse_args(list(words))
    with ctrl_c_waits():
        from builders import face_training

    return face_training.run(face_training.Training(**vars(found)))


WEIGHTS = {
    "weights convert": Command(_convert, convert_parser, "export a YOLO checkpoint for --faces, once"),
    "weights train-faces": Command(_train_faces, train_faces_parser, "train a YOLO on a published dataset's boxes"),
}
"""By name, in the order of `build --help`."""
