"""FastComposer's folders, read as its loader reads them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.builders.exports.conftest import BOXES, CAPTIONS, SIMILAR, Row, export, seen, whose

Drawn = dict[str, tuple[Path, list[Row]]]
NOUNS = {"2895557": "a girl", "3029262_crop_1": "a boy", "cup/test é": "tea cup", "../up/E": "a character",
         "../up/e": "a girl"}
WHOLE = {"2895557": "a girl, ^_^, school uniform, solo", "3029262_crop_1": "a boy, +_+, solo", "cup/test é": "tea cup",
         "../up/E": "a character, solo, two words", "../up/e": "a girl"}


def _item(root: Path, image_id: str) -> tuple[Path, dict[str, Any], np.ndarray[Any, Any]]:
    int(image_id)  # it ends in a tensor
    place = root / image_id[:5] / image_id
    return (place.with_suffix(".jpg"), json.loads(place.with_suffix(".json").read_text("utf-8")),
            np.load(place.with_suffix(".npy"), allow_pickle=False))


def test_segments_are_cut_where_the_figure_is(drawn: Drawn, tmp_path: Path) -> None:
    version, rows = drawn["retribooru"]
    out = export(version, "fastcomposer", tmp_path / "out")
    ids = (out / "image_ids_train.txt").read_text().splitlines()
    assert ids == (out / "image_ids.txt").read_text().splitlines()
    assert len({int(one) for one in ids}) == len(ids) == len(rows)
    by_number = {}
    for image_id, row in zip(ids, rows, strict=True):
        path, said, segments = _item(out, image_id)
        with Image.open(path) as image:  # torchvision looks at no EXIF either
            assert image.format == "JPEG" and image.getexif().get(0x0112, 1) == 1
            pixels = np.asarray(image.convert("RGB")).astype(int)
        assert whose(path, rows)["id"] == by_number.setdefault(image_id, row["id"]) == said["row"]
        assert segments.shape == pixels.shape[:2] and segments.dtype == np.uint8
        box = BOXES[row["id"]]
        if box is None:
            assert said["segments"] == [] and not segments.any()
            continue
        (segment,) = said["segments"]
        h1, w1, h2, w2 = segment["bbox"]  # so named there, and so used
        cut, label = pixels[w1:w2, h1:h2], (segments == segment["id"])[w1:w2, h1:h2]
        assert label.all() and label.sum() == (segments == segment["id"]).sum()
        truth = seen(row["image"]["bytes"])[box[1]:box[3], box[0]:box[2]]
        assert cut.shape == truth.shape and np.abs(cut - truth).mean() < 4


def test_captions_begin_with_a_noun_that_the_token_follows(drawn: Drawn, tmp_path: Path) -> None:
    version, rows = drawn["retribooru"]
    out = export(version, "fastcomposer", tmp_path / "out")
    numbers = dict(zip(CAPTIONS, (out / "image_ids.txt").read_text().splitlines(), strict=True))
    for row in rows:
        _, said, _ = _item(out, numbers[row["id"]])
        assert said["caption"] == WHOLE[row["id"]]
        assert said["similar"] == [numbers[one] for one in SIMILAR[row["id"]]]
        for segment in said["segments"]:
            assert said["caption"][:segment["end"]] == NOUNS[row["id"]]
            assert segment["coco_label"] == ("object" if row["id"] == "cup/test é" else "person")


def test_jpegs_are_untouched(drawn: Drawn, tmp_path: Path) -> None:
    version, rows = drawn["retribooru"]
    out = export(version, "fastcomposer", tmp_path / "out")
    assert (out / "00000" / "000000000.jpg").read_bytes() == rows[0]["image"]["bytes"]


@pytest.mark.parametrize(("split", "name"), [("train", "image_ids_train.txt"), ("test_seen", "image_ids_test.txt")])
def test_the_list_is_named_after_the_split(drawn: Drawn, tmp_path: Path, split: str, name: str) -> None:
    out = export(drawn["retribooru"][0], "fastcomposer", tmp_path / "out", "--split", split)
    assert sorted(path.name for path in out.glob("*.txt")) == sorted(["image_ids.txt", name])
