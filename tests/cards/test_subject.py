"""A subject's card: what it tells, and what stands on its contact sheet."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from cards.subject import SHOWN, command, pages, regularization, sheet
from schemas.features import SUBJECT, arrow_schema
from schemas.manifest import Manifest, Model, Step

Made = dict[str, bytes]


def _picture(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 20), colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def data(tmp_path: Path) -> Callable[[list[str]], dict[str, list[Path]]]:
    """Writes one row a colour."""

    def put(colours: list[str]) -> dict[str, list[Path]]:
        rows = [{"id": f"toy|1/{n:02d}", "image": {"bytes": _picture(colour), "path": None},
                 "text": f"a olis duck toy in {colour}", "caption": f"a duck toy in {colour}", "token": "olis",
                 "class_name": "duck toy", "kind": "object", "scene": f"in {colour}", "subject": "toy|1",
                 "sha256": "0" * 64, "width": 40, "height": 20} for n, colour in enumerate(colours)]
        path = tmp_path / "train-00000-of-00001.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=arrow_schema(SUBJECT)), path)
        return {"train": [path]}

    return put


def _manifest(**words: Any) -> Manifest:
    options = {"class_name": "duck toy", "kind": "object", "token": "olis", "captioner": "", "version": "1.0.0"}
    plain: dict[str, Any] = {
        "recipe": "subject", "version": "1.0.0", "content_digest": "c" * 64, "rows_digest": "", "splits": {"train": 2},
        "source": {"name": "folder", "digest": "a" * 64, "licence": "Not known."}, "counts": {}, "near_copies": 0,
        "models": [], "funnel": [Step("source", 3, 3, {}), Step("file", 3, 2, {"truncated": 1})],
        "built_with": {"likeness": "0.1.0"}, "files": {}, "options": options}
    return Manifest(**(plain | words | {"options": options | words.get("options", {})}))


def _made(manifest: Manifest, data: dict[str, list[Path]], rejected: Path) -> Made:
    return dict(pages(manifest, data, rejected))


def test_a_card_of_captions_by_hand(data: Any, rejected: Path) -> None:
    made = _made(_manifest(), data(["red", "blue"]), rejected)
    assert list(made) == ["assets/pictures.png", "LICENSE.md", "README.md"]
    text = made["README.md"].decode()
    said = yaml.safe_load(text.split("---\n")[1])
    assert (said["license"], said["license_link"], said["pretty_name"]) == ("other", "LICENSE.md", "toy|1")
    assert said["annotations_creators"] == ["expert-generated"] and said["source_datasets"] == ["original"]
    assert said["dataset_info"]["splits"][0]["num_examples"] == 2
    assert "# toy\\|1\\: 2 pictures of one duck toy" in text
    assert "`a olis duck toy in red`" in text and "by hand" in text
    assert "| | | 1 | | `truncated` the picture ends too early |" in text
    assert "build regularization --class-name 'duck toy' --kind object --subject path/to/this/folder --out OUT" in text
    assert "Warning" not in text and "### Models" not in text
    assert "written by hand" in made["LICENSE.md"].decode()


def test_a_card_of_captions_by_a_model(data: Any, rejected: Path) -> None:
    light = Model("captions", "f" * 64, {"backend": "light", "weights": "none", "licence": "Apache-2.0"})
    manifest = _manifest(models=[light], options={"captioner": "light"}, counts={"captions_without_class": 1},
                         source={"name": "dreambench", "digest": "a" * 64, "licence": "theirs"})
    made = _made(manifest, data(["red", "blue"]), rejected)
    text = made["README.md"].decode()
    assert "captions by rule; not the paper's" in text and "1 caption of the model lacked" in text
    assert "| captions | `ffffffffffff` | light |" in text
    said = yaml.safe_load(text.split("---\n")[1])
    assert said["annotations_creators"] == ["machine-generated"]
    assert said["source_datasets"] == ["extended|other-dreambench"]
    assert "- captions: Apache-2.0" in made["LICENSE.md"].decode()


def test_commands_are_quoted_for_a_shell() -> None:
    manifest = _manifest(options={"class_name": "devil's toy", "captioner": "my blip"})
    assert command(manifest).replace(" \\\n ", "") == (
        "build subject --images DIR --class-name 'devil'\"'\"'s toy' --kind object --token olis "
        "--captioner 'my blip' --out OUT --version 1.0.0")
    assert regularization(manifest, "here").startswith("build regularization --class-name 'devil'\"'\"'s toy' --kind")


def test_the_sheet_shows_each_picture_once_in_order(data: Any) -> None:
    page = np.asarray(Image.open(io.BytesIO(sheet(data(["red", "lime", "blue", "yellow"])))).convert("RGB")).astype(int)

    def seen(colour: tuple[int, int, int]) -> tuple[float, float]:
        y, x = np.nonzero((np.abs(page - colour) < 8).all(axis=-1))
        assert len(x) > 50_000  # pictures of 497 x 248 pixels
        return x.mean() / page.shape[1], y.mean() / page.shape[0]

    red, lime, blue, yellow = (seen(colour) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)))
    assert red[0] < 0.33 < lime[0] < 0.66 < blue[0] and yellow[0] == pytest.approx(red[0], abs=0.01)
    assert red[1] == lime[1] == blue[1] < 0.5 < yellow[1]


def test_the_sheet_ends_at_its_last_row(data: Any, rejected: Path) -> None:
    few, many = sheet(data(["red"] * SHOWN)), data(["red"] * (SHOWN + 5))
    assert Image.open(io.BytesIO(sheet(many))).size == Image.open(io.BytesIO(few)).size
    text = _made(_manifest(splits={"train": SHOWN + 5}), many, rejected)["README.md"].decode()
    assert f"*The first {SHOWN} of {SHOWN + 5}.*" in text
