"""What worker processes do to a picture that has come, where pictures are resized."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from annotators import images
from schemas.errors import RowError


class Shrunk(NamedTuple):
    """The picture to keep, or the reason why there is none; hashes of the bytes as they came."""

    data: bytes
    reason: str
    detail: str
    sha256: str
    md5: str


def shrink(data: bytes, side: int, max_pixels: int) -> Shrunk:
    """See `images.shrunk`; reasons come back as values, as exceptions do not travel well."""
    hashes = hashlib.sha256(data).hexdigest(), hashlib.md5(data, usedforsecurity=False).hexdigest()
    try:
        return Shrunk(images.shrunk(data, side, max_pixels=max_pixels), "", "", *hashes)
    except RowError as error:
        return Shrunk(b"", error.reason, error.detail, *hashes)
