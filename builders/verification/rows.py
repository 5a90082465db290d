"""`build verify`, row by row: what a row's columns, picture and matte must be in the build that the manifest tells of.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from annotators import images
from schemas.errors import RowError
from schemas.features import RETRIBOORU
from schemas.manifest import Manifest
from schemas.records import Rating

_NULLABLE = {"bbox", "face_score"}
_LISTS = ("copyright", "cloths", "similar", "answers")
_HEX = {"sha256": re.compile(r"[0-9a-f]{64}"), "phash": re.compile(r"[0-9a-f]{16}")}
_ROUNDING = 1e-6  # boxes and coverage are stored as float32

_OPTIONS: dict[str, type | tuple[type, ...]] = {
    "source": str, "match": str, "face": str, "ratings": str, "min_side": int, "max_pixels": int,
    "face_score": (int, float), "matte_min": (int, float), "matte_max": (int, float)}
_ALLOWED = {"match": ("artist", "character"), "face": ("one", "any")}


@dataclass(frozen=True)
class Promise:
    """What a build's options promise of each row. The defaults promise nothing."""

    match: str = "character"
    tagged: bool = False
    """Every row has one artist, garments and a rating among `ratings`: the source carries tags."""
    ratings: frozenset[str] = frozenset(Rating)
    min_side: int = 1
    max_pixels: int = images.MAX_PIXELS
    needs_face: bool = False
    face_score: float = 0.0
    matte: tuple[float, float] = (0.0, 1.0)
    cut: bool = False
    """Some rows were cut out of whole pictures, so that their bytes are not the file's."""


def promised(manifest: Manifest) -> tuple[Promise, list[str]]:
    """What the manifest's options promise; and what is wrong with them, in which case they promise nothing."""
    said: dict[str, Any] = manifest.options
    faults = [f"manifest.json: option {name} is {said.get(name)!r}" for name, kind in _OPTIONS.items()
              if not isinstance(said.get(name), kind) or isinstance(said.get(name), bool)]
    faults += [f"manifest.json: option {name} is {said.get(name)!r}" for name, allowed in _ALLOWED.items()
               if isinstance(said.get(name), str) and said[name] not in allowed]
    if faults:
        return Promise(), faults
    tagged = said["source"] != "folder"
    ratings = frozenset(name.strip() for name in said["ratings"].split(",")) if tagged else frozenset(Rating)
    return Promise(said["match"], tagged, ratings, said["min_side"], said["max_pixels"], said["face"] == "one",
                   said["face_score"], (said["matte_min"], said["matte_max"]),
                   any(step.stage == "figure" for step in manifest.funnel)), []


def row_faults(row: Mapping[str, Any], promise: Promise) -> Iterator[str]:
    """Everything that is wrong with a row taken alone, in words."""
    nulls = [column.name for column in RETRIBOORU if row[column.name] is None and column.name not in _NULLABLE]
    nulls += [name for name in ("image", "mask") if row[name] is not None and row[name]["bytes"] is None]
    nulls += [f"a part of {name}" for name in _LISTS if _has_null(row[name])]
    if nulls:
        yield f"null: {', '.join(nulls)}"
        return
    yield from _columns(row, promise)
    yield from picture_faults(row, promise.max_pixels, promise.cut)
    yield from _matte(row, promise)
    yield from _face(row["bbox"], row["face_score"], promise)


def _has_null(values: list[Any] | None) -> bool:
    return any(one is None or (isinstance(one, dict) and None in one.values()) for one in values or [])


def _columns(row: Mapping[str, Any], promise: Promise) -> Iterator[str]:
    filled = ["id", "character", "outfit", "answers", *(("artists", "cloths") if promise.tagged else ())]
    yield from (f"{name} is empty" for name in filled if not row[name])
    yield from (f"{name} is {row[name]!r}" for name, digits in _HEX.items() if not digits.fullmatch(row[name]))
    yield from (f"{name} names the file {row[name]['path']!r}" for name in ("image", "mask") if row[name]["path"])
    if row["rating"] not in promise.ratings:
        yield f"rating {row['rating']} is not among {', '.join(sorted(promise.ratings))}"
    if min(row["width"], row["height"]) < promise.min_side:
        yield f"its shorter side is under {promise.min_side}"
    if len(set(row["similar"])) != len(row["similar"]):
        yield "a reference stands twice"


def picture_faults(row: Mapping[str, Any], max_pixels: int, cut: bool = False) -> Iterator[str]:
    """What is wrong with a row's image, width, height and sha256. `cut`: it may be a PNG that was cut out of the file
    with that sha256."""
    data = row["image"]["bytes"]
    try:
        image = images.decode(data, max_pixels=max_pixels)
    except RowError as error:
        yield f"image cannot be read: {error}"
        return
    size, said = (image.width, image.height), (row["width"], row["height"])
    if size != said:
        yield f"image is {size}, its columns say {said}"
    if hashlib.sha256(data).hexdigest() != row["sha256"] and not (cut and image.format == "PNG"):
        yield f"sha256 is {row['sha256'][:16]}, not that of its image"


def _matte(row: Mapping[str, Any], promise: Promise) -> Iterator[str]:
    size, told = (row["width"], row["height"]), row["coverage"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of sizes, which are judged before a pixel is decoded
            with Image.open(io.BytesIO(row["mask"]["bytes"]), formats=("PNG",)) as matte:
                if matte.mode != "L":
                    yield f"matte has mode {matte.mode}, not L"
                if matte.size != size:
                    yield f"matte is {matte.size}, image is {size}"
                if matte.mode != "L" or matte.size != size:
                    return
                covered = float(np.asarray(matte).mean() / 255)
    except UnidentifiedImageError:
        yield "matte is no PNG"
        return
    except Exception as error:  # Pillow's decoders raise whatever their parsing stumbles on
        yield f"matte cannot be read: {error}"
        return
    if not abs(covered - told) <= _ROUNDING:
        yield f"coverage is {told:.4f}, its matte covers {covered:.4f}" + ("" if covered else " (it is blank)")
    if not promise.matte[0] <= told <= promise.matte[1]:
        yield f"coverage {told:.4f} is not within {promise.matte[0]:g}..{promise.matte[1]:g}"


def _face(box: list[float | None] | None, score: float | None, promise: Promise) -> Iterator[str]:
    if box is None:
        if promise.needs_face:
            yield "it has no face box, and the build asked for one face"
        if score is not None:
            yield f"face score {score} without a box"
        return
    if not _inside(box):
        yield f"face box {box} is none or leaves the image"
    if score is None or not promise.face_score <= score <= 1:
        yield f"face score {score} is not within {promise.face_score:g}..1"


def _inside(box: list[float | None]) -> bool:
    """Whether cx, cy, w, h are numbers of a box within the image."""
    known = [value for value in box if value is not None and math.isfinite(value)]
    if len(known) != 4:
        return False
    cx, cy, w, h = known
    edges = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
    return w > 0 and h > 0 and min(edges) >= -_ROUNDING and max(edges) <= 1 + _ROUNDING
