"""A small pool that was planted: suns over red ground are the concept, blue stripes are not."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIDE = 200


def sun(number: int) -> Image.Image:
    """A yellow disc over reds, its place, size and tone by its number."""
    rng = np.random.default_rng(number)
    ground = (170 + int(rng.integers(60)), int(rng.integers(40)), int(rng.integers(30)))
    picture = Image.new("RGB", (SIDE, SIDE + 8 * (number % 4)), ground)
    x, y, r = (int(rng.integers(low, high)) for low, high in ((40, 160), (40, 160), (18, 34)))
    pen = ImageDraw.Draw(picture)
    for _ in range(6):  # so that no two are near copies
        corners = [tuple(rng.integers(0, SIDE, 2).tolist()) for _ in range(3)]
        pen.polygon(corners, fill=(120 + int(rng.integers(130)), int(rng.integers(60)), 20))
    pen.ellipse((x - r, y - r, x + r, y + r), fill=(250, 210 + int(rng.integers(40)), 30))
    return _grained(picture, rng)


def sea(number: int) -> Image.Image:
    """Stripes of blue and green, their width and place by their number."""
    rng = np.random.default_rng(1000 + number)
    picture = Image.new("RGB", (SIDE, SIDE), (10, 40, 120 + int(rng.integers(100))))
    pen, wide = ImageDraw.Draw(picture), int(rng.integers(6, 30))
    for x in range(int(rng.integers(20)), SIDE, 2 * wide):
        pen.rectangle((x, 0, x + wide, SIDE), fill=(0, 120 + int(rng.integers(80)), 150))
    for _ in range(4):
        corners = [tuple(rng.integers(0, SIDE, 2).tolist()) for _ in range(3)]
        pen.polygon(corners, fill=(0, 60 + int(rng.integers(120)), 255))
    return _grained(picture, rng)


def _grained(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    noise = rng.integers(-12, 13, (picture.height, picture.width, 1))
    return Image.fromarray(np.clip(np.asarray(picture, np.int16) + noise, 0, 255).astype(np.uint8))


def jpeg(picture: Image.Image, quality: int = 92) -> bytes:
    """The picture's bytes."""
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=quality)
    return made.getvalue()


def plant(pool: Path, seeds: Path, suns: int = 8, seas: int = 12) -> None:
    """Writes `suns` and `seas` with texts, and beside them what must leave: a near copy of sun 0 and one of the first
    seed, a page, a truncated picture, a tracker. The seeds are three other suns."""
    for folder, draw, count in ((pool / "suns", sun, suns), (pool / "seas", sea, seas)):
        folder.mkdir(parents=True)
        for number in range(count):
            (folder / f"{number:02d}.jpg").write_bytes(jpeg(draw(number)))
            (folder / f"{number:02d}.txt").write_text(f"a {folder.name[:-1]}, number {number}")
    seeds.mkdir(parents=True)
    for number in range(3):
        (seeds / f"{number}.jpg").write_bytes(jpeg(sun(500 + number)))
    bad = pool / "bad"
    bad.mkdir()
    small = sun(0)
    (bad / "copy.jpg").write_bytes(jpeg(small.resize((small.width - 20, small.height - 21)), 70))
    (bad / "seed_copy.jpg").write_bytes(jpeg(sun(500), 75))
    (bad / "page.jpg").write_bytes(b"<html><body>no picture</body></html>")
    (bad / "cut.jpg").write_bytes(jpeg(sun(3))[:900])
    Image.new("RGB", (1, 1)).save(bad / "tracker.gif")
