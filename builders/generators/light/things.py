"""Silhouettes of things, each a list of parts from back to front."""

from __future__ import annotations

from collections.abc import Callable

from builders.generators.light.geometry import Part, band, box, lathe, loop, moved, oval, poly, turned

METAL, DEEP, CREAM, GLASS = "#b9bcc2", "#2b2724", "#f6efdf", "#20242c"


def backpack() -> list[Part]:
    """A school backpack with straps, two straight zips, a square pocket and a label."""
    return [
        Part(band([(-0.5, -0.3), (-0.86, 0.1), (-0.8, 0.7), (-0.5, 0.92)], 0.09), "dark", 0.1),
        Part(band([(0.5, -0.3), (0.86, 0.1), (0.8, 0.7), (0.5, 0.92)], 0.09), "dark", 0.1),
        Part(band([(-0.2, -0.72), (-0.16, -1), (0.16, -1), (0.2, -0.72)], 0.055), "dark", 0.2),
        Part(box(-0.8, 0.35, -0.45, 0.93, 0.14), "dark", 0.3), Part(box(0.45, 0.35, 0.8, 0.93, 0.14), "dark", 0.3),
        Part(box(-0.62, -0.84, 0.62, 1, 0.3), "main", 0.5),
        Part(poly([(-0.6, -0.5), (0.6, -0.5), (0.6, -0.46), (-0.6, -0.46)]), "#3a3430", 0.35),
        Part(box(0.36, -0.48, 0.42, -0.24, 0.02), METAL, 0.9),
        Part(box(-0.42, 0.26, 0.42, 0.86, 0.06), "second", 0.8),
        Part(poly([(-0.4, 0.35), (0.4, 0.35), (0.4, 0.39), (-0.4, 0.39)]), "#3a3430", 0.6),
        Part(box(0.24, 0.37, 0.3, 0.55, 0.02), METAL, 1),
        Part(box(-0.34, 0.6, -0.04, 0.76, 0.03), "pale", 0.95),
    ]


def bowl() -> list[Part]:
    """A bowl full of berries."""
    spots = [(-0.5, 0.02), (0.52, 0.02), (-0.28, -0.14), (0.3, -0.14), (0, -0.2), (-0.4, 0.08), (0.42, 0.08),
             (-0.14, 0.03), (0.16, 0.04), (-0.66, 0.12), (0.66, 0.12), (0.02, 0.14)]
    inks = ("#b3202f", "#3a3f86", "#d43a4a", "#54214f")
    berries = [part for at, (x, y) in enumerate(spots)
               for part in (Part(oval(x, y, 0.17, 0.17, n=20), inks[at * 7 % 4], 0.3 + at * 0.05),
                            Part(oval(x - 0.05, y - 0.06, 0.04, 0.03, n=10), "#f3c9cf", 0.9))]
    outside = [(-0.98, 0.12), (-0.9, 0.5), (-0.62, 0.82), (-0.3, 0.94), (0.3, 0.94), (0.62, 0.82), (0.9, 0.5),
               (0.98, 0.12), (0.6, 0.22), (0, 0.26), (-0.6, 0.22)]
    return [Part(oval(0, 0.12, 0.98, 0.17), "dark", 0.15), *berries, Part(box(-0.36, 0.88, 0.36, 1, 0.04), "dark", 0.3),
            Part(loop(outside), "main", 0.7),
            Part(band([(-0.95, 0.14), (-0.5, 0.27), (0, 0.3), (0.5, 0.27), (0.95, 0.14)], 0.035), "pale", 0.95)]


def can() -> list[Part]:
    """A drink can with label and ring pull."""
    return [
        Part(lathe([(-0.95, 0.4), (-0.86, 0.5), (-0.78, 0.54), (0.84, 0.54), (0.93, 0.48), (1, 0.4)]), "main", 0.5),
        Part(oval(0, -0.94, 0.41, 0.09), METAL, 0.7), Part(oval(0, -0.94, 0.34, 0.065), "#8f9299", 0.5),
        Part(oval(0.02, -0.95, 0.13, 0.035), "#e4e6ea", 0.9),
        Part(lathe([(0.82, 0.53), (0.9, 0.5), (0.99, 0.41), (1, 0.4)]), METAL, 0.6),
        Part(poly([(-0.54, 0.18), (0.54, -0.3), (0.54, 0.1), (-0.54, 0.58)]), "second", 0.6),
        Part(oval(0, 0.14, 0.3, 0.22), CREAM, 0.7), Part(oval(0, 0.14, 0.23, 0.15), "main", 0.8),
    ]


def candle() -> list[Part]:
    """A burning pillar candle on a dish."""
    return [
        Part(oval(0, 0.9, 0.8, 0.1), "#6e6258", 0.3), Part(oval(0, 0.87, 0.72, 0.07), "#94877a", 0.5),
        Part(lathe([(-0.34, 0.4), (-0.2, 0.42), (0.8, 0.44), (0.88, 0.4)]), "main", 0.5),
        Part(oval(0, -0.34, 0.41, 0.09), "pale", 0.7),
        Part(band([(-0.3, -0.3), (-0.32, 0), (-0.3, 0.2)], 0.08, 0.05), "pale", 0.8),
        Part(band([(0.22, -0.27), (0.24, -0.1), (0.23, 0.02)], 0.06, 0.05), "pale", 0.8),
        Part(band([(0, -0.34), (0.02, -0.45), (0, -0.54)], 0.022), "#35302c", 0.5),
        Part(loop([(0, -1.02), (0.15, -0.72), (0.12, -0.53), (0, -0.48), (-0.12, -0.53), (-0.15, -0.72)]), "#ff9a2e",
             1),
        Part(loop([(0.01, -0.85), (0.08, -0.68), (0, -0.53), (-0.07, -0.66)]), "#fff3b0", 1),
    ]


def clock() -> list[Part]:
    """An alarm clock with two bells."""
    marks = [Part(turned(box(-0.018, -0.47, 0.018, -0.37, 0.01), 30 * k, (0, 0)), DEEP, 0.9) for k in range(12)]
    face = [Part(oval(0, 0, 0.7, 0.7), "main", 0.6), Part(oval(0, 0, 0.56, 0.56), CREAM, 0.35), *marks,
            Part(band([(0, 0), (-0.22, -0.2)], 0.035), DEEP, 0.9), Part(band([(0, 0), (0.2, -0.36)], 0.026), DEEP, 0.9),
            Part(oval(0, 0, 0.06, 0.06, n=16), "#a02c2c", 1)]
    return [
        Part(band([(-0.34, 0.7), (-0.52, 0.97)], 0.07), "dark", 0.2),
        Part(band([(0.34, 0.7), (0.52, 0.97)], 0.07), "dark", 0.2),
        Part(band([(-0.2, -0.78), (0, -0.98), (0.2, -0.78)], 0.05), METAL, 0.2),
        Part(turned(oval(-0.44, -0.62, 0.28, 0.25, 180, 360), -36, (-0.44, -0.62)), "second", 0.4),
        Part(turned(oval(0.44, -0.62, 0.28, 0.25, 180, 360), 36, (0.44, -0.62)), "second", 0.4),
        Part(band([(0, -0.72), (0, -0.86)], 0.04), METAL, 0.5),
        *moved(face, 0, 0.18),
    ]


def sneaker() -> list[Part]:
    """A low sports shoe seen from the side, toe to the right."""
    laces = [part for k in range(4) for part in (
        Part(band([(-0.12 + 0.15 * k, -0.27 + 0.13 * k), (0.04 + 0.15 * k, -0.4 + 0.14 * k)], 0.03), "#fbfaf6", 0.95),)]
    return [
        Part(band([(-0.66, -0.26), (-0.4, -0.36), (-0.16, -0.3)], 0.1), "#4a423e", 0.1),
        Part(loop([(-0.9, 0.62), (-0.94, 0.1), (-0.84, -0.3), (-0.62, -0.22), (-0.4, -0.16), (-0.18, -0.42),
                   (0.05, -0.34),
                   (0.34, -0.02), (0.66, 0.16), (0.93, 0.36), (0.96, 0.62)]), "main", 0.5),
        Part(loop([(0.46, 0.62), (0.5, 0.3), (0.68, 0.18), (0.92, 0.36), (0.95, 0.62)]), "pale", 0.7),
        Part(loop([(-0.92, 0.5), (-0.93, 0.1), (-0.84, -0.16), (-0.66, -0.04), (-0.62, 0.4)]), "dark", 0.65),
        Part(band([(-0.5, 0.46), (-0.1, 0.42), (0.26, 0.04)], 0.09, 0.04), "second", 0.85), *laces,
        Part(box(-0.98, 0.5, 1, 0.78, 0.12), "#f4f1ea", 0.8),
        Part(box(-0.96, 0.72, 0.98, 0.84, 0.05), "second", 0.4),
    ]


def boot() -> list[Part]:
    """A tall boot with a heel, toe to the right."""
    return [
        Part(loop([(-0.55, -1), (0.14, -1), (0.16, -0.4), (0.12, 0.12), (0.42, 0.34), (0.8, 0.5), (0.92, 0.72),
                   (0.86, 0.84),
                   (0.2, 0.86), (-0.5, 0.84), (-0.6, 0.6), (-0.5, 0.1), (-0.5, -0.4)]), "main", 0.5),
        Part(loop([(0.44, 0.84), (0.5, 0.4), (0.8, 0.5), (0.93, 0.72), (0.86, 0.85)]), "pale", 0.65),
        Part(box(-0.58, -1, 0.2, -0.8, 0.06), "second", 0.8),
        Part(band([(-0.52, 0.06), (-0.2, 0.16), (0.16, 0.06)], 0.07), "dark", 0.85),
        Part(box(0, 0.02, 0.16, 0.2, 0.03), "#d7b45a", 1),
        Part(box(-0.58, 0.8, 0.9, 0.9, 0.04), "#3b2f29", 0.4),
        Part(box(-0.58, 0.86, -0.14, 1.02, 0.03), "#3b2f29", 0.5),
        *(Part(band([(0.02, -0.62 + 0.2 * k), (0.15, -0.56 + 0.2 * k)], 0.024), CREAM, 0.9) for k in range(3)),
    ]


def glasses() -> list[Part]:
    """Sunglasses, seen from the front."""
    out = [Part(band([(-0.86, 0.36), (-1, 0.32), (-0.82, 0.04)], 0.045), "dark", 0.2),
           Part(band([(0.86, 0.36), (1, 0.32), (0.82, 0.04)], 0.045), "dark", 0.2),
           Part(band([(-0.2, 0.42), (0, 0.32), (0.2, 0.42)], 0.065), "main", 0.5)]
    for side in (-1, 1):
        rim = [(side * x, y) for x, y in ((0.12, 0.4), (0.2, 0.24), (0.56, 0.18), (0.92, 0.24), (0.98, 0.46),
                                          (0.84, 0.86),
                                          (0.54, 1), (0.24, 0.88))]
        lens = [(side * (0.55 + (abs(x) - 0.55) * 0.74), 0.58 + (y - 0.58) * 0.72) for x, y in rim]
        out += [Part(loop(rim), "main", 0.7), Part(loop(lens), GLASS, 0.3),
                Part(band([(side * 0.55 - 0.2, 0.68), (side * 0.55 + 0.04, 0.38)], 0.035), "#7d8799", 0.5)]
    return out


def teapot() -> list[Part]:
    """A round teapot: spout left, handle right."""
    return [
        Part(band([(0.5, 0.06), (0.88, -0.12), (0.98, 0.24), (0.8, 0.58), (0.48, 0.66)], 0.085), "dark", 0.2),
        Part(band([(-0.44, 0.58), (-0.72, 0.42), (-0.8, 0.04), (-0.98, -0.16)], 0.17, 0.06), "main", 0.35),
        Part(oval(0, 0.38, 0.62, 0.56), "main", 0.55), Part(box(-0.36, 0.88, 0.36, 1, 0.05), "dark", 0.4),
        Part(oval(0, -0.12, 0.36, 0.1), "dark", 0.6), Part(oval(0, -0.16, 0.36, 0.2, 180, 360), "pale", 0.75),
        Part(oval(0, -0.42, 0.09, 0.09, n=20), "second", 0.9),
        Part(band([(-0.6, 0.4), (-0.3, 0.5), (0.3, 0.5), (0.6, 0.4)], 0.05), "second", 0.8),
    ]


def vase() -> list[Part]:
    """A vase with a few flowers."""
    stems = [(-0.34, -0.78, "#e2607c"), (0.32, -0.84, "#f2b63c"), (0, -0.98, "#f4eef6"), (-0.12, -0.66, "#c05ad0")]
    out = [part for x, y, ink in stems for part in (
        Part(band([(x * 0.2, 0), (x * 0.5, -0.36), (x, y)], 0.024), "#4c7f3d", 0.2),
        *(Part(turned(oval(x, y - 0.08, 0.06, 0.09, n=14), 72 * k, (x, y)), ink, 0.4) for k in range(5)),
        Part(oval(x, y, 0.05, 0.05, n=12), "#ffe28a", 0.6))]
    return [*out, Part(loop([(0.06, -0.3), (0.34, -0.44), (0.46, -0.62), (0.22, -0.56)]), "#5d9148", 0.3),
            Part(lathe([(-0.26, 0.3), (-0.14, 0.22), (0, 0.21), (0.22, 0.42), (0.48, 0.54), (0.74, 0.44), (0.94, 0.28),
                        (1, 0.3)]), "main", 0.6),
            Part(oval(0, -0.25, 0.3, 0.06), "dark", 0.4),
            Part(lathe([(0.36, 0.5), (0.48, 0.545), (0.6, 0.52)]), "second", 0.75)]


def cup() -> list[Part]:
    """A mug."""
    return [Part(band([(0.4, -0.2), (0.84, -0.2), (0.86, 0.4), (0.4, 0.56)], 0.085), "dark", 0.2),
            Part(lathe([(-0.62, 0.56), (0.5, 0.54), (0.88, 0.5), (1, 0.4)]), "main", 0.6),
            Part(oval(0, -0.6, 0.56, 0.13), "pale", 0.7), Part(oval(0, -0.58, 0.47, 0.09), "#5a3a26", 0.3)]


def bottle() -> list[Part]:
    """A bottle with a label."""
    return [Part(lathe([(-0.9, 0.14), (-0.5, 0.15), (-0.3, 0.24), (-0.08, 0.38), (0.9, 0.38), (1, 0.32)]), "main", 0.5),
            Part(box(-0.17, -1, 0.17, -0.82, 0.04), "dark", 0.8), Part(box(-0.38, 0.14, 0.38, 0.66, 0.02), CREAM, 0.6),
            Part(box(-0.26, 0.26, 0.26, 0.54, 0.04), "second", 0.7)]


def chair() -> list[Part]:
    """A chair seen half from the side."""
    legs = [Part(box(x, 0.2, x + 0.12, y, 0.02), "dark", 0.3) for x, y in ((-0.5, 0.9), (0.42, 0.9), (-0.6, 1),
                                                                           (0.5, 1))]
    return [*legs, Part(box(-0.56, -1, 0.5, 0.1, 0.1), "main", 0.5),
            Part(box(-0.42, -0.86, 0.36, -0.05, 0.08), "pale", 0.7),
            Part(poly([(-0.5, 0.02), (0.5, 0.02), (0.66, 0.3), (-0.66, 0.3)]), "second", 0.8)]


def bag() -> list[Part]:
    """A handbag."""
    return [Part(band([(-0.42, -0.2), (-0.36, -0.86), (0.36, -0.86), (0.42, -0.2)], 0.06), "dark", 0.2),
            Part(poly([(-0.62, -0.26), (0.62, -0.26), (0.84, 1), (-0.84, 1)]), "main", 0.5),
            Part(loop([(-0.66, -0.24), (0, -0.32), (0.66, -0.24), (0.6, 0.16), (0, 0.4), (-0.6, 0.16)]), "pale", 0.7),
            Part(box(-0.1, 0.22, 0.1, 0.46, 0.04), "#d7b45a", 1)]


def ball() -> list[Part]:
    """A ball of six panels."""
    return [Part(oval(0, 0.1, 0.9, 0.9, n=60), "main", 0.5), Part(oval(0, 0.1, 0.34, 0.9), "second", 0.6),
            Part(oval(0, 0.1, 0.9, 0.16), "pale", 0.7)]


def hat() -> list[Part]:
    """A hat with a brim and a ribbon."""
    return [Part(oval(0, 0.72, 1, 0.24), "dark", 0.3),
            Part(lathe([(-0.4, 0.4), (-0.3, 0.54), (0.6, 0.6), (0.72, 0.5)]), "main", 0.6),
            Part(lathe([(0.4, 0.6), (0.6, 0.61), (0.68, 0.58)]), "second", 0.8)]


def lamp() -> list[Part]:
    """A table lamp."""
    return [Part(oval(0, 0.92, 0.42, 0.1), "dark", 0.3),
            Part(lathe([(0, 0.06), (0.4, 0.16), (0.7, 0.2), (0.9, 0.1)]), "second", 0.5),
            Part(poly([(-0.36, -0.98), (0.36, -0.98), (0.72, 0.06), (-0.72, 0.06)]), "main", 0.7),
            Part(oval(0, 0.06, 0.7, 0.07), "#fff0bd", 0.8)]


def book() -> list[Part]:
    """A thick book that stands."""
    return [Part(box(-0.52, -0.9, 0.74, 1, 0.04), "dark", 0.2), Part(box(-0.46, -0.86, 0.68, 0.96, 0.02), CREAM, 0.4),
            Part(box(-0.7, -0.94, 0.58, 1, 0.05), "main", 0.7), Part(box(-0.7, -0.94, -0.5, 1, 0.04), "dark", 0.8),
            Part(box(-0.3, -0.6, 0.4, -0.2, 0.03), CREAM, 0.9), Part(box(-0.2, 0.2, 0.3, 0.6, 0.2), "second", 0.9)]


def guitar() -> list[Part]:
    """A guitar that stands."""
    return [Part(box(-0.08, -1, 0.08, 0.1, 0.02), "#4b3324", 0.3),
            Part(box(-0.14, -1.06, 0.14, -0.82, 0.05), "dark", 0.5),
            Part(loop([(0, -0.12), (0.34, -0.04), (0.36, 0.2), (0.3, 0.34), (0.54, 0.62), (0.4, 0.96), (0, 1),
                       (-0.4, 0.96),
                       (-0.54, 0.62), (-0.3, 0.34), (-0.36, 0.2), (-0.34, -0.04)]), "main", 0.6),
            Part(oval(0, 0.34, 0.15, 0.15), "#221a16", 0.2), Part(box(-0.2, 0.66, 0.2, 0.74, 0.02), "dark", 0.8)]


THINGS: dict[str, Callable[[], list[Part]]] = {
    "backpack": backpack, "bowl": bowl, "can": can, "candle": candle, "clock": clock, "sneaker": sneaker, "boot": boot,
    "glasses": glasses, "teapot": teapot, "vase": vase, "cup": cup, "bottle": bottle, "chair": chair, "bag": bag,
    "ball": ball, "hat": hat, "lamp": lamp, "book": book, "guitar": guitar,
}


def generic(look: tuple[float, ...]) -> list[Part]:
    """An object for a class that has no silhouette: a turned body, a cap and a stripe, as its name's traits say."""
    a, b, c, d = look[:4]
    body = lathe([(-0.7, 0.2 + 0.5 * a), (-0.2, 0.3 + 0.5 * b), (0.3, 0.3 + 0.5 * c), (0.9, 0.3 + 0.4 * d), (1, 0.28)])
    out = [Part(body, "main", 0.5), Part(oval(0, -0.7, 0.2 + 0.5 * a, 0.1), "dark", 0.3)]
    if look[4] < 0.5:
        out.insert(0, Part(band([(0.4, -0.3), (0.9, -0.2), (0.9, 0.4), (0.4, 0.6)], 0.07), "dark", 0.2))
    if look[5] < 0.6:
        out.append(Part(oval(0, -0.74, 0.24 + 0.4 * a, 0.22, 180, 360), "pale", 0.8))
        out.append(Part(oval(0, -0.98, 0.08, 0.08, n=16), "second", 0.9))
    out.append(Part(box(-0.3 - 0.2 * b, 0.1, 0.3 + 0.2 * b, 0.5, 0.1), "second", 0.85))
    return out
