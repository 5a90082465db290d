"""Silhouettes of people: a simple clothed figure."""

from __future__ import annotations

from builders.generators.light.faces import Mood, eyes, mouth
from builders.generators.light.geometry import Part, band, box, lathe, loop, moved, oval, poly
from builders.generators.light.words import Table

_SHOE = "#33302f"
WHO = Table.read("people")
# Legs and arms by pose: hip to foot and shoulder to hand of the left and the right.
_LEGS = {
    "stand": (((-0.14, 0.3), (-0.15, 0.62), (-0.16, 0.94)), ((0.14, 0.3), (0.15, 0.62), (0.16, 0.94))),
    "walk": (((-0.1, 0.3), (-0.2, 0.6), (-0.36, 0.9)), ((0.1, 0.3), (0.26, 0.58), (0.3, 0.94))),
    "run": (((-0.1, 0.3), (-0.2, 0.62), (-0.62, 0.7)), ((0.1, 0.3), (0.44, 0.46), (0.42, 0.9))),
    "jump": (((-0.12, 0.3), (-0.42, 0.44), (-0.44, 0.78)), ((0.12, 0.3), (0.42, 0.44), (0.46, 0.78))),
    "sit": (((-0.15, 0.58), (-0.19, 0.72), (-0.19, 0.95)), ((0.15, 0.58), (0.19, 0.72), (0.19, 0.95))),
}
_ARMS = {
    "stand": (((-0.3, -0.26), (-0.42, 0.06), (-0.4, 0.36)), ((0.3, -0.26), (0.42, 0.06), (0.4, 0.36))),
    "walk": (((-0.3, -0.26), (-0.46, 0.04), (-0.34, 0.32)), ((0.3, -0.26), (0.44, 0.02), (0.56, 0.28))),
    "run": (((-0.3, -0.26), (-0.58, -0.02), (-0.44, 0.24)), ((0.3, -0.26), (0.54, 0), (0.78, -0.16))),
    "jump": (((-0.3, -0.26), (-0.56, -0.42), (-0.62, -0.74)), ((0.3, -0.26), (0.56, -0.42), (0.62, -0.74))),
    "sit": (((-0.3, 0), (-0.46, 0.26), (-0.3, 0.52)), ((0.3, 0), (0.46, 0.26), (0.3, 0.52))),
}


def person(who: str, face: Mood, pose: str, clothes: tuple[str, str, str], extra: list[Part]) -> list[Part]:
    """A figure from head to foot. `clothes` are the inks of top, legs and hair; the skin is the pigment."""
    if pose == "lie":
        return _asleep(who, face, clothes, extra)
    pose = pose if pose in _LEGS else "stand"
    top, below, _ = clothes
    legs = [part for leg in _LEGS[pose] for part in (Part(band(leg, 0.12, 0.095), below, 0.4),
                                                     Part(oval(leg[-1][0] + 0.03, leg[-1][1] + 0.02, 0.13, 0.06), _SHOE,
                                                          0.6))]
    arms = [part for arm in _ARMS[pose] for part in (
        Part(oval(*arm[-1], 0.075, 0.075, n=18), "main", 0.7), Part(band(arm, 0.1, 0.075), top, 0.6))]
    down = 0.26 if pose == "sit" else 0.0
    body = [Part(box(-0.08, -0.46, 0.08, -0.24, 0.03), "dark", 0.4),
            Part(lathe([(-0.36, 0.14), (-0.3, 0.28), (-0.1, 0.31), (0.14, 0.26), (0.36, 0.28)]), top, 0.5)]
    if who in ("girl", "woman"):
        body.append(Part(poly([(-0.26, 0.16), (0.26, 0.16), (0.42, 0.6), (-0.42, 0.6)]), below, 0.6))
        legs = [part._replace(ink="main") if part.ink == below else part for part in legs]
    upper = moved(body, 0, down) + arms + moved([*_head(who, face, clothes[2]), *extra], 0, -0.7 + down, 0.74)
    seat = [Part(box(-0.36, 0.58, 0.36, 1, 0.05), "#8a6748", 0.2)] if pose == "sit" else []
    out = seat + legs + upper
    return moved(out, 0, 0.1, 0.9) if who in ("girl", "boy") else out


def _head(who: str, face: Mood, hair: str) -> list[Part]:
    out = []
    if who in ("girl", "woman"):
        out.append(Part(loop([(0, -0.56), (0.42, -0.4), (0.5, 0.1), (0.44, 0.56), (0, 0.5), (-0.44, 0.56), (-0.5, 0.1),
                              (-0.42, -0.4)]),
                        hair, 0.1))
    out += [Part(oval(s * 0.38, 0.04, 0.08, 0.11, n=18), "main", 0.4) for s in (-1, 1)]
    out.append(Part(lathe([(-0.46, 0.18), (-0.24, 0.38), (0.08, 0.38), (0.32, 0.26), (0.46, 0.08)]), "main", 0.6))
    out.append(Part(loop([(-0.4, 0), (-0.42, -0.34), (-0.14, -0.56), (0.2, -0.55), (0.43, -0.32), (0.4, 0), (0.3, -0.2),
                          (0.04, -0.28),
                          (-0.24, -0.18)]), hair, 0.85))
    return [*out, Part(band([(0, 0.02), (0.04, 0.12), (-0.01, 0.13)], 0.014), "dark", 0.8), *eyes(0.16, 0, 0.075, face),
            *mouth(0, 0.26, 0.12, face)]


def _asleep(who: str, face: Mood, clothes: tuple[str, str, str], extra: list[Part]) -> list[Part]:
    top, below, hair = clothes
    return [Part(band([(0, 0.84), (0.5, 0.76), (0.96, 0.9)], 0.13, 0.09), below, 0.4),
            Part(oval(1.04, 0.88, 0.09, 0.12), _SHOE, 0.5),
            Part(box(-0.46, 0.62, 0.1, 1, 0.16), top, 0.6),
            Part(band([(-0.3, 0.72), (0, 0.82), (0.2, 0.94)], 0.08, 0.06), top, 0.8),
            *moved([*_head(who, face, hair), *extra], -0.68, 0.7, 0.66)]
