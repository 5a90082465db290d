"""A regularization set's card: what it tells in which case, its command, and what stands on its contact sheet."""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from builders.commands.recipes import regularization_parser
from builders.regularization_options import Regularization
from cards.prompts import survey
from cards.regularization import command, meant, pages, sheet
from schemas.features import REJECTED, arrow_schema
from schemas.manifest import Manifest, Step
from schemas.prompts import PARTS
from schemas.terminal import arguments

LIGHT: dict[str, Any] = {
    "class_name": "cup", "kind": "object", "count": 6, "prompts": "structured", "shares": "0.5,0.5,0.0",
    "include_test_prompts": False, "seed": 0, "generator": "light", "size": 64, "steps": 0, "guidance": 0.0,
    "batch": None, "min_clip_t": None, "attempts": 4, "clip": None, "version": "1.0.0", "form": "static"}
MODEL = LIGHT | {"generator": "stabilityai/sdxl-turbo", "size": 512, "steps": 4, "batch": 4}
SCORED = {"min_clip_t": 0.0, "clip": "openai/clip"}
LICENCE = "drawn by a generator; its licence governs the pictures"
ROWS = [{"color": color} for color in ("red", "red", "red", "blue")] + [
    {"family": "photographic", "style": "a photo of", "color": "red"}] * 2


def _manifest(options: dict[str, Any] | None = None, **words: Any) -> Manifest:
    plain: dict[str, Any] = {
        "recipe": "regularization", "version": "1.0.0", "content_digest": "c" * 64, "rows_digest": "", "models": [],
        "source": {"name": "prompts", "digest": "a" * 64, "licence": LICENCE}, "near_copies": 0, "files": {},
        "counts": {"pictures drawn again": 0, "pool of color": 2}, "splits": {"train": 6}, "options": options or LIGHT,
        "funnel": [Step("plan", 6, 6, {}), Step("generate", 6, 6, {})], "built_with": {"likeness": "0.1.0"}}
    return Manifest(**(plain | words))


@pytest.fixture
def card(drawn: Any, tmp_path: Path) -> Any:
    """Writes a dataset with its pages; gives the README's text."""

    def make(manifest: Manifest, *rows: dict[str, Any], left: int = 0) -> str:
        rejected = tmp_path / "rejected.parquet"
        lost = [{column.name: str(n) for column in REJECTED} for n in range(left)]
        pq.write_table(pa.Table.from_pylist(lost, schema=arrow_schema(REJECTED)), rejected)
        for name, data in pages(manifest, drawn(*(rows or ROWS)), rejected):
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        return (tmp_path / "README.md").read_text()

    return make


def test_a_card_of_the_light_generator_without_a_subject(card: Any, tmp_path: Path) -> None:
    text = card(_manifest())
    said = yaml.safe_load(text.split("---\n")[1])
    assert (said["license"], said["pretty_name"]) == ("apache-2.0", "Regularization set for cup")
    assert said["dataset_info"]["splits"][0]["num_examples"] == 6
    assert "6 pictures of the class `cup`, version 1.0.0" in text
    assert "Warning: drawn by the light generator" in text and "control arm" not in text
    assert "No subject was given" in text
    assert "| training | 4 | no style, scenes of the pools |" in text
    assert "| photographic | 2 | styles of photographs, scenes of the pools |" in text and "| styled |" not in text
    assert "6 different prompts in 6 rows." in text
    assert "CLIP-T is" not in text and not (tmp_path / "assets" / "scores.png").exists()
    assert "drawn again." not in text and "no picture was good enough" not in text
    assert "\n\nOptions, models, counts and the sha256" in text
    assert "## Licence\n\nDrawn by a generator; its licence governs the pictures. No right" in text
    assert not re.search(r"\n{4}|[^\n]\n#", text)  # every heading stands by itself


def test_how_even_the_words_are(card: Any) -> None:
    text = card(_manifest())
    assert "| training | color | 2 | 1 to 3 | 0.811 |" in text  # 2 - 3/4 log2 3
    assert "| photographic | style | 1 | 2 to 2 | 1.000 |" in text and "| training | style |" not in text
    assert "The pools hold:\n\n- color: 2\n" in text


def test_a_card_of_a_model_and_a_subject(card: Any) -> None:
    source = {"name": "prompts", "digest": "a" * 64, "licence": LICENCE, "subject": "d" * 64}
    text = card(_manifest(MODEL, source=source, splits={"train": 1}), {"text": "a cup"})
    assert yaml.safe_load(text.split("---\n")[1])["license_name"] == "of-the-generator"
    assert "1 picture of the class" in text and "Every row has the same prompt." in text
    assert "Warning" not in text and "No subject was given" not in text
    assert "| training | 1 | no style, the scenes of the subject's own captions |" in text
    assert "--subject DIR" in text


def test_the_control_arms(card: Any) -> None:
    text = card(_manifest(LIGHT | {"prompts": "class-only"}), *[{"text": "a cup", "family": "class"}] * 3)
    assert "control arm of the paper (class-only)" in text and "every prompt is the class alone" in text
    assert "| class | 3 | the class alone in every row, a control arm |" in text and "\\:" not in text.split("## ")[2]
    assert "Every row has the same prompt." in text and "Evenness" not in text and "No subject was given" not in text
    text = card(_manifest(LIGHT | {"prompts": "unadapted", "kind": "animal"}))
    assert "control arm of the paper (unadapted)" in text and "in the words of objects" in text


def test_test_prompts_are_named(card: Any) -> None:
    assert "The evaluation's own prompts" not in card(_manifest())
    text = card(_manifest(LIGHT | {"include_test_prompts": True}), {"family": "test"}, {})
    assert "The evaluation's own prompts are among these" in text
    assert "| test | 1 | the prompts of DreamBench's evaluation |" in text


@pytest.mark.parametrize(("attempts", "said"), [
    (2, "A picture under 0.2 was not kept: another was drawn with another seed, up to 2 pictures for a prompt. 1 row "
        "kept its first picture."),
    (1, "A picture under 0.2 was not kept. 1 row kept its first picture."),
])
def test_scores(card: Any, tmp_path: Path, attempts: int, said: str) -> None:
    rows = [{"clip_t": 0.25}, {"clip_t": 0.3, "attempts": 2}]
    manifest = _manifest(LIGHT | {"min_clip_t": 0.2, "attempts": attempts}, counts={"pictures drawn again": 1})
    text = card(manifest, *rows, left=2)
    assert said in text and "*Published rows alone, so that none stands below the line, 0.2.*" in text
    assert "\n\n1 picture was drawn again.\n\n2 rows for which no picture was good enough stand in" in text
    assert Image.open(tmp_path / "assets" / "scores.png").size == (1800, 520)


def test_load_dataset_reads_the_card(card: Any, tmp_path: Path, tmp_path_factory: Any, monkeypatch: Any) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("cache")))
    text = card(_manifest())
    (tmp_path / "data").mkdir()
    (tmp_path / "train-00000-of-00001.parquet").rename(tmp_path / "data" / "train-00000-of-00001.parquet")
    snippet = text.split("```python\n")[1].split("```")[0].replace("path/to/this/folder", str(tmp_path))
    names: dict[str, Any] = {}
    *first, last = [line for line in snippet.splitlines() if line]
    exec("\n".join(first), names)  # the card's own words must work
    assert names["row"]["image"].size == (64, 64)
    assert eval(last, names) == {"style": "", "shape": "", "color": "red", "texture": "", "background": ""}


def _words(manifest: Manifest) -> list[str]:
    words = shlex.split(command(manifest).replace("\\\n", " "))
    assert words[:2] == ["build", "regularization"]
    return words[2:]


def _read(manifest: Manifest) -> Regularization:
    return arguments.read(Regularization, regularization_parser(), _words(manifest))


def test_the_command_names_what_changes_something() -> None:
    assert _words(_manifest()) == [
        "--class-name", "cup", "--kind", "object", "--generator", "light", "--out", "OUT", "--version", "1.0.0",
        "--count", "6", "--prompts", "structured", "--seed", "0", "--shares", "0.5,0.5,0.0", "--size", "64"]
    flags = {word for word in _words(_manifest(MODEL)) if word.startswith("--")}
    assert {"--steps", "--guidance", "--batch", "--attempts"} <= flags and "--clip" not in flags
    assert "--shares" not in _words(_manifest(LIGHT | {"prompts": "class-only"}))
    assert {"--clip", "--attempts", "--min-clip-t"} <= {*_words(_manifest(LIGHT | SCORED))}


@pytest.mark.parametrize("options", [
    LIGHT,
    LIGHT | SCORED | {"attempts": 2},
    LIGHT | SCORED | {"min_clip_t": -0.5, "include_test_prompts": True, "class_name": "devil's $(toy)", "seed": 2**40},
    MODEL,
    MODEL | {"guidance": 7.5, "batch": 1, "min_clip_t": 0.0, "clip": "my clip/of mine@main", "attempts": 1},
])
def test_the_command_is_read_back_as_it_was(options: dict[str, Any]) -> None:
    found = _read(_manifest(options, version="2.1.0")).published()
    nothing = {"form", "version"} | ({"steps", "guidance"} if options["generator"] == "light" else set())
    assert found["version"] == "2.1.0"
    assert {name: value for name, value in found.items() if name not in nothing} == {
        name: value for name, value in options.items() if name not in nothing}


def test_paths_stand_as_words_in_the_command() -> None:
    source = {"name": "prompts", "digest": "a", "licence": LICENCE, "subject": "d" * 64, "pools": "a folder"}
    found = _read(_manifest(source=source))
    assert (found.subject, found.pools, found.out) == (Path("DIR"), Path("DIR"), Path("OUT"))


def test_the_sheet_shows_a_row_of_pictures_a_family(drawn: Any) -> None:
    rows = [{"colour": "red"}, {"family": "styled", "colour": "blue"}, {"family": "photographic", "colour": "lime"},
            *[{"family": "styled", "colour": "blue"}] * 5]
    data = drawn(*rows)
    page = Image.open(io.BytesIO(sheet(data, survey(data, PARTS["static"]), meant(_manifest())))).convert("RGB")
    assert page.size == (1600, 40 + 3 * 548)  # a name, a picture of 368, four lines of words
    pixels = np.asarray(page).astype(int)
    colours = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255)}
    shown = {name: (np.abs(pixels - value) < 8).all(axis=-1) for name, value in colours.items()}
    cells = [[next((name for name, where in shown.items() if where[y, x]), "") for x in (224, 608, 992, 1376)]
             for y in (268, 816, 1364)]
    assert cells == [["red", "", "", ""], ["lime", "", "", ""], ["blue"] * 4]  # four of the six
    assert shown["red"].sum() == pytest.approx(368**2, rel=0.05)  # its edge is a grey line


def test_the_same_input_gives_the_same_bytes(drawn: Any, rejected: Path) -> None:
    data = drawn(*[row | {"clip_t": 0.3} for row in ROWS])
    manifest = _manifest(LIGHT | {"min_clip_t": 0.2})
    assert list(pages(manifest, data, rejected)) == list(pages(manifest, data, rejected))
