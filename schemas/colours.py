"""What a picture's numbers mean as colours: one answer for every room that opens pictures."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

NAMES = ("red", "orange", "yellow", "green", "aqua", "blue", "purple", "pink", "brown", "black", "grey", "white")
"""Colour words: the twelve that Danbooru's tags use."""


def plain(image: Image.Image) -> Image.Image:
    """8-bit L, RGB or CMYK in the picture's own colour space, opaque: what is transparent shows white."""
    if image.mode.startswith("I") or image.mode == "F":
        wide = np.asarray(image).astype(np.float64)
        return Image.fromarray(np.clip(np.rint(wide / 257), 0, 255).astype(np.uint8))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def srgb(image: Image.Image, profile: object) -> Image.Image:
    """A plain picture as RGB in sRGB: through its embedded ICC profile (`info["icc_profile"]`, any value is taken)
    when that is valid and fits the picture's mode, else as it stands."""
    transform = _transform(profile, image.mode) if isinstance(profile, bytes) and profile else None
    if transform is not None:
        converted = ImageCms.applyTransform(image, transform)
        if converted is not None:
            return converted
    return image.convert("RGB")


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Colour transform into sRGB, None when the profile is broken or belongs to another colour space."""
    try:
        return ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), mode, "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
