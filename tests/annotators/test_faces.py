"""The face annotator over a detector whose boxes are planted."""

from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path

import numpy as np
import pytest

from annotators.base import Annotator
from annotators.faces import Faces
from schemas.errors import UsageError

_spec = importlib.util.spec_from_file_location("tiny", Path(__file__).with_name("tiny.py"))
assert _spec and _spec.loader
tiny = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny)

WIDE = np.zeros((50, 100, 3), np.uint8)  # 64 x 32 from row 16 in the detector's input
TALL = np.zeros((128, 64, 3), np.uint8)  # 32 x 64 from column 16


def test_boxes_are_over_the_picture_best_first(tmp_path: Path) -> None:
    rows = [[16, 24, 16, 8, 0.3], [48, 32, 8, 8, 0.8], [17, 24, 16, 8, 0.2], [30, 30, 4, 4, 0.04]]
    faces = Faces(str(tiny.detector(tmp_path / "d.onnx", rows)))
    answer = faces({"image": [WIDE, TALL]})
    assert answer["boxes"][0][0] == pytest.approx([44 / 64, 12 / 32, 52 / 64, 20 / 32])
    assert answer["boxes"][0][1] == pytest.approx([8 / 64, 4 / 32, 24 / 64, 12 / 32])
    assert answer["scores"][0] == pytest.approx([0.8, 0.3])  # 0.2 repeats 0.3, 0.04 is under the floor
    assert answer["boxes"][1][0] == pytest.approx([28 / 32, 28 / 64, 1.0, 36 / 64])  # clipped at the right edge
    assert answer["boxes"][1][1] == pytest.approx([0.0, 20 / 64, 8 / 32, 28 / 64])


def test_a_box_wholly_in_the_padding_is_no_box(tmp_path: Path) -> None:
    faces = Faces(str(tiny.detector(tmp_path / "d.onnx", [[30, 6, 8, 8, 0.9]])))
    assert faces({"image": [WIDE]}) == {"boxes": [[]], "scores": [[]]}


def test_identity_follows_the_weight_file(tmp_path: Path) -> None:
    one = Faces(str(tiny.detector(tmp_path / "a.onnx", [[16, 24, 16, 8, 0.3]])))
    other = Faces(str(tiny.detector(tmp_path / "b.onnx", [[16, 24, 16, 8, 0.4]])))
    again = Faces(str(tiny.detector(tmp_path / "c.onnx", [[16, 24, 16, 8, 0.3]])))
    assert one.identity == again.identity != other.identity


def test_it_is_an_annotator_that_travels_as_plain_options(tmp_path: Path) -> None:
    faces = Faces(str(tiny.detector(tmp_path / "d.onnx", [[32, 32, 8, 8, 0.9]])))
    assert isinstance(faces, Annotator)
    copy = pickle.loads(pickle.dumps(faces))
    assert copy.identity == faces.identity
    assert copy({"image": [WIDE]}) == faces({"image": [WIDE]})
    assert str(tmp_path) not in str(faces.provenance)
    assert faces.features.names == list(faces({"image": []}))


def test_the_packaged_model_answers_the_same_alone_and_in_company() -> None:
    faces = Faces()
    noise = np.random.default_rng(0).integers(0, 256, (90, 70, 3)).astype(np.uint8)
    both, alone = faces({"image": [WIDE, noise]}), faces({"image": [noise]})
    assert both["boxes"][1] == alone["boxes"][0] and both["scores"][1] == alone["scores"][0]
    assert 0.05 < faces.default_score < 0.95
    assert not [score for score in faces({"image": [WIDE]})["scores"][0] if score >= faces.default_score]


def test_of_several_classes_faces_count(tmp_path: Path) -> None:
    rows = [[16, 24, 16, 8, 0.9, 0.0], [48, 32, 8, 8, 0.1, 0.8]]
    told = {"names": "{0: 'person', 1: 'Anime Face'}"}
    found = Faces(str(tiny.detector(tmp_path / "d.onnx", rows, told)))({"image": [WIDE]})
    assert found["scores"][0] == pytest.approx([0.8])
    assert found["boxes"][0][0] == pytest.approx([44 / 64, 12 / 32, 52 / 64, 20 / 32])
    other = Faces(str(tiny.detector(tmp_path / "e.onnx", rows, {"names": "['person', 'car']"})))
    with pytest.raises(UsageError, match="person, car"):
        other({"image": [WIDE]})


def test_names_that_cannot_be_read_are_no_names(tmp_path: Path) -> None:
    rows = [[16, 24, 16, 8, 0.9, 0.0], [48, 32, 8, 8, 0.1, 0.8]]
    for number, names in enumerate(("{0: __import__('os')}", "{", "7", "")):
        faces = Faces(str(tiny.detector(tmp_path / f"{number}.onnx", rows, {"names": names})))
        assert len(faces({"image": [WIDE]})["scores"][0]) == 2


def test_a_detector_of_any_size_is_read_at_the_size_it_was_trained_at(tmp_path: Path) -> None:
    table = np.zeros((1, 5, 84), np.float32)
    table[0, :, 0] = [16, 24, 16, 8, 0.9]
    entry = ["batch", 3, "height", "width"]
    faces = Faces(str(tiny.fixed(tmp_path / "d.onnx", table, {"imgsz": "[64, 64]"}, entry)))
    assert faces({"image": [WIDE]})["boxes"][0][0] == pytest.approx([8 / 64, 4 / 32, 24 / 64, 12 / 32])
    untold = np.zeros((1, 5, 8400), np.float32)  # 80 x 80 + 40 x 40 + 20 x 20, for 640
    untold[0, :, 0] = [160, 240, 160, 80, 0.9]
    faces = Faces(str(tiny.fixed(tmp_path / "e.onnx", untold, None, entry)))
    assert faces({"image": [WIDE]})["boxes"][0][0] == pytest.approx([80 / 640, 40 / 320, 240 / 640, 120 / 320])


def test_a_checkpoint_that_runs_code_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "face.pt").write_bytes(b"PK")
    with pytest.raises(UsageError, match="run code"):
        Faces(str(tmp_path / "face.pt"))
