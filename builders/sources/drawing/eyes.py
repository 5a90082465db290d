"""Eyes, brows and glasses, in head units."""

from __future__ import annotations

import math

from builders.sources.drawing.head import BROWS, EXPRESSIONS, Head
from builders.sources.drawing.model import Rgb, Scene
from builders.sources.drawing.shapes import Ink, Point, Run, ellipse, luma, mix


def draw_eyes(ink: Ink, head: Head, scene: Scene) -> None:
    """Both eyes, or the one a profile shows."""
    mood, angle, lift, _, _ = EXPRESSIONS[scene.expression]
    for side in (-1.0, 1.0):
        if head.profile and side * head.s > 0:
            continue
        state = mood
        if mood == "wink":
            state = "happy" if side > 0 else "open"
        _Eye(ink, head, side, state).draw(scene.gaze)
        _brow(ink, head, side, angle, lift)


class _Eye:
    """One eye. Local x grows outwards (away from the nose), in units of the eye's half-width."""

    def __init__(self, ink: Ink, head: Head, side: float, state: str) -> None:
        c, st = head.character, ink.style
        self.ink, self.side, self.state, self.style, self.eye = ink, side, state, st, ink.tone(c.eye_rgb)
        scale = st.eye_scale
        self.k = 0.55 if head.profile else head.squeeze(side * c.eye_gap)
        self.w = c.eye_width * scale * self.k
        openness = {"wide": 1.12, "open": 1.0, "half": 0.62}.get(state, 1.0)
        self.h = c.eye_height * scale * openness
        self.full = c.eye_height * scale * (1.1 if state == "wide" else 1.0)
        self.slant = c.eye_slant * 0.18 * self.h
        gap = max(c.eye_gap, c.eye_width * scale + 0.12)
        x, y = head.at(side * gap, 0.06)
        if head.profile:
            x = 0.46 * (1 if head.s > 0 else -1)
            self.side = -1.0 if head.s > 0 else 1.0
        self.centre = (x, y)
        self.skin = c.skin
        self.lash = ink.line_colour(self.ink.tone(c.hair_rgb)) if st.line_kind == "tinted" else (40, 30, 40)
        if luma(self.lash) > 90:
            self.lash = mix(self.lash, (50, 30, 40), 0.6)

    def p(self, x: float, y: float) -> Point:
        """Local (in half-widths, half-heights) to head."""
        tilt = -self.slant * x
        return self.centre[0] + self.side * x * self.w, self.centre[1] + y * self.h + tilt

    def draw(self, gaze: float) -> None:
        if self.state in ("happy", "shut"):
            self._closed()
        elif self.style.eye_style == "dot":
            self._dot()
        else:
            self._open(gaze)

    def _closed(self) -> None:
        bend = -0.34 if self.state == "happy" else 0.26
        base = 0.3
        self.h = max(self.h, self.w * 0.9)
        arc = [
            self.p(-1, base),
            self.p(-0.5, base + bend),
            self.p(0.1, base + bend * 1.25),
            self.p(0.65, base + bend * 0.7),
            self.p(1.05, base + 0.1),
        ]
        self.ink.brush(arc, max(self.style.line_width * 1.9, 0.055), self.lash, taper=(0.3, 0.4))
        if self.style.eye_style in ("detailed", "glossy"):
            d = 0.22 if self.state == "shut" else 0.0
            self.ink.brush([self.p(0.75, base + bend * 0.5), self.p(1.2, base + d)], 0.04, self.lash)
            self.ink.brush([self.p(0.95, base), self.p(1.25, base + 0.22 + d)], 0.035, self.lash)

    def _dot(self) -> None:
        x, y = self.centre
        self.ink.paint(ellipse(x, y, self.w * 0.36, self.h * 0.62), mix(self.eye, (30, 20, 30), 0.7))
        self.ink.brush(
            [self.p(-0.6, -0.55), self.p(0, -0.8), self.p(0.75, -0.55)], self.style.line_width * 1.6, self.lash
        )
        self.ink.paint(ellipse(x + 0.12 * self.w, y - 0.25 * self.h, self.w * 0.12, self.h * 0.16), (255, 255, 255))

    def _open(self, gaze: float) -> None:
        upper = [
            self.p(-1.0, 0.12),
            self.p(-0.78, -0.5),
            self.p(-0.25, -0.96),
            self.p(0.35, -0.98),
            self.p(0.82, -0.6),
            self.p(1.05, 0.0),
        ]
        lower = [upper[-1], self.p(0.8, 0.66), self.p(0.2, 0.98), self.p(-0.45, 0.9), upper[0]]
        if self.state == "half":
            upper = [self.p(-1.0, -0.3), self.p(-0.4, -0.72), self.p(0.4, -0.68), self.p(1.08, -0.2)]
            lower = [upper[-1], self.p(0.75, 0.7), self.p(0.1, 0.98), self.p(-0.5, 0.85), upper[0]]
        shape: list[Run] = [upper, lower]
        self.ink.paint(shape, (252, 252, 254))
        self.ink.clip(shape)
        if self.style.eye_style not in ("flat", "ring"):
            self.ink.paint(
                [[self.p(-1.2, -1.2), self.p(1.2, -1.2)], [self.p(1.2, -0.35), self.p(0, -0.62), self.p(-1.2, -0.35)]],
                (196, 196, 216),
            )
        self._iris(gaze)
        self.ink.end()
        self._lashes(upper, lower)

    def _iris(self, gaze: float) -> None:
        ink, st = self.ink, self.style
        cx = self.centre[0] + gaze * 0.25 * self.w
        cy = self.centre[1] + (0.02 if self.state != "half" else -0.06) * self.full
        rx = min(self.w * 0.7, self.full * 0.82 * max(self.k, 0.6))
        ry = self.full * 0.95
        if self.state == "wide":
            rx, ry = rx * 0.78, ry * 0.8
        dark, light = mix(self.eye, (20, 10, 40), 0.62), mix(self.eye, (255, 255, 255), 0.42)
        iris = ellipse(cx, cy, rx, ry)
        if st.eye_style in ("flat", "simple"):
            ink.paint(iris, self.eye)
            ink.paint(
                [
                    [(cx - 1, cy - 1), (cx + 1, cy - 1)],
                    [(cx + 1, cy - 0.15 * ry), (cx, cy - 0.05 * ry), (cx - 1, cy - 0.15 * ry)],
                ],
                dark,
                0.75,
            )
        elif st.eye_style == "ring":
            ink.paint(iris, dark)
            ink.paint(ellipse(cx, cy, rx * 0.8, ry * 0.85), self.eye)
        else:
            ink.paint(iris, ink.gradient([(0, dark, 1), (0.45, self.eye, 1), (1, light, 1)]))
            ink.paint(ellipse(cx, cy + ry * 0.52, rx * 0.68, ry * 0.38), light, 0.65)
        if st.eye_style != "flat":
            ink.stroke(iris, dark, 0.035)
            ink.paint(ellipse(cx, cy, rx * 0.4, ry * 0.42), mix(dark, (10, 5, 20), 0.6))
        self._glints(cx, cy, rx, ry)

    def _glints(self, cx: float, cy: float, rx: float, ry: float) -> None:
        ink, st = self.ink, self.style
        white: Rgb = (255, 255, 255)
        side = st.light
        ink.paint(ellipse(cx + side * rx * 0.36, cy - ry * 0.42, rx * 0.34, ry * 0.27), white)
        if st.eye_style in ("glossy", "detailed"):
            ink.paint(ellipse(cx - side * rx * 0.4, cy + ry * 0.42, rx * 0.17, ry * 0.14), white, 0.9)
        if st.eye_style == "glossy":
            ink.paint(
                ellipse(cx + side * rx * 0.1, cy + ry * 0.62, rx * 0.5, ry * 0.16), mix(self.eye, white, 0.7), 0.8
            )

    def _lashes(self, upper: Run, lower: Run) -> None:
        ink, st = self.ink, self.style
        thick = max(st.line_width * 2.2, 0.05)
        if st.eye_style in ("simple", "flat"):
            thick = max(st.line_width * 1.6, 0.045)
        ink.brush(upper, thick * 1.25, self.lash, taper=(0.25, 0.75))
        if st.eye_style in ("detailed", "glossy"):
            ink.brush([self.p(0.75, -0.62), self.p(1.1, -0.25), self.p(1.28, -0.36)], thick * 0.8, self.lash)
            ink.brush([self.p(0.95, -0.3), self.p(1.12, 0.0), self.p(1.28, 0.02)], thick * 0.7, self.lash)
            self._crease()
        n = len(lower)
        ink.brush(lower[: n // 2 + 1], st.line_width * 1.1, self.lash, 0.9, taper=(0.8, 0.0))
        if st.eye_style in ("ring", "simple"):
            ink.brush(lower, st.line_width * 0.7, self.lash, 0.8)

    def _crease(self) -> None:
        fold = [self.p(-0.72, -0.92), self.p(-0.1, -1.28), self.p(0.55, -1.16), self.p(0.95, -0.72)]
        self.ink.crease(fold, self.skin, 0.55, 0.8)


def _brow(ink: Ink, head: Head, side: float, angle: float, lift: float) -> None:
    c = head.character
    x, y = head.at(side * c.eye_gap * 1.04, BROWS - lift - max(c.eye_height * ink.style.eye_scale - 0.3, 0))
    if head.profile:
        x, side = 0.46 * (1 if head.s > 0 else -1), -1.0 if head.s > 0 else 1.0
    k = head.squeeze(side * c.eye_gap) if not head.profile else 0.7
    a = math.radians(-angle) * -1
    spine = []
    for t, bow in ((-1, 0.03), (-0.3, -0.02), (0.4, -0.03), (1, 0.05)):
        px, py = t * 0.27 * k, bow
        spine.append((x + side * (px * math.cos(a) + py * math.sin(a)), y + py * math.cos(a) - px * math.sin(a)))
    hair = ink.tone(c.hair_rgb)
    colour = mix(ink.dark(hair, 1.2), (60, 40, 50), 0.35)
    ink.brush(spine, 0.05 if c.gender == "girl" else 0.08, colour, taper=(0.5, 0.0))


def draw_glasses(ink: Ink, head: Head, rgb: Rgb, round_rims: bool) -> None:
    """Two rims, a bridge and the arms, over the eyes."""
    c = head.character
    width = max(ink.style.line_width * 1.3, 0.045)
    r = c.eye_width * ink.style.eye_scale + 0.14
    ends = []
    for side in (-1.0, 1.0):
        if head.profile and side * head.s > 0:
            continue
        x, y = head.at(side * max(c.eye_gap, r + 0.04), 0.1)
        if head.profile:
            x = 0.5 * (1 if head.s > 0 else -1)
        k = 0.5 if head.profile else head.squeeze(side * c.eye_gap)
        rx, ry = r * k, r * (0.95 if round_rims else 0.72)
        if round_rims:
            rim: list[Run] = ellipse(x, y, rx, ry)
        else:
            rim = [
                [
                    (x - rx, y - ry * 0.7),
                    (x - rx * 0.8, y - ry),
                    (x + rx * 0.8, y - ry),
                    (x + rx, y - ry * 0.7),
                    (x + rx * 0.9, y + ry * 0.7),
                    (x + rx * 0.6, y + ry),
                    (x - rx * 0.6, y + ry),
                    (x - rx * 0.9, y + ry * 0.7),
                    (x - rx, y - ry * 0.7),
                ]
            ]
        ink.paint(rim, (225, 240, 255), 0.16)
        ink.stroke(rim, rgb, width)
        ink.paint(
            [
                [
                    (x - rx * 0.5, y + ry * 0.3),
                    (x - rx * 0.1, y - ry * 0.6),
                    (x + rx * 0.1, y - ry * 0.6),
                    (x - rx * 0.3, y + ry * 0.4),
                ]
            ],
            (255, 255, 255),
            0.35,
        )
        ends.append((x - side * rx, x + side * rx, y - ry * 0.25, side))
    if len(ends) == 2:
        ink.brush(
            [(ends[0][0], ends[0][2]), ((ends[0][0] + ends[1][0]) / 2, ends[0][2] - 0.06), (ends[1][0], ends[1][2])],
            width,
            rgb,
            taper=(1, 1),
        )
    for _, x, y, side in ends:
        if not head.profile:
            edge = head.at(side * 1.0, 0)[0]
            if abs(edge) > abs(x) or side * head.s < 0:
                ink.brush([(x, y), (side * 1.0 - 0.1 * head.s, y - 0.06)], width, rgb, taper=(1, 1))
