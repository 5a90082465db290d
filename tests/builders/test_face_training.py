"""A detector trained on a published dataset: what it is shown, and that builds can read it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from PIL import Image

from annotators.faces import Faces
from annotators.weights import Model
from builders import cli
from builders.face_training import Training, write_pictures
from schemas import manifest as manifests
from schemas.features import RETRIBOORU, arrow_schema

pytestmark = pytest.mark.xdist_group("build")


def jpeg(width: int, height: int, turned: bool = False) -> bytes:
    """A red picture; `turned` says by EXIF that it is to be shown upright by a quarter turn."""
    exif = Image.Exif()
    if turned:
        exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (200, 10, 10)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def published(folder: Path, **splits: list[tuple[bytes, list[float] | None]]) -> Path:
    """The two columns that training reads."""
    (folder / "data").mkdir(parents=True)
    schema = arrow_schema(tuple(column for column in RETRIBOORU if column.name in ("image", "bbox")))
    for split, rows in splits.items():
        listed = [{"image": {"bytes": data, "path": None}, "bbox": box} for data, box in rows]
        kinds = datasets.Features.from_arrow_schema(schema)
        datasets.Dataset.from_list(listed, kinds).to_parquet(folder / "data" / f"{split}-00000-of-00001.parquet")
    return folder


def test_pictures_are_upright_no_larger_than_needed_and_labelled_by_their_box(tmp_path: Path) -> None:
    box = [0.5, 0.25, 0.125, 0.0625]
    dataset = published(tmp_path / "set", train=[(jpeg(400, 200, turned=True), box), (jpeg(50, 40), None),
                                                 (jpeg(60, 30), [0.1, 0.2, 0.3, 0.4])],
                        test_seen=[(jpeg(32, 32), box)], test_unseen=[(jpeg(32, 32), None), (jpeg(40, 32), box)])
    training = Training(dataset, "yolo11n.yaml", 1, 64, tmp_path / "out")
    made = tmp_path / "made"
    splits = {"train": 3, "test_seen": 1, "test_unseen": 2}
    assert write_pictures(training, splits, made) == {"train": 2, "val": 2}
    sizes = [Image.open(path).size for path in sorted((made / "images" / "train").iterdir())]
    assert sizes == [(32, 64), (60, 30)]  # 200 x 400 upright, scaled to 64; small ones stay
    assert [Image.open(path).size for path in sorted((made / "images" / "val").iterdir())] == [(32, 32), (40, 32)]
    labels = [path.read_text() for path in sorted((made / "labels" / "train").iterdir())]
    assert labels == ["0 0.500000 0.250000 0.125000 0.062500\n", "0 0.100000 0.200000 0.300000 0.400000\n"]
    names = {part: sorted(path.stem for path in (made / part / "val").iterdir()) for part in ("images", "labels")}
    assert names["images"] == names["labels"]


@pytest.mark.parametrize(("words", "told"), [
    (["--epochs", "0"], "--epochs is out of range"),
    (["--size", "100"], "--size is not possible"),
    (["--base", "nowhere.pt"], "no such base"),
    (["--out", "."], "--out is not empty"),
    (["--epochs", "1"], "not a published dataset"),
])
def test_refusals_are_one_line(words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                               capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "set").mkdir()
    assert cli.main(["weights", "train-faces", "set", "--out", "out", *words]) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("base", ["no.yaml", "no.pt"])
def test_the_base_is_opened_before_any_picture_is_written(base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                          capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(tmp_path / "settings"))
    Path("no.pt").write_bytes(b"no checkpoint")
    empty = manifests.Manifest(recipe="retribooru", version="1.0.0", content_digest="", rows_digest="", source={},
                               counts={}, options={}, models=[], funnel=[], splits={"train": 1}, near_copies=0,
                               built_with={}, files={})
    Path("set").mkdir()
    Path("set/manifest.json").write_bytes(manifests.encode(empty))  # and no data, at which whoever reads it fails
    assert cli.main(["weights", "train-faces", "set", "--base", base, "--out", "out"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("build: ultralytics cannot") and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_detector_trained_on_a_dataset_is_one_that_builds_read(
        ultralytics: Any, request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole: Path = request.getfixturevalue("whole")  # not built where this is skipped
    splits = manifests.read(whole / "1.0.0").splits
    told: dict[str, Any] = {"train": splits["train"], "test": sum(splits.values()) - splits["train"]}
    for base, out in (("yolo11n.yaml", tmp_path / "first"), (str(tmp_path / "first" / "faces.pt"), tmp_path / "next")):
        words = ["weights", "train-faces", str(whole / "1.0.0"), "--base", base, "--epochs", "1", "--size", "64"]
        assert cli.main([*words, "--out", str(out)]) == 0
        said = capsys.readouterr().out
        assert f"{told['train']} pictures to train on, {told['test']} of the test splits" in said
        assert f"--faces {out / 'faces.onnx'}" in said and "on the test splits" in said.splitlines()[-1]
        opened = Model(str(out / "faces.onnx"), 7)
        assert (opened.size, opened.labels) == (64, ["face"])
        assert set(Faces(str(out / "faces.onnx"))({"image": [np.zeros((40, 30, 3), np.uint8)]})) == {"boxes", "scores"}
        assert {path.name for path in out.iterdir()} == {"faces.onnx", "faces.pt"}
