"""What the subject wears: hats, scarves, glasses, coats, in the frame of a head (about 1 wide, round (0, 0))."""

from __future__ import annotations

from collections.abc import Callable

from builders.generators.light.geometry import Part, band, box, lathe, loop, oval, poly
from builders.generators.light.pigments import RAINBOW, Rgb, mixed, named
from builders.generators.light.words import Table

_USUAL: dict[str, Rgb] = {
    "crown": (240, 196, 60), "straw": (226, 194, 112), "chef": (250, 250, 250), "fire": (206, 44, 40),
    "police": (40, 60, 120), "top": (34, 32, 38), "glasses": (40, 38, 44), "coat": (236, 196, 60),
    "scarf": (200, 60, 60), "wizard": (110, 70, 170), "helmet": (244, 200, 50),
}
_WORDS = Table.read("worn")


def _hex(rgb: Rgb) -> str:
    return "#" + bytes(rgb).hex()


def _brimmed(ink: str, dark: str) -> list[Part]:
    return [Part(oval(0, -0.38, 0.62, 0.12), dark, 0.7),
            Part(lathe([(-0.86, 0.24), (-0.78, 0.32), (-0.38, 0.36)]), ink, 0.9),
            Part(box(-0.36, -0.52, 0.36, -0.42, 0.02), dark, 0.95)]


def _santa(ink: str, dark: str) -> list[Part]:
    return [Part(loop([(-0.42, -0.36), (-0.2, -0.8), (0.3, -0.94), (0.62, -0.6), (0.3, -0.68), (0.42, -0.36)]), ink,
                 0.8),
            Part(box(-0.48, -0.46, 0.48, -0.28, 0.09), "#faf8f4", 1),
            Part(oval(0.62, -0.56, 0.12, 0.12, n=20), "#faf8f4", 1)]


def _top(ink: str, dark: str) -> list[Part]:
    return [Part(box(-0.56, -0.44, 0.56, -0.34, 0.04), ink, 0.8), Part(box(-0.36, -1.0, 0.36, -0.38, 0.03), ink, 0.9),
            Part(box(-0.36, -0.54, 0.36, -0.44, 0.01), "#a8323a", 1), Part(oval(0.21, -0.06, 0.15, 0.15), "#d8b24a", 1),
            Part(oval(0.21, -0.06, 0.125, 0.125), "#e9f1f5", 0.9),
            Part(oval(0.21, -0.06, 0.05, 0.06, n=16), "#1b1716", 1)]


def _chef(ink: str, dark: str) -> list[Part]:
    return [Part(oval(x, -0.78, 0.24, 0.2, n=24), ink, 0.8) for x in (-0.24, 0.24, 0.0)] + [
        Part(box(-0.38, -0.74, 0.38, -0.34, 0.04), ink, 0.9)]


def _police(ink: str, dark: str) -> list[Part]:
    return [Part(loop([(-0.4, -0.36), (-0.54, -0.66), (0, -0.8), (0.54, -0.66), (0.4, -0.36)]), ink, 0.8),
            Part(loop([(-0.42, -0.38), (0, -0.26), (0.42, -0.38), (0, -0.42)]), "#18181c", 1),
            Part(poly([(0, -0.7), (0.08, -0.6), (0, -0.48), (-0.08, -0.6)]), "#e2bb4a", 1)]


def _helmet(ink: str, dark: str) -> list[Part]:
    return [Part(oval(0, -0.3, 0.5, 0.46, 180, 360), ink, 0.8), Part(box(-0.6, -0.36, 0.6, -0.26, 0.05), dark, 0.9),
            Part(box(-0.06, -0.8, 0.06, -0.34, 0.03), dark, 1)]


def _pointed(ink: str, dark: str) -> list[Part]:
    stars = [Part(oval(x, y, 0.05, 0.05, n=5), "#f6d743", 1)
             for x, y in ((-0.14, -0.5), (0.1, -0.66), (0.02, -0.88))]
    cone = Part(poly([(-0.4, -0.38), (0.4, -0.38), (0.06, -1.2)]), ink, 0.9)
    return [Part(oval(0, -0.38, 0.64, 0.12), dark, 0.7), cone, *stars]


def _crown(ink: str, dark: str) -> list[Part]:
    points = [(-0.38, -0.34), (-0.44, -0.74), (-0.2, -0.56), (0, -0.82), (0.2, -0.56), (0.44, -0.74), (0.38, -0.34)]
    return [Part(poly(points), ink, 0.9), *(Part(oval(x, -0.44, 0.05, 0.05, n=12), "#d03a4a", 1)
                                            for x in (-0.22, 0, 0.22))]


def _scarf(ink: str, dark: str) -> list[Part]:
    return [Part(band([(-0.42, 0.46), (0, 0.58), (0.42, 0.46)], 0.12), ink, 0.9),
            Part(band([(0.24, 0.56), (0.32, 1.0)], 0.1), dark, 1)]


def _rainbow(ink: str, dark: str) -> list[Part]:
    neck = [Part(band([(-0.42 + 0.14 * k, 0.5 + 0.03 * min(k, 5 - k)), (-0.28 + 0.14 * k, 0.5 + 0.03 * min(k, 5 - k))],
                      0.12), one, 0.9)
            for k, one in enumerate(RAINBOW)]
    return neck + [Part(box(0.2, 0.6 + 0.09 * k, 0.4, 0.69 + 0.09 * k, 0.01), one, 1) for k, one in enumerate(RAINBOW)]


def _glasses(ink: str, dark: str) -> list[Part]:
    out = [Part(band([(-0.08, -0.06), (0.08, -0.06)], 0.03), ink, 0.9)]
    for s in (-1, 1):
        out += [Part(oval(s * 0.22, -0.06, 0.19, 0.17), ink, 0.9),
                Part(oval(s * 0.22, -0.06, 0.14, 0.12), "#d9e8f2", 0.8),
                Part(oval(s * 0.22, -0.06, 0.05, 0.06, n=16), "#1b1716", 1)]
    return out


def _bow(ink: str, dark: str) -> list[Part]:
    return [Part(poly([(0, 0.5), (s * 0.26, 0.38), (s * 0.26, 0.64)]), ink, 1) for s in (-1, 1)] + [
        Part(oval(0, 0.51, 0.07, 0.07, n=14), dark, 1)]


def _coat(ink: str, dark: str) -> list[Part]:
    return [Part(loop([(-0.3, 0.42), (0.3, 0.42), (0.5, 0.7), (0.52, 1.2), (0, 1.28), (-0.52, 1.2), (-0.5, 0.7)]), ink,
                 0.7),
            Part(box(-0.012, 0.5, 0.012, 1.24, 0.01), dark, 0.9),
            *(Part(oval(0.07, 0.66 + 0.2 * k, 0.03, 0.03, n=10), dark, 1) for k in range(3))]


def _phones(ink: str, dark: str) -> list[Part]:
    return [Part(band([(-0.48, -0.1), (-0.4, -0.46), (0, -0.6), (0.4, -0.46), (0.48, -0.1)], 0.045), dark, 0.9),
            *(Part(oval(s * 0.5, -0.02, 0.12, 0.18), ink, 1) for s in (-1, 1))]


_DRAWN: dict[str, Callable[[str, str], list[Part]]] = {
    "santa": _santa, "top": _top, "chef": _chef, "fire": _helmet, "helmet": _helmet, "police": _police,
    "wizard": _pointed,
    "crown": _crown, "phones": _phones, "hat": _brimmed, "straw": _brimmed, "scarf": _scarf, "glasses": _glasses,
    "bow": _bow,
    "coat": _coat,
}


def worn(text: str) -> list[Part]:
    """What a text says after "wearing", or as "in a ... outfit"; nothing where it says neither."""
    if "wearing" not in text and "outfit" not in text:
        return []
    said = text.split("wearing")[-1].split(" on ")[0].split(" beside ")[0]
    out: list[Part] = []
    found = _WORDS.all(said)[:2]
    for name in found:
        ink = named(said) or _USUAL.get(found[-1], (200, 56, 58))
        draw = _rainbow if name == "scarf" and "rainbow" in said else _DRAWN[name]
        out += draw(_hex(ink), _hex(mixed(ink, (0, 0, 0), 0.35)))
    return out
