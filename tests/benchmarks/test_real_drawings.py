"""The real-drawing benchmark's geometry and mirror, with a planted sprite instead of downloaded art."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.real_drawings import PACKAGES, Art, Sprite, compose, write_mirror

ART = Art("art", "bg *.png", (Sprite("girl *.png", (20, 10, 40, 30), "girl", ("blue_shirt", "shirt")),), "someone")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    sprite = np.zeros((140, 60, 4), np.uint8)
    sprite[:, 5:55] = (255, 0, 0, 255)
    sprite[10:30, 20:40] = (0, 255, 0, 255)
    (tmp_path / "art").mkdir()
    Image.fromarray(sprite).save(tmp_path / "art" / "girl happy.png")
    Image.new("RGB", (300, 200), (0, 0, 90)).save(tmp_path / "art" / "bg room.png")
    return tmp_path


def test_truth_follows_the_sprite(root: Path) -> None:
    pictures = list(compose(ART, root, 12, 0))
    assert len(pictures) == 12
    for picture in pictures:
        pixels, matte = np.asarray(picture.rgb).astype(int), np.asarray(picture.matte)
        assert matte.shape == pixels.shape[:2]
        blue = (pixels[..., 2] > 60) & (pixels[..., :2].max(2) < 30)
        assert blue[matte < 8].mean() > 0.99 and not blue[matte > 247].any()
        assert (matte[-1] > 127).any()  # a sprite stands on the lower edge
        rows, columns = np.nonzero((pixels[..., 1] > 128) & (pixels[..., 0] < 128))
        x0, y0, x1, y1 = picture.face
        width, height = picture.rgb.size
        planted = (max(x0, 0), max(y0, 0), min(x1, width), min(y1, height))
        assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == pytest.approx(planted, abs=3)


def test_the_same_seed_gives_the_same_pictures(root: Path) -> None:
    first, again = (list(compose(ART, root, 2, 5)) for _ in range(2))
    assert [p.rgb.tobytes() for p in first] == [p.rgb.tobytes() for p in again]


def test_the_mirror_holds_one_post_a_picture(root: Path, tmp_path: Path) -> None:
    pictures = list(compose(ART, root, 3, 1))
    write_mirror(pictures, ART, tmp_path / "mirror")
    lines = (tmp_path / "mirror" / "metadata" / "2019" / "2019000000000000.json").read_text().splitlines()
    posts = [json.loads(line) for line in lines]
    files = sorted((tmp_path / "mirror" / "danbooru2019-figures").rglob("*.jpg"))
    assert [post["id"] for post in posts] == [file.stem for file in files] == ["1000000", "1000001", "1000002"]
    assert [file.parent.name for file in files] == ["0000", "0001", "0002"]
    kinds = {tag["name"]: tag["category"] for tag in posts[0]["tags"]}
    assert kinds == {
        "1girl": "0", "solo": "0", "blue_shirt": "0", "shirt": "0", "someone": "1", "renpy": "3", "girl": "4",
    }  # fmt: skip
    with Image.open(files[0]) as image:
        assert image.size == (int(posts[0]["image_width"]), int(posts[0]["image_height"]))


def test_every_hand_drawn_face_is_a_sensible_box() -> None:
    faces = [sprite.face for art in PACKAGES.values() for sprite in art.sprites]
    assert len(faces) == 5
    for x0, y0, x1, y1 in faces:
        assert 0.75 < (x1 - x0) / (y1 - y0) < 1.3
