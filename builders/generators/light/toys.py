"""Silhouettes of toys: plush animals, duck, monster, robot, racing car, poop emoji, cartoon devil."""

from __future__ import annotations

from collections.abc import Callable

from builders.generators.light.geometry import Part, band, box, lathe, loop, oval, poly

_BLACK, _WHITE, _TYRE = "#1d1a1a", "#fbfaf7", "#26262a"


def _eyes(x: float, y: float, r: float, white: float = 0) -> list[Part]:
    out = []
    for side in (-1, 1):
        if white:
            out.append(Part(oval(side * x, y, white, white * 1.15, n=24), _WHITE, 0.7))
        out += [Part(oval(side * x, y, r, r, n=18), _BLACK, 0.8),
                Part(oval(side * x - r * 0.3, y - r * 0.35, r * 0.3, r * 0.3, n=10), _WHITE, 1)]
    return out


def _plush(ears: list[Part], muzzle: list[Part]) -> list[Part]:
    """A sitting plush animal with a seam down its belly."""
    out = []
    for side in (-1, 1):
        out += [Part(oval(side * 0.5, 0.82, 0.3, 0.2), "main", 0.75),
                Part(oval(side * 0.58, 0.82, 0.17, 0.15), "pale", 0.9),
                Part(band([(side * 0.34, 0.12), (side * 0.62, 0.34), (side * 0.6, 0.56)], 0.16), "main", 0.65)]
    seam = [Part(box(-0.012, 0.24 + 0.13 * k, 0.012, 0.32 + 0.13 * k, 0.01), "#5d4638", 0.9) for k in range(5)]
    return [Part(oval(0, 0.5, 0.5, 0.5), "main", 0.4), Part(oval(0, 0.56, 0.3, 0.34), "pale", 0.5), *seam, *out,
            *ears, Part(oval(0, -0.36, 0.54, 0.46), "main", 0.6), *muzzle]


def _nose(y: float, w: float = 0.09) -> list[Part]:
    return [Part(oval(0, y, w, w * 0.72, n=20), _BLACK, 1),
            Part(band([(0, y + 0.04), (0, y + 0.13)], 0.012), _BLACK, 0.9),
            Part(band([(-0.13, y + 0.13), (-0.06, y + 0.18), (0, y + 0.13), (0.06, y + 0.18), (0.13, y + 0.13)], 0.013),
                 _BLACK, 0.9)]


def bear_plushie() -> list[Part]:
    """A teddy bear."""
    ears = [part for side in (-1, 1) for part in (Part(oval(side * 0.42, -0.72, 0.2, 0.2), "main", 0.5),
                                                  Part(oval(side * 0.42, -0.71, 0.11, 0.11), "pale", 0.6))]
    return _plush(ears, [Part(oval(0, -0.22, 0.25, 0.2), "pale", 0.9), *_eyes(0.22, -0.42, 0.06), *_nose(-0.28)])


def wolf_plushie() -> list[Part]:
    """A plush wolf: pointed ears, pale cheeks, a bushy tail."""
    tail = [Part(band([(0.4, 0.8), (0.86, 0.62), (0.92, 0.2)], 0.16, 0.05), "dark", 0.2)]
    ears = [part for side in (-1, 1) for part in (
        Part(poly([(side * 0.14, -0.66), (side * 0.54, -0.5), (side * 0.5, -1.02)]), "dark", 0.4),
        Part(poly([(side * 0.26, -0.66), (side * 0.46, -0.56), (side * 0.45, -0.9)]), "pale", 0.5))]
    cheeks = [Part(poly([(side * 0.1, -0.3), (side * 0.62, -0.28), (side * 0.44, -0.08), (side * 0.1, 0.06)]), "pale",
                   0.7)
              for side in (-1, 1)]
    return tail + _plush(ears, [*cheeks, Part(oval(0, -0.18, 0.19, 0.2), "pale", 0.95), *_eyes(0.2, -0.42, 0.06),
                                *_nose(-0.24, 0.1)])


def sloth_plushie() -> list[Part]:
    """A plush sloth: pale face, dark stripes over the eyes, a wide smile."""
    patches = [Part(band([(side * 0.14, -0.44), (side * 0.3, -0.36), (side * 0.42, -0.24)], 0.1, 0.05), "#5a4738", 0.8)
               for side in (-1, 1)]
    smile = Part(band([(-0.2, -0.12), (0, -0.04), (0.2, -0.12)], 0.018), _BLACK, 0.9)
    face = Part(loop([(0, -0.6), (0.34, -0.56), (0.46, -0.3), (0.3, -0.02), (0, 0.04), (-0.3, -0.02), (-0.46, -0.3),
                      (-0.34, -0.56)]), "#efe2c8", 0.75)
    return _plush([], [face, *patches, *_eyes(0.21, -0.4, 0.055), Part(oval(0, -0.25, 0.11, 0.075, n=20), _BLACK, 1),
                       smile])


def duck() -> list[Part]:
    """A rubber duck, bill to the right."""
    return [
        Part(loop([(-0.96, 0.1), (-0.66, 0.26), (-0.2, 0.3), (0.2, 0.2), (0.72, 0.4), (0.74, 0.76), (0.4, 1), (-0.4, 1),
                   (-0.8, 0.72)]), "main", 0.5),
        Part(loop([(-0.56, 0.5), (-0.2, 0.38), (0.22, 0.48), (0.2, 0.72), (-0.16, 0.82), (-0.44, 0.72)]), "pale", 0.8),
        Part(oval(0.26, -0.24, 0.46, 0.46), "main", 0.65),
        Part(loop([(0.6, -0.22), (0.98, -0.3), (0.9, -0.14), (1, -0.04), (0.62, 0)]), "#f08a1e", 0.9),
        Part(band([(0.64, -0.12), (0.9, -0.15)], 0.014), "#a04f10", 0.6),
        Part(oval(0.4, -0.36, 0.1, 0.12, n=20), _WHITE, 0.8), Part(oval(0.43, -0.35, 0.06, 0.075, n=18), _BLACK, 0.9),
        Part(oval(0.41, -0.39, 0.022, 0.022, n=8), _WHITE, 1),
    ]


def monster() -> list[Part]:
    """A shaggy toy monster: one big eye, horns, teeth."""
    horns = [Part(band([(s * 0.34, -0.6), (s * 0.56, -0.76), (s * 0.52, -1)], 0.1, 0.015), "#f0e2b8", 0.3)
             for s in (-1, 1)]
    arms = [Part(band([(s * 0.5, 0.1), (s * 0.86, 0.26), (s * 0.88, 0.56)], 0.13), "main", 0.35) for s in (-1, 1)]
    feet = [Part(oval(s * 0.32, 0.9, 0.28, 0.13), "dark", 0.6) for s in (-1, 1)]
    teeth = [Part(poly([(x, 0.3), (x + 0.12, 0.3), (x + 0.06, 0.42)]), _WHITE, 1) for x in (-0.3, -0.12, 0.06, 0.2)]
    spots = [Part(oval(x, y, r, r, n=18), "second", 0.7) for x, y, r in ((-0.42, 0.62, 0.09), (0.4, 0.7, 0.11),
                                                                         (0.02, 0.8, 0.07))]
    return [*horns, *arms, *feet,
            Part(loop([(0, -0.78), (0.4, -0.66), (0.58, -0.2), (0.64, 0.4), (0.5, 0.88), (0, 0.94), (-0.5, 0.88),
                       (-0.64, 0.4), (-0.58, -0.2), (-0.4, -0.66)]), "main", 0.5), *spots,
            Part(oval(0, -0.22, 0.32, 0.32), _WHITE, 0.8), Part(oval(0.02, -0.2, 0.17, 0.17), "#3fa34d", 0.85),
            Part(oval(0.02, -0.2, 0.09, 0.09, n=20), _BLACK, 0.9),
            Part(oval(-0.04, -0.27, 0.04, 0.04, n=12), _WHITE, 1),
            Part(loop([(-0.38, 0.28), (0, 0.34), (0.38, 0.28), (0.26, 0.5), (0, 0.56), (-0.26, 0.5)]), "#51161f", 0.3),
            *teeth]


def robot() -> list[Part]:
    """A tin robot."""
    limbs = [part for s in (-1, 1) for part in (
        Part(box(s * 0.28 - 0.11, 0.6, s * 0.28 + 0.11, 0.92, 0.03), "dark", 0.4),
        Part(box(s * 0.3 - 0.2, 0.86, s * 0.3 + 0.2, 1, 0.06), "second", 0.7),
        Part(band([(s * 0.56, -0.02), (s * 0.78, 0.16), (s * 0.78, 0.44)], 0.08), "dark", 0.4),
        Part(oval(s * 0.78, 0.54, 0.12, 0.12, n=20), "second", 0.8),
        Part(oval(s * 0.52, -0.56, 0.07, 0.12, n=16), "#9aa0a8", 0.4))]
    lights = [Part(oval(-0.24 + 0.16 * k, 0.42, 0.05, 0.05, n=14), ink, 1)
              for k, ink in enumerate(("#e8483c", "#f5c33b", "#54b948", "#4aa3e8"))]
    return [*limbs, Part(band([(0, -0.8), (0, -0.94)], 0.025), "#8a9098", 0.3),
            Part(oval(0, -0.96, 0.07, 0.07, n=16), "#e8483c", 0.9),
            Part(box(-0.12, -0.28, 0.12, -0.08, 0.02), "#8a9098", 0.3),
            Part(box(-0.56, -0.12, 0.56, 0.66, 0.08), "main", 0.55),
            Part(box(-0.36, 0, 0.36, 0.28, 0.05), "#2c3440", 0.4),
            Part(band([(-0.28, 0.18), (-0.12, 0.08), (0.02, 0.22), (0.26, 0.08)], 0.02), "#6df0a2", 0.9), *lights,
            Part(box(-0.48, -0.82, 0.48, -0.24, 0.1), "main", 0.65),
            Part(box(-0.4, -0.72, 0.4, -0.42, 0.12), "#2c3440", 0.4),
            Part(oval(-0.18, -0.57, 0.1, 0.1, n=20), "#ffe36b", 1),
            Part(oval(0.18, -0.57, 0.1, 0.1, n=20), "#ffe36b", 1),
            *(Part(box(-0.22 + 0.12 * k, -0.36, -0.14 + 0.12 * k, -0.28, 0.01), "#e9edf1", 0.8) for k in range(4))]


def car() -> list[Part]:
    """A racing car seen from the side, nose to the right."""
    wheels = [part for x, r in ((-0.56, 0.3), (0.6, 0.26)) for part in (
        Part(oval(x, 1 - r, r, r), _TYRE, 0.7), Part(oval(x, 1 - r, r * 0.52, r * 0.52, n=24), "#c9ccd2", 0.85),
        Part(oval(x, 1 - r, r * 0.18, r * 0.18, n=14), "#55585e", 1))]
    return [
        Part(box(-0.9, 0.1, -0.82, 0.56, 0.02), "dark", 0.3),
        Part(poly([(-1, 0), (-0.62, 0.04), (-0.62, 0.16), (-1, 0.14)]), "second", 0.8),
        Part(loop([(-0.3, 0.34), (-0.18, 0.06), (0, 0.02), (0.12, 0.18), (0.2, 0.36)]), "#cfe3f2", 0.4),
        Part(oval(-0.08, 0.16, 0.12, 0.13, n=22), _WHITE, 0.6), Part(box(-0.06, 0.14, 0.05, 0.2, 0.02), _BLACK, 0.7),
        Part(loop([(-0.94, 0.46), (-0.7, 0.28), (-0.3, 0.3), (0.14, 0.34), (0.6, 0.42), (0.98, 0.68), (1, 0.84),
                   (0.5, 0.88),
                   (-0.4, 0.88), (-0.9, 0.84)]), "main", 0.6),
        Part(poly([(-0.9, 0.6), (0.9, 0.64), (0.98, 0.72), (-0.92, 0.72)]), "second", 0.7),
        Part(oval(-0.02, 0.58, 0.16, 0.16, n=26), _WHITE, 0.85), Part(box(-0.045, 0.48, 0.02, 0.68, 0.01), _BLACK, 0.9),
        *wheels,
    ]


def poop() -> list[Part]:
    """The swirl with a face."""
    return [Part(loop([(-0.92, 0.8), (-0.7, 0.52), (0.7, 0.52), (0.92, 0.8), (0.6, 1), (-0.6, 1)]), "main", 0.3),
            Part(loop([(-0.7, 0.42), (-0.5, 0.12), (0.5, 0.12), (0.7, 0.42), (0.46, 0.64), (-0.46, 0.64)]), "main",
                 0.55),
            Part(loop([(-0.48, 0), (-0.34, -0.26), (0.34, -0.26), (0.5, 0), (0.3, 0.22), (-0.3, 0.22)]), "main", 0.75),
            Part(loop([(-0.28, -0.3), (-0.14, -0.6), (0.12, -0.72), (0.04, -1), (0.3, -0.74), (0.32, -0.4),
                       (0.16, -0.16),
                       (-0.16, -0.14)]), "main", 0.95),
            *_eyes(0.22, 0.2, 0.085, 0.16),
            Part(loop([(-0.32, 0.52), (0, 0.56), (0.32, 0.52), (0.18, 0.74), (0, 0.78), (-0.18, 0.74)]), _WHITE, 0.9)]


def devil() -> list[Part]:
    """A cartoon devil with a trident."""
    horns = [Part(band([(s * 0.2, -0.7), (s * 0.4, -0.86), (s * 0.36, -1.04)], 0.1, 0.012), "dark", 0.3)
             for s in (-1, 1)]
    brows = [Part(band([(s * 0.36, -0.6), (s * 0.08, -0.48)], 0.03), _BLACK, 1) for s in (-1, 1)]
    legs = [part for s in (-1, 1) for part in (Part(band([(s * 0.16, 0.6), (s * 0.18, 0.9)], 0.1), "main", 0.4),
                                               Part(oval(s * 0.24, 0.94, 0.16, 0.07), "dark", 0.6))]
    fork = [Part(band([(0.74, -0.3), (0.74, 0.98)], 0.03), "#4c3426", 0.3),
            Part(band([(0.54, -0.62), (0.56, -0.34), (0.74, -0.26), (0.92, -0.34), (0.94, -0.62)], 0.03), "#a9adb5",
                 0.5),
            Part(band([(0.74, -0.26), (0.74, -0.7)], 0.03), "#a9adb5", 0.5)]
    tail = [Part(band([(-0.2, 0.6), (-0.62, 0.74), (-0.74, 0.36), (-0.86, 0.2)], 0.04), "dark", 0.2),
            Part(poly([(-0.98, 0.26), (-0.74, 0.22), (-0.94, 0.02)]), "dark", 0.3)]
    return [*fork, *tail, *legs, *horns, Part(lathe([(-0.1, 0.2), (0.2, 0.34), (0.6, 0.36), (0.74, 0.24)]), "main",
                                              0.5),
            Part(oval(0, 0.42, 0.2, 0.24), "pale", 0.6),
            Part(band([(-0.28, 0.14), (-0.5, 0.3), (-0.42, 0.5)], 0.08), "main", 0.6),
            Part(band([(0.28, 0.14), (0.52, 0.26), (0.72, 0.16)], 0.08), "main", 0.6),
            Part(oval(0, -0.38, 0.5, 0.44), "main", 0.7), *_eyes(0.2, -0.38, 0.07, 0.13), *brows,
            Part(loop([(-0.3, -0.16), (0, -0.1), (0.3, -0.16), (0.18, 0), (0, 0.03), (-0.18, 0)]), "#4a0f16", 0.4),
            Part(poly([(-0.2, -0.13), (-0.1, -0.12), (-0.15, -0.03)]), _WHITE, 1),
            Part(poly([(0.2, -0.13), (0.1, -0.12), (0.15, -0.03)]), _WHITE, 1)]


TOYS: dict[str, Callable[[], list[Part]]] = {
    "bear plushie": bear_plushie, "wolf plushie": wolf_plushie, "sloth plushie": sloth_plushie, "duck toy": duck,
    "monster toy": monster, "robot toy": robot, "car": car, "poop": poop, "devil": devil,
}
