"""Real drawings: sprites of free visual novels over their own backgrounds, and how the light models see them.

    python -m benchmarks.real_drawings                          # fetches the Debian package with apt-get
    python -m benchmarks.real_drawings --package renpy-demo     # other artists' sprites
    python -m benchmarks.real_drawings --mirror DIR             # also writes them as a Danbooru2019 mirror

The art is downloaded, never committed, and nothing is trained or tuned on it. The sprites' alpha is the truth of
the mattes; the face boxes below were drawn by hand: cheek to cheek, middle of the forehead to chin.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from PIL import Image

from annotators.faces import Faces
from annotators.masks import Masks
from benchmarks.sample_truth import soft_iou
from weights.score import FaceScore, matte_iou

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Sprite:
    """Sprites of one drawing in several expressions: `pattern` of the files, face in sprite pixels, what is worn."""

    pattern: str
    face: Box
    character: str
    garments: tuple[str, ...]


@dataclass(frozen=True)
class Art:
    """What a package holds: the folder of its pictures, backgrounds, sprites, and whose they are."""

    folder: str
    backgrounds: str
    sprites: tuple[Sprite, ...]
    artist: str


PACKAGES = {
    "renpy-thequestion": Art(
        "usr/share/games/renpy/the_question/game/images",
        "bg *.jpg",
        (
            Sprite("sylvie blue *.png", (104, 62, 207, 171), "sylvie", ("blue_shirt", "shirt", "brown_skirt", "skirt")),
            Sprite("sylvie green *.png", (141, 62, 249, 171), "sylvie", ("green_dress", "dress", "puffy_sleeves")),
        ),
        "the_question_artist",
    ),
    "renpy-demo": Art(
        "usr/share/games/renpy/demo/game/images",
        "bg *.jpg",
        (
            Sprite("eileen *.png", (86, 116, 236, 257), "eileen", ("blue_jacket", "jacket", "skirt")),
            Sprite("lucy happy.png", (157, 134, 267, 245), "lucy", ("green_dress", "dress", "glasses")),
            Sprite("lucy mad.png", (164, 196, 292, 311), "lucy", ("green_dress", "dress", "glasses")),
        ),
        "renpy_demo_artist",
    ),
}


@dataclass(frozen=True)
class Picture:
    """One composition with its truth: RGB and matte of equal size, the face box in its pixels."""

    rgb: Image.Image
    matte: Image.Image
    face: Box
    sprite: Sprite


def unpack(package: str, deb: Path | None, work: Path) -> Path:
    """The package's files under `work`; without `deb` it is fetched with apt-get."""
    if deb is None:
        subprocess.run(["apt-get", "download", package], cwd=work, check=True, stdout=subprocess.DEVNULL)
        deb = next(work.glob(f"{package}_*.deb"))
    subprocess.run(["dpkg-deb", "-x", str(deb.resolve()), str(work / "files")], check=True)
    return work / "files"


def place(sprite: Image.Image, face: Box, scene: Image.Image, rng: Generator) -> tuple[Image.Image, Image.Image, Box]:
    """A sprite before a random part of a scene, as games show it: cut by the lower edge; often cropped close."""
    height = int(rng.integers(480, 900))
    width = int(height * rng.uniform(0.5, 1.6))
    scale = height / sprite.height * rng.uniform(0.75, 1.5)
    x0, y0, x1, y1 = face
    if rng.random() < 0.5:
        sprite = sprite.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        x0, x1 = sprite.width - x1, sprite.width - x0
    figure = sprite.resize((round(sprite.width * scale), round(sprite.height * scale)), Image.Resampling.LANCZOS)
    if figure.width > width * 1.1:
        width = int(figure.width * rng.uniform(0.92, 1.1))
    left = round((width - figure.width) * rng.uniform(0.0, 1.0))
    top = max(height - figure.height, round(rng.uniform(0.0, 0.08) * height))
    part = min(scene.width / width, scene.height / height) * rng.uniform(0.5, 1.0)
    bx, by = rng.uniform(0, scene.width - width * part), rng.uniform(0, scene.height - height * part)
    box = (bx, by, bx + width * part, by + height * part)
    rgb = scene.resize((width, height), Image.Resampling.LANCZOS, box)
    matte = Image.new("L", (width, height))
    rgb.paste(figure, (left, top), figure)
    matte.paste(figure.getchannel("A"), (left, top))
    return rgb, matte, (x0 * scale + left, y0 * scale + top, x1 * scale + left, y1 * scale + top)


def compose(art: Art, root: Path, rounds: int, seed: int) -> Iterator[Picture]:
    """Every sprite before every background, `rounds` times."""
    rng = np.random.default_rng(seed)
    folder = root / art.folder
    scenes = [Image.open(path).convert("RGB") for path in sorted(folder.glob(art.backgrounds))]
    for _ in range(rounds):
        for sprite in art.sprites:
            for path in sorted(folder.glob(sprite.pattern)):
                drawn = Image.open(path).convert("RGBA")
                for scene in scenes:
                    yield Picture(*place(drawn, sprite.face, scene, rng), sprite)


def measure(pictures: list[Picture]) -> dict[str, float | int]:
    """Faces found at IoU 0.5, false boxes a picture, mean and lowest matte IoU, with the light models."""
    faces, masks = Faces(), Masks()
    score, overlaps, soft = FaceScore(), [], []
    for picture in pictures:
        pixels = np.asarray(picture.rgb)
        found = faces({"image": [pixels]})
        good = np.array(found["scores"][0]) >= faces.default_score
        boxes = np.array(found["boxes"][0], np.float32).reshape(-1, 4)[good]
        sides = np.array([*picture.rgb.size] * 2, np.float32)
        score.add(boxes * sides, np.array([picture.face], np.float32), np.zeros((0, 4), np.float32))
        found_matte, truth = masks.matte(pixels), np.asarray(picture.matte)
        overlaps.append(matte_iou(found_matte, truth))
        soft.append(soft_iou(found_matte, truth))
    summary = score.summary()
    return {
        "pictures": len(pictures), "faces_found": summary["recall"], "false_per_picture": summary["false_per_picture"],
        "face_iou": summary["mean_iou"], "matte_iou": round(float(np.mean(overlaps)), 4),
        "matte_soft_iou": round(float(np.mean(soft)), 4),
        "matte_iou_lowest_tenth": round(float(np.quantile(overlaps, 0.1)), 4),
    }


def write_mirror(pictures: list[Picture], art: Art, mirror: Path) -> None:
    """The pictures as a Danbooru2019 mirror: metadata of the 2017-2020 style, figures in buckets."""
    lines = []
    for number, picture in enumerate(pictures):
        post = str(1_000_000 + number)
        path = mirror / "danbooru2019-figures" / f"{int(post) % 1000:04d}" / f"{post}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.rgb.save(path, "JPEG", quality=92)
        named = [("1girl", "0"), ("solo", "0"), *((g, "0") for g in picture.sprite.garments)]
        named += [(art.artist, "1"), ("renpy", "3"), (picture.sprite.character, "4")]
        lines.append(json.dumps({
            "id": post, "rating": "s", "parent_id": "0", "file_ext": "jpg", "score": "0",
            "image_width": str(picture.rgb.width), "image_height": str(picture.rgb.height),
            "is_deleted": False, "is_banned": False, "is_pending": False, "is_flagged": False,
            "tags": [{"id": str(i + 1), "name": name, "category": kind} for i, (name, kind) in enumerate(named)],
        }))  # fmt: skip
    (mirror / "metadata" / "2019").mkdir(parents=True, exist_ok=True)
    (mirror / "metadata" / "2019" / "2019000000000000.json").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", choices=sorted(PACKAGES), default="renpy-thequestion")
    parser.add_argument("--deb", type=Path, default=None, help="the package's file, to fetch nothing")
    parser.add_argument("--rounds", type=int, default=4, help="times that each sprite meets each background")
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument("--mirror", type=Path, default=None, help="write the pictures as a mirror here")
    options = parser.parse_args()
    art = PACKAGES[options.package]
    with tempfile.TemporaryDirectory() as work:
        root = unpack(options.package, options.deb, Path(work))
        pictures = list(compose(art, root, options.rounds, options.seed))
    if options.mirror:
        write_mirror(pictures, art, options.mirror)
        print(f"mirror of {len(pictures)} posts: build retribooru --source danbooru2019 --root {options.mirror} "
              "--models light --out OUT", file=sys.stderr)
    print(json.dumps(measure(pictures)))


if __name__ == "__main__":
    main()
