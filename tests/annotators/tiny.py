"""Tiny ONNX models whose answers are known: a detector of fixed boxes, and a matte of what is red."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 64


def _save(path: Path, nodes: list[onnx.NodeProto], tensors: list[onnx.TensorProto], shape: list[int | str]) -> Path:
    entry = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])
    leave = helper.make_tensor_value_info("output0", TensorProto.FLOAT, shape)
    model = helper.make_model(
        helper.make_graph(nodes, "tiny", [entry], [leave], tensors),
        opset_imports=[helper.make_opsetid("", 18)], ir_version=9,
    )
    onnx.save(model, str(path))
    return path


def detector(path: Path, rows: list[list[float]]) -> Path:
    """Answers cx, cy, w, h, score (input pixels) for every anchor in `rows`, whatever it sees."""
    fixed = numpy_helper.from_array(np.array(rows, np.float32).T[None], "fixed")
    return _save(path, [helper.make_node("Identity", ["fixed"], ["output0"])], [fixed], [1, 5, len(rows)])


def red(path: Path) -> Path:
    """Answers the red channel as matte."""
    first = numpy_helper.from_array(np.array([0], np.int64), "first")
    nodes = [helper.make_node("Gather", ["images", "first"], ["output0"], axis=1)]
    return _save(path, nodes, [first], ["batch", 1, SIDE, SIDE])
