"""The head: outline, ears, nose, mouth. Unit: half the width of the face; the eyes lie on y = 0, y grows downwards."""

from __future__ import annotations

import math
from dataclasses import dataclass

from builders.sources.drawing.model import Character, Rgb, Scene
from builders.sources.drawing.shapes import Ink, Point, Run, bezier, clamp, ellipse, mix

BROWS = -0.42  # where a relaxed brow sits
HAIRLINE = -1.16
FOREHEAD = (BROWS + HAIRLINE) / 2  # top of the face box

# expression: (eyes, brow angle, brow lift, mouth, blush)
EXPRESSIONS: dict[str, tuple[str, float, float, str, float]] = {
    "neutral": ("open", 0, 0, "line", 0),
    "smile": ("open", -3, 0.02, "smile", 0.1),
    "light_smile": ("open", -2, 0, "soft", 0.1),
    "happy": ("happy", -6, 0.06, "open_smile", 0.3),
    "closed_smile": ("happy", -4, 0.05, "smile", 0.3),
    "grin": ("open", 4, 0.03, "grin", 0),
    "closed_grin": ("happy", -5, 0.04, "grin", 0.2),
    "laughing": ("open", -6, 0.06, "open_smile", 0.2),
    "surprised": ("wide", -6, 0.14, "o", 0),
    "sad": ("half", -16, 0.04, "frown", 0),
    "angry": ("half", 18, -0.06, "frown", 0),
    "shouting": ("open", 18, -0.05, "shout", 0),
    "embarrassed": ("open", -12, 0.03, "wavy", 1.0),
    "smug": ("half", 8, 0, "smirk", 0),
    "wink": ("wink", -4, 0.03, "open_smile", 0.2),
    "sleepy": ("half", -4, 0, "line", 0),
    "closed_eyes": ("shut", 0, 0, "soft", 0),
    "pout": ("open", 10, -0.02, "pout", 0.4),
    "cat": ("open", -3, 0.03, "cat", 0.2),
    "parted_lips": ("open", -2, 0, "parted", 0.1),
}


@dataclass(frozen=True)
class Head:
    """Geometry of one head at one yaw. `s` is the sine of the yaw, positive towards +x."""

    character: Character
    yaw: float  # radians

    @property
    def s(self) -> float:
        return math.sin(self.yaw)

    @property
    def profile(self) -> bool:
        return abs(self.yaw) > math.radians(58)

    def at(self, x: float, y: float) -> Point:
        """Where a point of the front of the face lands when the head is turned."""
        depth = 0.56 * math.sqrt(max(1 - (0.8 * x) ** 2, 0))
        return x * math.cos(self.yaw) + depth * self.s, y

    def squeeze(self, x: float) -> float:
        """How much a small thing at x is narrowed by the turn."""
        slope = 0.56 * 0.64 * x / math.sqrt(max(1 - (0.8 * x) ** 2, 0.1))
        return clamp(math.cos(self.yaw) - slope * self.s, 0.35, 1.05)

    def outline(self) -> list[Run]:
        """The face from temple round the chin and over the skull, closed."""
        if self.profile:
            return self._profile()
        c = self.character
        j, s = c.jaw, self.s
        half = [
            (0.0, c.chin),
            (0.15 + 0.1 * j, c.chin - 0.035),
            (0.5 + 0.12 * j, c.chin * (0.74 + 0.06 * j)),
            (0.83 + 0.06 * j, c.chin * 0.43),
            (0.975, 0.08),
            (0.97, -0.42),
            (0.9, -0.95),
            (0.58, -1.42),
            (0.0, -1.58),
        ]
        side = 1.0 if s >= 0 else -1.0
        far = [self._turn(x * side, y, True) for x, y in half]
        near = [self._turn(-x * side, y, False) for x, y in half]
        ring = far + near[::-1][1:]
        return [ring]

    def _turn(self, x: float, y: float, far: bool) -> Point:
        s, c = self.s, self.character
        low = clamp(y / c.chin, 0, 1)
        k = 1 - 0.17 * abs(s) if far else 1 - 0.01 * abs(s)
        bump = 0.0
        if far:  # the brow bone and the cheek show on the far side
            bump = abs(s) * (0.05 * math.exp(-(((y - 0.38) / 0.18) ** 2)) - 0.07 * math.exp(-(((y + 0.05) / 0.2) ** 2)))
        high = clamp(-y / 1.5, 0, 1)
        return x * k + (0.46 * low**0.8 - 0.14 * high) * s + (bump if x > 0 else -bump), y

    def _profile(self) -> list[Run]:
        c = self.character.chin
        d = 1.0 if self.s > 0 else -1.0
        front = [(0.5, -1.25), (0.72, -0.85), (0.75, -0.45), (0.68, -0.05), (0.78, 0.22), (0.94, 0.42)]
        lips = [(0.94, 0.42), (0.79, 0.5), (0.82, 0.62), (0.76, 0.66), (0.79, 0.73), (0.7, 0.79), (0.7, c * 0.9)]
        jaw = [(0.7, c * 0.9), (0.56, c), (0.3, c * 0.94), (-0.1, c * 0.72), (-0.28, 0.3), (-0.9, 0.0), (-1.12, -0.6)]
        skull = [(-1.12, -0.6), (-0.85, -1.3), (-0.2, -1.6), (0.5, -1.25)]
        return [[(x * d, y) for x, y in run] for run in (front, lips, jaw, skull)]

    def box_points(self) -> list[Point]:
        """The part of the outline below the middle of the forehead, as a polygon for the face box."""
        points = [p for run in self.outline() for p in run]
        if self.profile:  # the cheek ends at the ear
            d = 1.0 if self.s > 0 else -1.0
            points = [p for p in points if p[0] * d > -0.3]
        below = [p for p in points if p[1] >= FOREHEAD]
        xs = [p[0] for p in below]
        return [*below, (min(xs) * 0.97, FOREHEAD), (max(xs) * 0.97, FOREHEAD)]


def draw_ears(ink: Ink, head: Head) -> None:
    """Human or pointed ears, behind the face. Animal ears belong to the hair."""
    c = head.character
    s = head.s
    for side in (-1.0, 1.0):
        turn = s * side
        if turn > 0.35 or head.profile:  # hidden behind the far cheek, or drawn on top of the profile
            continue
        x = side * (0.97 - 0.1 * max(-turn, 0)) - 0.1 * s
        reach = 0.5 if c.ears == "elf" else 0.17
        tip = (x + side * reach, -0.32 if c.ears == "elf" else -0.12)
        shape = [
            [(x - side * 0.05, -0.12), (x + side * reach * 0.55, -0.2), tip],
            [tip, (x + side * 0.15, 0.18), (x + side * 0.03, 0.38), (x - side * 0.08, 0.3)],
        ]
        ink.part(shape, c.skin, auto=0.05)
        ink.crease([(x + side * 0.11, -0.08), (x + side * 0.03, 0.05), (x + side * 0.06, 0.2)], c.skin, 0.5)


def draw_face(ink: Ink, head: Head, scene: Scene, fringe: list[Run]) -> None:
    """The skin of the face with the shadow the fringe throws, the blush and the nose."""
    c = head.character
    shape = head.outline()
    drop = 0.09
    fringe_shadow: list[Run] = [[(x - 0.03 * ink.style.light, y + drop) for x, y in run] for run in fringe]
    edge = -ink.style.light * 1.02
    cheek: list[Run] = [
        bezier((edge * 0.92, -0.3), (edge * 0.86, 0.55), (edge * 0.18 + 0.4 * head.s, c.chin * 1.02)),
        [(edge * 0.2, c.chin + 0.3), (edge * 1.4, c.chin), (edge * 1.4, -0.3)],
    ]
    ink.part(shape, c.skin, shadows=[fringe_shadow, cheek], auto=0.0)
    _blush(ink, head, scene)
    _nose(ink, head)
    if c.mole:
        ink.paint(ellipse(*head.at(0.42, 0.42), 0.028, 0.028), ink.line_colour(c.skin))


def _blush(ink: Ink, head: Head, scene: Scene) -> None:
    amount = max(ink.style.blush, EXPRESSIONS[scene.expression][4])
    if amount < 0.05:
        return
    red = mix(head.character.skin, (240, 90, 100), 0.7)
    for side in (-1.0, 1.0):
        x, y = head.at(side * 0.6, 0.42)
        if head.profile and side * head.s < 0:
            continue
        k = head.squeeze(side * 0.6)
        fill = ink.radial([(0, red, 0.75 * amount), (1, red, 0)])
        ink.paint(ellipse(x, y, 0.27 * k, 0.17), fill)
        if amount > 0.6:
            for d in (-0.1, 0.0, 0.1):
                ink.brush(
                    [(x + (d + 0.03) * k, y - 0.06), (x + (d - 0.03) * k, y + 0.06)],
                    0.022,
                    mix(red, (200, 30, 60), 0.5),
                )


def _nose(ink: Ink, head: Head) -> None:
    if head.profile:
        return
    c = head.character
    x, y = head.at(0.0, 0.43)
    x += 0.1 * head.s
    kind = ink.style.nose
    flip = 1.0 if head.s > 0.1 or (abs(head.s) <= 0.1 and ink.style.light < 0) else -1.0
    if kind == "dot":
        ink.paint(ellipse(x, y, 0.022, 0.026), ink.line_colour(c.skin), 0.8)
    elif kind == "line":
        ink.crease([(x, y - 0.1), (x + flip * 0.02, y - 0.02), (x, y + 0.02)], c.skin, 0.7)
    elif kind == "hook":
        ink.crease([(x + flip * 0.01, y - 0.16), (x + flip * 0.06, y), (x - flip * 0.02, y + 0.03)], c.skin, 0.7)
    elif kind == "shadow":
        ink.paint(
            [[(x, y - 0.1), (x + flip * 0.06, y + 0.02)], [(x + flip * 0.06, y + 0.02), (x - 0.02, y + 0.03)]],
            ink.dark(c.skin, 1.1),
        )


def draw_mouth(ink: Ink, head: Head, scene: Scene) -> None:
    """The mouth of the expression."""
    kind = EXPRESSIONS[scene.expression][3]
    x, y = head.at(0.0, 0.7 * head.character.chin)
    if head.profile:
        d = 1.0 if head.s > 0 else -1.0
        if kind in ("open_smile", "shout", "o", "parted", "grin"):
            shape: list[Run] = [
                [(d * 0.8, 0.64), (d * 0.55, 0.62)],
                [(d * 0.55, 0.62), (d * 0.58, 0.82), (d * 0.76, 0.8)],
            ]
            ink.part(shape, (190, 70, 80), auto=0)
        else:
            ink.crease([(d * 0.78, 0.665), (d * 0.68, 0.67), (d * 0.58, 0.65)], head.character.skin, 0.8)
        return
    k = head.squeeze(0.0)
    skin = head.character.skin
    lines: dict[str, list[Point]] = {
        "line": [(-0.12, 0.0), (0.0, 0.005), (0.12, 0.0)],
        "soft": [(-0.12, -0.01), (0.0, 0.025), (0.12, -0.01)],
        "smile": [(-0.2, -0.05), (-0.1, 0.02), (0.0, 0.035), (0.1, 0.02), (0.2, -0.05)],
        "frown": [(-0.14, 0.04), (0.0, -0.03), (0.14, 0.04)],
        "smirk": [(-0.14, 0.03), (0.04, 0.03), (0.18, -0.06)],
        "wavy": [(-0.18, 0.0), (-0.09, -0.035), (0.0, 0.02), (0.09, -0.035), (0.18, 0.0)],
        "pout": [(-0.07, 0.03), (0.0, -0.03), (0.07, 0.03)],
        "cat": [(-0.2, -0.03), (-0.1, 0.05), (0.0, -0.02), (0.1, 0.05), (0.2, -0.03)],
    }
    if kind in lines:
        ink.crease([(x + px * k, y + py) for px, py in lines[kind]], skin, 1.0)
        if kind in ("line", "frown", "soft", "pout"):
            ink.crease([(x - 0.04 * k, y + 0.1), (x + 0.04 * k, y + 0.1)], skin, 0.5, 0.6)
        return
    _open_mouth(ink, kind, x, y, k)


def _open_mouth(ink: Ink, kind: str, x: float, y: float, k: float) -> None:
    w, top, drop = {
        "open_smile": (0.24, -0.08, 0.24),
        "shout": (0.27, -0.1, 0.36),
        "o": (0.1, -0.1, 0.14),
        "grin": (0.27, -0.05, 0.13),
        "parted": (0.09, -0.03, 0.07),
    }[kind]
    bow = 0.05 if kind == "o" else -0.02
    upper = [
        (x - w * k, y + top + (0.06 if kind == "o" else 0)),
        (x, y + top - bow),
        (x + w * k, y + top + (0.06 if kind == "o" else 0)),
    ]
    lower = [
        upper[2],
        (x + w * 0.72 * k, y + drop * 0.62),
        (x, y + drop),
        (x - w * 0.72 * k, y + drop * 0.62),
        upper[0],
    ]
    shape: list[Run] = [upper, lower]
    red: Rgb = (178, 62, 70)
    ink.paint(shape, (250, 250, 250) if kind == "grin" else red)
    ink.clip(shape)
    if kind == "grin":
        ink.crease([(x - w * k, y + 0.02), (x + w * k, y + 0.02)], (200, 170, 170), 0.6)
    else:
        if kind in ("open_smile", "shout"):
            ink.paint(
                [
                    [(x - w, y + top - 0.1), (x + w, y + top - 0.1)],
                    [(x + w, y + top + 0.045), (x, y + top + 0.055), (x - w, y + top + 0.045)],
                ],
                (252, 252, 252),
            )
        ink.paint(ellipse(x, y + drop, w * 0.7, drop * 0.55), (236, 130, 130))
    ink.end()
    line = ink.line_colour((214, 120, 110))
    width = ink.style.line_width
    if ink.style.line_kind == "none":
        line = (120, 50, 56)
    ink.brush(upper, width * 1.2, line, taper=(0.5, 0.5))
    ink.brush(lower, width * 0.8, line, taper=(0.5, 0.5))
