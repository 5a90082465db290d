"""Folders of any domain through the real command: pictures without faces, clothes or tags."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from builders import cli


def _things(root: Path) -> None:
    """Three pictures of a cat and of a dog: noise, unlike one another, that no detector takes for a face."""
    for number in range(6):
        path = root / ("cat" if number < 3 else "dog") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cells = np.random.default_rng(number).integers(0, 256, (6, 6, 3)).astype(np.uint8)
        Image.fromarray(cells).resize((160, 160), Image.Resampling.NEAREST).save(path)


def test_things_that_wear_nothing_are_told_apart_by_their_folder(tmp_path: Path) -> None:
    _things(tmp_path / "things")
    words = ["retribooru", "--source", "folder", "--root", str(tmp_path / "things"), "--models", "light",
             "--out", str(tmp_path / "out"), "--workers", "1", "--test-seen", "0", "--test-unseen", "0"]
    assert cli.main(words) == 0
    rows = {row["id"]: row["similar"] for row in
            pq.read_table(tmp_path / "out/1.0.0/data", columns=["id", "similar"]).to_pylist()}
    assert rows == {"cat/0": ["cat/1", "cat/2"], "cat/1": ["cat/0", "cat/2"], "cat/2": ["cat/0", "cat/1"],
                    "dog/3": ["dog/4", "dog/5"], "dog/4": ["dog/3", "dog/5"], "dog/5": ["dog/3", "dog/4"]}
    assert cli.main(["verify", str(tmp_path / "out/1.0.0")]) == 0


def test_a_folder_of_the_source_is_not_built_into(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _things(tmp_path / "things")
    words = ["retribooru", "--source", "folder", "--root", str(tmp_path / "things"), "--models", "light", "--out"]
    assert cli.main([*words, str(tmp_path / "things" / "cat")]) == 2
    assert "--out is a folder of the source" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "things" / "cat").iterdir()) == ["0.png", "1.png", "2.png"]


@pytest.mark.parametrize("out", ["danbooru2019-figures", "metadata", "."])
def test_a_tree_of_a_mirror_is_not_built_into(mirror: Path, out: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["retribooru", "--source", "danbooru2019", "--root", str(mirror), "--models", "light", "--out"]
    assert cli.main([*words, str(mirror / out)]) == 2
    assert "--out is a folder of the source" in capsys.readouterr().err
    assert not (mirror / out / ".state").exists()
