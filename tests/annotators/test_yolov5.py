"""The face annotator over a tiny network with the head of the yolov5 repository (three anchors a cell, objectness), as
that exports it, against boxes worked out cell by cell. Later YOLOs: tests/builders/test_face_weights.py.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")

from annotators.faces import FLOOR, OVERLAP, Faces  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's older exporter, which that one uses

SIDE = 96
STRIDES = (8, 16, 32)
ANCHORS = (((10, 13), (16, 30), (33, 23)), ((30, 61), (62, 45), (59, 119)), ((116, 90), (156, 198), (373, 326)))
"""Widths and heights in pixels, from the largest map to the smallest: those of its configurations."""
CLASSES = ["person", "face"]


class YoloV5(torch.nn.Module):  # type: ignore[misc]
    """Halves the picture five times and looks for boxes in the last three maps."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 4, 4, 8, 8, 8)
        self.down = torch.nn.ModuleList(torch.nn.Sequential(torch.nn.Conv2d(a, b, 3, 2, 1), torch.nn.SiLU())
                                        for a, b in itertools.pairwise(widths))
        self.heads = torch.nn.ModuleList(torch.nn.Conv2d(8, 3 * (5 + len(CLASSES)), 1) for _ in STRIDES)
        self.register_buffer("anchors", torch.tensor(ANCHORS, dtype=torch.float32))

    def maps(self, x: Any) -> list[Any]:
        """Three maps 1 x 3 x (5 + classes) x cells x cells before any sigmoid."""
        seen = []
        for step in self.down:
            x = step(x)
            seen.append(x)
        return [head(one).unflatten(1, (3, -1)) for head, one in zip(self.heads, seen[2:], strict=True)]

    def forward(self, x: Any) -> Any:
        rows = []
        for made, stride, anchors in zip(self.maps(x), STRIDES, self.anchors.unbind(), strict=True):
            values = made.permute(0, 1, 3, 4, 2).sigmoid()
            cells = torch.arange(values.shape[2])
            down, along = torch.meshgrid(cells, cells, indexing="ij")
            middle = (values[..., :2] * 2 - 0.5 + torch.stack([along, down], -1)) * stride
            size = (values[..., 2:4] * 2) ** 2 * anchors[None, :, None, None]
            rows.append(torch.cat([middle, size, values[..., 4:]], -1).flatten(1, 3))
        return torch.cat(rows, 1)


def exported(net: YoloV5, path: Path) -> Path:
    torch.onnx.export(net, (torch.rand(1, 3, SIDE, SIDE),), str(path), input_names=["images"],
                      output_names=["output0"], opset_version=17, dynamo=False)
    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, {"stride": "32", "names": str(CLASSES)})
    onnx.save(model, str(path))
    return path


def cell_by_cell(maps: list[np.ndarray]) -> list[tuple[float, list[float]]]:
    """Score and x0, y0, x1, y1 in pixels of each anchor whose face score is over the floor."""
    found = []
    for made, stride, anchors in zip(maps, STRIDES, ANCHORS, strict=True):
        values = 1 / (1 + np.exp(-made[0].astype(np.float64)))
        for (at, anchor), row, column in itertools.product(enumerate(anchors), range(SIDE // stride),
                                                           range(SIDE // stride)):
            x, y, width, height, object_there, _, face = values[at, :, row, column]
            middle = ((column + 2 * x - 0.5) * stride, (row + 2 * y - 0.5) * stride)
            half = (2 * width * width * anchor[0], 2 * height * height * anchor[1])
            if object_there * face > FLOOR:
                found.append((object_there * face, [middle[0] - half[0], middle[1] - half[1],
                                                    middle[0] + half[0], middle[1] + half[1]]))
    return sorted(found, reverse=True)


def suppressed(found: list[tuple[float, list[float]]]) -> list[tuple[float, list[float]]]:
    """Those that overlap no better one that stayed."""
    kept: list[tuple[float, list[float]]] = []
    for score, box in found:
        overlaps = []
        for _, other in kept:
            width = max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
            height = max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
            areas = sum((one[2] - one[0]) * (one[3] - one[1]) for one in (box, other))
            overlaps.append(width * height / (areas - width * height))
        if all(overlap <= OVERLAP for overlap in overlaps):
            kept.append((score, box))
    return kept


def test_boxes_are_those_of_the_cells(tmp_path: Path) -> None:
    torch.manual_seed(4)
    torch.set_num_threads(1)
    net = YoloV5().eval()
    for part in (*(step[0] for step in net.down), *net.heads):
        part.weight.data.mul_(2.5)  # random networks see little difference between places
    picture = np.random.default_rng(9).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    with torch.inference_mode():
        maps = net.maps(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255)
    before = cell_by_cell([one.numpy() for one in maps])
    right = suppressed(before)
    assert 5 < len(right) < len(before) < 3 * (144 + 36 + 9)  # every step has something to do
    found = Faces(str(exported(net, tmp_path / "v5.onnx")))({"image": [picture]})
    assert found["scores"][0] == pytest.approx([score for score, _ in right], abs=1e-4)
    wanted = np.clip(np.array([box for _, box in right]) / SIDE, 0, 1)
    assert np.abs(np.array(found["boxes"][0]) - wanted).max() < 1e-3
