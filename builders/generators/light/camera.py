"""Treatments of a camera: films, lenses and prints."""

from __future__ import annotations

import numpy as np
from PIL import ImageEnhance, ImageFilter

from builders.generators.light.fields import Pixels, Rng, Treat, grain, step
from builders.generators.light.steps import (
    bytes_of,
    floats,
    framed,
    grey,
    image,
    inked,
    times,
    unit,
    vignette,
)


def photo(picture: Pixels, rng: Rng) -> Pixels:
    """Slight grain and darker corners."""
    h, w = picture.shape[:2]
    return bytes_of(floats(picture) * vignette(h, w, 0.16)[..., None] + grain(rng, (h, w))[..., None] * 14)


def toned(ink: tuple[int, int, int], paper: tuple[int, int, int], contrast: float = 1.1, frame: float = 0,
          noisy: float = 20) -> Treat:
    def treat(picture: Pixels, rng: Rng) -> Pixels:
        h, w = picture.shape[:2]
        light = np.clip((grey(picture) / 255 - 0.5) * contrast + 0.5, 0, 1) * vignette(h, w, 0.3 if noisy else 0.1)
        g = light + grain(rng, (h, w)) * (noisy / 255)
        out = inked(np.clip(1 - g, 0, 1), ink, paper)
        return framed(out, frame, (244, 238, 224), frame) if frame else out
    return treat


def polaroid(picture: Pixels, rng: Rng) -> Pixels:
    """Faded, in a white frame with a broad foot."""
    faded = bytes_of(floats(photo(picture, rng)) * np.asarray([0.9, 0.88, 0.78], np.float32)
                     + np.asarray([30, 24, 28], np.float32))
    return framed(faded, 0.06, (250, 248, 242), 0.19)


def graded(gain: tuple[float, float, float], lift: tuple[float, float, float], corners: float = 0.25,
           bars: bool = False) -> Treat:
    def treat(picture: Pixels, rng: Rng) -> Pixels:
        h, w = picture.shape[:2]
        toned = floats(picture) * np.asarray(gain, np.float32) + np.asarray(lift, np.float32)
        out = bytes_of(toned * vignette(h, w, corners)[..., None] + grain(rng, (h, w))[..., None] * 18)
        if bars:
            out[:h // 11] = out[h - h // 11:] = 0
        return out
    return treat


def security(picture: Pixels, rng: Rng) -> Pixels:
    """Greenish grey with scan lines."""
    out = toned((10, 20, 14), (200, 224, 204), 1.2, 0, 46)(picture, rng)
    out[::max(2, round(3 * unit(picture)))] = (out[::max(2, round(3 * unit(picture)))]
                                               * np.float32(0.78)).astype(np.uint8)
    return out


def fisheye(picture: Pixels, rng: Rng) -> Pixels:
    """Bulged, in a dark round frame."""
    h, w = picture.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    u, v = x * (2 / w) - 1, y * (2 / h) - 1
    d = u * u + v * v
    f = 0.62 + 0.34 * d
    sx = np.clip((u * f + 1) * w / 2, 0, w - 1).astype(np.intp)
    sy = np.clip((v * f + 1) * h / 2, 0, h - 1).astype(np.intp)
    return times(photo(picture[sy, sx], rng), step(1.12 - d, 0, 0.06))


def tilted(picture: Pixels, rng: Rng) -> Pixels:
    """Sharp in the middle rows alone, colours strong."""
    h = picture.shape[0]
    soft = np.asarray(image(picture).filter(ImageFilter.GaussianBlur(3.5 * unit(picture))), np.float32)
    a = step(np.abs(np.linspace(-1, 1, h, dtype=np.float32) - 0.3), 0.55, 0.9)[:, None, None]
    mix = bytes_of(floats(picture) * (1 - a) + soft * a)
    return np.array(ImageEnhance.Color(image(mix)).enhance(1.4))


def mapped(stops: tuple[tuple[int, int, int], ...], invert: bool = False) -> Treat:
    """Brightness as a smooth run of colours."""
    def treat(picture: Pixels, rng: Rng) -> Pixels:
        g = grey(picture) / 255
        g = 1 - g if invert else g
        at = np.clip(g * (len(stops) - 1), 0, len(stops) - 1.001)
        k = at.astype(np.intp)
        t, ramp = (at - k)[..., None], np.asarray(stops, np.float32)
        return bytes_of(ramp[k] * (1 - t) + ramp[k + 1] * t)
    return treat
