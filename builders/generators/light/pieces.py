"""Pieces of places: land, water, walls and floors. Each draws on a canvas whose horizon is given."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from builders.generators.light.canvas import Canvas
from builders.generators.light.pigments import Rgb, mixed, shaded

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def dark(rgb: Rgb, share: float = 0.3) -> Rgb:
    """Nearer to black."""
    return mixed(rgb, BLACK, share)


def pale(rgb: Rgb, share: float = 0.3) -> Rgb:
    """Nearer to white."""
    return mixed(rgb, WHITE, share)


def clouds(c: Canvas, r: Random, count: int = 4, ink: Rgb = WHITE, alpha: float = 0.75) -> None:
    """Heaps of round clouds in the upper part."""
    for _ in range(count):
        x, y, w = r.random(), 0.05 + 0.28 * r.random(), 0.07 + 0.07 * r.random()
        for dx, dy, f in ((-0.8, 0.15, 0.6), (0, 0, 1), (0.8, 0.2, 0.7), (0.3, 0.3, 0.9)):
            c.oval(x + dx * w, y + dy * w * 0.6, w * f, w * f * 0.5, ink, alpha)


def stars(c: Canvas, r: Random, count: int = 50) -> None:
    """Stars over the upper part."""
    for _ in range(count):
        c.oval(r.random(), r.random() * 0.7, 0.003 + 0.004 * r.random(), 0.003 + 0.004 * r.random(), (255, 250, 225))


def mountains(c: Canvas, r: Random, y: float, ink: Rgb = (110, 120, 140)) -> None:
    """Two ranges with snow on their tops."""
    c.ridge(r, y, 0.34, pale(ink, 0.35), 6)
    for k in range(3):
        x, top, w = 0.15 + 0.35 * k + 0.1 * r.random(), y - 0.26 - 0.14 * r.random(), 0.24
        c.poly([(x - w, y), (x, top), (x + w, y)], ink)
        c.poly([(x, top), (x + w, y), (x + 0.02, y)], dark(ink, 0.25))
        c.poly([(x - w * 0.3, top + (y - top) * 0.3), (x, top), (x + w * 0.3, top + (y - top) * 0.3),
                (x + w * 0.1, top + (y - top) * 0.24),
                (x, top + (y - top) * 0.34), (x - w * 0.12, top + (y - top) * 0.24)], (246, 248, 252))


def tree(c: Canvas, r: Random, x: float, y: float, h: float, leaf: Rgb = (62, 128, 58)) -> None:
    """A tree with a round crown whose foot is at (x, y)."""
    c.box(x - h * 0.05, y - h * 0.5, x + h * 0.05, y, (98, 68, 44))
    for dx, dy, f in ((-0.2, -0.62, 0.24), (0.2, -0.6, 0.25), (0, -0.8, 0.27), (0, -0.58, 0.25)):
        c.oval(x + dx * h, y + dy * h, f * h, f * h * 0.9, mixed(leaf, BLACK, 0.2 * r.random()))
    c.oval(x - 0.1 * h, y - 0.84 * h, 0.12 * h, 0.1 * h, pale(leaf, 0.18))


def trees(c: Canvas, r: Random, y: float, leaf: Rgb = (62, 128, 58), count: int = 7, h: float = 0.5) -> None:
    """A row of trees with some nearer ones at the sides."""
    for k in range(count):
        tree(c, r, (k + r.random()) / count, y + 0.02, h * (0.6 + 0.4 * r.random()), dark(leaf, 0.25))
    tree(c, r, 0.06 * r.random(), y + 0.14, h * 1.35, leaf)
    tree(c, r, 1 - 0.06 * r.random(), y + 0.12, h * 1.25, leaf)


def pines(c: Canvas, r: Random, y: float, ink: Rgb = (40, 92, 66), count: int = 9, snow: bool = False) -> None:
    """Firs, the nearest at the sides."""
    spots = [((k + r.random()) / count, y, 0.26 + 0.1 * r.random()) for k in range(count)]
    spots += [(0.04, y + 0.12, 0.55), (0.95, y + 0.1, 0.5)]
    for x, foot, h in spots:
        c.box(x - h * 0.03, foot - h * 0.15, x + h * 0.03, foot, (84, 58, 40))
        for k in range(3):
            top = foot - h + k * h * 0.22
            w = h * (0.16 + 0.08 * k)
            c.poly([(x - w, top + h * 0.42), (x, top), (x + w, top + h * 0.42)], mixed(ink, BLACK, 0.12 * k))
            if snow:
                c.poly([(x - w * 0.5, top + h * 0.2), (x, top), (x + w * 0.5, top + h * 0.2), (x, top + h * 0.13)],
                       (245, 248, 252))


def palms(c: Canvas, r: Random, y: float) -> None:
    """Two palm trees."""
    for x, h, s in ((0.12, 0.55, 1), (0.9, 0.48, -1)):
        x += 0.05 * r.random()
        top = (x + s * 0.07, y - h)
        c.line([(x, y + 0.08), (x + s * 0.02, y - h * 0.5), top], (122, 86, 54), 0.026)
        for dx, dy in ((-0.17, 0.02), (-0.13, -0.09), (0, -0.13), (0.13, -0.09), (0.18, 0.03), (0.1, 0.11),
                       (-0.1, 0.11)):
            c.poly([top, (top[0] + dx * 0.6, top[1] + dy * 0.7 - 0.05), (top[0] + dx, top[1] + dy),
                    (top[0] + dx * 0.5, top[1] + dy * 0.5 + 0.015)],
                   (46, 128, 66))


def cacti(c: Canvas, r: Random, y: float) -> None:
    """Three cacti."""
    for x in (0.1, 0.84, 0.93):
        h = 0.14 + 0.2 * r.random()
        foot = y + 0.06 + 0.1 * r.random()
        c.box(x - 0.02, foot - h, x + 0.02, foot, (62, 120, 70), r=0.02)
        c.line([(x, foot - h * 0.4), (x + 0.055, foot - h * 0.42), (x + 0.055, foot - h * 0.75)], (62, 120, 70), 0.02)
        c.line([(x, foot - h * 0.5), (x - 0.05, foot - h * 0.52), (x - 0.05, foot - h * 0.85)], (54, 108, 62), 0.02)


def water(c: Canvas, r: Random, y: float, ink: Rgb = (44, 120, 168)) -> None:
    """Water from `y` to the bottom with glints."""
    for k in range(8):
        c.box(0, y + (1 - y) * k / 8, 1, 1, mixed(pale(ink, 0.25), dark(ink, 0.15), k / 8))
    for k in range(26):
        at = y + (1 - y) * (k + r.random()) / 26
        x, w = r.random(), 0.03 + 0.12 * (at - y)
        c.line([(x - w, at), (x, at + 0.008), (x + w, at)], pale(ink, 0.55), 0.005, 0.7)


def grass(c: Canvas, r: Random, y: float, ink: Rgb = (104, 164, 70), blades: int = 70) -> None:
    """Grassy ground with blades."""
    c.box(0, y, 1, 1, ink)
    c.box(0, y + (1 - y) * 0.5, 1, 1, dark(ink, 0.08))
    for k in range(blades):
        at = y + (1 - y) * (k + 1) / blades
        x, h = r.random(), 0.015 + 0.04 * (at - y)
        c.poly([(x - 0.004, at), (x + (r.random() - 0.5) * h, at - h), (x + 0.004, at)],
               mixed(dark(ink, 0.3), pale(ink, 0.25), r.random()))


def skyline(c: Canvas, r: Random, y: float, ink: Rgb = (120, 128, 146), lit: Rgb = (250, 232, 170),
            tall: float = 0.42) -> None:
    """Buildings with windows, far ones first."""
    for row in (0, 1):
        x = -0.03
        while x < 1:
            w, h = 0.09 + 0.08 * r.random(), tall * (0.45 + 0.6 * r.random()) * (1.15 if row == 0 else 0.75)
            wall = pale(ink, 0.35) if row == 0 else mixed(ink, (150, 96, 76), 0.4 * r.random())
            c.box(x, y - h, x + w, y + 0.02, wall)
            if row:
                for k in range(int(h / 0.045)):
                    for j in range(max(1, int(w / 0.035))):
                        glass = lit if r.random() < 0.6 else dark(wall, 0.35)
                        c.box(x + 0.012 + j * 0.034, y - h + 0.015 + k * 0.045, x + 0.03 + j * 0.034, y - h + 0.038 + k
                              * 0.045, glass)
            x += w + 0.01 * r.random()


def road(c: Canvas, r: Random, y: float, ink: Rgb = (96, 98, 104)) -> None:
    """Asphalt with a pavement behind and a dashed line."""
    c.box(0, y, 1, 1, ink)
    c.box(0, y, 1, y + 0.07, (176, 172, 166))
    c.box(0, y + 0.07, 1, y + 0.085, (128, 124, 120))
    for k in range(5):
        c.poly([(k * 0.24 - 0.08, 0.9), (k * 0.24 + 0.05, 0.9), (k * 0.24 + 0.03, 0.925), (k * 0.24 - 0.11, 0.925)],
               (236, 220, 150))


def paving(c: Canvas, r: Random, y: float, ink: Rgb = (160, 152, 142)) -> None:
    """Flagstones that run towards the horizon."""
    c.box(0, y, 1, 1, ink)
    rows = [y + (1 - y) * t for t in (0, 0.1, 0.24, 0.42, 0.66, 1)]
    for a, b in pairwise(rows):
        for k in range(9):
            c.box(k / 8 - 0.06, a + 0.004, k / 8 + 0.055, b - 0.004, mixed(ink, pale(ink, 0.3), r.random()))


def planks(c: Canvas, r: Random, y: float, ink: Rgb = (164, 116, 72)) -> None:
    """A wooden floor or table top in perspective."""
    c.box(0, y, 1, 1, ink)
    for k in range(-6, 14):
        a, b = k / 8, (k - 3.5) / 8 * 2.4 + 0.44
        wide = 2.4 / 8
        c.poly([(a, y), (a + 1 / 8, y), (b + wide, 1), (b, 1)], mixed(ink, dark(ink, 0.25), r.random()))
        c.line([(a, y), (b, 1)], dark(ink, 0.45), 0.005)


def tiles(c: Canvas, r: Random, y: float, a: Rgb = (236, 232, 224), b: Rgb = (120, 130, 140)) -> None:
    """A chequered floor in perspective."""
    rows = [y + (1 - y) * t for t in (0, 0.12, 0.28, 0.48, 0.72, 1)]
    c.box(0, y, 1, 1, a)
    for j, (top, low) in enumerate(pairwise(rows)):
        for k in range(-8, 16):
            if (k + j) % 2:
                spread = [0.5 + (k + d - 4) / 8 * (1 + 1.5 * (at - y) / (1 - y)) for at in (top, low) for d in (0, 1)]
                c.poly([(spread[0], top), (spread[1], top), (spread[3], low), (spread[2], low)], b)


def plain(c: Canvas, r: Random, y: float, ink: Rgb = (190, 182, 172)) -> None:
    """Bare ground, a little darker in front."""
    c.box(0, y, 1, 1, ink)
    c.poly([(0, 1), (0, 0.88), (0.5, 0.84), (1, 0.88), (1, 1)], dark(ink, 0.07))


def sand(c: Canvas, r: Random, y: float, ink: Rgb = (226, 198, 146)) -> None:
    """Sand with ripples and a few shells or stones."""
    c.box(0, y, 1, 1, ink)
    for k in range(9):
        at = y + (1 - y) * (k + 0.5) / 9
        c.line([(x / 6, at + 0.012 * (x % 2)) for x in range(7)], dark(ink, 0.12), 0.005)
    c.scatter(r, 9, y + 0.05, (pale(ink, 0.5), dark(ink, 0.25)), 0.01)


def dunes(c: Canvas, r: Random, y: float, ink: Rgb = (222, 172, 104)) -> None:
    """Dunes with a lit and a dark side."""
    for k in range(3):
        x, top = 0.1 + 0.4 * k + 0.15 * r.random(), y - 0.1 - 0.1 * r.random()
        c.poly([(x - 0.45, y + 0.1), (x, top), (x + 0.4, y + 0.1)], pale(ink, 0.12))
        c.poly([(x, top), (x + 0.4, y + 0.1), (x - 0.08, y + 0.1)], dark(ink, 0.18))
    sand(c, r, y + 0.02, ink)


def snowdrift(c: Canvas, r: Random, y: float) -> None:
    """Snow-covered ground."""
    c.swell(r, y, 0.07, (232, 238, 247))
    c.swell(r, y + 0.14, 0.05, (246, 249, 253))
    c.scatter(r, 10, y + 0.1, ((222, 230, 242),), 0.03, 0.3)


def rocks(c: Canvas, r: Random, y: float, ink: Rgb = (128, 124, 118), count: int = 7) -> None:
    """Boulders over the ground."""
    for k in range(count):
        x, at, w = r.random(), y + (0.92 - y) * (k + 0.5) / count, 0.05 + 0.08 * r.random()
        tone = mixed(ink, pale(ink, 0.3), r.random())
        c.poly([(x - w, at + w * 0.4), (x - w * 0.7, at - w * 0.4), (x, at - w * 0.7), (x + w * 0.8, at - w * 0.3),
                (x + w, at + w * 0.4)], tone)
        c.poly([(x, at - w * 0.7), (x + w * 0.8, at - w * 0.3), (x + w, at + w * 0.4), (x + w * 0.1, at + w * 0.4)],
               dark(tone, 0.22))


def flowers(c: Canvas, r: Random, y: float, inks: tuple[Rgb, ...], count: int = 50) -> None:
    """A field of flowers."""
    for k in range(count):
        at = y + (1 - y) * (k + r.random()) / count
        x, s, ink = r.random(), 0.008 + 0.026 * (at - y) / (1 - y), inks[int(r.random() * len(inks))]
        c.line([(x, at), (x, at + s * 2.5)], (64, 118, 52), 0.004)
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            c.oval(x + dx * s * 0.6, at + dy * s * 0.6, s * 0.6, s * 0.6, ink)
        c.oval(x, at, s * 0.45, s * 0.45, (90, 60, 30) if ink[0] > 230 and ink[2] < 90 else (255, 226, 120))


def wall(c: Canvas, r: Random, y: float, ink: Rgb, kind: str = "") -> None:
    """A wall down to `y`, with a skirting board: plain, "bricks", "stripes", "tiles" or "stone"."""
    c.box(0, 0, 1, y, ink)
    rows = {"bricks": 0.05, "stone": 0.1, "tiles": 0.08}.get(kind, 0)
    if rows:
        wide = rows * (1 if kind == "tiles" else 2)
        for k in range(int(y / rows) + 1):
            shift = wide / 2 if k % 2 and kind != "tiles" else 0
            for j in range(int(1 / wide) + 2):
                tone = mixed(ink, pale(ink, 0.4) if kind == "tiles" else dark(ink, 0.28), r.random())
                c.box(j * wide - shift + 0.003, k * rows + 0.003, (j + 1) * wide - shift - 0.003,
                      min((k + 1) * rows - 0.003, y), tone)
    elif kind == "stripes":
        for k in range(10):
            c.box(k / 10, 0, k / 10 + 0.05, y, dark(ink, 0.1))
    if not rows:
        c.box(0, y - 0.03, 1, y, pale(ink, 0.55))


def window(c: Canvas, r: Random, x: float, y: float, w: float, h: float, view: Rgb = (170, 214, 242)) -> None:
    """A window with a cross bar."""
    c.box(x - 0.015, y - 0.015, x + w + 0.015, y + h + 0.02, (246, 243, 236))
    c.box(x, y, x + w, y + h, view)
    c.oval(x + w * 0.35, y + h, w * 0.4, h * 0.3, mixed(view, (70, 130, 70), 0.5))
    c.box(x, y + h, x + w, y + h + 0.015, (226, 220, 210))
    c.box(x + w / 2 - 0.007, y, x + w / 2 + 0.007, y + h, (246, 243, 236))
    c.box(x, y + h / 2 - 0.006, x + w, y + h / 2 + 0.006, (246, 243, 236))


def shelves(c: Canvas, r: Random, y: float, what: str = "books", ink: Rgb = (110, 74, 46)) -> None:
    """Shelves over the whole wall, full of books, jars or goods."""
    c.box(0, 0, 1, y, dark(ink, 0.35))
    rows = 4
    for k in range(rows):
        low = y * (k + 1) / rows
        x = 0.01
        while x < 0.97:
            tone = shaded(((r.random() < 0.5) * 150 + 60, round(60 + 120 * r.random()), round(50 + 140 * r.random())),
                          1, 0.9, 0.1)
            if what == "books":
                w, h = 0.018 + 0.022 * r.random(), y / rows * (0.6 + 0.28 * r.random())
                c.box(x, low - h, x + w, low, tone)
                c.box(x, low - h * 0.8, x + w, low - h * 0.72, pale(tone, 0.5))
            else:
                w, h = 0.06 + 0.04 * r.random(), y / rows * (0.4 + 0.3 * r.random())
                c.box(x, low - h, x + w - 0.01, low, tone, r=0.012 if what == "jars" else 0)
                c.box(x + w * 0.15, low - h * 0.65, x + w * 0.75, low - h * 0.3, pale(tone, 0.6))
            x += w + 0.004
        c.box(0, low, 1, low + 0.018, ink)


def columns(c: Canvas, r: Random, y: float, ink: Rgb = (214, 204, 186)) -> None:
    """A colonnade with a beam."""
    c.box(0, 0.05, 1, 0.15, ink)
    c.box(0, 0.14, 1, 0.16, dark(ink, 0.25))
    for k in range(5):
        x = 0.02 + k * 0.22
        c.box(x, 0.16, x + 0.085, y + 0.02, ink)
        for j in range(3):
            c.box(x + 0.012 + j * 0.025, 0.18, x + 0.022 + j * 0.025, y, dark(ink, 0.16))
        c.box(x - 0.015, 0.16, x + 0.1, 0.19, pale(ink, 0.3))
        c.box(x - 0.015, y - 0.01, x + 0.1, y + 0.03, pale(ink, 0.2))


def planet(c: Canvas, r: Random, x: float, y: float, s: float, ink: Rgb, ring: bool = False) -> None:
    """A planet, with a ring or bands."""
    c.oval(x, y, s, s, ink)
    c.oval(x - s * 0.22, y - s * 0.22, s * 0.66, s * 0.66, pale(ink, 0.16))
    if ring:
        c.line([(x - s * 1.7, y + s * 0.5), (x, y + s * 0.2), (x + s * 1.7, y - s * 0.5)], pale(ink, 0.5), s * 0.16)
    else:
        c.oval(x + s * 0.1, y + s * 0.2, s * 0.4, s * 0.14, mixed(ink, (70, 150, 80), 0.7))
        c.oval(x - s * 0.3, y - s * 0.3, s * 0.3, s * 0.16, mixed(ink, (70, 150, 80), 0.7))


def coral(c: Canvas, r: Random, y: float) -> None:
    """Corals, weeds, fish and bubbles."""
    for k in range(7):
        x, h, ink = (k + r.random()) / 7, 0.1 + 0.16 * r.random(), ((232, 98, 110), (240, 160, 80), (190, 100, 190),
                                                                    (70, 160, 110))[k % 4]
        foot = y + 0.06 + 0.1 * r.random()
        for d in (-0.05, 0, 0.05):
            c.line([(x, foot), (x + d * 0.6, foot - h * 0.5), (x + d, foot - h)], ink, 0.016)
            c.oval(x + d, foot - h, 0.014, 0.014, pale(ink, 0.3))
    for _ in range(6):
        x, at, s = r.random(), 0.08 + 0.45 * r.random(), 0.03
        ink = ((250, 190, 60), (240, 110, 70), (250, 240, 220))[int(r.random() * 3)]
        c.oval(x, at, s, s * 0.55, ink)
        c.poly([(x + s * 0.7, at), (x + s * 1.5, at - s * 0.5), (x + s * 1.5, at + s * 0.5)], ink)
        c.oval(x - s * 0.5, at - s * 0.1, 0.004, 0.004, BLACK)
    for _ in range(12):
        c.oval(r.random(), r.random(), 0.009, 0.009, (220, 244, 250), 0.6)


def curtain(c: Canvas, r: Random, y: float, ink: Rgb) -> None:
    """Curtains left and right and a valance."""
    for k in range(5):
        for x in (k * 0.036, 1 - (k + 1) * 0.036):
            c.box(x, 0, x + 0.036, y + 0.04, mixed(ink, dark(ink, 0.4), k % 2 * 0.8))
    for k in range(8):
        c.oval(k / 7, 0.02, 0.08, 0.08, mixed(ink, dark(ink, 0.3), k % 2))
