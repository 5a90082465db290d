"""Where weights come from, and what is said when there are none."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

import pytest

from annotators.faces import Faces
from annotators.weights import resolve
from schemas.errors import UsageError


@pytest.mark.parametrize("role", ["faces", "masks"])
def test_packaged_weights_are_those_their_notes_describe(role: str) -> None:
    weights = resolve(role)
    data = Path(weights.path).read_bytes()
    assert len(data) < 8_000_000
    assert weights.sha256 == hashlib.sha256(data).hexdigest() == weights.notes["sha256"]
    assert weights.licence == "Apache-2.0"
    assert {"command", "data_seed", "drawings", "steps", "held_out"} <= set(weights.notes)
    assert weights.provenance("x") == {
        "backend": "x", "weights": f"packaged {role}.onnx", "sha256": weights.sha256, "licence": "Apache-2.0",
    }


def test_nothing_but_models_and_notes_is_packaged() -> None:
    names = {item.name for item in (resources.files("annotators") / "models").iterdir()}
    assert names == {"faces.onnx", "faces.json", "masks.onnx", "masks.json"}


def test_a_file_of_ones_own_says_so(tmp_path: Path) -> None:
    file = tmp_path / "mine.onnx"
    file.write_bytes(b"abc")
    weights = resolve("faces", str(file))
    assert (weights.source, weights.notes) == ("mine.onnx", {})
    assert weights.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_missing_file_names_the_way_out() -> None:
    with pytest.raises(UsageError, match="--models light"):
        resolve("faces", "nowhere/model.onnx")


def test_a_file_that_is_no_model_is_a_usage_error(tmp_path: Path) -> None:
    import numpy as np

    (tmp_path / "bad.onnx").write_bytes(b"<html>")
    faces = Faces(str(tmp_path / "bad.onnx"))
    with pytest.raises(UsageError, match="cannot read the model"):
        faces({"image": [np.zeros((8, 8, 3), np.uint8)]})
