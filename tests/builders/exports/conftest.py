"""Versions of a few rows by hand, in all formats that are published, with everything that is awkward in names."""

import hashlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageOps

from builders import cli
from schemas import manifest as manifests
from schemas.features import REGULARIZATION, RETRIBOORU, SUBJECT, Column, arrow_schema
from schemas.manifest import Manifest
from tests.builders import made_pool

Row = dict[str, Any]

CAPTIONS = {
    "2895557": "1girl, ^_^, school uniform, solo",
    "3029262_crop_1": "+_+, 1boy, solo",
    "cup/test é": "tea cup",
    "../up/E": "solo, two words",
    "../up/e": "1girl",
}
"""Of the figures, by row id: tags in words, faces as they are, the name where there are no tags."""

BOXES = {"2895557": (4, 10, 30, 60), "3029262_crop_1": (0, 3, 48, 20), "cup/test é": (7, 1, 12, 64),
         "../up/E": (20, 2, 33, 9), "../up/e": None}
"""Columns and rows that the mattes cover, x0, y0, x1, y1; nothing at all in the last."""

OUTFITS = {"2895557": "0a1b2c3d4e5f", "3029262_crop_1": "0a1b2c3d4e5f", "cup/test é": "0a1b2c3d4e5f",
           "../up/E": "../../etc", "../up/e": "../../etc"}
SIMILAR = {"2895557": ["3029262_crop_1", "cup/test é"], "3029262_crop_1": ["2895557", "cup/test é"],
           "cup/test é": ["2895557", "3029262_crop_1"],
           "../up/E": ["../up/e"], "../up/e": ["../up/E"]}
UNTOUCHED = {"2895557": ".jpg", "3029262_crop_1": ".png", "../up/e": ".webp"}
"""Rows whose bytes every trainer reads; one is turned by its EXIF, one is a GIF."""


def drawing(seed: int, width: int, height: int) -> Image.Image:
    """A picture like no other: a ramp between two colours, a dark corner at the upper left."""
    first, second = np.random.default_rng(seed).integers(40, 216, (2, 3))
    ramp = np.linspace(0, 1, height)[:, None, None] * np.ones((1, width, 1))
    pixels = first * (1 - ramp) + second * ramp
    pixels[:height // 4, :width // 4] = 0
    return Image.fromarray(pixels.astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    made = io.BytesIO()
    image.save(made, kind, **options)
    return made.getvalue()


def seen(data: bytes) -> np.ndarray[Any, Any]:
    """H x W x 3: the picture as people see it, upright and over white."""
    with Image.open(io.BytesIO(data)) as image:
        layer = ImageOps.exif_transpose(image).convert("RGBA")
    return np.asarray(Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")).astype(int)


def whose(path: Path, rows: Iterable[Row]) -> Row:
    """The row whose picture lies in that file, told by what it shows and never by its name."""
    shown = seen(path.read_bytes())
    alike = {row["id"]: row for row in rows if (there := seen(row["image"]["bytes"])).shape == shown.shape
             and np.abs(there - shown).mean() < 3}
    assert len(alike) == 1, f"{path.name} shows {list(alike)}"
    return next(iter(alike.values()))


def figures() -> list[Row]:
    turned = Image.Exif()
    turned[0x0112] = 6  # stored lying, shown upright
    glass = drawing(2, 48, 48).convert("RGBA")
    glass.paste((9, 99, 200, 0), (0, 40, 48, 48))
    pictures = {
        "2895557": encoded(drawing(1, 40, 64), "JPEG", quality=95),
        "3029262_crop_1": encoded(glass, "PNG"),
        "cup/test é": encoded(drawing(3, 64, 40), "JPEG", quality=95, exif=turned),
        "../up/E": encoded(drawing(4, 52, 36), "GIF"),
        "../up/e": encoded(drawing(5, 36, 52), "WEBP", lossless=True),
    }
    prompts = {"2895557": "1girl, ^_^, school_uniform, solo", "3029262_crop_1": "+_+, 1boy, solo", "cup/test é": "",
               "../up/E": "solo, two_words", "../up/e": "1girl"}
    rows = []
    for name, data in pictures.items():
        height, width = seen(data).shape[:2]
        rows.append({
            "id": name, "image": {"bytes": data, "path": None},
            "mask": {"bytes": matte(name, width, height), "path": None}, "bbox": None,
            "character": "tea_cup" if "cup" in name else "reimu_(touhou)", "artists": "zun", "copyright": [],
            "cloths": ["skirt"], "prompts": prompts[name], "similar": SIMILAR[name],
            "outfit": OUTFITS[name], "answers": [{"question": "what", "answer": "skirt"}], "face_score": None,
            "coverage": 0.5, "rating": "general", "rating_raw": "s", "post_url": "",
            "sha256": hashlib.sha256(data).hexdigest(), "phash": "0" * 16, "width": width, "height": height})
    return rows


def matte(name: str, width: int, height: int) -> bytes:
    """White where BOXES says so, at its left edge only half so."""
    levels = np.zeros((height, width), np.uint8)
    if box := BOXES[name]:
        levels[box[1]:box[3], box[0]:box[2]] = 255
        levels[box[1]:box[3], box[0]] = 128
        levels[0, 0] = 127 if box[0] else levels[0, 0]
    return encoded(Image.fromarray(levels), "PNG")


def regularization(count: int = 6) -> list[Row]:
    rows = []
    for number in range(count):
        data = encoded(drawing(100 + number, 24 + number % 7, 24), "PNG")
        text = f"a photo of a number {number} backpack\n on a  rock" if number == 3 else f"a number {number} backpack"
        rows.append({
            "id": f"{number:05d}", "image": {"bytes": data, "path": None}, "text": text, "style": "", "shape": "",
            "color": "", "texture": f"number {number}", "class_name": "backpack", "background": "", "family": "styled",
            "seed": 2**40 + number, "generator": "light", "guidance": 0.0, "steps": 0, "attempts": 1, "clip_t": None,
            "sha256": hashlib.sha256(data).hexdigest(), "width": 24 + number % 7, "height": 24})
    return rows


def subject() -> list[Row]:
    rows = []
    for number in range(5):
        data = encoded(drawing(200 + number, 30, 20 + number), "JPEG", quality=95)
        rows.append({
            "id": f"backpack/{number:02d}", "image": {"bytes": data, "path": None},
            "text": f"a olis backpack on rock {number}", "caption": f"a backpack on rock {number}", "token": "olis",
            "class_name": "backpack", "kind": "object", "scene": f"on rock {number}", "subject": "backpack",
            "sha256": hashlib.sha256(data).hexdigest(), "width": 30, "height": 20 + number})
    return rows


def publish(folder: Path, recipe: str, columns: tuple[Column, ...], splits: dict[str, list[Row]]) -> Path:
    """A version whose rows lie in two files a split, as a large one's do."""
    version = folder / recipe / "1.0.0"
    (version / "data").mkdir(parents=True)
    for split, rows in splits.items():
        for number, part in enumerate((rows[:len(rows) // 2], rows[len(rows) // 2:])):
            table = pa.Table.from_pylist(part, schema=arrow_schema(columns))
            pq.write_table(table, version / "data" / f"{split}-{number:05d}-of-00002.parquet", row_group_size=20)
    manifest = Manifest(recipe=recipe, version="1.0.0", content_digest="ab" * 32, rows_digest="", counts={}, options={},
                        source={"name": "folder"}, models=[], funnel=[], near_copies=0, built_with={}, files={},
                        splits={split: len(rows) for split, rows in splits.items()})
    (version / manifests.NAME).write_bytes(manifests.encode(manifest))
    return version


@pytest.fixture
def drawn(tmp_path: Path) -> dict[str, tuple[Path, list[Row]]]:
    """A version and its training rows by recipe, a pool's rows of a pool; the figures with a test split."""
    rows = figures()
    apart = [{**row, "id": f"9{number}", "similar": [f"9{1 - number}"]} for number, row in enumerate(rows[:2])]
    pool = made_pool.rows()
    return {
        "coti": (made_pool.publish_pool(tmp_path, pool), pool[:-1]),
        "retribooru": (publish(tmp_path, "retribooru", RETRIBOORU, {"train": rows, "test_seen": apart}), rows),
        "regularization": (publish(tmp_path, "regularization", REGULARIZATION["static"], {"train": regularization()}),
                           regularization()),
        "subject": (publish(tmp_path, "subject", SUBJECT, {"train": subject()}), subject()),
    }


def export(version: Path, name: str, out: Path, *words: str) -> Path:
    assert cli.main(["export", str(version), "--format", name, "--out", str(out), *words]) == 0
    return out
