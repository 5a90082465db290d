"""Each planted defect is what it says, judged by Pillow and by the formats' own headers."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from annotators.images import decode
from builders.sources.sample_files import DEFECTIVE, encode, jpeg, png
from schemas.errors import RowError


def _picture() -> np.ndarray:
    y, x = np.mgrid[0:96, 0:64]
    return np.stack([x * 3, y * 2, 255 - x - y], axis=2).astype(np.uint8)


def _bytes(defect: str) -> bytes:
    return encode(_picture(), defect, np.random.default_rng(0))[0]


@pytest.mark.parametrize(("defect", "reason"), [
    ("truncated", "truncated"), ("empty", "empty"), ("html", "not_an_image"), ("damaged", "corrupt"),
    ("animated", "animated"), ("bomb", "too_large"),
])
def test_broken_files_are_refused_for_their_own_reason(defect: str, reason: str) -> None:
    with pytest.raises(RowError) as caught:
        decode(_bytes(defect))
    assert caught.value.reason == reason


@pytest.mark.parametrize("defect", ["cmyk", "png16", "exif_rotated", "broken_icc", "wrong_extension", "second_file",
                                    ""])
def test_odd_but_whole_files_show_the_picture_upright(defect: str) -> None:
    seen = decode(_bytes(defect)).picture.astype(int)
    assert seen.shape == (96, 64, 3)
    assert np.abs(seen - _picture()).mean() < 6


def test_png16_holds_two_bytes_a_sample() -> None:
    data = _bytes("png16")
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert (width, height, depth, kind) == (64, 96, 16, 2)
    start = data.index(b"IDAT") + 4
    rows = np.frombuffer(zlib.decompressobj().decompress(data[start:]), np.uint8).reshape(96, 1 + 64 * 6)
    assert (rows[:, 1::2] == rows[:, 2::2]).all()  # 257 v: high byte and low byte are equal
    assert (rows[:, 1::2].reshape(96, 64, 3) == _picture()).all()


def test_rotated_jpeg_is_stored_turned_with_the_tag_that_says_so() -> None:
    with Image.open(io.BytesIO(_bytes("exif_rotated"))) as image:
        assert image.size == (96, 64)
        assert image.getexif()[0x0112] == 6


def test_cmyk_is_cmyk_and_the_png_wears_a_jpeg_name() -> None:
    with Image.open(io.BytesIO(_bytes("cmyk"))) as image:
        assert image.mode == "CMYK"
    assert DEFECTIVE["wrong_extension"][1] == "jpg"
    assert _bytes("wrong_extension").startswith(b"\x89PNG")


def test_broken_profile_is_there_and_broken() -> None:
    with Image.open(io.BytesIO(_bytes("broken_icc"))) as image:
        profile = image.info["icc_profile"]
    with pytest.raises(OSError):
        ImageCms.ImageCmsProfile(io.BytesIO(profile))
    assert profile[24:36] == bytes(12)  # a profile tells when it was made, and then no two mirrors would be equal


def test_bomb_is_small_on_disk_and_huge_in_its_header() -> None:
    data = _bytes("bomb")
    assert len(data) < 20_000
    assert struct.unpack(">II", data[16:24]) == (60_000, 60_000)


def test_too_small_keeps_the_aspect() -> None:
    with Image.open(io.BytesIO(_bytes("too_small"))) as image:
        assert image.size == (48, 72)


def test_png_and_jpeg_give_the_picture_back() -> None:
    assert (np.asarray(Image.open(io.BytesIO(png(_picture())))) == _picture()).all()
    assert np.abs(np.asarray(Image.open(io.BytesIO(jpeg(_picture(), 95)))).astype(int) - _picture()).mean() < 3
