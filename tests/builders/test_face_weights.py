"""Checkpoints of ultralytics become ONNX files that say what ultralytics itself says."""

from __future__ import annotations

import hashlib
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotators import yolo
from annotators.faces import Faces
from annotators.weights import Model
from builders import cli

SIDE = 128


def checkpoint(ultralytics: Any, path: Path, architecture: str) -> Path:
    """A detector of faces with random weights that finds something, saved as ultralytics saves."""
    import torch
    from ultralytics.nn.tasks import DetectionModel

    torch.manual_seed(5)
    model = ultralytics.YOLO(architecture)
    net = DetectionModel(architecture, nc=1, verbose=False)
    net.names, net.task, net.args = {0: "face"}, "detect", model.model.args
    model.model, model.ckpt = net, {"train_args": {"imgsz": SIDE}}  # as the trainer leaves it
    head = type(net.model[-1])
    for part in net.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.uniform_(-0.1, 0.1)
            part.running_var.uniform_(0.5, 1.5)
        if isinstance(part, head):
            for score in [*part.cv3, *(part.one2one_cv3 if hasattr(part, "one2one_cv3") else [])]:
                score[-1].weight.data.mul_(20)
                score[-1].bias.data.fill_(-1)
    model.save(str(path))
    return path


@pytest.mark.parametrize("name", ["yolov5n", "yolov8n", "yolo11n", "yolov8n-p2", "yolo26n"])
def test_the_onnx_file_finds_what_ultralytics_finds(name: str, ultralytics: Any, tmp_path: Path,
                                                   capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    saved = checkpoint(ultralytics, tmp_path / "mine.pt", f"{name}.yaml")
    assert cli.main(["weights", "convert", str(saved)]) == 0
    said = capsys.readouterr().out
    target = tmp_path / "mine.onnx"
    assert said.startswith("opening ") and "code" in said.splitlines()[0]
    assert hashlib.sha256(target.read_bytes()).hexdigest() in said and f"--faces {target}" in said

    opened = Model(str(target), 7)
    assert (opened.size, opened.labels) == (SIDE, ["face"])
    picture = np.random.default_rng(2).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    pixels, _ = yolo.letterbox(picture, SIDE)
    boxes, scores = yolo.decode(opened(pixels), SIDE, -1.0)
    model = ultralytics.YOLO(str(saved))
    if hasattr(model.model, "end2end"):
        model.model.end2end = False  # as the export, which leaves suppression to the reader
    with torch.inference_mode():
        raw = model.model.eval()(torch.from_numpy(pixels))
    raw = (raw[0] if isinstance(raw, tuple) else raw)[0].T.numpy()
    corners = np.concatenate([raw[:, :2] - raw[:, 2:4] / 2, raw[:, :2] + raw[:, 2:4] / 2], 1)
    assert len(boxes) == len(corners) and np.abs(boxes - corners).max() < 0.02
    assert np.abs(scores - raw[:, 4]).max() < 1e-3 and scores.max() - scores.min() > 0.1

    found = Faces(str(target))({"image": [picture]})
    seen = model.predict(picture[..., ::-1], imgsz=SIDE, conf=0.05, iou=0.5, verbose=False)[0].boxes
    best = int(seen.conf.argmax())
    assert len(seen) > 1 and abs(len(found["boxes"][0]) - len(seen)) <= 1  # a pair may lie on the limit of overlap
    assert found["scores"][0][0] == pytest.approx(float(seen.conf[best]), abs=1e-3)
    assert found["boxes"][0][0] == pytest.approx((seen.xyxyn[best]).tolist(), abs=1e-3)


def test_an_export_with_suppression_inside_is_read_alike(ultralytics: Any, tmp_path: Path) -> None:
    saved = checkpoint(ultralytics, tmp_path / "mine.pt", "yolo11n.yaml")
    assert cli.main(["weights", "convert", str(saved), "--out", str(tmp_path / "outside.onnx")]) == 0
    inside = ultralytics.YOLO(str(saved)).export(format="onnx", simplify=False, nms=True, conf=0.05, iou=0.5)
    picture = np.random.default_rng(2).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    one, other = (Faces(str(path))({"image": [picture]}) for path in (inside, tmp_path / "outside.onnx"))
    assert Model(str(inside), 7)(np.zeros((1, 3, SIDE, SIDE), np.float32)).shape == (1, 300, 6)
    assert len(one["boxes"][0]) > 3 and one["scores"][0] == pytest.approx(other["scores"][0], abs=1e-4)
    assert np.abs(np.array(one["boxes"][0]) - np.array(other["boxes"][0])).max() < 1e-4


def test_a_checkpoint_gives_the_same_file_wherever_it_lies(ultralytics: Any, tmp_path: Path) -> None:
    import onnx

    saved, again = checkpoint(ultralytics, tmp_path / "mine.pt", "yolov8n.yaml"), tmp_path / "else" / "yolo11n.pt"
    again.parent.mkdir()
    again.write_bytes(saved.read_bytes())  # under a name that ultralytics would take for one of its own
    for one, out in ((saved, "a.onnx"), (again, "b.onnx")):
        assert cli.main(["weights", "convert", str(one), "--out", str(tmp_path / out)]) == 0
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    told = {one.key for one in onnx.load(str(tmp_path / "a.onnx")).metadata_props}
    assert {"names", "imgsz", "license"} <= told and not told & {"date", "description", "args"}
    assert str(tmp_path).encode() not in (tmp_path / "a.onnx").read_bytes()


class _Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.write_text, (self.path, "ran")


def test_code_in_a_checkpoint_is_not_run(ultralytics: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    torch.save({"model": _Evil(tmp_path / "trace")}, tmp_path / "evil.pt")
    assert cli.main(["weights", "convert", str(tmp_path / "evil.pt")]) == 2
    assert "cannot open the checkpoint" in capsys.readouterr().err
    assert not (tmp_path / "trace").exists() and not (tmp_path / "evil.onnx").exists()
    (tmp_path / "old.pt").write_bytes(pickle.dumps(_Evil(tmp_path / "trace")))
    assert cli.main(["weights", "convert", str(tmp_path / "old.pt")]) == 2
    assert not (tmp_path / "trace").exists()


def test_what_is_no_detector_is_refused(ultralytics: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ultralytics.YOLO("yolov8n-seg.yaml").save(str(tmp_path / "seg.pt"))
    assert cli.main(["weights", "convert", str(tmp_path / "seg.pt")]) == 2
    assert "no detector (got 'segment')" in capsys.readouterr().err
    ultralytics.YOLO("yolov8n.yaml").save(str(tmp_path / "many.pt"))
    assert cli.main(["weights", "convert", str(tmp_path / "many.pt")]) == 2
    assert "no class of faces" in capsys.readouterr().err
    (tmp_path / "text.pt").write_text("no checkpoint", encoding="utf-8")
    assert cli.main(["weights", "convert", str(tmp_path / "text.pt")]) == 2
    error = capsys.readouterr().err
    assert "cannot open the checkpoint" in error and error.count("\n") == 1
    assert not list(tmp_path.glob("*.onnx"))


@pytest.mark.parametrize(("words", "told"), [
    (["nowhere.pt"], "no such checkpoint"),
    (["face.onnx"], "not a checkpoint of ultralytics"),
    (["face.txt"], "not a checkpoint of ultralytics"),
    (["face.pt", "--out", "face.onnx"], "must be a new file"),
    (["face.pt", "--out", "face.pt"], "--out is no ONNX file"),
    (["face.pt", "--out", "new.onnx"], "pip install 'likeness[yolo]'"),
])
def test_refusals_are_one_line(words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                               capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "ultralytics", None)  # as where it is not installed
    for name in ("face.pt", "face.txt", "face.onnx"):
        (tmp_path / name).write_bytes(b"x")
    assert cli.main(["weights", "convert", *words]) == 2
    said = capsys.readouterr()
    assert told in said.err and said.err.count("\n") == 1 and said.out == ""
    assert (tmp_path / "face.onnx").read_bytes() == b"x"
