"""The imagefolder, opened by `datasets`."""

from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from tests.builders.exports.conftest import CAPTIONS, Row, export, seen


@pytest.mark.parametrize("recipe", ["coti", "retribooru", "regularization", "subject"])
def test_every_column_stands_beside_its_picture(drawn: dict[str, tuple[Path, list[Row]]], tmp_path: Path,
                                                recipe: str) -> None:
    version, rows = drawn[recipe]
    out = export(version, "imagefolder", tmp_path / "out")
    loaded = datasets.load_dataset("imagefolder", data_dir=str(out), cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == ["train"] and len(loaded["train"]) == len(rows)
    for found, row in zip(loaded["train"], rows, strict=True):
        picture = found.pop("image").convert("RGBA")
        whole = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
        assert np.array_equal(np.asarray(whole), seen(row["image"]["bytes"]))
        if recipe == "retribooru":
            assert np.array_equal(np.asarray(found.pop("mask")), seen(row["mask"]["bytes"])[..., 0])
            assert row["id"] in CAPTIONS
        assert found == {key: value for key, value in row.items() if key not in ("image", "mask")}


def test_another_split_loads_as_it_is_named(drawn: dict[str, tuple[Path, list[Row]]], tmp_path: Path) -> None:
    out = export(drawn["retribooru"][0], "imagefolder", tmp_path / "test" / "out", "--split", "test_seen")
    loaded = datasets.load_dataset("imagefolder", data_dir=str(out), cache_dir=str(tmp_path / "cache"))
    assert sum(len(rows) for rows in loaded.values()) == 2
