"""Treatments of a hand: paints, pens and prints."""

from __future__ import annotations

import numpy as np
from PIL import ImageEnhance, ImageOps

from builders.generators.light.fields import Field, Pixels, Rng, Treat, blurred, grain, noise, step, triangle, wave
from builders.generators.light.steps import (
    bytes_of,
    cells,
    dragged,
    edges,
    embossed,
    flattened,
    floats,
    grey,
    image,
    inked,
    levels,
    times,
    unit,
    vignette,
)


def oil(picture: Pixels, rng: Rng) -> Pixels:
    """Brush strokes with ridges of paint."""
    h, w = picture.shape[:2]
    moved = dragged(picture, rng, 6, 10)
    ridges = noise(rng, (h, w), 110, 26, 1)
    return np.array(ImageEnhance.Color(image(embossed(moved, ridges, 0.55))).enhance(1.25))


def impression(picture: Pixels, rng: Rng) -> Pixels:
    """Large bright dabs."""
    h, w = picture.shape[:2]
    moved = dragged(picture, rng, 7, 8)
    tone = (noise(rng, (h, w), 256 / 6, 256 / 9, 1) - np.float32(0.5))[..., None] * np.asarray([40, 34, 54], np.float32)
    out = bytes_of(floats(levels(moved, 5)) + tone)
    return np.array(ImageEnhance.Color(image(out)).enhance(1.35))


def watercolor(picture: Pixels, rng: Rng) -> Pixels:
    """Pale washes with dark rims on rough paper, white towards the edges."""
    h, w = picture.shape[:2]
    moved = flattened(dragged(picture, rng, 14, 12))
    wash = noise(rng, (h, w), 6, octaves=3)[..., None]
    out = 255 - (255 - floats(moved)) * (0.55 + 0.5 * wash)
    out *= 1 - 0.28 * edges(moved, 10, 60)[..., None]
    paper = 1 - 0.1 * noise(rng, (h, w), 80, octaves=1)[..., None]
    y, x = np.linspace(-1, 1, h, dtype=np.float32)[:, None], np.linspace(-1, 1, w, dtype=np.float32)[None]
    rim = step(np.maximum(np.abs(x), np.abs(y)) + (noise(rng, (h, w), 7) - np.float32(0.5)) * np.float32(0.3), 0.86,
               0.93)[..., None]
    return bytes_of((out * (1 - rim) + 252 * rim) * paper)


def gouache(picture: Pixels, rng: Rng) -> Pixels:
    """Flat, slightly chalky colours."""
    h, w = picture.shape[:2]
    out = levels(flattened(dragged(picture, rng, 10, 8)), 3)
    return bytes_of(floats(out) * 0.88 + 30 + (noise(rng, (h, w), 60, 20, 1) - np.float32(0.5))[..., None] * 16)


def _hatched(picture: Pixels, rng: Rng, slant: float, fine: float) -> Field:
    """Strokes that are denser where the picture is darker, 0..1."""
    h, w = picture.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) * np.float32(fine / (4 * unit(picture)))
    dark = 1 - grey(picture) * np.float32(1 / 255)
    jitter = noise(rng, (h, w), 40, octaves=1) * np.float32(0.35)
    a, b = triangle(x + y * np.float32(slant) + jitter), triangle(x - y * np.float32(slant) + jitter)
    one = step(dark - a * np.float32(0.75), 0.02, 0.3)
    return np.maximum(one, step(dark - b * np.float32(0.6) - np.float32(0.34), 0, 0.2))


def drawn(ink: tuple[int, int, int], paper: tuple[int, int, int], slant: float = 0.7, fine: float = 1, line: float = 1,
          shade: float = 0.6) -> Treat:
    def treat(picture: Pixels, rng: Rng) -> Pixels:
        h, w = picture.shape[:2]
        lines = np.maximum(edges(picture) * np.float32(line), _hatched(picture, rng, slant, fine) * np.float32(shade))
        return inked(np.clip(lines * (0.8 + 0.4 * noise(rng, (h, w), 90, octaves=1)), 0, 1), ink, paper)
    return treat


def charcoal(picture: Pixels, rng: Rng) -> Pixels:
    """Smudged black on rough paper."""
    h, w = picture.shape[:2]
    tooth = noise(rng, (h, w), 100, octaves=1)
    dark = 1 - blurred(grey(picture) / 255, 1.5 * unit(picture))
    a = step(dark * 1.15 - tooth * 0.2, 0.16, 0.85) * np.float32(0.85)
    return inked(np.maximum(a, edges(picture, 10, 50, True) * np.float32(0.9)), (36, 33, 32), (238, 232, 220))


def coloured(strength: float, slant: float, wax: float) -> Treat:
    """Coloured strokes on white paper."""
    def treat(picture: Pixels, rng: Rng) -> Pixels:
        h, w = picture.shape[:2]
        y, x = np.mgrid[0:h, 0:w].astype(np.float32) * np.float32(1 / (5 * unit(picture)))
        strokes = triangle(x + y * np.float32(slant) + noise(rng, (h, w), 30, octaves=1))
        strokes = strokes * noise(rng, (h, w), 90, octaves=1)
        a = np.clip(strength - strokes * np.float32(wax), 0, 1)[..., None]
        vivid = np.array(ImageEnhance.Color(image(flattened(picture))).enhance(1.3))
        return bytes_of((252 - (252 - floats(vivid)) * a) * (1 - 0.4 * edges(picture, 14, 60)[..., None]))
    return treat


def cut(colours: int, outline: float, vivid: float = 1.2, dots: float = 0) -> Treat:
    """Few flat colours with dark outlines, and halftone dots where asked."""
    def treat(picture: Pixels, rng: Rng) -> Pixels:
        h, w = picture.shape[:2]
        out = np.array(ImageEnhance.Color(image(levels(flattened(picture), colours))).enhance(vivid))
        out = bytes_of(floats(out) + (128 >> colours))
        if dots:
            y, x = np.mgrid[0:h, 0:w].astype(np.float32) * np.float32(1 / (5 * unit(picture)))
            a = (triangle(x + y) + triangle(x - y)) * np.float32(0.5)
            out = times(out, 1 - np.float32(dots) * step(a - grey(picture) / 300, 0, 0.12))
        return times(out, 1 - np.float32(outline) * edges(picture, 22, 60, outline > 0.8)) if outline else out
    return treat


def printed(ink: tuple[int, int, int], paper: tuple[int, int, int], grooves: float = 0.15) -> Treat:
    """Two tones with carved grooves."""
    def treat(picture: Pixels, rng: Rng) -> Pixels:
        h, w = picture.shape[:2]
        y = np.mgrid[0:h, 0:w][0].astype(np.float32) * np.float32(1 / (4.5 * unit(picture)))
        cut = wave(y + noise(rng, (h, w), 5) * 2)
        dark = 1 - grey(flattened(picture)) / 255
        return inked(np.maximum(step(dark + (cut - np.float32(0.5)) * np.float32(grooves * 2), 0.46, 0.54),
                                edges(picture, 26, 70)), ink, paper)
    return treat


def tinted(inks: tuple[tuple[int, int, int], ...], dots: float = 0, outline: float = 0.4) -> Treat:
    """Brightness as steps between inks, dark to light; a third of the own colour shines through."""
    def treat(picture: Pixels, rng: Rng) -> Pixels:
        g = np.asarray(ImageOps.autocontrast(image(flattened(picture)).convert("L")), np.float32)
        if dots:
            g = g + grain(rng, g.shape) * dots
        index = np.clip(g * np.float32(len(inks) / 256), 0, len(inks) - 1).astype(np.intp)
        flat = np.asarray(inks, np.float32)[index]
        both = bytes_of(flat * 0.68 + floats(levels(picture, 3)) * 0.36)
        return times(both, 1 - np.float32(outline) * edges(picture, 20, 60))
    return treat


def double(picture: Pixels, rng: Rng) -> Pixels:
    """The picture over itself, mirrored and larger."""
    h, w = picture.shape[:2]
    other = np.asarray(ImageOps.mirror(image(picture)).resize((w * 3 // 2, h * 3 // 2)).crop((w // 4, h // 8, w // 4
                                                                                              + w, h // 8 + h)),
                       np.float32)
    return bytes_of(255 - (255 - floats(picture) * 0.9) * (255 - other * 0.5) / 255)


def blueprint(picture: Pixels, rng: Rng) -> Pixels:
    """White lines and a grid on blue."""
    h, w = picture.shape[:2]
    out = inked(edges(picture, 10, 36), (236, 244, 255), (28, 72, 150))
    k = max(6, round(16 * unit(picture)))
    grid = np.zeros((h, w), np.float32)
    grid[::k], grid[:, ::k] = 1, 1
    return bytes_of(floats(out) + grid[..., None] * 20)


def cubist(picture: Pixels, rng: Rng) -> Pixels:
    """Shards, each shifted and toned."""
    h, w = picture.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) * np.float32(5 / h)
    a, b = np.floor(x + y * 0.6).astype(np.intp), np.floor(y - x * 0.4 + 3).astype(np.intp)
    cell = (a * 7 + b * 13) % 31
    shift = rng.integers(-7, 8, (2, 31)) * unit(picture)
    yy, xx = np.mgrid[0:h, 0:w]
    down, across = (one[cell].astype(np.intp) for one in shift)
    out = picture[np.clip(yy + down, 0, h - 1), np.clip(xx + across, 0, w - 1)]
    tone = (rng.integers(0, 256, 31).astype(np.float32) / 255 * 0.5 + 0.72)[cell]
    return times(levels(times(out, tone), 5), 1 - 0.35 * edges(out, 24, 70))


def points(picture: Pixels, rng: Rng) -> Pixels:
    """Dots of pure colour on cream."""
    h, w = picture.shape[:2]
    k = 4.2 * unit(picture)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) * np.float32(1 / k)
    x = x + np.floor(y) * np.float32(0.5)
    a, b = x % 1 - np.float32(0.5), y % 1 - np.float32(0.5)
    dot = step(0.24 - (a * a + b * b), 0, 0.08)[..., None]
    out = floats(np.array(ImageEnhance.Color(image(cells(picture, 4.2, 0, (0, 0, 0), 0.35, rng=rng))).enhance(1.5)))
    return bytes_of(out * dot + np.asarray([240, 232, 214], np.float32) * (1 - dot))


def washed(picture: Pixels, rng: Rng) -> Pixels:
    """Grey ink washes with a few brush lines."""
    h, w = picture.shape[:2]
    dark = 1 - grey(watercolor(picture, rng)) / 255
    lines = edges(picture, 20, 60, True) * noise(rng, (h, w), 20)
    return inked(np.clip(np.floor(dark * 5) / 5 * np.float32(0.72) + lines, 0, 1), (24, 26, 32), (244, 240, 230))


def inked_comic(picture: Pixels, rng: Rng) -> Pixels:
    """Black outlines, white paper and screens of dots for the shade."""
    h, w = picture.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) * np.float32(1 / (3.6 * unit(picture)))
    a = (triangle(x + y) + triangle(x - y)) * np.float32(0.5)
    dark = 1 - grey(flattened(picture)) / 255
    screen = step(dark - a * np.float32(0.8) - np.float32(0.12), 0, 0.1) * np.float32(0.75) + step(dark, 0.72, 0.78)
    return inked(np.clip(np.maximum(screen, edges(picture, 20, 50, True)), 0, 1), (16, 16, 18), (252, 252, 252))


def dreamt(picture: Pixels, rng: Rng) -> Pixels:
    """Oil with everything flowing downwards, in unreal colours."""
    h, w = picture.shape[:2]
    flow = ((noise(rng, (h, w), 2, 9, 1) - np.float32(0.3)) * np.float32(15 * unit(picture))).astype(np.intp)
    y, x = np.mgrid[0:h, 0:w]
    out = picture[np.clip(y - flow * y // h, 0, h - 1), np.clip(x + flow // 3, 0, w - 1)]
    return oil(bytes_of(floats(out) * np.asarray([1.06, 0.92, 1.1], np.float32) + np.asarray([6, 4, 12], np.float32)),
               rng)


def baroque(picture: Pixels, rng: Rng) -> Pixels:
    """Oil in a warm light that falls off into the dark."""
    h, w = picture.shape[:2]
    return bytes_of(floats(oil(picture, rng)) * vignette(h, w, 0.8)[..., None]
                    * np.asarray([0.95, 0.78, 0.56], np.float32))
