"""ONNX files out of a trained network, each with its notes beside it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor
from torch.nn.utils.fusion import fuse_conv_bn_eval

from weights.net import STRIDES, Conv, Likeness, Part

LARGEST = 8_000_000  # bytes
FACE_SCORES = ("threshold", "recall", "precision", "false_per_picture", "mean_iou")


def _fused(state: dict[str, Tensor]) -> Likeness:
    """The network in evaluation mode, batch norms folded into the convolutions before them."""
    net = Likeness().eval()
    net.load_state_dict(state)
    for module in net.modules():
        if isinstance(module, Conv):
            module[0] = fuse_conv_bn_eval(module[0], module[1])
            module[1] = torch.nn.Identity()
    return net


def export(state: dict[str, Tensor], size: int, out: Path, notes: dict[str, Any], scores: dict[str, Any]) -> None:
    """Write faces.onnx, masks.onnx and a .json beside each into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    net = _fused(state)
    for role, output in (("faces", "output0"), ("masks", "matte")):
        path = out / f"{role}.onnx"
        batch = {"x": {0: torch.export.Dim("batch", min=1, max=256)}}
        torch.onnx.export(
            Part(net, role).eval(), (torch.rand(2, 3, size, size),), str(path), dynamo=True, dynamic_shapes=batch,
            input_names=["images"], output_names=[output], opset_version=18, external_data=False, verbose=False,
        )
        _label(path, role, size)
        data = path.read_bytes()
        assert len(data) < LARGEST, f"{path} has {len(data)} bytes"
        own = {k: v for k, v in scores.items() if (k in FACE_SCORES) == (role == "faces")}
        card = {
            "licence": "Apache-2.0", "sha256": hashlib.sha256(data).hexdigest(), "input": size, **notes,
            "held_out": own, "measured_on": "pictures composed of drawings that training never saw",
        }
        if role == "faces":
            card["threshold"] = own.pop("threshold")
        path.with_suffix(".json").write_text(json.dumps(card, indent=1, sort_keys=True) + "\n")


def _label(path: Path, role: str, size: int) -> None:
    """Metadata as exports in the YOLOv8 layout carry it; without the exporter's notes on our source lines."""
    model = onnx.load(str(path))
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    facts = {"task": "detect" if role == "faces" else "matte", "imgsz": f"[{size}, {size}]", "licence": "Apache-2.0"}
    if role == "faces":
        facts |= {"names": "{0: 'face'}", "stride": str(max(STRIDES))}
    onnx.helper.set_model_props(model, facts)
    onnx.save(model, str(path))
