"""Where weights come from, and what is said when there are none."""

from __future__ import annotations

import hashlib
import importlib.util
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from annotators import faces, masks
from annotators import weights as weights_of
from annotators.base import identity
from annotators.faces import Faces
from annotators.masks import Masks
from annotators.weights import CPU, CUDA, Model, device, offered, resolve
from schemas.errors import UsageError

_spec = importlib.util.spec_from_file_location("tiny", Path(__file__).with_name("tiny.py"))
assert _spec and _spec.loader
tiny = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny)


@pytest.mark.parametrize("role", ["faces", "masks"])
def test_packaged_weights_are_those_their_notes_describe(role: str) -> None:
    weights = resolve(role)
    data = Path(weights.path).read_bytes()
    assert len(data) < 8_000_000
    assert weights.sha256 == hashlib.sha256(data).hexdigest() == weights.notes["sha256"]
    assert weights.licence == "Apache-2.0"
    assert {"command", "data_seed", "drawings", "steps", "held_out"} <= set(weights.notes)
    assert weights.provenance("x") == {
        "backend": "x, onnxruntime, one thread", "weights": f"packaged {role}.onnx", "sha256": weights.sha256,
        "licence": "Apache-2.0",
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
    (tmp_path / "bad.onnx").write_bytes(b"<html>")
    reader = Faces(str(tmp_path / "bad.onnx"))
    with pytest.raises(UsageError, match="cannot read the model"):
        reader({"image": [np.zeros((8, 8, 3), np.uint8)]})


@pytest.mark.parametrize(("providers", "best"), [
    (["AzureExecutionProvider", "CPUExecutionProvider"], CPU),
    (["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"], CUDA),
    (["CoreMLExecutionProvider", "CPUExecutionProvider"], CPU),  # computes in halves
    ([], CPU),
])
def test_the_best_place_among_what_is_offered(providers: list[str], best: str) -> None:
    assert offered(providers) == best


@pytest.mark.filterwarnings("ignore:Specified provider:UserWarning")
@pytest.mark.skipif(device() == CUDA, reason="there is a GPU")
def test_a_session_that_falls_back_to_the_cpu_does_not_pass_for_one_on_a_gpu(tmp_path: Path) -> None:
    file = str(tiny.red(tmp_path / "red.onnx"))
    with pytest.raises(UsageError, match="cannot use the GPU"):
        Model(file, 64, CUDA)
    assert Model(file, 64).size == 64


def test_a_gpu_is_in_the_identity_and_in_the_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tiny.red(tmp_path / "red.onnx")
    said = {role: dict(options) for role, options in (
        ("faces", {"floor": 0.05, "overlap": 0.5, "pad": 114, "free": 640}),
        ("masks", {"pad": 0, "png": 1, "steepest": 3.0, "free": 1024}))}
    versions = {"faces": faces._VERSION, "masks": masks._VERSION}
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    light = {role: kind().identity for role, kind in (("faces", Faces), ("masks", Masks))}
    for place in (CPU, CUDA):
        monkeypatch.setattr(weights_of, "device", lambda place=place: place)
        added = {} if place == CPU else {"device": "cuda"}  # stores of earlier builds, all on CPUs, stay valid
        for role, kind in (("faces", Faces), ("masks", Masks)):
            one = kind(str(file))
            assert one.identity == identity(role, versions[role], said[role] | added, sha256)
            assert ("one thread" in one.provenance["backend"]) == (place == CPU)
            assert ("float32 on cuda" in one.provenance["backend"]) == (place == CUDA)
            assert kind().identity == light[role] and "one thread" in kind().provenance["backend"]


def test_a_model_that_takes_something_else_is_a_usage_error(tmp_path: Path) -> None:
    four = tiny.fixed(tmp_path / "four.onnx", np.zeros((1, 5, 84)), entry=[1, 4, 64, 64])
    with pytest.raises(UsageError, match="the model cannot be run"):
        Model(str(four), 64)(np.zeros((1, 3, 64, 64), np.float32))
