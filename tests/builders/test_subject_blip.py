"""`build subject` with captions of a tiny BLIP."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("transformers")

from annotators.captions import BlipCaptions
from benchmarks import random_captioner
from builders import cli
from schemas import manifest as manifests

Err = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_captioner.save(tmp_path_factory.mktemp("home") / "my-blip")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "pack"
    folder.mkdir()
    chance = np.random.default_rng(8)
    for number in range(10):
        Image.fromarray(chance.integers(0, 256, (30, 40, 3), np.uint8)).save(folder / f"{number:02d}.png")
    return folder


def build(photos: Path, out: Path, name: str, captioner: Path) -> int:
    return cli.main(["subject", "--images", str(photos), "--class-name", name, "--captioner", str(captioner),
                     "--out", str(out)])


def test_captions_of_a_model_get_the_token(photos: Path, tmp_path: Path, tiny: Path) -> None:
    assert build(photos, tmp_path / "out", "backpack", tiny) == 0
    version = tmp_path / "out" / "1.0.0"
    rows = pq.read_table(version / "data").to_pylist()
    said = BlipCaptions(str(tiny))({"image": [np.asarray(Image.open(photos / f"{n:02d}.png")) for n in range(10)],
                                    "class_name": ["backpack"] * 10})["caption"]
    assert len(set(said)) > 3 and [row["caption"] for row in rows] == said
    assert [row["text"] for row in rows] == [one.replace("a backpack", "a olis backpack", 1) for one in said]
    manifest = manifests.read(version)
    assert manifest.options["captioner"] == "my-blip"
    assert "BLIP, transformers" in manifest.models[0].provenance["backend"]
    assert str(tiny.parent) not in (version / "manifest.json").read_text() + (version / "README.md").read_text()
    assert cli.main(["verify", str(version)]) == 0


def test_captions_without_the_class_words_become_the_class(photos: Path, tmp_path: Path, tiny: Path, capsys: Err,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    call = BlipCaptions.__call__

    def strayed(blip: BlipCaptions, batch: dict[str, list[object]]) -> dict[str, list[str]]:
        """As when the next piece of a word is stuck to the class: of "a can" it made "a candle"."""
        found = call(blip, batch)["caption"]
        return {"caption": ["a candle on a table", *found[1:]]}

    monkeypatch.setattr(BlipCaptions, "__call__", strayed)
    assert build(photos, tmp_path / "out", "can", tiny) == 0
    told = capsys.readouterr().err
    version = tmp_path / "out" / "1.0.0"
    lost = int(manifests.read(version).counts["captions_without_class"])
    assert lost >= 2 and f"{lost} of 10 captions lacked the class words and became 'a can'" in told
    rows = pq.read_table(version / "data").to_pylist()
    assert (rows[0]["text"], rows[0]["scene"], rows[8]["text"]) == ("a olis can", "", "a olis can")
    assert f"{lost} captions of the model lacked the class words" in (version / "README.md").read_text()
    assert cli.main(["verify", str(version)]) == 0
