"""The script that a person writes who has no Likeness: `datasets.map`, one picture and one call at a time.

    python -m benchmarks.plain_script MIRROR OUT [--workers N]

It does what `build retribooru` does to the rows, by the same rules and with the same models: tags, decoding, one face,
matte, answers, hashes, references of the same character, artist and equal answers, Parquet. It resumes nothing, rejects
nothing with a reason, checks no digest and draws no card.
"""

from __future__ import annotations

import argparse
import gzip
import json
import lzma
from collections import defaultdict
from pathlib import Path
from typing import Any

import datasets
import imagehash
import numpy as np
from PIL import Image

from annotators.answers import LightAnswers
from annotators.faces import Faces
from annotators.masks import Masks
from builders.garments import is_garment

FACES, MASKS, ANSWERS = Faces(), Masks(), LightAnswers()
LEAST = FACES.default_score


def listed(mirror: Path) -> list[dict[str, Any]]:
    """Figures with one character, one artist and a garment, by a dictionary of all metadata."""
    posts = {}
    for path in sorted((mirror / "metadata").rglob("*")):
        if path.is_file():
            opened = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix, open)
            with opened(path, "rt", errors="replace") as lines:
                for line in lines:
                    try:
                        record = json.loads(line)
                        posts[str(record["id"])] = record
                    except (ValueError, KeyError, TypeError, RecursionError):  # the mirror has planted defects
                        continue
    rows = []
    for path in sorted((mirror / "danbooru2019-figures").rglob("*.*")):
        record = posts.get(path.stem.split("_")[0], {})
        general, artists, characters = (tags_of(record, kind) for kind in ("general", "artist", "character"))
        garments = [name.replace("_", " ") for name in general if is_garment(name)]
        if record.get("rating") in ("s", "g") and len(characters) == len(artists) == 1 and garments:
            rows.append({"id": path.stem, "image": str(path), "character": characters[0], "artist": artists[0],
                         "cloths": garments})
    return rows


def tags_of(record: dict[str, Any], kind: str) -> list[str]:
    """Tags of one kind, in either style of record."""
    number = {"general": "0", "artist": "1", "character": "4"}[kind]
    if record.get("tags"):
        return [tag["name"] for tag in record["tags"] if str(tag.get("category")) == number]
    return str(record.get(f"tag_string_{kind}") or "").split()


def opens(path: str) -> bool:
    """Whether the file is a picture of some size."""
    try:
        with Image.open(path) as image:
            image.load()
            return min(image.size) >= 128 and not getattr(image, "is_animated", False)
    except Exception:
        return False


def pixels(row: dict[str, Any]) -> np.ndarray:
    return np.asarray(row["image"].convert("RGB"))


def find_face(row: dict[str, Any]) -> dict[str, Any]:
    found = FACES({"image": [pixels(row)]})
    return {"boxes": found["boxes"][0], "scores": found["scores"][0]}


def one_face(row: dict[str, Any]) -> bool:
    return sum(score >= LEAST for score in row["scores"]) == 1


def find_matte(row: dict[str, Any]) -> dict[str, Any]:
    found = MASKS({"image": [pixels(row)]})
    return {"mask": found["mask"][0], "coverage": found["coverage"][0]}


def covered(row: dict[str, Any]) -> bool:
    return 0.08 <= row["coverage"] <= 0.95


def answer(row: dict[str, Any]) -> dict[str, Any]:
    asked = {name: [row[name]] for name in ("boxes", "scores", "mask", "cloths")}
    return {"answers": ANSWERS({"image": [pixels(row)], **asked})["answers"][0]}


def hashed(row: dict[str, Any]) -> dict[str, Any]:
    return {"phash": str(imagehash.phash(row["image"]))}


def referenced(rows: datasets.Dataset) -> list[list[str]]:
    """Ids of the same character, artist and answers whose hash is not close."""
    groups: dict[tuple[Any, ...], list[tuple[str, int]]] = defaultdict(list)
    said = rows.select_columns(["id", "character", "artist", "answers", "phash"])
    keys = [(row["character"], row["artist"], tuple(row["answers"])) for row in said]
    for row, key in zip(said, keys, strict=True):
        groups[key].append((row["id"], int(row["phash"], 16)))
    return [[other for other, theirs in groups[key] if other != row["id"]
             and (theirs ^ int(row["phash"], 16)).bit_count() > 10] for row, key in zip(said, keys, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mirror", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    found = parser.parse_args()
    rows = datasets.Dataset.from_list(listed(found.mirror))
    rows = rows.filter(opens, input_columns="image", num_proc=found.workers)
    rows = rows.cast_column("image", datasets.Image())
    rows = rows.map(find_face, num_proc=found.workers)
    rows = rows.filter(one_face, num_proc=found.workers)
    rows = rows.map(find_matte, num_proc=found.workers)
    rows = rows.filter(covered, num_proc=found.workers)
    rows = rows.map(answer, num_proc=found.workers)
    rows = rows.map(hashed, num_proc=found.workers)
    rows = rows.add_column("similar", referenced(rows))
    rows = rows.filter(lambda similar: len(similar) > 0, input_columns="similar")
    found.out.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(str(found.out / "train.parquet"))
    print(len(rows))


if __name__ == "__main__":
    main()
