"""Small published datasets by hand, as `build` leaves them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from schemas import manifest as manifests
from schemas.features import REGULARIZATION, RETRIBOORU, SUBJECT, Column, arrow_schema
from schemas.manifest import Manifest

DIGEST = "ab" * 32
SCENES = ("on a rock", "in the snow", "on a table", "")
"""Of the subject's captions."""
WORDS = (("round", "red", "woven"), ("cubic", "orange", ""), ("", "", ""), ("oval", "blue", "shiny"))
"""Adjectives of the regularizers: shape, color, texture."""
Row = dict[str, Any]


def painted(colour: tuple[int, int, int], size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A square of the colour on white, the blue channel rising from left to right on the ground."""
    width, height = size
    pixels = np.full((height, width, 3), 250, np.uint8)
    pixels[..., 2] = np.linspace(100, 250, width).astype(np.uint8)
    pixels[height // 4 : -height // 4, width // 4 : -width // 4] = colour
    return Image.fromarray(pixels)


def encoded(picture: Image.Image) -> bytes:
    made = io.BytesIO()
    picture.save(made, "PNG")
    return made.getvalue()


def write(version: Path, recipe: str, columns: Sequence[Column], rows: Sequence[Row], split: str = "train") -> Path:
    """The version with its one shard and manifest."""
    (version / "data").mkdir(parents=True)
    table = pa.Table.from_pylist(list(rows), arrow_schema(tuple(columns)))
    pq.write_table(table, version / "data" / f"{split}-00000-of-00001.parquet")
    manifest = Manifest(recipe=recipe, version=version.name, content_digest=DIGEST, rows_digest="", counts={},
                        options={}, source={"name": "folder"}, models=[], funnel=[], near_copies=0, built_with={},
                        files={}, splits={split: len(rows)})
    (version / manifests.NAME).write_bytes(manifests.encode(manifest))
    return version


def subject(out: Path, count: int = 4, version: str = "1.0.0", token: str = "olis") -> Path:
    """OUT/VERSION of a backpack: `count` pictures of 64 x 48 with captions by `SCENES`."""
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (20, 20, 20)]
    rows = []
    for number in range(count):
        data, scene = encoded(painted(colours[number % 4])), SCENES[number % 4]
        rows.append({"id": f"pack/{number:02d}", "image": {"bytes": data, "path": None},
                     "text": f"a {token} backpack {scene}".strip(), "caption": f"a backpack {scene}".strip(),
                     "token": token, "class_name": "backpack", "kind": "object", "scene": scene, "subject": "pack",
                     "sha256": hashlib.sha256(data).hexdigest(), "width": 64, "height": 48})
    return write(out / version, "subject", SUBJECT, rows)


def regularization(out: Path, count: int = 8, version: str = "1.0.0") -> Path:
    """OUT/VERSION of `count` backpacks of 48 x 48 whose adjectives are those of `WORDS`."""
    rows = []
    for number in range(count):
        data, words = encoded(painted((10 * number % 256, 90, 160), (48, 48))), WORDS[number % 4]
        text = " ".join(["a photo of", "an" if words[0] == "oval" else "a", *filter(None, words), "backpack on a rug"])
        rows.append({"id": f"{number:05d}", "image": {"bytes": data, "path": None}, "text": text,
                     "style": "a photo of", **dict(zip(("shape", "color", "texture"), words, strict=True)),
                     "class_name": "backpack", "background": "on a rug", "family": "photographic", "seed": number,
                     "generator": "light", "guidance": 0.0, "steps": 0, "attempts": 1, "clip_t": None,
                     "sha256": hashlib.sha256(data).hexdigest(), "width": 48, "height": 48})
    return write(out / version, "regularization", REGULARIZATION["static"], rows)


SIMILAR = {"a": ["b", "c", "d", "gone", "twin"], "b": ["a"], "c": ["a", "b"], "d": ["c"], "twin": ["b"]}
"""Of the figures: neither symmetric nor transitive. `twin` is the very file of `a`, nobody is `gone`, and b and d are
near copies, which the build keeps out of each other's."""
FACE, CLOTHES = (20, 8, 40, 28), (15, 32, 45, 72)
"""Blocks of a figure of 60 x 80 pixels, left, top, right, bottom: one red and one blue, on green."""
RED, BLUE = (200, 30, 30), (30, 30, 200)


def figure(number: int) -> Image.Image:
    """A red face above blue clothes, by `FACE` and `CLOTHES`, on green; in the last row a mark that no other has."""
    pixels = np.full((80, 60, 3), (20, 200, 20), np.uint8)
    for colour, (left, top, right, bottom) in ((RED, FACE), (BLUE, CLOTHES)):
        pixels[top:bottom, left:right] = colour
    pixels[79, :] = (20 * number, 0, 90)
    return Image.fromarray(pixels)


def matte() -> Image.Image:
    """255 on the blocks of a figure."""
    pixels = np.zeros((80, 60), np.uint8)
    for left, top, right, bottom in (FACE, CLOTHES):
        pixels[top:bottom, left:right] = 255
    return Image.fromarray(pixels)


def figures(out: Path, similar: Mapping[str, Sequence[str]] = SIMILAR, version: str = "1.0.0", split: str = "train",
            **changed: Mapping[str, Any]) -> Path:
    """OUT/VERSION of RetriBooru rows by id, one outfit of one character; `changed` columns by row id."""
    rows = []
    for number, name in enumerate(similar):
        data = encoded(figure(0 if name == "twin" else number))
        row = {"id": name, "image": {"bytes": data, "path": None}, "mask": {"bytes": encoded(matte()), "path": None},
               "bbox": [0.5, 18 / 80, 20 / 60, 20 / 80], "character": "reimu_(test)", "artists": "rinto",
               "copyright": ["test"], "cloths": ["skirt"], "prompts": "1girl, ^_^, long_sleeves",
               "similar": list(similar[name]), "outfit": "0a1b2c3d4e5f", "answers": [], "face_score": 0.9,
               "coverage": 0.3, "rating": "general", "rating_raw": "s", "post_url": "",
               "sha256": hashlib.sha256(data).hexdigest(), "phash": "0" * 16, "width": 60, "height": 80}
        rows.append({**row, **changed.get(name, {})})
    return write(out / version, "retribooru", RETRIBOORU, rows, split)
