"""The tiny CLIP learns which words go with which colours, and opens as others do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("diffusers")

from annotators.model_embeddings import ModelEmbeddings  # noqa: E402
from annotators.weights import files_digest  # noqa: E402
from schemas.errors import UsageError  # noqa: E402
from trainers import cli, tiny_clip, vocabulary  # noqa: E402

COLOURS = {"red": (220, 30, 30), "chartreuse": (120, 230, 20), "blue": (30, 40, 220), "black": (15, 15, 15),
           "white": (245, 245, 245), "teal": (10, 140, 140), "pink": (250, 150, 200), "orange": (250, 140, 10)}


def toys(folder: Path, count: int) -> Path:
    """Squares of the colours on grey of several levels, with prompts that name them."""
    (folder / "data").mkdir(parents=True)
    lines = []
    for at in range(count):
        name, colour = list(COLOURS.items())[at % len(COLOURS)]
        pixels = np.full((64, 64, 3), 90 + at % 80, np.uint8)
        pixels[16:48, 16:48] = colour
        Image.fromarray(pixels).save(folder / "data" / f"{at:04}.png")
        lines.append(json.dumps({"file_name": f"{at:04}.png", "text": f"a photo of a {name} toy at the café"}))
    (folder / "data" / "metadata.jsonl").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toys(tmp_path_factory.mktemp("toys"), 200)


def test_it_is_the_same_each_time(data: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        tiny_clip.save(str(data), tmp_path / name, steps=2)
    assert files_digest(tmp_path / "one") == files_digest(tmp_path / "two")


def test_it_learns_colours_and_opens_as_others_do(data: Path, tmp_path: Path) -> None:
    known = tiny_clip.save(str(data), tmp_path / "one", steps=80)
    assert known.pictures > 10 and known.prompts <= len(COLOURS)
    assert known.first >= 0.8 and "nearest to their own prompt (chance: 1" in known.told, known
    assert not list(tmp_path.glob(".tmp-*"))
    clip = ModelEmbeddings(str(tmp_path / "one"), "clip", "--clip")
    assert (clip.kind, clip.width) == ("CLIP", tiny_clip.WIDTH)
    shown = [np.full((64, 64, 3), 100, np.uint8) for _ in COLOURS]
    for picture, colour in zip(shown, COLOURS.values(), strict=True):
        picture[16:48, 16:48] = colour
    fits = np.stack(clip({"image": shown})["clip"]) @ clip.texts([f"a photo of a {name} toy at the café"
                                                                  for name in COLOURS]).T
    assert (fits.argmax(1) == np.arange(len(COLOURS))).mean() >= 0.8


def test_words_of_the_prompts_become_tokens(data: Path) -> None:
    plain, more = vocabulary.tokenizer(), vocabulary.tokenizer(more=["chartreuse", "teal"])
    assert len(plain.tokenize("chartreuse")) > 1 and more.tokenize("chartreuse teal") == ["chartreuse</w>", "teal</w>"]
    assert more.decode(more("a chartreuse backpack").input_ids, skip_special_tokens=True) == "a chartreuse backpack"


def test_too_few_rows_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--data is too small to learn from \(got '60 rows'\)"):
        tiny_clip.save(str(toys(tmp_path / "few", 60)), tmp_path / "out")


@pytest.mark.parametrize("words", [["--kind", "clip"], ["--data", "x"]])
def test_data_is_for_a_clip_alone(tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["tiny", *words, "--out", str(tmp_path / "out")]) == 2
    assert "--kind clip learns from --data" in capsys.readouterr().err
