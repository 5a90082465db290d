"""One row by hand, broken in one place at a time; each fault must be named, and nothing may raise."""

import hashlib
import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from builders.verification.rows import Promise, promised, row_faults
from schemas.manifest import Manifest, Step

PROMISE = Promise(match="artist", tagged=True, ratings=frozenset({"general", "sensitive"}), min_side=4,
                  max_pixels=1000, needs_face=True, face_score=0.45, matte=(0.08, 0.95))
NAN = float("nan")


def _coded(pixels: Any, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


IMAGE = _coded(np.zeros((4, 8, 3), np.uint8))
MATTE = np.repeat(np.array([[0, 255]], np.uint8), 4, 1).repeat(4, 0)  # the right half of 8 x 4
CUT = _coded(np.ones((4, 8, 3), np.uint8))
JPEG = _coded(np.ones((4, 8, 3), np.uint8), "JPEG")


def _bomb() -> bytes:
    """A grey PNG whose header claims 60000 x 60000 pixels."""
    whole, head = _coded(MATTE), b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return whole[:12] + head + struct.pack(">I", zlib.crc32(head)) + whole[33:]


def _row(**change: Any) -> dict[str, Any]:
    return {"id": "1", "image": {"bytes": IMAGE, "path": None}, "mask": {"bytes": _coded(MATTE), "path": None},
            "bbox": [0.5, 0.5, 0.25, 0.5], "character": "ann", "artists": "zun", "copyright": [], "cloths": ["skirt"],
            "prompts": "1girl", "similar": ["2"], "outfit": "0123456789ab",
            "answers": [{"question": "what is worn on the head", "answer": ""}], "face_score": 0.5, "coverage": 0.5,
            "rating": "general", "rating_raw": "s", "post_url": "", "sha256": hashlib.sha256(IMAGE).hexdigest(),
            "phash": "0" * 16, "width": 8, "height": 4} | change


def _pixels(data: bytes | None, path: str | None = None) -> dict[str, Any]:
    return {"bytes": data, "path": path}


def test_a_sound_row() -> None:
    assert list(row_faults(_row(), PROMISE)) == []


@pytest.mark.parametrize(("change", "said"), [
    ({"mask": None}, "null: mask"),
    ({"image": None}, "null: image"),
    ({"image": _pixels(None)}, "null: image"),
    ({"similar": None}, "null: similar"),
    ({"similar": [None]}, "null: a part of similar"),
    ({"id": None}, "null: id"),
    ({"character": None}, "null: character"),
    ({"answers": [{"question": None, "answer": ""}]}, "null: a part of answers"),
    ({"mask": _pixels(_bomb())}, "matte cannot be read: Image size (3600000000 pixels)"),
    ({"mask": _pixels(b"no picture")}, "matte is no PNG"),
    ({"mask": _pixels(JPEG)}, "matte is no PNG"),
    ({"mask": _pixels(_coded(MATTE)[:-28])}, "matte cannot be read"),
    ({"mask": _pixels(IMAGE)}, "matte has mode RGB, not L"),
    ({"mask": _pixels(_coded(MATTE[:2]))}, "matte is (8, 2), image is (8, 4)"),
    ({"mask": _pixels(_coded(MATTE * 0))}, "coverage is 0.5000, its matte covers 0.0000 (it is blank)"),
    ({"mask": _pixels(_coded(MATTE * 0)), "coverage": 0.0}, "coverage 0.0000 is not within 0.08..0.95"),
    ({"coverage": 1.5}, "coverage 1.5000 is not within 0.08..0.95"),
    ({"coverage": NAN}, "coverage nan is not within 0.08..0.95"),
    ({"image": _pixels(b"")}, "image cannot be read: empty"),
    ({"image": _pixels(CUT)}, "not that of its image"),
    ({"image": _pixels(_coded(np.zeros((40, 40, 3), np.uint8)))}, "image cannot be read: too_large"),
    ({"width": 7}, "image is (8, 4), its columns say (7, 4)"),
    ({"height": 3}, "its shorter side is under 4"),
    ({"sha256": "x"}, "sha256 is 'x'"),
    ({"phash": "0" * 15}, "phash is '000000000000000'"),
    ({"mask": _pixels(_coded(MATTE), "/a/b.png")}, "mask names the file '/a/b.png'"),
    ({"bbox": [NAN] * 4}, "is none or leaves the image"),
    ({"bbox": [None] * 4}, "is none or leaves the image"),
    ({"bbox": [0.1, 0.5, 0.4, 0.2]}, "is none or leaves the image"),
    ({"bbox": [0.5, 0.5, 0.0, 0.2]}, "is none or leaves the image"),
    ({"bbox": None, "face_score": None}, "it has no face box, and the build asked for one face"),
    ({"bbox": None}, "face score 0.5 without a box"),
    ({"face_score": 0.3}, "face score 0.3 is not within 0.45..1"),
    ({"face_score": NAN}, "face score nan is not within 0.45..1"),
    ({"face_score": None}, "face score None is not within 0.45..1"),
    ({"rating": "explicit"}, "rating explicit is not among general, sensitive"),
    ({"answers": []}, "answers is empty"),
    ({"character": ""}, "character is empty"),
    ({"artists": ""}, "artists is empty"),
    ({"similar": ["2", "2"]}, "a reference stands twice"),
])
def test_a_broken_row(change: dict[str, Any], said: str) -> None:
    assert said in "\n".join(row_faults(_row(**change), PROMISE))


def test_what_a_folder_may_hold() -> None:
    folder = Promise(min_side=4, max_pixels=1000)
    blank = _row(mask=_pixels(_coded(MATTE * 0)), coverage=0.0, bbox=None, face_score=None, artists="", cloths=[],
                 rating="unknown")
    assert list(row_faults(blank, folder)) == []


def test_only_what_was_cut_out_has_other_bytes_than_its_file() -> None:
    whole = Promise(min_side=4, max_pixels=1000, cut=True)
    assert list(row_faults(_row(image=_pixels(CUT)), whole)) == []
    (fault,) = row_faults(_row(image=_pixels(JPEG)), whole)  # what is cut is written as PNG
    assert fault.startswith("sha256 is ") and fault.endswith("not that of its image")


OPTIONS = {"source": "danbooru2019", "match": "artist", "face": "one", "ratings": "general, sensitive", "min_side": 4,
           "max_pixels": 1000, "face_score": 0.45, "matte_min": 0.08, "matte_max": 0.95}


def _manifest(options: dict[str, object], stages: tuple[str, ...] = ()) -> Manifest:
    return Manifest(recipe="retribooru", version="1.0.0", content_digest="", rows_digest="", source={}, counts={},
                    options=options, models=[], funnel=[Step(stage, 0, 0, {}) for stage in stages], splits={},
                    near_copies=0, built_with={}, files={})


def test_the_promise_comes_from_the_options() -> None:
    assert promised(_manifest({**OPTIONS})) == (PROMISE, [])
    cut, _ = promised(_manifest({**OPTIONS}, ("file", "figure")))
    assert cut.cut
    folder, _ = promised(_manifest({**OPTIONS, "source": "folder", "face": "any"}))
    assert "unknown" in folder.ratings and not folder.tagged and not folder.needs_face


def test_options_that_promise_nothing_are_told() -> None:
    promise, faults = promised(_manifest({**OPTIONS, "face_score": None, "min_side": True}))
    assert promise == Promise()
    assert faults == ["manifest.json: option min_side is True", "manifest.json: option face_score is None"]


def test_options_that_no_build_has_are_told() -> None:
    promise, faults = promised(_manifest({**OPTIONS, "match": "zzz", "face": "two"}))
    assert promise == Promise()
    assert faults == ["manifest.json: option match is 'zzz'", "manifest.json: option face is 'two'"]
