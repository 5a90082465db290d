"""Moods, and the eyes, brows and mouths that show them."""

from __future__ import annotations

from typing import NamedTuple

from builders.generators.light.geometry import Part, band, loop, oval
from builders.generators.light.words import Table, traits

_BLACK, _WHITE, _MOUTH, _TONGUE = "#1b1716", "#fbfaf5", "#5c1620", "#e8788a"


class Mood(NamedTuple):
    """How a face looks."""

    open: float = 1
    """Eyes: 0 closed, 1 usual, 1.4 wide."""
    brow: float = 0
    """Inner ends of the brows: -1 down (angry), 1 up (sad)."""
    smile: float = 0
    """-1 turned down .. 1 turned up."""
    gape: float = 0
    """How far the mouth is open."""
    extra: str = ""
    """"tear", "tongue", "blush", "teeth", "sweat" or "gaze" (to the side)."""


MOODS: dict[str, Mood] = {
    "joy": Mood(1, 0.1, 1, 0.7), "love": Mood(0.15, 0.2, 1, 0, "blush"), "play": Mood(1.2, 0.2, 1, 0.6, "tongue"),
    "sad": Mood(0.75, 1, -1, 0, "tear"), "anger": Mood(0.8, -1, -0.8, 0.5, "teeth"),
    "fear": Mood(1.45, 0.9, -0.4, 0.5, "sweat"), "surprise": Mood(1.5, 0.4, 0, 1), "sleepy": Mood(0, 0.1, 0.1, 0.2),
    "calm": Mood(0.5, 0.1, 0.4), "proud": Mood(0.7, -0.3, 0.6), "curious": Mood(1.3, 0.3, 0.1, 0, "gaze"),
    "shy": Mood(0.8, 0.6, 0.2, 0, "blush"), "bored": Mood(0.4, 0, -0.2), "alert": Mood(1.25, -0.25, 0),
    "disgust": Mood(0.5, -0.7, -0.7), "plain": Mood(1, 0, 0.3),
}

_WORDS = Table.read("moods")


def mood(emotion: str) -> Mood:
    """The mood of an emotion word; an unknown word has one of its own, "" a plain one."""
    if not emotion.strip():
        return MOODS["plain"]
    name = _WORDS.first(emotion)
    if name:
        return MOODS[name]
    a, b, c, d = traits(emotion, 4)
    return Mood(0.6 + 0.8 * a, 1.2 * b - 0.6, 2 * c - 1, max(0.0, d - 0.5))


def eyes(x: float, y: float, r: float, how: Mood, iris: str = "") -> list[Part]:
    """Two eyes at -x and x with their brows; `r` is the radius of a usual one."""
    out = []
    dx = r * 0.45 if how.extra == "gaze" else 0
    for s in (-1, 1):
        cx = s * x
        if how.open < 0.2:
            out.append(Part(band([(cx - r, y), (cx, y + r * (0.5 if how.smile < 0.5 else -0.6)), (cx + r, y)], r * 0.2),
                            _BLACK, 0.9))
        else:
            h = r * how.open
            out += [Part(oval(cx, y, r * 1.12, h * 1.12, n=24), _BLACK, 0.7),
                    Part(oval(cx, y, r, h, n=24), iris or _WHITE, 0.75),
                    Part(oval(cx + dx, y, r * 0.6, min(h, r * 0.72), n=20), _BLACK, 0.85),
                    Part(oval(cx + dx - r * 0.24, y - h * 0.34, r * 0.24, r * 0.24, n=10), _WHITE, 1)]
        if how.brow:
            lift = y - r * (1.5 + 0.35 * max(how.open - 1, 0))
            out.append(Part(band([(cx + s * r, lift + how.brow * r * 0.4), (cx - s * r * 0.7, lift - how.brow * r
                                                                            * 0.5)],
                                 r * 0.22), _BLACK, 0.95))
    return out + _extras(x, y, r, how)


def _extras(x: float, y: float, r: float, how: Mood) -> list[Part]:
    if how.extra == "tear":
        return [Part(loop([(x + r * 0.5, y + r * 1.0), (x + r * 1.0, y + r * 2.0), (x + r * 0.5, y + r * 2.5),
                           (x, y + r * 2.0)]),
                     "#6fb8ee", 1)]
    if how.extra == "sweat":
        return [Part(loop([(x + r * 2, y - r * 2.2), (x + r * 2.5, y - r), (x + r * 2, y - r * 0.6),
                           (x + r * 1.5, y - r)]),
                     "#8ccbf2", 1)]
    if how.extra == "blush":
        return [Part(oval(s * x * 1.45, y + r * 1.8, r * 0.9, r * 0.5, n=16), "#f08d8d", 0.8) for s in (-1, 1)]
    return []


def mouth(cx: float, cy: float, w: float, how: Mood) -> list[Part]:
    """A mouth of half-width `w`."""
    curve = how.smile * w * 0.5
    ends = [(cx - w, cy - curve * 0.6), (cx, cy + curve * 0.6), (cx + w, cy - curve * 0.6)]
    if how.gape < 0.15:
        return [Part(band(ends, w * 0.11), _BLACK, 0.9)]
    if abs(how.smile) < 0.15:
        return [Part(oval(cx, cy + w * 0.3, w * 0.42, w * 0.7 * how.gape, n=22), _MOUTH, 0.3)]
    deep = w * (0.5 + how.gape) if how.smile > 0 else w * 0.55 * (0.6 + how.gape)
    low = [(cx + w * 0.6, cy + deep * 0.75), (cx, cy + deep), (cx - w * 0.6, cy + deep * 0.75)]
    if how.smile < 0:
        low = [(x, y + w * 0.15) for x, y in low]
    out = [Part(loop([*ends, *low]), _MOUTH, 0.3)]
    if how.extra == "tongue":
        out.append(Part(oval(cx + w * 0.2, cy + deep * 1.05, w * 0.36, w * 0.6, n=22), _TONGUE, 0.9))
    elif how.extra == "teeth":
        out += [Part(loop([(cx + k * w * 0.4 - w * 0.14, cy + w * 0.2), (cx + k * w * 0.4 + w * 0.14, cy + w * 0.2),
                           (cx + k * w * 0.4, cy + w * 0.5)]), _WHITE, 1) for k in (-1, 0, 1)]
    elif how.smile > 0:
        out.append(Part(oval(cx, cy + deep * 0.8, w * 0.42, deep * 0.25, n=20), _TONGUE, 0.8))
    return out
