"""The matte annotator over a network that calls red the figure."""

from __future__ import annotations

import hashlib
import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annotators.base import Annotator
from annotators.masks import Masks, bounds, steepened

_spec = importlib.util.spec_from_file_location("tiny", Path(__file__).with_name("tiny.py"))
assert _spec and _spec.loader
tiny = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny)


@pytest.fixture
def masks(tmp_path: Path) -> Masks:
    return Masks(str(tiny.red(tmp_path / "red.onnx")))


def test_matte_has_the_pictures_size_and_lies_where_the_figure_does(masks: Masks) -> None:
    picture = np.zeros((64, 128, 3), np.uint8)
    picture[16:48, 32:64, 0] = 255
    answer = masks({"image": [picture]})
    matte = np.asarray(Image.open(io.BytesIO(answer["mask"][0])))
    height, width = matte.shape
    assert answer["mask_sha256"] == [hashlib.sha256(f"('L', ({width}, {height}))".encode() + bytes(matte)).hexdigest()]
    assert matte.shape == (64, 128) and matte.dtype == np.uint8
    assert matte[20:44, 36:60].min() > 250
    assert matte[:10].max() == 0 and matte[:, 80:].max() == 0
    assert answer["coverage"][0] == pytest.approx(32 * 32 / (64 * 128), abs=0.01)
    assert answer["bounds"][0] == pytest.approx([32 / 128, 16 / 64, 64 / 128, 48 / 64], abs=1.5 / 64)


def test_soft_values_survive(masks: Masks) -> None:
    picture = np.zeros((40, 30, 3), np.uint8)
    picture[..., 0] = 102
    answer = masks({"image": [picture]})
    assert set(np.asarray(Image.open(io.BytesIO(answer["mask"][0]))).ravel().tolist()) == {102}
    assert answer["coverage"][0] == pytest.approx(0.4)
    assert answer["bounds"][0] == []  # nothing over one half


def test_sizes_may_differ_within_a_batch_and_rows_keep_their_order(masks: Masks) -> None:
    dark, red = np.zeros((10, 200, 3), np.uint8), np.full((200, 10, 3), (255, 0, 0), np.uint8)
    answer = masks({"image": [dark, red, dark]})
    assert answer["coverage"] == pytest.approx([0, 1, 0])
    assert [Image.open(io.BytesIO(mask)).size for mask in answer["mask"]] == [(200, 10), (10, 200), (200, 10)]
    assert answer["mask"][0] == answer["mask"][2]
    assert answer["bounds"][1] == [0.0, 0.0, 1.0, 1.0]


def test_bounds_take_in_the_last_pixel() -> None:
    matte = np.zeros((10, 20), np.uint8)
    matte[3, 4] = matte[6, 9] = 200
    matte[9, 19] = 127
    assert bounds(matte) == [4 / 20, 3 / 10, 10 / 20, 7 / 10]


def test_it_is_an_annotator(masks: Masks) -> None:
    assert isinstance(masks, Annotator)
    assert masks.features.names == list(masks({"image": []}))


def test_the_packaged_model_reads_a_picture() -> None:
    masks = Masks()
    noise = np.random.default_rng(0).integers(0, 256, (33, 57, 3)).astype(np.uint8)
    first, second = masks({"image": [noise]}), masks({"image": [noise]})
    assert first == second
    assert Image.open(io.BytesIO(first["mask"][0])).size == (57, 33)


def test_enlarged_edges_are_made_steep_again() -> None:
    ramp = np.array([[0.0, 0.25, 0.5, 0.75, 1.0]], np.float32)
    assert steepened(ramp, 0.5).tolist() == [[0, 64, 128, 191, 255]]  # made smaller: as it is
    assert steepened(ramp, 2.0).tolist() == [[0, 0, 128, 255, 255]]
    slope = np.array([[0.4, 0.5, 0.6]], np.float32)
    assert steepened(slope, 50.0).tolist() == steepened(slope, 3.0).tolist() == [[51, 128, 204]]
