"""The one decoder: bytes to pixels, once, hostile input included.

Every path that looks at a picture goes through `decode`, so boxes, mattes and hashes speak of one picture.
Readers of a published dataset decode the *original* bytes again with `datasets.Image(mode="RGB")`. Width and
height are equal there and here; colours can differ in four cases, where a plain `convert("RGB")` falls short:

- a valid embedded ICC profile: here converted to sRGB, there ignored;
- transparency: here laid over white, there the colours hidden under it show;
- 16-bit greyscale: here scaled to 8 bits, there cut off or scaled as the reader's Pillow does;
- CMYK with a valid profile: here through the profile, there by plain complement.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError

from annotators.base import Picture
from schemas import colours
from schemas.errors import RowError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
"""Formats that are decoded; the content decides, never the file's name."""

MAX_BYTES = 256 * 2**20
"""Default ceiling for a file, bytes."""

MAX_PIXELS = 64_000_000
"""Default ceiling for width x height: 8,000 x 8,000, 192 MB decoded."""

_MAGICS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"GIF87a": "GIF", b"GIF89a": "GIF"}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture: `picture` uint8 H x W x 3, upright sRGB; width and height in pixels; format name."""

    picture: Picture
    width: int
    height: int
    format: str


def read(path: str | Path, max_bytes: int = MAX_BYTES, part: tuple[int, int] | None = None) -> bytes:
    """The file's bytes, or those of the `part` (offset, size) of it; at most `max_bytes` of them.

    A file that nobody has permission to read is unreadable for the superuser too: who builds decides nothing.
    Raises RowError: missing_file, unreadable (permission, I/O error, not a regular file), too_large, empty,
    truncated (the file ends inside the part).
    """
    try:
        # Without O_NONBLOCK a pipe with a picture's name would hang the worker.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            data = _contents(descriptor, max_bytes, part)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        raise RowError("missing_file") from None
    except OSError as error:
        raise RowError("unreadable", errno.errorcode.get(error.errno or 0, "I/O error")) from None
    except MemoryError:
        raise RowError("too_large", "more bytes than memory") from None
    if len(data) > max_bytes:
        raise RowError("too_large", f"over {max_bytes} bytes")
    if part is not None and len(data) < part[1]:
        raise RowError("truncated", "the file ends inside it")
    if not data:
        raise RowError("empty")
    return data


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Decoded:
    """Pixels of a picture: EXIF-upright, RGB, sRGB where a valid profile says how, transparency over white.

    `max_pixels` is checked on the header, before any pixel is decoded; Pillow's own ceiling of about 179
    million pixels stands in any case.

    Raises RowError: empty, not_an_image, truncated, corrupt, animated, too_large.
    """
    with _opened(data, max_pixels) as image:
        picture = np.array(_srgb(image), dtype=np.uint8)
        return Decoded(picture, picture.shape[1], picture.shape[0], _format(image))


def upright(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The same pixels, as Pillow holds them. Raises RowError as `decode` does."""
    with _opened(data, max_pixels) as image:
        return _srgb(image)


def shrunk(data: bytes, side: int, *, max_pixels: int = MAX_PIXELS) -> bytes:
    """A JPEG (quality 95) of the picture with a shorter side of `side` pixels, upright sRGB; the very bytes where the
    shorter side is no longer than that already, which are not decoded.

    Raises RowError as `decode` does.
    """
    with _opened(data, max_pixels) as image:
        shrink = side / min(image.size)
        if shrink >= 1:
            return data
        # A JPEG's decoder halves it as often as leaves no side too short.
        image.draft(image.mode, (ceil(image.width * shrink), ceil(image.height * shrink)))
        rgb = _srgb(image)
        shrink = side / min(rgb.size)
        size = (max(round(rgb.width * shrink), side), max(round(rgb.height * shrink), side))
        small = rgb.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)
        out = io.BytesIO()
        small.save(out, "JPEG", quality=95)
        return out.getvalue()


def crop(picture: Picture, box: tuple[int, int, int, int]) -> Picture:
    """A copy of the part inside `box` (left, top, right, bottom, pixels), which is cut to the picture first.

    Raises RowError (no_figure) when nothing is left.
    """
    height, width = picture.shape[:2]
    left, top, right, bottom = box
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    if left >= right or top >= bottom:
        raise RowError("no_figure", f"box {box} outside {width}x{height}")
    return picture[top:bottom, left:right].copy()


def _contents(descriptor: int, max_bytes: int, part: tuple[int, int] | None) -> bytes:
    """The open file's bytes, or its part's; one more than `max_bytes` says that there are more.

    Raises OSError, RowError.
    """
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise RowError("unreadable", "not a regular file")
    if not status.st_mode & 0o444:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    # A reader takes memory for all that it is asked for, so ask for no more than there is.
    offset, size = (0, status.st_size + 1) if part is None else part
    with os.fdopen(descriptor, "rb", closefd=False) as handle:
        handle.seek(min(offset, status.st_size))
        return handle.read(min(size, status.st_size + 1, max_bytes + 1))


@contextmanager
def _opened(data: bytes, max_pixels: int) -> Iterator[ImageFile.ImageFile]:
    """The picture, of which nothing but the header was read; what goes wrong in the block becomes a RowError."""
    if not data:
        raise RowError("empty")
    with warnings.catch_warnings():
        # Pillow warns of odd metadata and of sizes that are judged here; a row has a reason or none.
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _judge(image, max_pixels)
                yield image
        except RowError:
            raise
        except (Image.DecompressionBombError, MemoryError) as error:
            raise RowError("too_large", str(error)) from None
        except UnidentifiedImageError:
            claimed = kind(data)
            raise RowError(_damage(data, claimed) if claimed else "not_an_image") from None
        except Exception as error:  # Pillow's decoders raise whatever their parsing stumbles on
            reason = "truncated" if "truncated" in str(error) else _damage(data, kind(data))
            raise RowError(reason, f"{type(error).__name__}: {error}"[:200]) from None


def _judge(image: ImageFile.ImageFile, max_pixels: int) -> None:
    """Raises RowError for what the header tells already."""
    width, height = image.size
    if width < 1 or height < 1:
        raise RowError("corrupt", f"{width}x{height} pixels")
    if width * height > max_pixels:
        raise RowError("too_large", f"{width}x{height} pixels, over {max_pixels}")
    if _format(image) != "JPEG" and getattr(image, "is_animated", False):
        raise RowError("animated")


def _format(image: ImageFile.ImageFile) -> str:
    # A multi-picture JPEG (phones, stereo cameras) is one photograph with extras: its first frame is the picture, as
    # it is for every reader.
    return "JPEG" if image.format == "MPO" else str(image.format)


def _srgb(image: ImageFile.ImageFile) -> Image.Image:
    image.load()
    flat = colours.plain(_upright(image))
    profile = image.info.get("icc_profile")
    return flat if flat.mode == "RGB" and not profile else colours.srgb(flat, profile)


def _upright(image: ImageFile.ImageFile) -> Image.Image:
    """Turned as `datasets` turns it. EXIF that breaks this would break every reader: not forgiven."""
    if image.getexif().get(ExifTags.Base.Orientation) is None:
        return image
    return ImageOps.exif_transpose(image)


def kind(data: bytes) -> str:
    """Format that the first bytes claim, "" when none; a BMP's two letters are no claim."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return next((kind for magic, kind in _MAGICS.items() if data.startswith(magic)), "")


def _damage(data: bytes, kind: str) -> str:
    """"truncated" when the end that the format asks for is missing, else "corrupt"."""
    if kind == "WEBP":
        whole = len(data) >= 8 + int.from_bytes(data[4:8], "little")
    else:
        tail = {"JPEG": b"\xff\xd9", "PNG": b"IEND", "GIF": b"\x3b"}.get(kind, b"")
        whole = tail in data[-64:]
    return "corrupt" if whole else "truncated"
