"""Characters that a run may be asked to draw."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("diffusers")

import numpy as np
from PIL import Image

from schemas.errors import UsageError
from tests.trainers import made
from tests.trainers.evaluation.test_runs import run_of, said
from trainers.evaluation.people import people
from trainers.evaluation.protocols.subjects import Row


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A dataset with both splits of held-out rows; one of them has no face, another hardly more than one."""
    version = made.figures(tmp_path / "data")
    for split, similar in (("test_seen", {"s": ["t"], "t": ["s"]}), ("test_unseen", {"u": ["w", "gone"], "w": ["u"]})):
        held = made.figures(tmp_path / split, similar, split=split, s={"character": "seen one"},
                            t={"bbox": [0.5, 0.5, 0.9, 0.9]}, w={"bbox": None})
        shard = next((held / "data").iterdir())
        shard.rename(version / "data" / shard.name)
    manifest = json.loads((version / "manifest.json").read_text())
    manifest["splits"] |= {"test_seen": 2, "test_unseen": 2}
    (version / "manifest.json").write_text(json.dumps(manifest))
    return version


def pixels(data: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def test_rows_of_the_held_out_splits_and_what_is_cut_out_of_them(data: Path, tmp_path: Path) -> None:
    found, pictures = people(run_of(tmp_path / "run", said("retrinet", data=str(data), task="compose", references=4,
                                                              widen=1.0, majority=0.5)))
    prompts = "1girl, ^_^, long_sleeves"
    assert found.seen == [Row("s", "seen one", prompts, ("t",), ("face", "clothes")),
                          Row("t", "reimu_(test)", prompts, ("s",), ("face",))]
    assert found.unseen == [Row("u", "reimu_(test)", prompts, ("w",), ("face", "clothes")),
                            Row("w", "reimu_(test)", prompts, ("u",))]
    assert set(pictures) == {"s", "t", "u", "w", "s#face", "s#clothes", "t#face", "u#face", "u#clothes"}
    assert pictures["s"] == made.encoded(made.figure(0))
    face = pixels(pictures["s#face"])
    assert face.shape == (20, 20, 3) and (face == made.RED).all()  # the very box, by --widen 1
    clothes = pixels(pictures["s#clothes"])
    left, top, right, bottom = made.CLOTHES
    assert (clothes[top:bottom, left:right] == made.BLUE).all()
    assert (clothes[8:28, 20:40] == 255).all() and (clothes[0] == 255).all()


def test_folders_of_other_characters(data: Path, tmp_path: Path) -> None:
    home = tmp_path / "given"
    for name, count in (("b", 1), ("a", 2)):
        (home / name).mkdir(parents=True)
        for number in range(count):
            made.figure(number).save(home / name / f"{number}.png")
    (home / "notes.txt").write_text("no folder")
    found, pictures = people(run_of(tmp_path / "run", said("ip-adapter", data=str(data))), home)
    assert found.given == {"a": ["given/a/0.png", "given/a/1.png"], "b": ["given/b/0.png"]}
    assert (pixels(pictures["given/a/1.png"]) == np.asarray(made.figure(1))).all() and len(found.seen) == 2
    (home / "c").mkdir()
    with pytest.raises(UsageError, match=r"--references holds no picture \(got '.*/c'\)"):
        people(run_of(tmp_path / "run", said("ip-adapter", data=str(data))), home)
    with pytest.raises(UsageError, match="--references holds no folder with pictures"):
        people(run_of(tmp_path / "run", said("ip-adapter", data=str(data))), tmp_path / "nothing")


def test_data_without_held_out_rows_are_one_line(tmp_path: Path) -> None:
    version = made.figures(tmp_path / "data")
    with pytest.raises(UsageError, match="no character that training did not see"):
        people(run_of(tmp_path / "run", said("retrinet", data=str(version), task="compose", references=4)))
