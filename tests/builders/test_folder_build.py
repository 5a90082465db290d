"""`--source folder` from end to end: pictures that are no anime figures, and folders that give nothing."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from builders import cli
from schemas import manifest as manifests


def _pictures(folder: Path, count: int, seed: int) -> None:
    """Different pictures of blurred noise: no face, no figure."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(seed)
    for number in range(count):
        small = Image.fromarray(chance.integers(0, 255, (6, 6, 3), dtype=np.uint8))
        small.resize((160, 160)).save(folder / f"{number}.png")


def _build(root: Path, out: Path, *words: str) -> int:
    return cli.main(["retribooru", "--source", "folder", "--root", str(root), "--out", str(out), "--models", "light",
                     "--workers", "1", *words])


def test_any_domain_with_outfits_from_folders(tmp_path: Path) -> None:
    _pictures(tmp_path / "root" / "cup" / "blue", 3, 1)
    _pictures(tmp_path / "root" / "cup" / "red", 2, 2)
    assert _build(tmp_path / "root", tmp_path / "out", "--test-seen", "0", "--test-unseen", "0") == 0
    rows = pq.read_table(tmp_path / "out" / "1.0.0" / "data").to_pylist()
    assert len(rows) == 5
    assert {row["character"] for row in rows} == {"cup"}
    assert sorted(len(row["similar"]) for row in rows) == [1, 1, 2, 2, 2]
    assert cli.main(["verify", str(tmp_path / "out" / "1.0.0")]) == 0


def test_subjects_without_outfits_match_by_identity(tmp_path: Path) -> None:
    _pictures(tmp_path / "root" / "dog", 3, 3)
    _pictures(tmp_path / "root" / "cat", 2, 4)
    words = ("--match-rule", "identity", "--test-seen", "0", "--test-unseen", "0")
    assert _build(tmp_path / "root", tmp_path / "out", *words) == 0
    assert manifests.read(tmp_path / "out" / "1.0.0").splits == {"train": 5}


def test_no_row_left_is_a_user_error_and_publishes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _pictures(tmp_path / "root" / "dog", 1, 5)
    _pictures(tmp_path / "root" / "cat", 1, 6)
    assert _build(tmp_path / "root", tmp_path / "out") == 2
    assert "no row is left to publish (singleton 2)" in capsys.readouterr().err
    assert not (tmp_path / "out" / "1.0.0").exists()


def test_exclude_by_name_and_by_the_files_own_md5(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _pictures(tmp_path / "root" / "dog", 3, 7)
    _pictures(tmp_path / "root" / "cat", 3, 8)
    _pictures(tmp_path / "root" / "cow", 2, 9)
    md5 = hashlib.md5((tmp_path / "root" / "cat" / "1.png").read_bytes()).hexdigest()
    unwanted = tmp_path / "exclude.txt"
    unwanted.write_text(f"name:dog\n{md5}\n")
    words = ("--match-rule", "identity", "--test-seen", "0", "--test-unseen", "0", "--exclude", str(unwanted))
    assert _build(tmp_path / "root", tmp_path / "out", *words) == 0
    kept = pq.read_table(tmp_path / "out" / "1.0.0" / "data", columns=["id"])["id"].to_pylist()
    assert sorted(kept) == ["cat/0", "cat/2", "cow/0", "cow/1"]
    left = pq.read_table(tmp_path / "out" / "1.0.0" / "rejected.parquet").to_pylist()
    assert {row["reason"] for row in left} == {"excluded"} and len(left) == 4
    unwanted.write_text("artist:someone\n")
    assert _build(tmp_path / "root", tmp_path / "out", *words) == 2
    assert "artist:someone" in capsys.readouterr().err


def test_things_that_wear_nothing_are_told_apart_by_their_folder(tmp_path: Path) -> None:
    _pictures(tmp_path / "root" / "cat", 3, 10)
    _pictures(tmp_path / "root" / "dog", 3, 11)
    assert _build(tmp_path / "root", tmp_path / "out", "--test-seen", "0", "--test-unseen", "0") == 0
    rows = {row["id"]: row["similar"] for row in
            pq.read_table(tmp_path / "out/1.0.0/data", columns=["id", "similar"]).to_pylist()}
    assert rows == {"cat/0": ["cat/1", "cat/2"], "cat/1": ["cat/0", "cat/2"], "cat/2": ["cat/0", "cat/1"],
                    "dog/0": ["dog/1", "dog/2"], "dog/1": ["dog/0", "dog/2"], "dog/2": ["dog/0", "dog/1"]}
    assert cli.main(["verify", str(tmp_path / "out/1.0.0")]) == 0


def test_a_folder_of_the_source_is_not_built_into(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _pictures(tmp_path / "root" / "cat", 3, 12)
    assert _build(tmp_path / "root", tmp_path / "root" / "cat") == 2
    assert "--out is a folder of the source" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "root" / "cat").iterdir()) == ["0.png", "1.png", "2.png"]
