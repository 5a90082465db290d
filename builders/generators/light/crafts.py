"""Treatments of other matter: glass, thread, paper, clay, screens."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from builders.generators.light.fields import Pixels, Rng, Treat, blurred, grain, noise, step, triangle, wave
from builders.generators.light.steps import (
    bytes_of,
    cells,
    dragged,
    edges,
    embossed,
    flattened,
    floats,
    framed,
    grey,
    image,
    inked,
    levels,
    times,
    unit,
)


def pixels(picture: Pixels, rng: Rng) -> Pixels:
    """Coarse pixels of few colours."""
    vivid = np.array(ImageEnhance.Color(image(picture)).enhance(1.3))
    return levels(cells(vivid, 4, 0, (0, 0, 0)), 3) | np.uint8(16)


def mosaic(picture: Pixels, rng: Rng) -> Pixels:
    """Square stones with grout."""
    return cells(picture, 6, 0.1, (214, 206, 192), 0.2, rng=rng)


def cross_stitch(picture: Pixels, rng: Rng) -> Pixels:
    """Crosses of thread on linen."""
    h = picture.shape[0]
    out = cells(picture, 5, 0, (0, 0, 0), 0.06, rng=rng)
    n = max(8, round(h / (5 * unit(picture))))
    t = (np.arange(h, dtype=np.float32) + np.float32(0.5)) * np.float32(n / h) % 1
    y, x = t[:, None], t[None]
    cross = np.maximum(step(0.3 - np.abs(x - y), 0, 0.15), step(0.3 - np.abs(x + y - 1), 0, 0.15))[..., None]
    return bytes_of(floats(out) * cross + np.asarray([222, 212, 190], np.float32) * (1 - cross))


def tapestry(picture: Pixels, rng: Rng) -> Pixels:
    """Woven threads."""
    h, w = picture.shape[:2]
    out = cells(flattened(picture), 2.6, 0, (0, 0, 0), 0.12, rng=rng)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) * np.float32(1 / (4 * unit(picture)))
    return framed(times(out, 0.62 + 0.5 * triangle(y + np.floor(x) * np.float32(0.5))), 0.04, (112, 62, 44), 0.04)


def patchwork(picture: Pixels, rng: Rng) -> Pixels:
    """Large patches with seams."""
    h, w = picture.shape[:2]
    base = levels(flattened(picture), 4)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) * np.float32(1 / (32 * unit(picture)))
    tones = rng.integers(0, 256, (12, 12)).astype(np.float32) / 255 * 0.4 + 0.8
    tone = tones[np.floor(y).astype(np.intp) % 12, np.floor(x).astype(np.intp) % 12]
    gap = np.minimum(np.minimum(x % 1, 1 - x % 1), np.minimum(y % 1, 1 - y % 1))
    seam = step(0.05 - gap, 0, 0.02) * (triangle((x + y) * 8) > 0.4)
    return times(base, tone * (1 - 0.55 * seam))


def stained_glass(picture: Pixels, rng: Rng) -> Pixels:
    """Glowing panes between lead lines."""
    h, w = picture.shape[:2]
    n = 15
    panes = np.asarray(image(picture).resize((n * 2, n * 2), Image.Resampling.BOX))
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) * np.float32(n / h)
    x = x + (noise(rng, (h, w), 6, octaves=1) - np.float32(0.5)) * np.float32(1.6)
    y = y + (noise(rng, (h, w), 6, octaves=1) - np.float32(0.5)) * np.float32(1.6)
    glass = floats(panes[np.clip(y * 2, 0, 2 * n - 1).astype(np.intp), np.clip(x * 2, 0, 2 * n - 1).astype(np.intp)])
    flat = floats(levels(flattened(picture), 3)) + 16
    bars = np.minimum(np.minimum(x % 2, 2 - x % 2), np.minimum(y % 2, 2 - y % 2)) * np.float32(0.5)
    lead = np.maximum(step(0.06 - bars, 0, 0.04), edges(picture, 26, 50, True))
    vivid = np.asarray(ImageEnhance.Color(image(bytes_of(flat * 0.65 + glass * 0.4))).enhance(1.7), np.float32)
    return bytes_of(vivid * 1.08 * (1 - lead[..., None]) + 18 * lead[..., None])


def low_poly(picture: Pixels, rng: Rng) -> Pixels:
    """Triangles of one colour each."""
    h, w = picture.shape[:2]
    n = 30
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) * np.float32(n / h)
    x = x + (noise(rng, (h, w), 9, octaves=1) - np.float32(0.5)) * np.float32(0.8)
    y = y + (noise(rng, (h, w), 9, octaves=1) - np.float32(0.5)) * np.float32(0.8)
    i, j = np.floor(y), np.floor(x)
    upper = ((y - i) + (x - j) < 1).astype(np.float32)
    sy = np.clip((i + 0.66 - 0.33 * upper) * (h / n), 0, h - 1).astype(np.intp)
    sx = np.clip((j + 0.66 - 0.33 * upper) * (w / n), 0, w - 1).astype(np.intp)
    soft = np.asarray(image(picture).filter(ImageFilter.BoxBlur(3 * unit(picture))))
    return times(soft[sy, sx], 0.92 + 0.14 * upper)


def neon(picture: Pixels, rng: Rng) -> Pixels:
    """Glowing lines on black."""
    vivid = np.array(ImageEnhance.Color(image(picture)).enhance(2.4))
    lines = edges(picture, 24, 70, True)
    bright = floats(vivid) * lines[..., None] * 1.4
    halo = np.asarray(image(bytes_of(bright)).filter(ImageFilter.GaussianBlur(4 * unit(picture))), np.float32)
    return bytes_of(bright + halo * 1.9 + np.asarray([12, 8, 24], np.float32))


def statue(ink: tuple[int, int, int], depth: float, shine: float) -> Treat:
    """One material, lit from the upper left."""
    def treat(picture: Pixels, rng: Rng) -> Pixels:
        h, w = picture.shape[:2]
        g = np.asarray(image(picture).convert("L").filter(ImageFilter.GaussianBlur(1.3 * unit(picture))),
                       np.float32) / 255
        lit = np.zeros_like(g)
        d = max(2, round(2 * unit(picture)))
        lit[d:, d:] = g[d:, d:] - g[:-d, :-d]
        tone = 0.3 + 0.66 * g + np.float32(0.45 * depth) * lit + 0.12 * (noise(rng, (h, w), 18) - np.float32(0.5))
        return bytes_of(tone[..., None] * np.asarray(ink, np.float32) + (np.clip(lit, 0, 1) * shine * 255)[..., None])
    return treat


def origami(picture: Pixels, rng: Rng) -> Pixels:
    """Folded paper."""
    h, w = picture.shape[:2]
    out = low_poly(picture, rng)
    return bytes_of(floats(out) * 0.8 + 44 + grain(rng, (h, w))[..., None] * 12)


def layered(picture: Pixels, rng: Rng) -> Pixels:
    """Cut paper: flat colours, each edge with a shadow."""
    h, w = picture.shape[:2]
    flat = bytes_of(floats(levels(flattened(picture), 3)) + 16)
    rim = edges(flat, 20, 60)
    shadow = np.zeros_like(rim)
    d = max(1, round(2.5 * unit(picture)))
    shadow[d:, d:] = rim[:-d, :-d]
    return times(bytes_of(floats(flat) * 0.92 + 16), (1 - 0.42 * blurred(shadow, 1.2 * unit(picture)))
                 * (1 + 0.06 * grain(rng, (h, w))))


def felt(picture: Pixels, rng: Rng) -> Pixels:
    """Fuzzy fabric shapes with stitches."""
    h, w = picture.shape[:2]
    return embossed(dragged(layered(picture, rng), rng, 3, 4), noise(rng, (h, w), 90, octaves=1), 0.2)


def clay(picture: Pixels, rng: Rng) -> Pixels:
    """Soft modelled shapes with finger marks."""
    h, w = picture.shape[:2]
    soft = flattened(np.asarray(image(picture).filter(ImageFilter.GaussianBlur(1.4 * unit(picture)))))
    return embossed(embossed(bytes_of(floats(levels(soft, 4)) + 8), grey(soft) / 255, 2.2), noise(rng, (h, w), 14), 1.6)


def glitch(picture: Pixels, rng: Rng) -> Pixels:
    """Shifted rows and split channels."""
    h, w = picture.shape[:2]
    out = picture.copy()
    d = round(5 * unit(picture))
    out[:, :, 0], out[:, :, 2] = np.roll(picture[:, :, 0], d, 1), np.roll(picture[:, :, 2], -d, 1)
    for _ in range(9):
        y, k = int(rng.integers(0, h)), int(rng.integers(-w // 7, w // 7 + 1))
        out[y:y + h // 24] = np.roll(out[y:y + h // 24], k, 1)
    out[::3] = (out[::3] * np.float32(0.86)).astype(np.uint8)
    return out


def halftone(picture: Pixels, rng: Rng) -> Pixels:
    """A picture of signs: dots of a fixed grid on black, as large as the light."""
    h, w = picture.shape[:2]
    k = 5 * unit(picture)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) * np.float32(1 / k)
    light = np.asarray(image(cells(picture, 5, 0, (0, 0, 0))).convert("L"), np.float32) / 255
    a = np.maximum(triangle(x) * 0.7, triangle(y)) if w else x
    return inked(step(a - (1 - light), 0, 0.2), (120, 250, 140), (10, 16, 12))


def bordered(inner: Treat, ink: tuple[int, int, int], share: float, line: tuple[int, int, int]) -> Treat:
    """A treatment within a border."""
    def treat(picture: Pixels, rng: Rng) -> Pixels:
        out = framed(inner(picture, rng), share, ink, share)
        h = out.shape[0]
        k, d = round(h * share * 0.55), max(1, round(h / 128))
        for part in (out[k:k + d, k:-k], out[-k - d:-k, k:-k], out[k:-k, k:k + d], out[k:-k, -k - d:-k]):
            part[:] = line
        return out
    return treat


def voxel(picture: Pixels, rng: Rng) -> Pixels:
    """Blocks with a lit upper and a dark lower edge."""
    h = picture.shape[0]
    n = max(8, round(h / (8 * unit(picture))))
    t = (np.arange(h, dtype=np.float32) + np.float32(0.5)) * np.float32(n / h) % 1
    y, x = t[:, None], t[None]
    edge = 1 + 0.3 * (np.maximum(step(0.2 - y, 0, 0.02), step(0.2 - x, 0, 0.02))
                      - np.maximum(step(y, 0.8, 0.82), step(x, 0.8, 0.82)))
    return times(cells(picture, 8, 0, (0, 0, 0), 0.05, rng=rng), edge)


def hologram(picture: Pixels, rng: Rng) -> Pixels:
    """Cyan light in lines on dark blue."""
    h = picture.shape[0]
    light = grey(picture) / 255 * 0.55 + edges(picture, 14, 60) * np.float32(0.7)
    rows = wave(np.arange(h, dtype=np.float32) * np.float32(0.25 / unit(picture)))[:, None]
    return inked(np.clip(light * (0.55 + 0.6 * rows), 0, 1), (120, 246, 255), (8, 16, 48))


def stamp(picture: Pixels, rng: Rng) -> Pixels:
    """Two-coloured, in a white perforated frame."""
    h = picture.shape[0]
    g = grey(flattened(picture)) / 255
    out = framed(bytes_of(inked(1 - g, (120, 30, 40), (246, 234, 210)) * 0.75 + floats(levels(picture, 3)) * 0.25),
                 0.09, (250, 246, 236), 0.09)
    k = h / 18
    t = np.arange(h, dtype=np.float32) % k - k / 2
    ends = np.minimum(np.arange(h), np.arange(h)[::-1]).astype(np.float32)
    hole = (t[:, None] ** 2 + ends[None] ** 2 < k * k * 0.1) | (t[None] ** 2 + ends[:, None] ** 2 < k * k * 0.1)
    return np.where(hole[..., None], np.uint8(60), out)


def balloon(picture: Pixels, rng: Rng) -> Pixels:
    """Smooth swollen shapes with strong highlights."""
    soft = flattened(np.asarray(image(picture).filter(ImageFilter.GaussianBlur(2.2 * unit(picture)))))
    g = np.asarray(image(soft).convert("L").filter(ImageFilter.GaussianBlur(2.5 * unit(picture))), np.float32) / 255
    vivid = np.array(ImageEnhance.Color(image(embossed(soft, g, 5))).enhance(1.7))
    return bytes_of(floats(vivid) + (edges(soft, 60, 120) * 60)[..., None])


def screenshot(picture: Pixels, rng: Rng) -> Pixels:
    """Low resolution, with bars of life and a map in the corners."""
    h, w = picture.shape[:2]
    out = levels(cells(np.array(ImageEnhance.Color(image(picture)).enhance(1.35)), 2.2, 0, (0, 0, 0)), 4)
    a, b = h // 24, h // 12
    out[a:b, a:w // 3] = (40, 40, 46)
    out[a + 2:b - 2, a + 2:w // 4] = (226, 60, 54)
    out[b + a // 2:b + a, a:w // 5] = (70, 140, 236)
    out[a:h // 5, w - h // 5:w - a] = (52, 92, 60)
    out[h // 8:h // 8 + 4, w - h // 8:w - h // 8 + 4] = (250, 230, 80)
    return out


def rendered(picture: Pixels, rng: Rng) -> Pixels:
    """Clean, smooth and saturated."""
    soft = flattened(picture)
    glow = np.asarray(image(soft).filter(ImageFilter.GaussianBlur(6 * unit(picture))), np.float32)
    return np.array(ImageEnhance.Color(image(bytes_of(floats(soft) * 0.85 + glow * 0.25))).enhance(1.35))
