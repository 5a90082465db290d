"""IP-Adapter's and ControlNet's lists, read as their trainers read them."""

import json
from pathlib import Path

import datasets
import numpy as np
from PIL import Image

from tests.builders.exports.conftest import CAPTIONS, SIMILAR, Row, export, seen, whose

Drawn = dict[str, tuple[Path, list[Row]]]


def test_ip_adapter_reads_pictures_captions_and_references(drawn: Drawn, tmp_path: Path) -> None:
    version, rows = drawn["retribooru"]
    out = export(version, "ip-adapter", tmp_path / "out")
    data = json.loads((out / "data.json").read_text("utf-8"))
    assert len(data) == len(rows)
    for item, row in zip(data, rows, strict=True):
        assert whose(out / item["image_file"], rows)["id"] == row["id"]
        assert item["text"] == CAPTIONS[row["id"]]
        assert [whose(out / one, rows)["id"] for one in item["ref_files"]] == SIMILAR[row["id"]]


def _square(row: Row) -> np.ndarray[tuple[int, int, int], np.dtype[np.int64]]:
    """The row's picture in the middle of a white square of 512 pixels."""
    picture = Image.fromarray(seen(row["image"]["bytes"]).astype(np.uint8))
    scale = 512 / max(picture.size)
    size = (round(picture.width * scale), round(picture.height * scale))
    whole = Image.new("RGB", (512, 512), "white")
    whole.paste(picture.resize(size, Image.Resampling.BICUBIC), ((512 - size[0]) // 2, (512 - size[1]) // 2))
    return np.asarray(whole).astype(int)


def _shown(image: Image.Image, rows: list[Row]) -> str:
    assert image.size == (512, 512) and image.mode == "RGB"
    distance = {row["id"]: float(np.abs(np.asarray(image).astype(int) - _square(row)).mean()) for row in rows}
    nearest, second = sorted(distance, key=distance.__getitem__)[:2]
    assert distance[nearest] < 4 < distance[second]
    return nearest


def test_controlnet_reads_squares_with_a_reference_for_each_target(drawn: Drawn, tmp_path: Path) -> None:
    version, rows = drawn["retribooru"]
    out = export(version, "controlnet", tmp_path / "out")
    items = [json.loads(line) for line in (out / "prompt.json").read_text("utf-8").splitlines()]
    assert len(items) == len(rows)
    for item, row in zip(items, rows, strict=True):
        with Image.open(f"{out}/{item['target']}") as target, Image.open(f"{out}/{item['source']}") as source:
            assert _shown(target, rows) == row["id"]
            assert _shown(source, rows) in SIMILAR[row["id"]]
        assert item["prompt"] == CAPTIONS[row["id"]]
        assert item["source"] in item["sources"] and len(item["sources"]) == len(SIMILAR[row["id"]])


def test_references_take_turns(drawn: Drawn, tmp_path: Path) -> None:
    out = export(drawn["retribooru"][0], "controlnet", tmp_path / "out")
    items = [json.loads(line) for line in (out / "prompt.json").read_text("utf-8").splitlines()]
    assert [item["sources"].index(item["source"]) for item in items] == [0, 1, 0, 0, 0]
    apart = export(drawn["retribooru"][0], "controlnet", tmp_path / "apart", "--split", "test_seen")
    pairs = [json.loads(line) for line in (apart / "prompt.json").read_text("utf-8").splitlines()]
    assert [(pair["target"], pair["source"]) for pair in pairs] == [
        ("images/90.png", "images/91.png"), ("images/91.png", "images/90.png")]


def test_the_script_of_diffusers_finds_its_columns(drawn: Drawn, tmp_path: Path) -> None:
    version, rows = drawn["retribooru"]
    out = export(version, "controlnet", tmp_path / "out")
    sets = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))  # as --train_data_dir does
    assert set(sets["train"].column_names) == {"image", "conditioning_image", "text"}
    assert len(sets["train"]) == len(rows)
    for found, row in zip(sets["train"], rows, strict=True):
        assert _shown(found["image"], rows) == row["id"] and found["text"] == CAPTIONS[row["id"]]
        assert _shown(found["conditioning_image"], rows) in SIMILAR[row["id"]]
