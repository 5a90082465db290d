"""Tiny ONNX models whose answers are known: detectors of fixed boxes, a matte of what is red, nets of a few layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 64


CELLS = 84
"""Anchors of a detector of strides 8, 16 and 32 for this input: 64 + 16 + 4."""


def _save(
    path: Path, nodes: list[onnx.NodeProto], tensors: list[onnx.TensorProto], shape: list[int | str],
    told: dict[str, str] | None = None, entry: list[int | str] | None = None,
) -> Path:
    taken = helper.make_tensor_value_info("images", TensorProto.FLOAT, entry or ["batch", 3, SIDE, SIDE])
    leave = helper.make_tensor_value_info("output0", TensorProto.FLOAT, shape)
    model = helper.make_model(
        helper.make_graph(nodes, "tiny", [taken], [leave], tensors),
        opset_imports=[helper.make_opsetid("", 18)], ir_version=9,
    )
    helper.set_model_props(model, told or {})
    onnx.save(model, str(path))
    return path


def fixed(path: Path, table: np.ndarray, told: dict[str, str] | None = None,
          entry: list[int | str] | None = None) -> Path:
    """Answers `table`, whatever it sees."""
    answer = numpy_helper.from_array(table.astype(np.float32), "fixed")
    node = helper.make_node("Identity", ["fixed"], ["output0"])
    return _save(path, [node], [answer], list(table.shape), told, entry)


def detector(path: Path, rows: list[list[float]], told: dict[str, str] | None = None) -> Path:
    """Answers cx, cy, w, h (input pixels) and a score a class for its first anchors, in the layout of v8 and v11."""
    table = np.zeros((CELLS, len(rows[0])), np.float32)
    table[: len(rows)] = rows
    return fixed(path, table.T[None], told)


def red(path: Path) -> Path:
    """Answers the red channel as matte."""
    first = numpy_helper.from_array(np.array([0], np.int64), "first")
    nodes = [helper.make_node("Gather", ["images", "first"], ["output0"], axis=1)]
    return _save(path, nodes, [first], ["batch", 1, SIDE, SIDE])


def means(path: Path, logits: bool = False) -> Path:
    """Answers the mean of each channel, 3 features, and ten times the first two of them as logits."""
    nodes = [helper.make_node("ReduceMean", ["images", "axes"], ["features"], keepdims=0)]
    tensors = [numpy_helper.from_array(np.array([2, 3], np.int64), "axes")]
    shapes: dict[str, list[int | str]] = {"features": ["batch", 3]}
    if logits:
        nodes.append(helper.make_node("MatMul", ["features", "ten"], ["logits"]))
        tensors.append(numpy_helper.from_array(10 * np.eye(3, 2, dtype=np.float32), "ten"))
        shapes["logits"] = ["batch", 2]
    return _net(path, nodes, tensors, shapes)


def layers(path: Path, weights: bool = False) -> Path:
    """Answers two maps: the picture as it is, and its means by quarters; and their channels' weights: red counts
    alone in the first, all do twice in the second."""
    nodes = [helper.make_node("Identity", ["images"], ["first"]),
             helper.make_node("AveragePool", ["images"], ["second"], kernel_shape=[SIDE // 2, SIDE // 2],
                              strides=[SIDE // 2, SIDE // 2])]
    shapes: dict[str, list[int | str]] = {"first": ["batch", 3, SIDE, SIDE], "second": ["batch", 3, 2, 2]}
    tensors = []
    if weights:
        for name, values in (("one", [1, 0, 0]), ("two", [2, 2, 2])):
            tensors.append(numpy_helper.from_array(np.array(values, np.float32), f"{name}-kept"))
            nodes.append(helper.make_node("Identity", [f"{name}-kept"], [name]))
            shapes[name] = [3]
    return _net(path, nodes, tensors, shapes)


def _net(path: Path, nodes: list[onnx.NodeProto], tensors: list[onnx.TensorProto],
         shapes: dict[str, list[int | str]]) -> Path:
    taken = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])
    leave = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    onnx.save(helper.make_model(helper.make_graph(nodes, "net", [taken], leave, tensors),
                                opset_imports=[helper.make_opsetid("", 18)], ir_version=9), str(path))
    return path
