"""Bytes of the sample's figure files: honest ones, and one writer for each defect that lives in the bytes."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

Rgb8 = NDArray[np.uint8]
"""uint8 H x W x 3."""

_PNG = b"\x89PNG\r\n\x1a\n"
_HTML = (b"<!DOCTYPE html>\n<html><head><title>503 Service Unavailable</title></head>\n"
         b"<body><h1>503 Service Unavailable</h1><p>cdn node 17</p></body></html>\n")
_BOMB_SIDE = 60_000


def jpeg(picture: Rgb8, quality: int, **options: object) -> bytes:
    """Baseline JPEG; `options` go to Pillow."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=quality, **options)
    return out.getvalue()


def png(picture: NDArray[np.uint8]) -> bytes:
    """PNG of an L, RGB or RGBA array; level 1, which suits drawings and is quick."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG", compress_level=1)
    return out.getvalue()


def plain(picture: Rgb8, rng: np.random.Generator) -> tuple[bytes, str]:
    """A whole file as the mirror mostly holds them: (bytes, extension)."""
    if rng.random() < 0.7:
        return jpeg(picture, int(rng.integers(90, 96)), subsampling=int(rng.choice([0, 2]))), "jpg"
    return png(picture), "png"


def _truncated(picture: Rgb8) -> bytes:
    whole = jpeg(picture, 92)
    return whole[: len(whole) * 3 // 5]


def _damaged(picture: Rgb8) -> bytes:
    # The first deflate block claims the reserved kind 3: header and end stay whole, only decoding can tell.
    whole = bytearray(png(picture))
    whole[whole.index(b"IDAT") + 6] = 0b111
    return bytes(whole)


def _cmyk(picture: Rgb8) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).convert("CMYK").save(out, "JPEG", quality=95)
    return out.getvalue()


def _png16(picture: Rgb8) -> bytes:
    # Pillow cannot write 16-bit RGB. Low bytes differ from high ones, so that cutting them off is a true rounding.
    height, width = picture.shape[:2]
    wide = picture.astype(">u2") * 257
    rows = np.zeros((height, 1 + width * 6), np.uint8)
    rows[:, 1:] = np.ascontiguousarray(wide).view(np.uint8).reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return _PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows.tobytes(), 1)) + _chunk(b"IEND", b"")


def _animated(picture: Rgb8) -> bytes:
    frames = [Image.fromarray(np.roll(picture, shift, axis=1)).quantize(64) for shift in (0, 3, 6)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=120, loop=0)
    return out.getvalue()


def _exif_rotated(picture: Rgb8) -> bytes:
    # Orientation 6: a viewer turns the stored pixels 90 degrees clockwise, so they are stored turned back.
    exif = Image.Exif()
    exif[0x0112] = 6
    return jpeg(np.ascontiguousarray(np.rot90(picture)), 93, exif=exif)


def _broken_icc(picture: Rgb8) -> bytes:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()[:200])
    profile[24:36] = bytes(12)  # the time at which it was made, else every mirror would differ
    profile[36:40] = b"XXXX"  # the signature, without which it is no profile
    return jpeg(picture, 94, icc_profile=bytes(profile))


def _bomb(picture: Rgb8) -> bytes:
    # A true header for 60,000 x 60,000 pixels over a few kilobytes of zeros.
    header = struct.pack(">IIBBBBB", _BOMB_SIDE, _BOMB_SIDE, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1 << 20), 9)
    return _PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _too_small(picture: Rgb8) -> bytes:
    small = Image.fromarray(picture)
    small.thumbnail((72, 72), Image.Resampling.LANCZOS)
    return jpeg(np.asarray(small), 92)


def _webp(picture: Rgb8) -> bytes:
    # Comes after .jpg and .png by name, so that the first file of a figure stays the whole one.
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "WEBP", quality=90)
    return out.getvalue()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


DEFECTIVE: dict[str, tuple[Callable[[Rgb8], bytes], str]] = {
    # defect: (picture to bytes, extension)
    "truncated": (_truncated, "jpg"),
    "empty": (lambda picture: b"", "jpg"),
    "html": (lambda picture: _HTML, "jpg"),
    "damaged": (_damaged, "png"),
    "animated": (_animated, "gif"),
    "bomb": (_bomb, "png"),
    "too_small": (_too_small, "jpg"),
    "second_file": (_webp, "webp"),
    "cmyk": (_cmyk, "jpg"),
    "png16": (_png16, "png"),
    "exif_rotated": (_exif_rotated, "jpg"),
    "broken_icc": (_broken_icc, "jpg"),
    "wrong_extension": (png, "jpg"),
}
"""Writers for the defects that live in a file's bytes; all others have plain files."""


def encode(picture: Rgb8, defect: str, rng: np.random.Generator) -> tuple[bytes, str]:
    """(bytes, extension) of a figure file with `defect`."""
    if defect in DEFECTIVE:
        write, extension = DEFECTIVE[defect]
        return write(picture), extension
    return plain(picture, rng)
