"""Backgrounds with the statistics of photographs, made of nothing but random shapes and noise.

The drawing engine paints backgrounds as an illustrator would; sprites of games often stand before photographs.
Occluding shapes of all sizes ("dead leaves") and multi-octave noise have the edges and spectra of those.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Pixels = NDArray[np.uint8]


def _colour(rng: Generator, base: NDArray[np.float64], spread: float) -> tuple[int, int, int]:
    red, green, blue = np.clip(base + rng.normal(0, spread, 3) + rng.normal(0, spread), 0, 255).astype(int)
    return int(red), int(green), int(blue)


def noise(rng: Generator, size: int, slope: float, channels: int = 3) -> NDArray[np.float32]:
    """Multi-octave noise, size x size x channels, about zero mean and unit deviation; a higher slope is smoother."""
    total = np.zeros((size, size, channels), np.float32)
    cells, weight = 3, 1.0
    while cells < size:
        grid = rng.standard_normal((cells, cells, channels)).astype(np.float32)
        for channel in range(channels):
            layer = Image.fromarray(grid[..., channel]).resize((size, size), Image.Resampling.BICUBIC)
            total[..., channel] += weight * np.asarray(layer)
        cells, weight = cells * 2, weight / slope
    return (total - total.mean()) / (total.std() + 1e-6)


def clouds(rng: Generator, size: int) -> Image.Image:
    """Coloured noise between two or three colours: marble, sky, stone, haze."""
    field = noise(rng, size, rng.uniform(1.2, 2.4), 1) * rng.uniform(15, 60)
    tint = noise(rng, size, 2.2, 3) * rng.uniform(2, 20)
    return Image.fromarray(np.clip(rng.uniform(30, 230, 3) + field + tint, 0, 255).astype(np.uint8))


def leaves(rng: Generator, size: int) -> Image.Image:
    """Dead leaves: discs, boxes and polygons of power-law sizes that hide one another, each with its own shade."""
    image = clouds(rng, size)
    draw = ImageDraw.Draw(image)
    base = rng.uniform(20, 235, 3)
    spread = rng.uniform(10, 60)
    smallest = rng.uniform(2, 12)
    kinds = rng.permutation(3)[: rng.integers(1, 4)]
    inked, ink = rng.choice([0.0, 0.2, 1.0]), _colour(rng, base * 0.3, 10)  # outlines, as in drawings
    for _ in range(int(rng.integers(60, 500))):
        radius = min(smallest * rng.pareto(1.3) + smallest, size * 0.5)
        x, y = rng.uniform(-0.1, 1.1, 2) * size
        fill = _colour(rng, base, spread)
        line = ink if rng.random() < inked else fill
        kind = rng.choice(kinds)
        wide = radius * rng.uniform(0.3, 1.5)
        if kind == 0:
            draw.ellipse((x - wide, y - radius, x + wide, y + radius), fill, line)
        elif kind == 1:
            draw.rectangle((x - wide, y - radius, x + wide, y + radius), fill, line)
        else:
            angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 8)))
            reach = radius * rng.uniform(0.4, 1.2, angles.size)
            corners = np.stack([x + reach * np.cos(angles), y + reach * np.sin(angles)], 1)
            draw.polygon([tuple(corner) for corner in corners.tolist()], fill, line)
    return image


def foliage(rng: Generator, size: int) -> Image.Image:
    """Many small strokes of like colour: grass, leaves, hair-like textures under a horizon."""
    sky, ground = rng.uniform(90, 255, 3), rng.uniform(20, 190, 3)
    horizon = rng.uniform(-0.2, 0.9) * size
    image = Image.new("RGB", (size, size), _colour(rng, sky, 10))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, horizon, size, size), _colour(rng, ground, 10))
    length = rng.uniform(3, 40)
    lean = rng.normal(0, 0.5)
    for _ in range(int(rng.integers(300, 1500))):
        x, y = rng.uniform(0, size), rng.uniform(max(horizon - 20, 0), size)
        reach = length * rng.uniform(0.3, 1.5) * (0.4 + y / size)
        angle = lean + rng.normal(0, 0.6)
        tip = (x + reach * np.sin(angle), y - reach * np.cos(angle))
        draw.line([(x, y), tip], _colour(rng, ground, 28), int(rng.integers(1, 5)))
    return image


def rooms(rng: Generator, size: int) -> Image.Image:
    """Planes in perspective with grids on them: rooms, corridors, house fronts, rows of seats."""
    image = Image.new("RGB", (size, size))
    draw = ImageDraw.Draw(image)
    base = rng.uniform(40, 230, 3)
    vx, vy = rng.uniform(0.2, 0.8) * size, rng.uniform(0.2, 0.7) * size
    left, top = vx * rng.uniform(0.2, 0.9), vy * rng.uniform(0.1, 0.9)
    right, low = vx + (size - vx) * rng.uniform(0.1, 0.8), vy + (size - vy) * rng.uniform(0.1, 0.8)
    inner = [(left, top), (right, top), (right, low), (left, low)]
    outer = [(0, 0), (size, 0), (size, size), (0, size)]
    draw.polygon(inner, _colour(rng, base, 30))
    for i in range(4):
        j = (i + 1) % 4
        draw.polygon([outer[i], outer[j], inner[j], inner[i]], _colour(rng, base, 40))
        if rng.random() < 0.7:
            line = _colour(rng, base, 40)
            count = int(rng.integers(3, 16))
            for t in np.linspace(0, 1, count):
                a = np.add(outer[i], np.multiply(np.subtract(outer[j], outer[i]), t))
                b = np.add(inner[i], np.multiply(np.subtract(inner[j], inner[i]), t))
                draw.line([tuple(a), tuple(b)], line, int(rng.integers(1, 4)))
    rows, columns = int(rng.integers(1, 7)), int(rng.integers(1, 9))
    x0, y0 = rng.uniform(0, 0.5, 2) * size
    step_x, step_y = rng.uniform(12, 70, 2)
    pane = _colour(rng, rng.uniform(20, 250, 3), 10)
    for row in range(rows):
        for column in range(columns):
            x, y = x0 + column * step_x, y0 + row * step_y
            shade = _colour(rng, np.array(pane, float), 14)
            draw.rectangle((x, y, x + step_x * 0.7, y + step_y * 0.75), shade, _colour(rng, base, 30))
    return image


KINDS = (clouds, leaves, leaves, foliage, rooms)


def light(rng: Generator, size: int) -> NDArray[np.float32]:
    """Smooth light over a picture, size x size x 1, around 1."""
    cells = 24
    field = noise(rng, cells, 2.5, 1)[..., 0] * np.float32(rng.uniform(0.02, 0.2))
    slope = np.linspace(-1, 1, cells, dtype=np.float32) * np.float32(rng.uniform(-0.35, 0.35))
    across = np.linspace(-1, 1, cells, dtype=np.float32) * np.float32(rng.uniform(-0.35, 0.35))
    small = np.clip(1 + field + slope[:, None] + across[None], 0.3, 1.7)
    return np.asarray(Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC))[..., None]


def scenery(rng: Generator, size: int) -> Pixels:
    """One background, uint8 size x size x 3: one kind, or two mixed, under uneven light, blurred or grainy."""
    image = KINDS[rng.integers(len(KINDS))](rng, size)
    if rng.random() < 0.4:
        other = KINDS[rng.integers(len(KINDS))](rng, size)
        mask = Image.fromarray(np.clip(noise(rng, size, 2.5, 1)[..., 0] * 300 + 128, 0, 255).astype(np.uint8))
        image = Image.composite(image, other, mask)
    if rng.random() < 0.6:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 4.0)))
    pixels = np.asarray(image, np.float32) * light(rng, size)
    if rng.random() < 0.5:
        pixels += noise(rng, size, rng.uniform(0.9, 1.6), 1) * rng.uniform(2, 18)
    return np.clip(pixels, 0, 255).astype(np.uint8)
