"""Surfaces for scenes in perspective: colours as a function of the place on a wall or floor, in metres.

Every maker draws its settings once and returns a surface: (s, t), two float32 arrays of one shape, to float32 RGB 0..1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from weights.scenery import noise

Floats = NDArray[np.float32]
Surface = Callable[[Floats, Floats], Floats]

_GRAIN = 256  # side of the noise tile


def colour(rng: Generator, saturation: float = 0.5) -> Floats:
    """A random colour 0..1; `saturation` is the farthest that it goes from grey."""
    grey = rng.uniform(0.15, 0.95)
    return np.clip(grey + rng.normal(0, 0.5, 3) * rng.uniform(0, saturation), 0.02, 1).astype(np.float32)


def _chance(a: Floats, b: Floats, seed: float) -> Floats:
    """A repeatable number 0..1 for each pair of whole numbers."""
    wave = np.sin(a * np.float32(12.9898) + b * np.float32(78.233) + np.float32(seed)) * np.float32(43758.547)
    return np.asarray(wave - np.floor(wave), dtype=np.float32)


def plain(rng: Generator) -> Surface:
    """Paint, or the sheen of a polished floor."""
    base, slope = colour(rng), np.float32(rng.normal(0, 0.03))

    def surface(s: Floats, t: Floats) -> Floats:
        return base * (1 + slope * (t + s * np.float32(0.3)))[..., None].clip(0.6, 1.4)

    return surface


def grain(rng: Generator) -> Surface:
    """Grass, carpet, plaster, marble, asphalt: noise on one colour."""
    quarter = noise(rng, _GRAIN // 2, rng.uniform(1.0, 2.2), 1)[..., 0] * np.float32(rng.uniform(0.03, 0.25))
    half = np.concatenate([quarter, quarter[::-1]])
    tile = np.concatenate([half, half[:, ::-1]], 1)  # mirrored, so that it repeats without a seam
    base, other = colour(rng, 0.7), colour(rng, 0.7)
    per_metre, spotted = rng.uniform(8, 90), rng.random() < 0.4

    def surface(s: Floats, t: Floats) -> Floats:
        rows, columns = (t * per_metre).astype(np.int64) % _GRAIN, (s * per_metre).astype(np.int64) % _GRAIN
        value = tile[rows, columns][..., None]
        if spotted:
            return np.asarray(np.where(value > 0.08, other, base) * (1 + value), dtype=np.float32)
        return np.asarray(base * (1 + 2 * value), dtype=np.float32)

    return surface


def bricks(rng: Generator) -> Surface:
    """Bricks, tiles, planks, slabs, a chequered floor: cells that differ a little, with joints between."""
    wide = np.float32(np.exp(rng.uniform(np.log(0.08), np.log(1.5))))
    tall = np.float32(wide * rng.choice([0.3, 0.5, 1.0, 1.0, 3.0, 8.0]))
    shift, joint = np.float32(rng.choice([0.0, 0.5])), np.float32(rng.uniform(0, 0.12))
    base, line, vary = colour(rng), colour(rng), np.float32(rng.uniform(0, 0.35))
    second = colour(rng) if rng.random() < 0.3 else base
    seed = rng.uniform(0, 10)

    def surface(s: Floats, t: Floats) -> Floats:
        row = np.floor(t / tall)
        along = s / wide + shift * (row % 2)
        column = np.floor(along)
        shade = 1 + vary * (_chance(row, column, seed) - np.float32(0.5))
        cell = np.where(((row + column) % 2 > 0)[..., None], second, base) * shade[..., None]
        gap = (along - column < joint) | (t / tall - row < joint * wide / tall)
        return np.asarray(np.where(gap[..., None], line, cell), dtype=np.float32)

    return surface


def stripes(rng: Generator) -> Surface:
    """Curtains, slats, corrugated iron, wallpaper: bands along t, hard or rounded."""
    pitch, duty = np.float32(np.exp(rng.uniform(np.log(0.05), np.log(1.0)))), np.float32(rng.uniform(0.2, 0.8))
    base, other, hard = colour(rng), colour(rng), rng.random() < 0.5
    other = base * np.float32(rng.uniform(0.5, 0.9)) if rng.random() < 0.6 else other
    across = rng.random() < 0.2

    def surface(s: Floats, t: Floats) -> Floats:
        phase = (t if across else s) / pitch
        phase = phase - np.floor(phase)
        mix = (phase < duty).astype(np.float32) if hard else (1 + np.cos(phase * np.float32(2 * np.pi))) / 2
        return np.asarray(base + (other - base) * mix[..., None], dtype=np.float32)

    return surface


def windows(rng: Generator) -> Surface:
    """Rows of windows, screens, lockers or lamps in a wall: frames, panes, bright or dark glass, sky in it."""
    wide, tall = (np.float32(np.exp(rng.uniform(np.log(0.5), np.log(3.0)))) for _ in range(2))
    left, low = np.float32(rng.uniform(0.05, 0.35)), np.float32(rng.uniform(0.05, 0.4))
    bars, frame = int(rng.integers(1, 4)), np.float32(rng.uniform(0.01, 0.06))
    wall, edge = WALLS[rng.integers(len(WALLS))](rng), colour(rng)
    glass = np.ones(3, np.float32) * np.float32(rng.uniform(0.9, 1.0)) if rng.random() < 0.4 else colour(rng, 0.6)
    below = colour(rng, 0.6) if rng.random() < 0.6 else glass
    vary, seed = np.float32(rng.choice([0.0, 0.2, 0.8])), rng.uniform(0, 10)

    def surface(s: Floats, t: Floats) -> Floats:
        column, row = np.floor(s / wide), np.floor(t / tall)
        x, y = s / wide - column, t / tall - row
        inside = (x > left) & (x < 1 - left / 2) & (y > low) & (y < np.float32(0.92))
        across = (x - left) / (1 - left * np.float32(1.5)) * bars
        up = ((y - low) / (np.float32(0.92) - low)).clip(0, 1)
        bar = (across - np.floor(across) < frame * bars * 2) | (up < frame) | (up > 1 - frame)
        pane = below + (glass - below) * up[..., None] ** np.float32(0.7)
        pane = pane * (1 + vary * (_chance(column, row, seed) - np.float32(0.5)))[..., None]
        return np.asarray(np.where(inside[..., None], np.where(bar[..., None], edge, pane), wall(s, t)), np.float32)

    return surface


WALLS: tuple[Callable[[Generator], Surface], ...] = (plain, plain, grain, bricks, stripes)
FLOORS: tuple[Callable[[Generator], Surface], ...] = (plain, grain, grain, bricks, bricks)
