"""Texture, skin and fur words: what lies on a silhouette."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from builders.generators.light.fields import Field, Rng, grain, noise, step, triangle, wave
from builders.generators.light.words import Table, traits

Layer = tuple[Field, Field]
"""Share of the second colour, and height, both 0..1."""


class Finish(NamedTuple):
    """A surface."""

    pattern: str = "smooth"
    ink: float = 0.6
    """How much of the second colour its figure gets."""
    relief: float = 0.5
    """How deep it is."""
    gloss: float = 0.15
    fuzz: float = 0
    """How shaggy the outline is."""
    metal: float = 0
    clear: float = 0
    """How much of the scene shines through."""
    fine: float = 1
    """How often the figure repeats, as a factor."""


def _smooth(u: Field, v: Field, rng: Rng) -> Layer:
    flat = np.zeros_like(u)
    return flat, flat


def _stripes(u: Field, v: Field, rng: Rng) -> Layer:
    m = step(wave(u * 3.4 + v * 0.7), 0.46, 0.54)
    return m, m * 0


def _tiger(u: Field, v: Field, rng: Rng) -> Layer:
    m = step(wave(v * 3.2 + noise(rng, u.shape, 5) * 1.8), 0.62, 0.7)
    return m, m * 0


def _zigzag(u: Field, v: Field, rng: Rng) -> Layer:
    m = step(wave(v * 3 + triangle(u * 2.5) * 0.7), 0.46, 0.54)
    return m, m * 0.4


def _waves(u: Field, v: Field, rng: Rng) -> Layer:
    m = wave(v * 4 + wave(u * 1.2) * 0.7)
    return step(m, 0.6, 0.8), m


def _ribs(u: Field, v: Field, rng: Rng) -> Layer:
    m = wave(u * 7)
    return step(m, 0.1, 0.5) * -1 + 1, m


def _rings(u: Field, v: Field, rng: Rng) -> Layer:
    m = wave(v * 6)
    return step(m, 0.1, 0.4) * -1 + 1, m


def _dots(u: Field, v: Field, rng: Rng) -> Layer:
    row = np.floor(v * 3.6)
    a, b = (u * 3.6 + row * 0.5) % 1 - 0.5, (v * 3.6) % 1 - 0.5
    d = 1 - np.sqrt(a * a + b * b) * 2
    return step(d, 0.34, 0.46), step(d, 0.1, 0.8)


def _pits(u: Field, v: Field, rng: Rng) -> Layer:
    m, h = _dots(u * 1.7, v * 1.7, rng)
    return m, 1 - h


def _weave(u: Field, v: Field, rng: Rng) -> Layer:
    a, b = u * 5, v * 5
    over = (np.floor(a) + np.floor(b)) % 2 < 1
    h = np.where(over, triangle(b), triangle(a)).astype(np.float32)
    gap = step(h, 0.05, 0.4)
    return (1 - gap) * 0.9 + gap * np.where(over, 0, 0.35).astype(np.float32), gap


def _cloth(u: Field, v: Field, rng: Rng) -> Layer:
    m = (triangle(u * 16) + triangle(v * 16)) * np.float32(0.5)
    return (1 - m) * 0.55, m


def _mesh(u: Field, v: Field, rng: Rng) -> Layer:
    a, b = triangle((u + v) * 4), triangle((u - v) * 4)
    m = step(np.minimum(a, b), 0.12, 0.26)
    return 1 - m, 1 - m


def _checks(u: Field, v: Field, rng: Rng) -> Layer:
    a, b = step(wave(u * 2), 0.46, 0.54), step(wave(v * 2), 0.46, 0.54)
    thin = np.maximum(step(wave(u * 2 + 0.25), 0.93, 0.98), step(wave(v * 2 + 0.25), 0.93, 0.98))
    return np.maximum((a + b) * 0.5, thin), a * 0


def _knit(u: Field, v: Field, rng: Rng) -> Layer:
    a = triangle(u * 6)
    m = wave(v * 9 + a * 0.9) * step(a, 0.02, 0.3)
    return 1 - step(m, 0.15, 0.5), m


def _scales(u: Field, v: Field, rng: Rng) -> Layer:
    row = np.floor(v * 4.4)
    a, b = (u * 4.4 + row * 0.5) % 1 - 0.5, (v * 4.4) % 1
    d = np.sqrt(a * a * 1.4 + b * b)
    edge = step(d, 0.72, 0.9)
    return edge, 1 - d * 0.8


def _bricks(u: Field, v: Field, rng: Rng) -> Layer:
    row = np.floor(v * 4.5)
    a, b = (u * 2.4 + row * 0.5) % 1, (v * 4.5) % 1
    m = np.minimum(step(np.minimum(a, 1 - a), 0.03, 0.07), step(np.minimum(b, 1 - b), 0.06, 0.14))
    return 1 - m, m


def _tiles(u: Field, v: Field, rng: Rng) -> Layer:
    a, b = np.floor(u * 4.5), np.floor(v * 4.5)
    shade = np.abs((a * 0.37 + b * 0.61 + a * b * 0.23) % 1)
    m = np.minimum(step(triangle(u * 4.5), 0.06, 0.16), step(triangle(v * 4.5), 0.06, 0.16))
    return np.maximum(1 - m, shade * 0.6), m


def _quilt(u: Field, v: Field, rng: Rng) -> Layer:
    a, b = triangle((u + v) * 1.9), triangle((u - v) * 1.9)
    m = np.minimum(a, b)
    return 1 - step(m, 0.03, 0.1), np.sqrt(m)


def _cracks(u: Field, v: Field, rng: Rng) -> Layer:
    a = np.abs(noise(rng, u.shape, 5, octaves=3) - np.float32(0.5))
    b = np.abs(noise(rng, u.shape, 8, octaves=2) - np.float32(0.5))
    m = step(np.minimum(a, b), 0.006, 0.03)
    return 1 - m, m


def _marble(u: Field, v: Field, rng: Rng) -> Layer:
    m = np.abs(noise(rng, u.shape, 3, octaves=4) * 2 - 1)
    w = triangle(u * 1.1 + v * 0.8 + m * 2.4)
    return 1 - step(w, 0.02, 0.35), w * 0


def _wood(u: Field, v: Field, rng: Rng) -> Layer:
    m = wave(noise(rng, u.shape, 9, 2, octaves=2) * 4 + v * 2.4)
    fine = noise(rng, u.shape, 60, 4, octaves=1)
    return m * 0.6 + fine * 0.4, fine


def _fur(u: Field, v: Field, rng: Rng) -> Layer:
    m = noise(rng, u.shape, 8, 40, octaves=2)
    return step(m, 0.5, 0.8) * 0.8, m


def _curls(u: Field, v: Field, rng: Rng) -> Layer:
    m = wave(noise(rng, u.shape, 9, octaves=2) * 5)
    return step(m, 0.7, 1) * 0.6, m


def _speckle(u: Field, v: Field, rng: Rng) -> Layer:
    m = noise(rng, u.shape, 46, octaves=1)
    return step(m, 0.72, 0.82), m


def _rough(u: Field, v: Field, rng: Rng) -> Layer:
    m = noise(rng, u.shape, 22, octaves=3)
    return step(m, 0.5, 0.75) * 0.5, m


def _patches(u: Field, v: Field, rng: Rng) -> Layer:
    m = step(noise(rng, u.shape, 3, octaves=2), 0.54, 0.58)
    return m, m * 0.3


def _leopard(u: Field, v: Field, rng: Rng) -> Layer:
    m = noise(rng, u.shape, 11, octaves=1)
    return step(m, 0.6, 0.66) * (1 - step(m, 0.82, 0.9) * 0.7), m * 0


def _brushed(u: Field, v: Field, rng: Rng) -> Layer:
    m = noise(rng, u.shape, 90, 3, octaves=1)
    return m * 0.35, m


def _crinkle(u: Field, v: Field, rng: Rng) -> Layer:
    m = np.abs(noise(rng, u.shape, 7, octaves=2) * 2 - 1) * 2
    return 1 - step(m, 0, 0.25), np.minimum(m, 1)


def _folds(u: Field, v: Field, rng: Rng) -> Layer:
    m = wave(u * 2.2 + noise(rng, u.shape, 2, octaves=2) * 2.2)
    return (1 - m) * 0.4, m


def _clouds(u: Field, v: Field, rng: Rng) -> Layer:
    m = noise(rng, u.shape, 4, octaves=3)
    return step(m, 0.35, 0.7) * 0.8, m * 0.3


def _petals(u: Field, v: Field, rng: Rng) -> Layer:
    a, b = (u * 2.3) % 1 - 0.5, (v * 2.3) % 1 - 0.5
    r = np.sqrt(a * a + b * b)
    lobes = np.abs(a * a - b * b) / np.maximum(r * r, np.float32(1e-4))
    m = step(0.24 + 0.14 * lobes - r, 0, 0.05)
    return m * (1 - step(0.1 - r, 0, 0.03)), m


PATTERNS: dict[str, Callable[[Field, Field, Rng], Layer]] = {
    "smooth": _smooth, "stripes": _stripes, "tiger": _tiger, "zigzag": _zigzag, "waves": _waves, "ribs": _ribs,
    "rings": _rings,
    "dots": _dots, "pits": _pits, "weave": _weave, "cloth": _cloth, "mesh": _mesh, "checks": _checks, "knit": _knit,
    "scales": _scales,
    "bricks": _bricks, "tiles": _tiles, "quilt": _quilt, "cracks": _cracks, "marble": _marble, "wood": _wood,
    "fur": _fur,
    "curls": _curls, "speckle": _speckle, "rough": _rough, "patches": _patches, "leopard": _leopard,
    "brushed": _brushed,
    "crinkle": _crinkle, "folds": _folds, "clouds": _clouds, "petals": _petals,
}
FINISHES: dict[str, Finish] = {
    "stripes": Finish("stripes"), "tiger": Finish("tiger", 0.8, 0.1), "zigzag": Finish("zigzag"),
    "waves": Finish("waves", 0.5, 0.8), "ribs": Finish("ribs", 0.45, 1), "rings": Finish("rings", 0.45, 1),
    "dots": Finish("dots", 0.9, 0.1), "bumps": Finish("dots", 0.15, 1.2),
    "spikes": Finish("dots", 0.5, 1.6, fuzz=0.9, fine=1.3), "pits": Finish("pits", 0.6, 0.9),
    "weave": Finish("weave", 0.6, 1, 0.05), "cloth": Finish("cloth", 0.45, 0.5, 0.02),
    "mesh": Finish("mesh", 0.8, 0.7), "checks": Finish("checks", 0.8, 0), "knit": Finish("knit", 0.5, 1, 0),
    "scales": Finish("scales", 0.65, 0.7, 0.35), "bricks": Finish("bricks", 0.6, 1),
    "tiles": Finish("tiles", 0.8, 0.5, 0.3), "quilt": Finish("quilt", 0.4, 1.6, 0.15),
    "cracks": Finish("cracks", 0.95, 0.8, 0.05), "marble": Finish("marble", 0.7, 0, 0.6),
    "wood": Finish("wood", 0.6, 0.3, 0.1), "fur": Finish("fur", 0.4, 0.8, 0, 0.8),
    "curls": Finish("curls", 0.5, 1.2, 0, 0.7), "velvet": Finish("clouds", 0.3, 0.2, 0, 0.25),
    "feather": Finish("scales", 0.5, 0.5, 0.05, 0.8, fine=0.8), "speckle": Finish("speckle", 0.7, 0.3),
    "sparkle": Finish("speckle", -0.9, 0.4, 0.7), "sand": Finish("speckle", 0.5, 0.8, 0, fine=1.5),
    "rough": Finish("rough", 0.6, 1.4, 0), "rust": Finish("clouds", 0.8, 0.6, 0.05),
    "patches": Finish("patches", 0.9, 0.1, 0.1), "leopard": Finish("leopard", 0.9, 0.1, 0.05),
    "brushed": Finish("brushed", 0.5, 0.3, 0.5, metal=0.7), "metal": Finish("smooth", 0, 0, 0.8, metal=1),
    "gloss": Finish("smooth", 0, 0, 1), "wet": Finish("dots", -0.35, 0.5, 1.1, fine=1.6),
    "glass": Finish("smooth", 0, 0, 1, clear=0.45), "ice": Finish("crinkle", -0.6, 0.5, 0.9, clear=0.25),
    "rubber": Finish("smooth", 0, 0, 0.4), "matte": Finish("smooth", 0, 0, 0),
    "leather": Finish("crinkle", 0.35, 0.5, 0.35, fine=1.4), "crinkle": Finish("crinkle", 0.6, 1.3, 0.1),
    "folds": Finish("folds", 0.6, 1, 0.2), "clouds": Finish("clouds", 0.7, 0.2, 0.1),
    "carved": Finish("petals", 0.35, 1.6, 0.1), "floral": Finish("petals", 0.9, 0.1, 0.1),
    "paper": Finish("rough", 0.2, 0.5, 0), "fuzzy": Finish("fur", 0.3, 0.7, 0, 0.9),
    "soft": Finish("clouds", 0.15, 0.1, 0, 0.5), "bare": Finish("clouds", 0.15, 0.1, 0.25),
    "short": Finish("fur", 0.25, 0.4, 0.05, 0.15), "sticky": Finish("waves", -0.3, 0.6, 1),
    "layers": Finish("rings", 0.6, 0.7, fine=0.7),
}
_UNLIKE_FUR = {"quilt", "knit", "weave", "cloth", "bricks", "spikes", "wood", "metal", "mesh", "checks", "tiles"}
_WORDS = Table.read("textures")


def finish(texture: str, living: bool = False) -> Finish:
    """The surface of a texture or skin word; an unknown word has one of its own, "" a plain one."""
    if not texture.strip():
        return FINISHES["short" if living else "matte"]._replace(gloss=0.15)
    name = _WORDS.first(texture)
    if name:
        return FINISHES["fuzzy" if living and name in _UNLIKE_FUR else name]
    a, b, c, d, e = traits(texture, 5)
    if living:
        return Finish("fur", 0.2 + 0.4 * a, 0.3 + 0.7 * b, 0.2 * c, 0.8 * d, fine=0.6 + e)
    names = sorted(PATTERNS)
    return Finish(names[int(a * len(names))], 0.3 + 0.5 * b, 0.3 + 0.8 * c, 0.5 * d, fine=0.8 + 0.5 * e)


def layer(how: Finish, u: Field, v: Field, rng: Rng) -> Layer:
    """The surface's figure over a grid of coordinates -1..1."""
    ink, height = PATTERNS[how.pattern](u * np.float32(how.fine), v * np.float32(how.fine), rng)
    return np.asarray(ink, np.float32), np.asarray(height, np.float32)


def ragged(alpha: Field, amount: float, rng: Rng) -> Field:
    """An outline with hairs: `alpha` (a soft blur of it, 0..1) cut by noise."""
    hairs = noise(rng, alpha.shape, alpha.shape[0] / 3, octaves=1) - np.float32(0.5)
    edge = hairs + grain(rng, alpha.shape) * np.float32(0.3)
    return step(alpha + edge * np.float32(0.55 * amount), 0.38, 0.62)
