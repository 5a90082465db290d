"""A build whose detector, matte network and InstructBLIP are files of one's own, through the real command."""

import json
import shutil
from importlib import resources
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks import random_blip
from schemas import manifest as manifests
from tests.conftest import command, run

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytestmark = pytest.mark.xdist_group("build")


def test_every_role_can_be_given_its_own_weights(mirror: Path, tmp_path: Path) -> None:
    for role in ("faces", "masks"):
        shutil.copy(str(resources.files("annotators") / "models" / f"{role}.onnx"), tmp_path / f"{role}.onnx")
    blip = random_blip.save(tmp_path / "tinyblip")
    words = ["--models", "paper", "--faces", str(tmp_path / "faces.onnx"), "--masks", str(tmp_path / "masks.onnx"),
             "--answers", str(blip), "--match-rule", "identity", "--limit", "40"]
    digests = set()
    for workers in ("1", "2"):
        out = tmp_path / f"out{workers}"
        done = run(command(mirror, out, *words, "--workers", workers))
        assert done.returncode == 0, done.stderr
        digests.add(manifests.read(out / "1.0.0").content_digest)
    assert len(digests) == 1  # of a torch model, too, at any number of workers
    manifest = manifests.read(out / "1.0.0")
    said = {model.role: model.provenance["weights"] for model in manifest.models}
    assert (said["faces"], said["masks"], said["answers"]) == ("faces.onnx", "masks.onnx", "tinyblip")
    assert str(tmp_path) not in json.dumps([manifest.options, [model.provenance for model in manifest.models]])
    answers = pq.read_table(out / "1.0.0" / "data", columns=["answers"])["answers"].to_pylist()
    assert len({tuple(one["answer"] for one in row) for row in answers}) > 1
    card = (out / "1.0.0" / "README.md").read_text(encoding="utf-8")
    assert "built with light models" not in card
