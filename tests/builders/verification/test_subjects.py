"""One row by hand, broken in one place at a time; each fault must be named."""

import hashlib
import io
from typing import Any

import pytest
from PIL import Image

from builders.verification.recipes import recipe_of
from builders.verification.subjects import Subjects
from schemas.manifest import Manifest, Model


def _image(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 4), colour).save(out, "PNG")
    return out.getvalue()


IMAGE = _image("red")


def _row(**change: Any) -> dict[str, Any]:
    return {"id": "cup/00", "image": {"bytes": IMAGE, "path": None}, "text": "a olis cup on a table",
            "caption": "a cup on a table", "token": "olis", "class_name": "cup", "kind": "object",
            "scene": "on a table", "subject": "cup", "sha256": hashlib.sha256(IMAGE).hexdigest(), "width": 8,
            "height": 4} | change


def _manifest(models: list[Model] | None = None, **options: str) -> Manifest:
    said = {"class_name": "cup", "kind": "object", "token": "olis", "captioner": "", "version": "1.0.0"} | options
    return Manifest(recipe="subject", version="1.0.0", content_digest="", rows_digest="", source={}, counts={},
                    options=dict(said), models=models or [], funnel=[], splits={"train": 1}, near_copies=0,
                    built_with={}, files={})


@pytest.mark.parametrize("change", [
    {},
    {"scene": "", "text": "a olis cup", "caption": "a cup"},
    {"scene": "two people with a red $concept", "text": "two people with a red olis cup",
     "caption": "two people with a red cup"},
    {"scene": "an apple beside the $concept and a cup", "text": "an apple beside the olis cup and a cup",
     "caption": "an apple beside the cup and a cup"},
])
def test_sound_rows(change: dict[str, Any]) -> None:
    recipe = recipe_of(_manifest())
    assert isinstance(recipe, Subjects)
    assert list(recipe.row(_row(**change), "train")) == [] and list(recipe.whole()) == []


@pytest.mark.parametrize(("change", "said"), [
    ({"image": None}, "null: image"),
    ({"image": {"bytes": None, "path": None}}, "null: image"),
    ({"scene": None}, "null: scene"),
    ({"id": "", "subject": ""}, "empty: id, subject"),
    ({"class_name": ""}, "empty: class_name"),
    ({"text": "a olis cup on a rock"}, "its text is 'a olis cup on a rock', its scene makes 'a olis cup on a table'"),
    ({"text": "a cup on a table"}, "its text is 'a cup on a table'"),
    ({"caption": "a olis cup on a table"}, "its caption is 'a olis cup on a table', its scene makes 'a cup on a tab"),
    ({"token": "sks"}, "token is 'sks', the build's 'olis'"),
    ({"kind": "animal"}, "kind is 'animal', the build's 'object'"),
    ({"width": 9}, "image is (8, 4), its columns say (9, 4)"),
    ({"sha256": "0" * 64}, "not that of its image"),
    ({"image": {"bytes": b"GIF89a", "path": None}}, "image cannot be read"),
    ({"image": {"bytes": IMAGE, "path": "a.png"}}, "image names the file 'a.png'"),
])
def test_each_fault_is_named(change: dict[str, Any], said: str) -> None:
    assert any(said in fault for fault in Subjects(_manifest()).row(_row(**change), "train"))


def test_what_rows_are_together() -> None:
    recipe = Subjects(_manifest(captioner="light"))
    blue = _image("blue")
    other = {"image": {"bytes": blue, "path": None}, "sha256": hashlib.sha256(blue).hexdigest()}
    assert list(recipe.row(_row(), "train")) == []
    assert list(recipe.row(_row(id="cup/01"), "train")) == ["row cup/00 has the same picture"]
    assert list(recipe.row(_row(id="mug/01", subject="mug", **other), "train")) == []
    assert list(recipe.whole()) == [
        "rows of 2 subjects: cup, mug",
        "manifest.json: its captioner and its models disagree on who wrote the captions"]
    wrote = Subjects(_manifest([Model("captions", "ab", {})], captioner="light"))
    assert list(wrote.whole()) == []
