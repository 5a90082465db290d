"""kohya's and ai-toolkit's files, read as these read them."""

import os
import random
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.builders.exports.conftest import BOXES, CAPTIONS, OUTFITS, Row, export, whose

Drawn = dict[str, tuple[Path, list[Row]]]
EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


def _subset(out: Path) -> dict[str, Any]:
    config = tomllib.loads((out / "dataset.toml").read_text("utf-8"))
    (dataset,) = config["datasets"]
    assert dataset["resolution"] == 512 and dataset["enable_bucket"] is True
    (subset,) = dataset["subsets"]
    return subset  # type: ignore[no-any-return]


def _captioned(folder: Path, extension: str) -> dict[Path, str]:
    """Pictures right below the folder, and the first line of the file beside each."""
    found = sorted(path for path in folder.iterdir() if path.suffix in EXTENSIONS)
    return {path: path.with_suffix(extension).read_text("utf-8").splitlines()[0] for path in found}


@pytest.mark.parametrize("recipe", ["regularization", "subject"])
def test_kohya_reads_prompted_sets(drawn: Drawn, tmp_path: Path, recipe: str) -> None:
    version, rows = drawn[recipe]
    subset = _subset(export(version, "kohya", tmp_path / 'o"ut\\é \x7f'))
    assert subset.pop("is_reg", False) == (recipe == "regularization")
    assert subset.pop("num_repeats") == {"regularization": 1, "subject": 400}[recipe]  # 5 pictures, 2,000 looks
    assert subset.keys() == {"image_dir", "caption_extension"}
    found = _captioned(Path(subset["image_dir"]), subset["caption_extension"])
    assert len(found) == len(rows)
    for path, said in found.items():
        assert said.split() == whose(path, rows)["text"].split()


def test_kohya_reads_figures_with_masks(drawn: Drawn, tmp_path: Path) -> None:
    version, rows = drawn["retribooru"]
    subset = _subset(export(version, "kohya", tmp_path / "out"))
    assert subset.keys() == {"image_dir", "caption_extension", "conditioning_data_dir", "num_repeats"}
    found = _captioned(Path(subset["image_dir"]), subset["caption_extension"])
    masks = list(Path(subset["conditioning_data_dir"]).iterdir())
    assert len(found) == len(masks) == len(rows)  # kohya stops at a mask too many
    for path, said in found.items():
        row = whose(path, rows)
        assert said == CAPTIONS[row["id"]]
        (place,) = [mask for mask in masks if mask.stem == path.stem]
        with Image.open(path) as image, Image.open(place) as matte:  # it looks at no EXIF, and at the red of the mask
            assert image.size == matte.size
            red = np.asarray(matte.convert("RGB"))[..., 0]
        box = BOXES[row["id"]]
        expected = np.zeros_like(red)
        if box:
            expected[box[1]:box[3], box[0]:box[2]] = 255
            expected[box[1]:box[3], box[0]] = 128
            expected[0, 0] = 127 if box[0] else expected[0, 0]
        assert np.array_equal(red, expected)


def _ai_toolkit(out: Path) -> tuple[dict[str, Any], list[Path]]:
    """The one dataset of the configuration and the pictures that ai-toolkit walks to."""
    (dataset,) = yaml.safe_load((out / "config.yaml").read_text("utf-8"))["datasets"]
    paths = [Path(root, file) for root, _, files in os.walk(dataset["folder_path"]) for file in files]
    assert {path.suffix for path in paths} <= {".png", ".jpg", ".jpeg", ".webp", "." + dataset["caption_ext"]}
    return dataset, sorted(path for path in paths if path.suffix != "." + dataset["caption_ext"])


@pytest.mark.parametrize("recipe", ["regularization", "subject"])
def test_ai_toolkit_reads_prompted_sets(drawn: Drawn, tmp_path: Path, recipe: str) -> None:
    version, rows = drawn[recipe]
    dataset, paths = _ai_toolkit(export(version, "ai-toolkit", tmp_path / 'o"ut\\é \x7f'))
    assert dataset["is_reg"] is (recipe == "regularization")
    assert len(paths) == len(rows)
    for path in paths:
        assert path.with_suffix(".txt").read_text("utf-8").split() == whose(path, rows)["text"].split()


def test_ai_toolkit_draws_references_from_the_outfit(drawn: Drawn, tmp_path: Path) -> None:
    version, rows = drawn["retribooru"]
    dataset, paths = _ai_toolkit(export(version, "ai-toolkit", tmp_path / "out"))
    assert dataset["clip_image_from_same_folder"] is True
    assert len(paths) == len(rows)
    assert {path.parent.parent for path in paths} == {tmp_path / "out" / "images"}
    for path in paths:
        row = whose(path, rows)
        assert path.with_suffix(".txt").read_text("utf-8") == CAPTIONS[row["id"]]
        others = [other for other in paths if other.parent == path.parent and other != path]
        reference = whose(random.Random(1).choice(others), rows)
        assert OUTFITS[reference["id"]] == OUTFITS[row["id"]]
