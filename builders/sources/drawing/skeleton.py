"""Joints of the body, in head units with the pit of the neck at (0, 0) and y downwards."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from builders.sources.drawing.model import Character, Scene, Style
from builders.sources.drawing.shapes import Point, clamp, polar

# (upper arm, forearm) in degrees from straight down, positive outwards; hand; in front of the body?
_Arm = tuple[float, float, str, bool]
ARMS: dict[str, tuple[_Arm, _Arm]] = {
    "arms_down": ((9, 4, "relaxed", True), (9, 4, "relaxed", True)),
    "arms_apart": ((24, 30, "open", True), (24, 30, "open", True)),
    "arms_behind_back": ((17, -34, "relaxed", False), (17, -34, "relaxed", False)),
    "hand_on_hip": ((44, -62, "fist", True), (9, 3, "relaxed", True)),
    "hands_on_hips": ((44, -62, "fist", True), (44, -62, "fist", True)),
    "waving": ((10, 4, "relaxed", True), (62, 158, "open", True)),
    "arm_up": ((10, 6, "relaxed", True), (150, 166, "open", True)),
    "arms_up": ((146, 170, "open", True), (146, 170, "open", True)),
    "crossed_arms": ((14, -98, "hidden", True), (14, -84, "fist", True)),
    "own_hands_together": ((12, -38, "relaxed", True), (12, -38, "relaxed", True)),
    "hands_clasped": ((20, -128, "fist", True), (20, -128, "fist", True)),
    "hand_on_own_chest": ((10, 4, "relaxed", True), (18, -118, "relaxed", True)),
    "hand_to_own_mouth": ((12, -50, "relaxed", True), (30, -158, "fist", True)),
    "v": ((10, 4, "relaxed", True), (42, 168, "v", True)),
    "pointing": ((10, 4, "relaxed", True), (70, 120, "point", True)),
    "holding_book": ((18, -104, "fist", True), (18, -104, "fist", True)),
    "holding_bag": ((9, 4, "relaxed", True), (10, -6, "fist", True)),
    "outstretched_arms": ((80, 86, "open", True), (80, 86, "open", True)),
    "hands_on_own_cheeks": ((34, -160, "open", True), (34, -160, "open", True)),
}
LEGS = ("standing", "legs_apart", "contrapposto", "knees_together")


@dataclass(frozen=True)
class Arm:
    """Shoulder, elbow, wrist; the hand continues at `angle`."""

    side: float
    shoulder: Point
    elbow: Point
    wrist: Point
    angle: float
    hand: str
    front: bool


@dataclass(frozen=True)
class Leg:
    """Hip, knee, ankle, toe."""

    side: float
    hip: Point
    knee: Point
    ankle: Point
    toe: Point


@dataclass(frozen=True)
class Skeleton:
    """Where everything is, and how wide."""

    boy: bool
    shoulder: float  # half-widths
    bust: float
    waist: float
    hip: float
    shoulder_y: float
    bust_y: float
    waist_y: float
    hip_y: float
    crotch_y: float
    foot_y: float
    thick: float  # of the limbs
    arms: tuple[Arm, ...]
    legs: tuple[Leg, ...]
    centre: float  # x of the middle line of a slightly turned chest

    def half(self, y: float) -> float:
        """Half-width of the naked torso at height y."""
        knots = [
            (self.shoulder_y, self.shoulder * 0.86),
            (self.bust_y * 0.62, self.shoulder * 0.74),
            (self.bust_y, self.bust),
            (self.waist_y, self.waist),
            (self.hip_y, self.hip),
            (self.crotch_y, self.hip * 0.96),
        ]
        for (y0, w0), (y1, w1) in itertools.pairwise(knots):
            if y <= y1:
                t = clamp((y - y0) / (y1 - y0), 0, 1)
                t = t * t * (3 - 2 * t)
                return w0 + (w1 - w0) * t
        return knots[-1][1]


def build(character: Character, style: Style, scene: Scene) -> Skeleton:
    """The skeleton of a character drawn in a style in a pose."""
    boy = character.gender == "boy"
    height = style.heads * 2.7 - 2.7
    chibi = clamp((style.heads - 2.5) / 3, 0, 1)
    torso = height * (0.36 + 0.02 * chibi)
    crotch = torso + 0.12
    shoulder = (1.24 + 0.34 * chibi) * (1.2 if boy else 1.0) if chibi > 0.3 else 0.95
    hip = (0.88 + 0.28 * chibi) * (0.95 if boy else 1.0) if chibi > 0.3 else 0.85
    waist = (0.74 + 0.1 * chibi) * (1.16 if boy else 1.0)
    thick = 0.28 + 0.05 * chibi + (0.05 if boy else 0)
    upper = torso * 0.53
    arms = tuple(_arm(scene, i, shoulder, upper, torso) for i in (0, 1))
    legs = tuple(_leg(scene, side, hip, crotch, height) for side in (-1.0, 1.0))
    return Skeleton(
        boy,
        shoulder,
        (0.9 + 0.16 * chibi) * (1.08 if boy else 1.0) + 0.09 * character.bust,
        waist,
        hip,
        0.1 + 0.1 * chibi,
        torso * 0.34,
        torso * 0.64,
        torso * 0.93,
        crotch,
        height,
        thick,
        arms,
        legs,
        0.16 * clamp(scene.turn / 40, -1, 1),
    )


def _arm(scene: Scene, index: int, shoulder: float, upper: float, torso: float) -> Arm:
    side = -1.0 if index == 0 else 1.0
    a, b, hand, front = ARMS[scene.arms][index]
    start = (side * shoulder * 0.84, 0.16 + 0.08 * torso)
    elbow = polar(start, side * a, upper)
    if abs(b) > 115 and b < 0:
        elbow = polar(start, side * a * 0.8, upper * 0.86)
    reach = upper * 0.88
    if (scene.arms == "hand_to_own_mouth" and index == 1) or scene.arms == "hands_on_own_cheeks":
        reach = upper * 1.05
    wrist = polar(elbow, side * b, reach)
    return Arm(side, start, elbow, wrist, side * b, hand, front)


def _leg(scene: Scene, side: float, hip: float, crotch: float, foot: float) -> Leg:
    x = side * hip * 0.5
    spread = {"standing": 0.0, "legs_apart": 0.4, "contrapposto": 0.08, "knees_together": 0.1}[scene.legs]
    knee_y, ankle_y = crotch + (foot - crotch) * 0.5, foot - 0.3
    knee = (x * (0.92 + spread * 0.7), knee_y)
    ankle = (x * (0.8 + spread * 1.8), ankle_y)
    if scene.legs == "contrapposto" and side > 0:
        knee, ankle = (x * 1.35, knee_y * 1.0), (x * 1.25, ankle_y - 0.04)
    if scene.legs == "knees_together":
        knee = (x * 0.62, knee_y)
        ankle = (x * 1.15, ankle_y)
    return Leg(side, (x, crotch - 0.25), knee, ankle, (ankle[0] + side * 0.14, foot))
