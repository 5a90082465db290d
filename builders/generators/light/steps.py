"""Pixels to pixels: the small steps that treatments are made of."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from builders.generators.light.fields import Field, Pixels, Rng, noise, step


def floats(picture: Pixels) -> Field:
    return picture.astype(np.float32)


def bytes_of(field: Field) -> Pixels:
    return np.asarray(np.clip(field + np.float32(0.5), 0, 255), np.uint8)


def image(picture: Pixels) -> Image.Image:
    return Image.fromarray(picture)


def grey(picture: Pixels) -> Field:
    """Brightness, 0..255, H x W."""
    return np.asarray(image(picture).convert("L"), np.float32)


def unit(picture: Pixels) -> float:
    return int(picture.shape[0]) / 256


def edges(picture: Pixels, low: float = 8, high: float = 40, thick: bool = False) -> Field:
    """Lines where brightness or colour changes, 0..1, H x W."""
    smooth = np.asarray(image(picture).filter(ImageFilter.GaussianBlur(0.9 * unit(picture))), np.int16)
    dx, dy = np.zeros(smooth.shape, np.int16), np.zeros(smooth.shape, np.int16)
    dx[:, 1:-1] = smooth[:, 2:] - smooth[:, :-2]
    dy[1:-1] = smooth[2:] - smooth[:-2]
    force = (np.abs(dx) + np.abs(dy)).max(axis=2)
    if thick:
        force = np.asarray(image(np.minimum(force, 255).astype(np.uint8)).filter(ImageFilter.MaxFilter(3)))
    return step(force.astype(np.float32), low, high)


def times(picture: Pixels, factor: Field) -> Pixels:
    return bytes_of(floats(picture) * factor[..., None])


def inked(lines: Field, ink: tuple[int, int, int], paper: tuple[int, int, int]) -> Pixels:
    a = lines[..., None]
    return bytes_of(np.asarray(paper, np.float32) * (1 - a) + np.asarray(ink, np.float32) * a)


def vignette(h: int, w: int, strength: float) -> Field:
    y, x = np.linspace(-1, 1, h, dtype=np.float32)[:, None], np.linspace(-1, 1, w, dtype=np.float32)[None]
    out: Field = 1 - np.float32(strength) * np.clip((x * x + y * y - np.float32(0.5)), 0, None)
    return out


def framed(picture: Pixels, share: float, ink: tuple[int, int, int], bottom: float) -> Pixels:
    h, w = picture.shape[:2]
    side, low = round(w * share), round(h * bottom)
    small = image(picture).resize((w - 2 * side, h - side - low), Image.Resampling.BILINEAR)
    out = Image.new("RGB", (w, h), ink)
    out.paste(small, (side, side))
    return np.array(out)


def dragged(picture: Pixels, rng: Rng, size: float, amount: float) -> Pixels:
    """Pixels moved in clumps, as a brush drags paint."""
    h, w = picture.shape[:2]
    cells = 256 / size
    dx = (noise(rng, (h, w), cells, cells / 3, 1) - np.float32(0.5)) * np.float32(amount * unit(picture))
    dy = (noise(rng, (h, w), cells / 2, cells / 2, 1) - np.float32(0.5)) * np.float32(amount * unit(picture))
    y, x = np.mgrid[0:h, 0:w]
    return np.asarray(picture[np.clip(y + dy.astype(np.intp), 0, h - 1), np.clip(x + dx.astype(np.intp), 0, w - 1)])


def levels(picture: Pixels, count: int) -> Pixels:
    return np.array(ImageOps.posterize(image(picture), count))


def flattened(picture: Pixels, size: int = 5) -> Pixels:
    """Small things smoothed away, edges kept."""
    return np.array(image(picture).filter(ImageFilter.MedianFilter(3 if size < 5 else 5)))


def embossed(picture: Pixels, height: Field, strength: float) -> Pixels:
    lit = np.ones_like(height)
    lit[1:, 1:] += (height[1:, 1:] - height[:-1, :-1]) * np.float32(strength)
    return times(picture, lit)


def cells(picture: Pixels, side: float, gap: float, gap_ink: tuple[int, int, int], jitter: float = 0,
      rng: Rng | None = None) -> Pixels:
    h, w = picture.shape[:2]
    n = max(8, round(h / (side * unit(picture))))
    small = floats(np.asarray(image(picture).resize((n, n), Image.Resampling.BOX)))
    if rng is not None:
        small += (rng.integers(0, 256, (n, n, 1)).astype(np.float32) - 128) * np.float32(jitter)
    big = np.asarray(image(bytes_of(small)).resize((w, h), Image.Resampling.NEAREST), np.float32)
    if gap:
        t = (np.arange(h, dtype=np.float32) + np.float32(0.5)) * np.float32(n / h) % 1
        edge = np.minimum(t, 1 - t) < gap
        mask = (edge[:, None] | edge[None])[..., None]
        big = np.where(mask, np.asarray(gap_ink, np.float32), big)
    return bytes_of(big)
