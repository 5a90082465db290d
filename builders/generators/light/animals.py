"""Silhouettes of animals: one build for all, with ears, muzzle and tail of each kind, in four poses."""

from __future__ import annotations

from typing import NamedTuple

from builders.generators.light.faces import Mood, eyes, mouth
from builders.generators.light.geometry import Part, band, lathe, loop, moved, oval, poly
from builders.generators.light.words import Table, traits

_NOSE = "#2a2020"


class Kind(NamedTuple):
    """What tells one animal from another."""

    ears: str
    """point, flop, round, long, side, none"""
    muzzle: str
    """cat, dog, long, flat, snout, beak"""
    tail: str
    """thin, bushy, stub, curl, fan"""
    fur: tuple[str, ...]
    """Usual colours, words that the pigments know."""
    mane: bool = False
    horns: bool = False


KINDS: dict[str, Kind] = {
    "cat": Kind("point", "cat", "thin", ("ginger", "grey", "black", "tan", "cream")),
    "dog": Kind("flop", "dog", "bushy", ("golden brown", "chestnut", "tan", "black", "white")),
    "wolf": Kind("point", "long", "bushy", ("grey", "charcoal", "silver")),
    "fox": Kind("point", "long", "bushy", ("rust orange", "rust")),
    "bear": Kind("round", "dog", "stub", ("brown", "dark brown", "black")),
    "panda": Kind("round", "dog", "stub", ("white",)),
    "rabbit": Kind("long", "cat", "stub", ("white", "tan", "grey")),
    "mouse": Kind("round", "cat", "thin", ("grey", "tan")),
    "lion": Kind("round", "dog", "thin", ("golden",), mane=True),
    "tiger": Kind("round", "cat", "thin", ("orange",)),
    "horse": Kind("point", "snout", "fan", ("chestnut", "dark brown", "white"), mane=True),
    "cow": Kind("side", "snout", "thin", ("white", "brown"), horns=True),
    "pig": Kind("side", "flat", "curl", ("pink",)),
    "sheep": Kind("side", "snout", "stub", ("cream",)),
    "monkey": Kind("side", "flat", "thin", ("brown",)),
    "deer": Kind("side", "snout", "stub", ("tan",), horns=True),
    "sloth": Kind("none", "flat", "stub", ("brown",)),
    "bird": Kind("none", "beak", "fan", ("sky blue", "yellow", "red")),
}

_WORDS = Table.read("animals")


def kind(class_name: str) -> Kind | None:
    """The kind of animal that a class name means, or None."""
    name = _WORDS.first(" ".join(class_name.split()[-1:])) or _WORDS.first(class_name)
    return KINDS[name] if name else None


def invented(class_name: str) -> Kind:
    """An animal for a class that no table knows, always the same for the same name."""
    a, b, c, d = traits(class_name, 4)
    return Kind(("point", "flop", "round", "long")[int(a * 4)], ("cat", "dog", "long")[int(b * 3)],
                ("thin", "bushy", "stub")[int(c * 3)], (("brown", "grey", "tan", "cream")[int(d * 4)],))


def head(how: Kind, face: Mood, extra: list[Part]) -> list[Part]:
    """A head around (0, 0), about 1 wide and high, seen from the front, with what it wears."""
    out: list[Part] = [Part(oval(0, 0.04, 0.66, 0.62), "dark", 0.2)] if how.mane else []
    for s in (-1, 1):
        out += _ear(how.ears, s)
        if how.horns:
            out.append(Part(band([(s * 0.18, -0.36), (s * 0.36, -0.6), (s * 0.3, -0.82)], 0.06, 0.015), "#e9dcc0", 0.4))
    out.append(Part(lathe([(-0.46, 0.2), (-0.3, 0.42), (0.02, 0.5), (0.26, 0.42), (0.44, 0.18)]), "main", 0.6))
    out += _muzzle(how.muzzle, face) + eyes(0.21, -0.06, 0.105, face, "#d9a441" if how.muzzle == "cat" else "")
    return out + extra


def _ear(ears: str, s: int) -> list[Part]:
    if ears == "point":
        return [Part(poly([(s * 0.08, -0.38), (s * 0.47, -0.16), (s * 0.44, -0.74)]), "main", 0.4),
                Part(poly([(s * 0.2, -0.36), (s * 0.4, -0.24), (s * 0.39, -0.6)]), "#dba2a0", 0.5)]
    if ears == "flop":
        return [Part(loop([(s * 0.3, -0.42), (s * 0.52, -0.3), (s * 0.66, 0.1), (s * 0.54, 0.34), (s * 0.42, 0.1),
                           (s * 0.36, -0.1)]),
                     "dark", 0.9)]
    if ears == "round":
        return [Part(oval(s * 0.38, -0.36, 0.19, 0.19), "dark", 0.4),
                Part(oval(s * 0.38, -0.35, 0.1, 0.1), "pale", 0.5)]
    if ears == "long":
        return [Part(oval(s * 0.2, -0.72, 0.13, 0.42), "main", 0.4),
                Part(oval(s * 0.2, -0.7, 0.06, 0.3), "#e3b0ae", 0.5)]
    if ears == "side":
        return [Part(oval(s * 0.54, -0.16, 0.2, 0.11), "dark", 0.4)]
    return []


def _muzzle(muzzle: str, face: Mood) -> list[Part]:
    if muzzle == "cat":
        whiskers = [Part(band([(s * 0.14, 0.2 + d), (s * 0.6, 0.14 + 2.2 * d)], 0.008), "#f3efe6", 1) for s in (-1, 1)
                    for d in (-0.02, 0.06)]
        return [Part(oval(-0.1, 0.22, 0.15, 0.12), "pale", 0.8), Part(oval(0.1, 0.22, 0.15, 0.12), "pale", 0.8),
                *whiskers,
                Part(poly([(-0.06, 0.11), (0.06, 0.11), (0, 0.18)]), "#d9808a", 1), *mouth(0, 0.27, 0.12, face)]
    if muzzle == "beak":
        return [Part(poly([(-0.16, 0.1), (0.16, 0.1), (0, 0.42)]), "#f0a02c", 0.9)]
    if muzzle == "flat":
        return [Part(oval(0, 0.2, 0.24, 0.16), "pale", 0.8), Part(oval(-0.08, 0.18, 0.035, 0.05, n=14), _NOSE, 1),
                Part(oval(0.08, 0.18, 0.035, 0.05, n=14), _NOSE, 1), *mouth(0, 0.3, 0.14, face)]
    if muzzle == "snout":
        return [Part(oval(0, 0.28, 0.29, 0.3), "pale", 0.8), Part(oval(-0.11, 0.22, 0.035, 0.05, n=14), _NOSE, 1),
                Part(oval(0.11, 0.22, 0.035, 0.05, n=14), _NOSE, 1), *mouth(0, 0.4, 0.15, face)]
    deep = 0.1 if muzzle == "long" else 0
    cheeks = [Part(poly([(s * 0.06, 0.02), (s * 0.52, 0.04), (s * 0.36, 0.26), (s * 0.1, 0.4)]), "pale", 0.7)
              for s in (-1, 1)] if deep else []
    return [*cheeks, Part(oval(0, 0.22 + deep / 2, 0.24 - deep / 2, 0.19 + deep), "pale", 0.9),
            Part(oval(0, 0.12 + deep, 0.1, 0.07, n=22), _NOSE, 1), *mouth(0, 0.28 + deep, 0.14, face)]


def _tail(tail: str, x: float, y: float, s: float = 1) -> list[Part]:
    """A tail that begins at (x, y) and points to the side `s`."""
    if tail == "stub":
        return [Part(oval(x + s * 0.06, y, 0.11, 0.11), "pale", 0.2)]
    if tail == "thin":
        return [Part(band([(x, y), (x + s * 0.28, y), (x + s * 0.36, y - 0.3), (x + s * 0.28, y - 0.56)], 0.06, 0.045),
                     "main", 0.2)]
    if tail == "curl":
        return [Part(band([(x, y), (x + s * 0.16, y - 0.1), (x + s * 0.06, y - 0.2), (x + s * 0.18, y - 0.26)], 0.035),
                     "main", 0.2)]
    wide = 0.15 if tail == "bushy" else 0.09
    return [Part(band([(x, y), (x + s * 0.24, y - 0.06), (x + s * 0.32, y - 0.4)], wide, wide * 0.4), "dark", 0.2)]


def sitting(how: Kind, face: Mood, extra: list[Part]) -> list[Part]:
    """Seen from the front, on its haunches."""
    legs = [part for s in (-1, 1) for part in (
        Part(oval(s * 0.36, 0.72, 0.22, 0.28), "main", 0.4), Part(oval(s * 0.42, 0.95, 0.2, 0.07), "pale", 0.55))]
    front = [part for s in (-1, 1) for part in (Part(band([(s * 0.17, 0.28), (s * 0.18, 0.9)], 0.11), "main", 0.65),
                                                Part(oval(s * 0.19, 0.93, 0.14, 0.08), "pale", 0.8))]
    return [*_tail(how.tail, 0.42, 0.86), Part(lathe([(-0.2, 0.24), (0.1, 0.36), (0.5, 0.48), (0.86, 0.46), (1, 0.3)]),
                                               "main", 0.3),
            *legs, Part(oval(0, 0.24, 0.2, 0.26), "pale", 0.5), *front, *moved(head(how, face, extra), 0, -0.4, 0.92)]


def standing(how: Kind, face: Mood, extra: list[Part], stride: float) -> list[Part]:
    """Seen from the side, head to the right; `stride` 0 stands, 0.5 walks, 1 runs."""
    far = [Part(band([(x, 0.3), (x - d * 0.22 * stride, 0.62), (x - d * 0.5 * stride, 0.95)], 0.09, 0.07), "dark", 0.1)
           for x, d in ((-0.52, -1), (0.34, 1))]
    near = [part for x, d in ((-0.62, 1), (0.24, -1)) for part in (
        Part(band([(x, 0.26), (x - d * 0.2 * stride, 0.62), (x - d * 0.5 * stride, 0.94)], 0.13, 0.08), "main", 0.6),
        Part(oval(x - d * 0.5 * stride + 0.05, 0.96, 0.12, 0.05), "pale", 0.7))]
    torso = loop([(-0.8, 0.1), (-0.6, -0.1), (0, -0.08), (0.4, -0.14), (0.56, 0.1), (0.44, 0.4), (0, 0.44),
                  (-0.6, 0.46), (-0.8, 0.3)])
    return [*_tail(how.tail, -0.74, 0.06, -1), *far, Part(torso, "main", 0.4), *near,
            Part(band([(0.34, 0.12), (0.5, -0.2)], 0.22), "main", 0.45),
            *moved(head(how, face, extra), 0.56, -0.4, 0.74)]


def lying(how: Kind, face: Mood, extra: list[Part]) -> list[Part]:
    """Stretched on the ground, head to the right and low."""
    return [*_tail(how.tail, -0.8, 0.84, -1),
            Part(loop([(-0.9, 0.96), (-0.94, 0.6), (-0.6, 0.34), (0, 0.42), (0.5, 0.5), (0.6, 0.9), (0.3, 1),
                       (-0.5, 1)]), "main", 0.4),
            Part(oval(-0.58, 0.74, 0.3, 0.27), "main", 0.55), Part(oval(-0.4, 0.95, 0.22, 0.06), "pale", 0.7),
            Part(band([(0.2, 0.9), (0.86, 0.94)], 0.08), "main", 0.6), Part(oval(0.92, 0.94, 0.1, 0.07), "pale", 0.7),
            *moved(head(how, face, extra), 0.46, 0.44, 0.68)]


def bird(face: Mood, extra: list[Part]) -> list[Part]:
    """A standing bird."""
    legs = [Part(band([(x, 0.7), (x, 0.96)], 0.03), "#e39a2d", 0.2) for x in (-0.14, 0.14)]
    wings = [Part(loop([(s * 0.4, -0.02), (s * 0.62, 0.36), (s * 0.5, 0.74), (s * 0.34, 0.4)]), "dark", 0.8)
             for s in (-1, 1)]
    return [*legs, Part(lathe([(-0.3, 0.22), (0, 0.42), (0.4, 0.52), (0.7, 0.36), (0.82, 0.1)]), "main", 0.4),
            Part(oval(0, 0.36, 0.28, 0.32), "pale", 0.5), *wings,
            *moved(head(KINDS["bird"], face, extra), 0, -0.42, 0.78),
            Part(poly([(-0.08, -0.74), (0.08, -0.74), (0.14, -1), (0, -0.86), (-0.12, -0.98)]), "second", 0.7)]




def animal(how: Kind, face: Mood, pose: str, extra: list[Part]) -> list[Part]:
    """An animal in a pose ("sit", "stand", "walk", "run", "jump" or "lie"), wearing `extra` on its head."""
    if how.muzzle == "beak":
        return bird(face, extra)
    if pose == "lie":
        return lying(how, face, extra)
    if pose in ("walk", "run", "jump", "stand"):
        return standing(how, face, extra, {"stand": 0.0, "walk": 0.5}.get(pose, 1.0))
    return sitting(how, face, extra)
