"""Hair, in head units: the mass behind, the tails, the fringe, the locks beside the face, animal ears."""

from __future__ import annotations

import math

import numpy as np

from builders.sources.drawing.head import Head
from builders.sources.drawing.model import Scene
from builders.sources.drawing.shapes import Ink, Point, Run, bezier, clamp, lerp, ribbon
from builders.sources.drawing.tails import draw_ahoge, draw_animal_ears, draw_cover, draw_side_lock, draw_tails

# Tips of a fringe from the left temple to the right: (x, drop below the brows, lean of the tip). A drop of None
# is a parting: the hairline shows there.
_Tip = tuple[float, float | None, float]
FRINGES: dict[str, list[_Tip]] = {
    "straight": [
        (-0.86, 0.1, 0),
        (-0.62, 0.02, 0),
        (-0.38, 0.06, 0),
        (-0.14, 0.0, 0),
        (0.1, 0.05, 0),
        (0.35, 0.0, 0),
        (0.6, 0.06, 0),
        (0.85, 0.1, 0),
    ],
    "parted": [
        (-0.95, 0.45, -0.1),
        (-0.72, 0.16, -0.16),
        (-0.4, -0.05, -0.2),
        (0.05, None, 0),
        (0.45, -0.05, 0.2),
        (0.74, 0.16, 0.16),
        (0.95, 0.45, 0.1),
    ],
    "swept": [
        (-0.98, 0.4, -0.05),
        (-0.68, None, 0),
        (-0.3, 0.02, 0.22),
        (0.05, 0.1, 0.26),
        (0.4, 0.14, 0.26),
        (0.72, 0.26, 0.2),
        (0.97, 0.5, 0.05),
    ],
    "spiky": [
        (-0.9, 0.35, -0.05),
        (-0.55, 0.16, 0.08),
        (-0.12, 0.34, 0.1),
        (0.28, 0.2, -0.1),
        (0.62, 0.16, 0.08),
        (0.92, 0.38, 0.02),
    ],
    "curtain": [
        (-1.0, 0.9, 0.04),
        (-0.8, 0.5, -0.12),
        (-0.55, 0.15, -0.22),
        (0.0, None, 0),
        (0.55, 0.15, 0.22),
        (0.8, 0.5, 0.12),
        (1.0, 0.9, -0.04),
    ],
    "tousled": [
        (-0.92, 0.5, -0.06),
        (-0.66, 0.1, -0.12),
        (-0.36, 0.24, 0.08),
        (-0.1, 0.02, -0.1),
        (0.12, 0.36, 0.04),
        (0.4, 0.08, 0.14),
        (0.68, 0.22, -0.08),
        (0.93, 0.46, 0.06),
    ],
    "long": [
        (-0.95, 0.7, 0),
        (-0.7, 0.3, 0.05),
        (-0.42, 0.34, 0.05),
        (-0.12, 0.26, 0.04),
        (0.14, 0.3, -0.05),
        (0.44, 0.34, -0.04),
        (0.7, 0.3, -0.05),
        (0.95, 0.7, 0),
    ],
    "none": [(-0.9, -0.3, -0.05), (0.0, None, 0), (0.9, -0.3, 0.05)],
}


class Hair:
    """All the hair of one head in one scene."""

    def __init__(self, ink: Ink, head: Head, scene: Scene) -> None:
        self.ink, self.head, self.scene = ink, head, scene
        self.c = head.character
        self.v = self.c.hair_volume
        self.s = head.s
        self.rgb = ink.tone(self.c.hair_rgb)
        self.tip = ink.tone(self.c.hair_tip) if self.c.hair_tip else None
        self.rng = np.random.default_rng([self.c.seed, 7])
        self.jit = self.rng.normal(0, 1, 64).tolist()
        tied = self.c.hair_tails not in ("none", "braid", "side_ponytail")
        self.fall = 0.75 if tied else max(self.c.hair_length, 0.7)  # of the hair that is not tied up
        self.fine = ink.style.shading in ("soft", "painterly") or ink.style.seed % 3 == 0
        self.crown: Point = (0.34 * self.s, -1.6 - 0.8 * self.v)

    def fill(self) -> str | None:
        """A fade towards the tips when the character has one."""
        if self.tip is None:
            return None
        return self.ink.gradient([(0, self.rgb, 1), (0.45, self.rgb, 1), (1, self.tip, 1)])

    # ---- behind the body -------------------------------------------------------------------------------
    def back(self) -> None:
        """The mass behind neck and shoulders, and tails that hang behind."""
        draw_tails(self, behind=True)
        shape = self.mass()
        inner: list[Run] = [[(-0.8, 0.2), (-0.75, 1.2), (-0.62, 3.5)], [(0.62, 3.5), (0.75, 1.2), (0.8, 0.2)]]
        shadows: list[list[Run]] = [] if self.scene.from_behind else [inner]
        self.ink.part(shape, self.rgb, shadows=shadows, auto=0.16, fill=self.fill())
        self._back_strands()
        self._wisps()

    def _wisps(self) -> None:
        """Thin locks that leave the silhouette near its lower end."""
        if self.fall < 1.6:
            return
        rng = np.random.default_rng([self.c.seed, 17])
        for i in range(int(rng.integers(2, 9))):
            side = -1.0 if i % 2 else 1.0
            y = self.fall * float(rng.uniform(0.35, 0.75))
            x = self._edge(y) * side - 0.16 * self.s
            d = min(self.fall - y, 1.6) * float(rng.uniform(0.6, 1.15))
            out = side * float(rng.uniform(0.12, 0.5))
            spine = bezier((x - side * 0.12, y - 0.3), (x + side * 0.06, y + d * 0.5), (x + out, y + d), 7)
            w = float(rng.uniform(0.03, 0.08))
            self.ink.part(
                ribbon(spine, [w * 0.6, w, w, w * 0.9, w * 0.7, w * 0.4, 0.005]), self.rgb, auto=0.02, line=0.8
            )

    def _edge(self, y: float) -> float:
        """Half-width of the hair behind at height y."""
        c = self.c
        length = self.fall
        t = clamp(y / length, 0, 1)
        base = 1.12 + self.v if c.hair_tails in ("none", "braid", "side_ponytail") else 1.04 + self.v * 0.6
        kind = c.hair_back
        x = base + 0.06 * min(y, 3)
        if kind == "flared":
            x += 0.34 * t * min(length, 2.5) / 2
        elif kind == "wavy":
            x += 0.13 * math.sin(y * 2.3 + 0.6) + 0.14 * t
        elif kind == "curly":
            x += 0.13 * math.sin(y * 4.2) + 0.3 * min(t * 2, 1)
        elif kind == "bob":
            x += 0.2 * math.sin(math.pi * clamp(t * 0.9, 0, 1))
        if length > 2.2 and kind not in ("flared", "curly"):
            x -= 0.34 * max(t - 0.35, 0) * min(length / 3, 1.6)
        return x

    def mass(self) -> list[Run]:
        """Closed silhouette of the hair behind the head."""
        v, shift = self.v, -0.16 * self.s
        length = self.fall
        n = max(3, int(length / 0.35))
        side = [(self._edge(y), y) for y in (0.35 + (length * 0.86 - 0.35) * i / n for i in range(n + 1))]
        right = [(0.0, -1.62 - v), (0.72, -1.42 - 0.9 * v), (1.05 + 0.7 * v, -0.82), (self._edge(0), -0.1), *side]
        left = [(-x, y) for x, y in right[::-1]]
        width = side[-1][0]
        tips = self._hem(width, length)
        runs: list[Run] = [right, *tips, left]
        return [[(x + shift, y) for x, y in run] for run in runs]

    def _hem(self, width: float, length: float) -> list[Run]:
        """The lower edge from right to left: tips and notches."""
        c = self.c
        wild = {"straight": 0.06, "bob": 0.05, "wavy": 0.16, "curly": 0.18, "flared": 0.14, "spiky": 0.3}[c.hair_back]
        count = 5 + self.c.seed % 5 if length < 1.4 else 6 + self.c.seed % 6
        runs: list[Run] = []
        at = (width, length * 0.86)
        out = 0.3 if c.hair_back in ("spiky", "flared") else 0.02
        for i in range(count):
            x = width * (1 - (2 * i + 1) / count)
            deep = length * (1 + wild * 0.5 * self.jit[i] * min(1, 1.4 / length)) - 0.1 * (abs(x) / width) ** 2
            tip = (x + out * x / width + 0.06 * self.jit[i + 9], max(deep, length * 0.9))
            notch_x = width * (1 - (2 * i + 2) / count)
            notch = (
                (notch_x, tip[1] - (0.1 + wild * 0.8 + 0.05 * abs(self.jit[i + 20])) * min(length, 2.0))
                if i < count - 1
                else (-width, length * 0.86)
            )
            runs.append(bezier(at, (at[0] * 0.97 + out * 0.3 * x / width, (at[1] + tip[1]) / 2 + 0.05), tip, 5))
            runs.append(bezier(tip, (notch[0] * 1.02, (tip[1] + notch[1]) / 2), notch, 5))
            at = notch
        return runs

    def _back_strands(self) -> None:
        length = self.fall
        if length < 0.9 and not self.scene.from_behind:
            return
        xs = (
            [-0.92, -0.75, 0.78, 0.94]
            if not self.scene.from_behind
            else [-0.85, -0.6, -0.32, -0.08, 0.2, 0.45, 0.7, 0.9]
        )
        for i, t in enumerate(xs):
            top = 0.2 if not self.scene.from_behind else -1.4 + 0.2 * abs(self.jit[i])
            spine: list[Point] = []
            for k in range(6):
                y = top + (length * (0.96 - 0.05 * abs(self.jit[i])) - top) * k / 5
                grow = clamp((y + 1.75) / 1.2, 0.15, 1)
                spine.append((self._edge(max(y, 0)) * t * grow * 0.96 - 0.16 * self.s, y))
            self.ink.crease(spine, self.rgb, 0.8, 0.8)
        if self.fine:
            rng = np.random.default_rng([self.c.seed, 31])
            for i in range(18):
                t = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.62, 0.97))
                y0, y1 = float(rng.uniform(-0.2, length * 0.4)), length * float(rng.uniform(0.5, 0.97))
                spine = [
                    (self._edge(max(y, 0)) * t * 0.97 - 0.16 * self.s, y)
                    for y in (y0 + (y1 - y0) * k / 4 for k in range(5))
                ]
                colour = self.ink.dark(self.rgb, 0.9) if i % 3 else self.ink.light(self.rgb, 1.1)
                self.ink.brush(spine, 0.025, colour, 0.7)

    # ---- in front ---------------------------------------------------------------------------------------
    def front(self) -> None:
        """Fringe, side locks, tails that fall over the shoulder, ahoge, animal ears."""
        draw_tails(self, behind=False)
        if self.c.side_locks > 0.2:
            for side in (-1.0, 1.0):
                draw_side_lock(self, side)
        draw_animal_ears(self)
        self._fringe()
        if self.scene.eye_cover:
            draw_cover(self)
        if self.c.ahoge:
            draw_ahoge(self)

    def cap_outline(self) -> list[Point]:
        """The outer edge of the hair on top, from the left temple over the crown to the right temple.

        It follows the mass behind, so that both read as one head of hair.
        """
        v, s = self.v, self.s
        side = self._edge(0)
        low = 0.1 if self.fall < 0.8 else 0.42
        half = [
            (self._edge(low) * (0.97 if low < 0.2 else 0.985), low),
            (side * 0.99, -0.1),
            (1.05 + 0.7 * v, -0.82),
            (0.72, -1.42 - 0.9 * v),
            (0.0, -1.63 - v),
        ]

        def bend(x: float, y: float) -> Point:
            far = x * s > 0
            return x * (1 - 0.1 * abs(s) if far else 1) - 0.14 * s * clamp(0.6 - y, 0, 1), y

        right = [bend(x, y) for x, y in half]
        left = [bend(-x, y) for x, y in half]
        return left[:-1] + right[::-1]

    def _tip_points(self) -> list[tuple[Point, bool, float]]:
        """(tip, is it a parting?, lean) from right to left, turned with the head."""
        out = []
        flip = -1.0 if self.c.seed % 3 == 0 else 1.0
        tips = [(flip * x, d, flip * lean) for x, d, lean in FRINGES[self.c.fringe]]
        for i, (x, drop, lean) in enumerate(sorted(tips, reverse=True)):
            if drop is None:
                y, lean = -1.22 + 0.05 * self.jit[i], 0.0
            else:
                y = -0.42 + drop + self.c.fringe_length + 0.035 * self.jit[i + 30]
            px, _ = self.head.at(clamp(x + 0.03 * self.jit[i + 40], -1, 1), y)
            out.append(((px * 1.02 + lean * 0.6, y), drop is None, lean))
        return out

    def _fringe_runs(self) -> tuple[list[Run], list[Point], list[Point]]:
        """(edge runs from right to left, tips, notches)."""
        outer, tips = self.cap_outline(), self._tip_points()
        runs: list[Run] = []
        notches: list[Point] = []
        at: Point = outer[-1]
        deep = {"straight": 0.16, "none": 0.02, "spiky": 0.42, "tousled": 0.34}.get(self.c.fringe, 0.26)
        for i, (tip, parting, lean) in enumerate(tips):
            if parting:  # already reached, as the notch of the tip before
                continue
            if i == len(tips) - 1:
                notch = outer[0]
            elif tips[i + 1][1]:
                notch = tips[i + 1][0]
                notches.append(notch)
            else:
                after = tips[i + 1][0]
                notch = ((tip[0] + after[0]) / 2 - 0.3 * lean, max(min(tip[1], after[1]) - deep, -1.2))
                notches.append(notch)
            runs.append(bezier(at, ((at[0] * 0.65 + tip[0] * 0.35), (at[1] + tip[1]) / 2 - 0.02), tip, 5))
            runs.append(bezier(tip, ((notch[0] * 0.75 + tip[0] * 0.25), (notch[1] + tip[1]) / 2), notch, 5))
            at = notch
        return runs, [tip for tip, parting, _ in tips if not parting], notches

    def fringe_shape(self) -> list[Run]:
        """The fringe with the top of the head, closed."""
        return [self.cap_outline(), *self._fringe_runs()[0]]

    def _fringe(self) -> None:
        ink, outer = self.ink, self.cap_outline()
        runs, tips, notches = self._fringe_runs()
        strands = [self._strand(n, 0.75) for n in notches]
        strands += [self._strand(lerp(t, n, 0.35), 0.35) for t, n in zip(tips, notches, strict=False)]
        ink.part([outer, *runs], self.rgb, lights=self._shine(), auto=0, line=0, fill=self._glow())
        if self.fine:
            self._fine_strands(notches)
        ink.shade([ribbon(st, [0.012, 0.035, 0.05, 0.03, 0.01]) for st in strands[: len(notches)]], self.rgb)
        ink.contour(runs[1:-1], self.rgb)
        ink.contour([outer[1:-1]], self.rgb)
        for i in range(self.c.seed % 4):  # loose strands that fall over the brow
            root = notches[(i * 2 + self.c.seed) % len(notches)]
            tip = (root[0] + 0.22 * self.jit[i + 50], min(root[1] + 0.34 + 0.12 * self.jit[i + 54], 0.1))
            ink.part(
                ribbon(
                    bezier((root[0], root[1] - 0.3), (root[0] + 0.03, root[1]), tip, 5),
                    [0.03, 0.045, 0.04, 0.03, 0.004],
                ),
                self.rgb,
                auto=0,
                line=0.6,
            )
        for i, st in enumerate(strands):
            ink.crease(st, self.rgb, 0.75 if i < len(notches) else 0.5, 0.9)

    def _glow(self) -> str | None:
        """Soft styles: dark at the crown, a lit band, darker again below."""
        if self.ink.style.shading not in ("soft", "painterly"):
            return None
        at = 0.2 + 0.15 * abs(math.sin(self.c.seed))
        shine = self.ink.light(self.rgb, 1.5 if self.ink.style.shine != "none" else 0.3)
        low = self.ink.dark(self.rgb, 0.35)
        return self.ink.gradient(
            [(0, self.ink.dark(self.rgb, 0.5), 1), (at, shine, 1), (at + 0.16, self.rgb, 1), (1, low, 1)]
        )

    def _fine_strands(self, notches: list[Point]) -> None:
        """Many hair-thin lines, dark and light, that follow the fringe."""
        rng = np.random.default_rng([self.c.seed, 29])
        low, high = min(notches)[0], max(notches)[0]
        for i in range(int(rng.integers(12, 30))):
            start = (
                low + (high - low) * float(rng.random()),
                min(n[1] for n in notches) - 0.05 + float(rng.uniform(-0.3, 0.05)),
            )
            colour = self.ink.dark(self.rgb, 0.9) if i % 3 else self.ink.light(self.rgb, 1.2)
            self.ink.brush(self._strand(start, float(rng.uniform(0.4, 0.9))), 0.022, colour, 0.7)

    def _strand(self, start: Point, share: float) -> list[Point]:
        bulge = (start[0] * 1.12, lerp(start, self.crown, 0.55)[1] - 0.12)
        whole = bezier(start, bulge, self.crown, 9)
        n = max(5, int(9 * share))
        return [whole[int(i * (n - 1) / 4)] for i in range(5)]

    def _shine(self) -> list[list[Run]]:
        kind = self.ink.style.shine
        if kind == "none":
            return []
        s, v = 0.3 * self.s, self.v
        if kind == "halo":
            arc = [(x + s, -1.12 - 0.25 * v - 0.2 * (1 - x * x)) for x in (-0.85, -0.5, 0.0, 0.5, 0.85)]
            return [ribbon(arc, [0.01, 0.05, 0.06, 0.05, 0.01])]
        shapes: list[list[Run]] = []
        if kind == "streaks":
            for i, x in enumerate((-0.7, -0.5, -0.25, 0.1, 0.3, 0.62)):
                high = (x * 0.85 + s, -1.3 - 0.2 * v - 0.12 * (1 - x * x))
                shapes.append(
                    ribbon(
                        [high, lerp(high, (x + s, -0.8), 0.5), (x + s, -0.86 + 0.08 * self.jit[i])],
                        [0.005, 0.03, 0.005],
                    )
                )
            return shapes
        edge: list[Run] = []
        for side in (-1.0, 1.0):
            xs = [side * t for t in (0.9, 0.74, 0.58, 0.42, 0.26, 0.12)]
            top = [(x + s, -1.22 - 0.25 * v - 0.2 * (1 - x * x)) for x in xs]
            low = [(x + s, -0.98 - 0.25 * v - 0.2 * (1 - x * x) + (0.1 if i % 2 else -0.09)) for i, x in enumerate(xs)]
            edge = [top, *[[a, b] for a, b in zip(low[::-1], low[::-1][1:], strict=False)]]
            shapes.append(edge)
        return shapes
