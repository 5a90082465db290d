"""Skin: neck, torso, limbs and hands, drawn around a skeleton."""

from __future__ import annotations

import math
from collections.abc import Sequence

from builders.sources.drawing.model import Character, Rgb
from builders.sources.drawing.shapes import Ink, Point, Run, bezier, catmull, ellipse, lerp, mix, ribbon
from builders.sources.drawing.skeleton import Arm, Leg, Skeleton


def band(spine: Sequence[Point], widths: Sequence[float], start: float, stop: float, ease: float = 0.0) -> list[Run]:
    """The part of a limb between two shares of its length, widened by `ease`."""
    n = len(spine) - 1
    steps = max(3, round((stop - start) * n) + 1)
    points, halves = [], []
    for i in range(steps):
        t = (start + (stop - start) * i / (steps - 1)) * n
        k = min(int(t), n - 1)
        points.append(lerp(spine[k], spine[k + 1], t - k))
        halves.append(widths[k] + (widths[k + 1] - widths[k]) * (t - k) + ease)
    return ribbon(points, halves)


def draw_limb(ink: Ink, shape: list[Run], side: float, rgb: Rgb, auto: float) -> None:
    """A sleeve or bare arm whose upper end melts into the shoulder: a round end without a line across it."""
    left, right = list(shape[0]), list(shape[2])[::-1]
    outer, inner = (right, left) if side > 0 else (left, right)
    centre = lerp(outer[0], inner[0], 0.5)
    r = math.dist(outer[0], inner[0]) / 2
    start = math.atan2(outer[0][1] - centre[1], outer[0][0] - centre[0])
    turn = -1.0 if side > 0 else 1.0
    cap = [
        (centre[0] + r * math.cos(start + turn * t), centre[1] + r * math.sin(start + turn * t))
        for t in (math.pi * k / 6 for k in range(7))
    ]
    ink.part([cap[::-1] + outer[1:], [outer[-1], inner[-1]], [*inner[::-1]]], rgb, auto=auto, line=0)
    ink.contour([cap[1::-1] + outer[1:], [outer[-1], inner[-1]], inner[: 0 if len(inner) < 5 else 1 : -1]], rgb)


def arm_limb(sk: Skeleton, arm: Arm) -> tuple[list[Point], list[float]]:
    """Spine from shoulder to wrist and its half-widths, 13 points."""
    bend = catmull(
        [arm.shoulder, lerp(arm.shoulder, arm.elbow, 0.55), arm.elbow, lerp(arm.elbow, arm.wrist, 0.45), arm.wrist], 3
    )
    t = sk.thick
    knots = [
        t * 1.0,
        t * 0.98,
        t * 0.92,
        t * 0.86,
        t * 0.8,
        t * 0.78,
        t * 0.78,
        t * 0.78,
        t * 0.74,
        t * 0.66,
        t * 0.58,
        t * 0.52,
        t * 0.48,
    ]
    return bend, knots


def leg_limb(sk: Skeleton, leg: Leg) -> tuple[list[Point], list[float]]:
    """Spine from hip to ankle and its half-widths, 13 points."""
    calf = lerp(leg.knee, leg.ankle, 0.35)
    bend = catmull(
        [leg.hip, lerp(leg.hip, leg.knee, 0.5), leg.knee, (calf[0] + leg.side * 0.03, calf[1]), leg.ankle], 3
    )
    thigh, t = sk.hip * 0.5, sk.thick
    knots = [
        thigh,
        thigh,
        thigh * 0.97,
        thigh * 0.9,
        thigh * 0.84,
        t * 1.38,
        t * 1.2,
        t * 1.16,
        t * 1.3,
        t * 1.26,
        t * 1.02,
        t * 0.78,
        t * 0.62,
    ]
    return bend, knots


def draw_torso(ink: Ink, sk: Skeleton, c: Character) -> None:
    """Neck, chest, belly and hips, bare."""
    skin = c.skin
    right = [
        (sk.shoulder * 0.45, -0.02),
        (sk.shoulder * 0.78, sk.shoulder_y - 0.02),
        (sk.shoulder, sk.shoulder_y + 0.25),
    ]
    side = [
        (sk.half(y), y)
        for y in (sk.bust_y * 0.7, sk.bust_y, (sk.bust_y + sk.waist_y) / 2, sk.waist_y, sk.hip_y, sk.crotch_y)
    ]
    half = [*right, *side]
    shape: list[Run] = [
        half,
        [half[-1], (0, sk.crotch_y + 0.25), (-half[-1][0], half[-1][1])],
        [(-x, y) for x, y in half[::-1]],
    ]
    ink.part(shape, skin, auto=0.12)


def draw_neck(ink: Ink, sk: Skeleton, c: Character, head: Point) -> None:
    """The neck, from the head to the collar bones, with the shadow of the chin."""
    w = 0.36 if not sk.boy else 0.46
    hx, hy = head
    left: list[Point] = [(hx - w, hy - 0.1), (hx * 0.5 - w, -0.35), (-w * 1.15, -0.1), (-sk.shoulder * 0.6, 0.08)]
    right: list[Point] = [(sk.shoulder * 0.6, 0.08), (w * 1.15, -0.1), (hx * 0.5 + w, -0.35), (hx + w, hy - 0.1)]
    shape: list[Run] = [left, [left[-1], (0, 0.35), right[0]], right]
    shadow: list[Run] = [
        [(hx - 0.7, hy - 0.5), (hx + 0.7, hy - 0.5)],
        bezier((hx + 0.7, hy), (hx * 0.6, 0.25), (hx - 0.7, hy), 6),
    ]
    ink.part(shape, c.skin, shadows=[shadow], auto=0, line=0)
    for run in (left, right):
        ink.crease(run, c.skin, 1.0)
    for side in (-1.0, 1.0):
        ink.crease([(side * 0.1, 0.16), (side * 0.35, 0.1), (side * 0.6, 0.12)], c.skin, 0.5, 0.6)


def draw_arm(ink: Ink, sk: Skeleton, arm: Arm, skin: Rgb) -> None:
    """One bare arm without its hand."""
    spine, widths = arm_limb(sk, arm)
    draw_limb(ink, band(spine, widths, 0, 1), arm.side, skin, 0.09)


def draw_leg(ink: Ink, sk: Skeleton, leg: Leg, skin: Rgb) -> None:
    """One bare leg with its foot."""
    spine, widths = leg_limb(sk, leg)
    ink.part(foot_shape(leg, 0.0), skin, auto=0.06)
    ink.part(band(spine, widths, 0, 1), skin, auto=0.1)
    x, y = leg.knee
    ink.crease([(x - 0.12, y + 0.04), (x, y + 0.1), (x + 0.1, y + 0.05)], skin, 0.6, 0.6)


def foot_shape(leg: Leg, ease: float) -> list[Run]:
    """A foot seen from the front."""
    (ax, ay), (tx, ty) = leg.ankle, leg.toe
    w = 0.2 + ease
    return [
        [
            (ax - w * 0.9, ay - 0.05),
            (ax - w, ay + 0.12),
            (tx - w * 1.25, ty - 0.08),
            (tx - w * 0.6, ty + 0.03 + ease * 0.4),
            (tx + w * 0.7, ty + 0.03 + ease * 0.4),
            (tx + w * 1.25, ty - 0.1),
            (ax + w, ay + 0.1),
            (ax + w * 0.9, ay - 0.05),
        ]
    ]


# Hands in a frame whose u points along the forearm and v towards the thumb, in head units.
_RELAXED: Run = [
    (-0.06, 0.12),
    (0.1, 0.17),
    (0.34, 0.19),
    (0.58, 0.13),
    (0.72, 0.05),
    (0.7, -0.05),
    (0.56, -0.15),
    (0.3, -0.18),
    (0.08, -0.16),
    (-0.06, -0.12),
]
_FIST: Run = [
    (-0.06, 0.12),
    (0.1, 0.2),
    (0.28, 0.24),
    (0.42, 0.16),
    (0.46, 0.0),
    (0.42, -0.16),
    (0.26, -0.22),
    (0.08, -0.18),
    (-0.06, -0.12),
]
_PALM: Run = [(-0.06, 0.12), (0.14, 0.2), (0.36, 0.21), (0.42, 0.0), (0.36, -0.2), (0.12, -0.17), (-0.06, -0.12)]


def draw_hand(ink: Ink, arm: Arm, skin: Rgb, back: bool = False) -> None:
    """The hand at the end of an arm."""
    if arm.hand == "hidden":
        return
    a = math.radians(arm.angle)
    u, thumb = (math.sin(a), math.cos(a)), -arm.side if not back else arm.side
    v = (u[1] * thumb, -u[0] * thumb)

    def put(p: Point) -> Point:
        return arm.wrist[0] + u[0] * p[0] + v[0] * p[1], arm.wrist[1] + u[1] * p[0] + v[1] * p[1]

    def finger(start: Point, end: Point, w: float = 0.075) -> None:
        m = lerp(start, end, 0.5)
        ink.part(
            ribbon([put(start), put(m), put(lerp(start, end, 0.92)), put(end)], [w, w * 0.95, w * 0.8, w * 0.3]),
            skin,
            auto=0.02,
        )

    if arm.hand == "relaxed":
        finger((0.14, 0.14), (0.42, 0.27), 0.07)
        ink.part([[put(p) for p in _RELAXED]], skin, auto=0.05)
        for y in (-0.07, 0.04):
            ink.crease([put((0.4, y)), put((0.54, y * 1.1)), put((0.68, y * 0.7))], skin, 0.5, 0.8)
        return
    if arm.hand == "open":
        for y, long in ((-0.17, 0.66), (-0.06, 0.78), (0.06, 0.8), (0.17, 0.7)):
            finger((0.3, y), (long, y * 1.75))
        finger((0.12, 0.14), (0.44, 0.4), 0.08)
        ink.part([[put(p) for p in _PALM]], skin, auto=0.04, line=0)
        ink.crease([put((0.14, 0.2)), put((-0.06, 0.12))], skin, 0.8)
        ink.crease([put((0.34, -0.2)), put((0.1, -0.17)), put((-0.06, -0.12))], skin, 0.8)
        return
    if arm.hand == "v":
        finger((0.34, 0.1), (0.84, 0.26))
        finger((0.34, -0.04), (0.86, -0.2))
    if arm.hand == "point":
        finger((0.34, 0.12), (0.86, 0.16))
    ink.part([[put(p) for p in _FIST]], skin, auto=0.05)
    for y in (-0.09, 0.01, 0.1):
        ink.crease([put((0.27, y)), put((0.36, y)), put((0.44, y * 0.9))], skin, 0.5, 0.8)
    finger((0.1, 0.16), (0.32, 0.06), 0.065)


def draw_book(ink: Ink, sk: Skeleton, rgb: Rgb) -> None:
    """A closed book held before the chest."""
    y = (sk.bust_y + sk.waist_y) / 2 + 0.05
    x, h = sk.centre + 0.1, 0.72
    ink.part(
        [
            [(x - 0.62, y - h), (x + 0.6, y - h - 0.1)],
            [(x + 0.6, y - h - 0.1), (x + 0.66, y + h - 0.1)],
            [(x + 0.66, y + h - 0.1), (x - 0.56, y + h)],
            [(x - 0.56, y + h), (x - 0.62, y - h)],
        ],
        rgb,
        auto=0.08,
    )
    ink.crease([(x - 0.48, y - h), (x - 0.42, y + h)], rgb, 0.8)
    ink.paint(
        [
            [(x - 0.2, y - 0.4), (x + 0.4, y - 0.44)],
            [(x + 0.4, y - 0.44), (x + 0.41, y - 0.2)],
            [(x + 0.41, y - 0.2), (x - 0.19, y - 0.16)],
        ],
        mix(rgb, (255, 255, 255), 0.6),
    )


def draw_bag(ink: Ink, arm: Arm, rgb: Rgb) -> None:
    """A school bag hanging from the hand."""
    x, y = arm.wrist[0], arm.wrist[1] + 0.4
    ink.stroke(ellipse(x, y + 0.08, 0.22, 0.2), ink.dark(rgb), 0.07)
    ink.part(
        [
            [(x - 0.75, y + 0.15), (x + 0.75, y + 0.15)],
            [(x + 0.75, y + 0.15), (x + 0.82, y + 0.7), (x + 0.78, y + 1.15)],
            [(x + 0.78, y + 1.15), (x - 0.78, y + 1.15)],
            [(x - 0.78, y + 1.15), (x - 0.82, y + 0.7), (x - 0.75, y + 0.15)],
        ],
        rgb,
        auto=0.1,
    )
    ink.crease([(x - 0.78, y + 0.5), (x, y + 0.6), (x + 0.78, y + 0.5)], rgb, 0.9)
    ink.paint(ellipse(x, y + 0.58, 0.07, 0.07), (230, 200, 110))
