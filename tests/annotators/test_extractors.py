"""Networks in ONNX files with several outputs, made here of a few nodes whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotators.base import Annotator
from annotators.extractors import Extractor, Inception
from schemas.errors import UsageError
from tests.annotators import tiny

SHOWN = [np.full((20, 30, 3), (255, 51, 0), np.uint8), np.full((64, 64, 3), (0, 102, 255), np.uint8)]
MEANS = [[1.0, 0.2, 0.0], [0.0, 0.4, 1.0]]
"""Of the channels, in 0..1."""


def test_features_and_logits_of_each_picture(tmp_path: Path) -> None:
    found = Inception(str(tiny.means(tmp_path / "net.onnx", logits=True)))
    assert isinstance(found, Annotator) and found.features.names == ["features", "logits"]
    made = found({"image": SHOWN})
    assert np.stack(made["features"]) == pytest.approx(np.array(MEANS), abs=1e-5)
    assert np.stack(made["logits"]) == pytest.approx(10 * np.array(MEANS)[:, :2], abs=1e-4)
    assert found.provenance["weights"] == "net.onnx" and str(tmp_path) not in str(found.provenance)


def test_without_logits_there_is_no_such_column(tmp_path: Path) -> None:
    found = Inception(str(tiny.means(tmp_path / "net.onnx")))
    assert found.features.names == ["features"] and list(found({"image": SHOWN})) == ["features"]
    other = Inception(str(tiny.means(tmp_path / "other.onnx", logits=True)))
    assert found.identity != other.identity == Inception(str(tmp_path / "other.onnx")).identity


def test_outputs_of_another_shape_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--inception: the file gives something else.*features N x d"):
        Inception(str(tiny.red(tmp_path / "red.onnx")))


@pytest.mark.parametrize("wanted", ["light", "paper", "nowhere.onnx", ""])
def test_what_is_no_file_is_told(wanted: str) -> None:
    with pytest.raises(UsageError, match=r"--lpips is no file.*FILE\.onnx.*leave out --lpips"):
        Extractor(wanted, "lpips", "--lpips", 64)


def test_a_checkpoint_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "vgg.pth").write_bytes(b"a pickle")
    with pytest.raises(UsageError, match="can run code when it is opened"):
        Extractor(str(tmp_path / "vgg.pth"), "lpips", "--lpips", 64)
