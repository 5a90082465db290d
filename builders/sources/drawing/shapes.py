"""Curves, colours and the pen: everything a drawing is put together from.

A shape is a list of runs. Each run is a list of points joined by a smooth curve; two runs meet in a corner.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from builders.sources.drawing.model import Rgb, Style

Point = tuple[float, float]
Run = Sequence[Point]
Shape = Sequence[Run]
Place = Callable[[Point], Point]


def clamp(value: float, low: float, high: float) -> float:
    """`value` held inside low..high."""
    return low if value < low else high if value > high else value


def lerp(a: Point, b: Point, t: float) -> Point:
    """The point a share `t` of the way from a to b."""
    return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t


def polar(origin: Point, degrees: float, length: float) -> Point:
    """`length` from the origin; 0 degrees points down, positive turns towards +x."""
    a = math.radians(degrees)
    return origin[0] + math.sin(a) * length, origin[1] + math.cos(a) * length


def ellipse(cx: float, cy: float, rx: float, ry: float, n: int = 12) -> list[Run]:
    """A closed smooth ellipse."""
    a = [2 * math.pi * i / n for i in range(n + 1)]
    return [[(cx + rx * math.cos(t), cy + ry * math.sin(t)) for t in a]]


def mix(a: Rgb, b: Rgb, t: float) -> Rgb:
    """Colour a share `t` of the way from a to b."""
    return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t


def luma(c: Rgb) -> float:
    """Brightness 0..255."""
    return 0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2]


def hexa(c: Rgb) -> str:
    """#rrggbb."""
    return "#" + "".join(f"{int(clamp(v, 0, 255) + 0.5):02x}" for v in c)


def hsv_shift(c: Rgb, hue: float, sat: float, val: float) -> Rgb:
    """Turn the hue by `hue` (turns), scale saturation and value."""
    h, s, v = colorsys.rgb_to_hsv(*(clamp(x, 0, 255) / 255 for x in c))
    r, g, b = colorsys.hsv_to_rgb((h + hue) % 1.0, clamp(s * sat, 0, 1), clamp(v * val, 0, 1))
    return r * 255, g * 255, b * 255


def _smooth(points: Run, closed: bool) -> list[str]:
    """Cubic segments of a Catmull-Rom curve through the points, without the opening move."""
    n = len(points)
    out = []
    for i in range(n - 1):
        p1, p2 = points[i], points[i + 1]
        p0 = points[i - 1] if i else (points[n - 2] if closed else p1)
        p3 = points[i + 2] if i + 2 < n else (points[1] if closed else p2)
        out.append(
            f"C{p1[0] + (p2[0] - p0[0]) / 6:.3f} {p1[1] + (p2[1] - p0[1]) / 6:.3f} "
            f"{p2[0] - (p3[0] - p1[0]) / 6:.3f} {p2[1] - (p3[1] - p1[1]) / 6:.3f} {p2[0]:.3f} {p2[1]:.3f}"
        )
    return out


def path_data(shape: Shape, closed: bool = True) -> str:
    """SVG path data of a shape."""
    first = shape[0][0]
    out = [f"M{first[0]:.3f} {first[1]:.3f}"]
    last = first
    for run in shape:
        if abs(run[0][0] - last[0]) + abs(run[0][1] - last[1]) > 1e-6:
            out.append(f"L{run[0][0]:.3f} {run[0][1]:.3f}")
        ring = len(shape) == 1 and len(run) > 3 and math.dist(run[0], run[-1]) < 1e-6
        out.extend(_smooth(run, ring))
        last = run[-1]
    return " ".join(out) + ("Z" if closed else "")


def ribbon(spine: Run, widths: Sequence[float]) -> list[Run]:
    """A closed band around a spine; `widths` are half-widths at its points."""
    left, right = [], []
    for i, (p, w) in enumerate(zip(spine, widths, strict=True)):
        a, b = spine[max(i - 1, 0)], spine[min(i + 1, len(spine) - 1)]
        dx, dy = b[0] - a[0], b[1] - a[1]
        length = math.hypot(dx, dy) or 1.0
        nx, ny = -dy / length * w, dx / length * w
        left.append((p[0] + nx, p[1] + ny))
        right.append((p[0] - nx, p[1] - ny))
    return [left, [left[-1], right[-1]], right[::-1]]


def bezier(p0: Point, p1: Point, p2: Point, n: int = 7) -> list[Point]:
    """n points of a quadratic curve."""
    out = []
    for i in range(n):
        t = i / (n - 1)
        u = 1 - t
        out.append(
            (u * u * p0[0] + 2 * u * t * p1[0] + t * t * p2[0], u * u * p0[1] + 2 * u * t * p1[1] + t * t * p2[1])
        )
    return out


def catmull(points: Run, per: int = 6) -> list[Point]:
    """A denser polyline along the smooth curve through the points."""
    out: list[Point] = []
    n = len(points)
    for i in range(n - 1):
        p0, p1, p2, p3 = points[max(i - 1, 0)], points[i], points[i + 1], points[min(i + 2, n - 1)]
        for k in range(per):
            t = k / per
            out.append((_cr(p0[0], p1[0], p2[0], p3[0], t), _cr(p0[1], p1[1], p2[1], p3[1], t)))
    return [*out, points[-1]]


def _cr(a: float, b: float, c: float, d: float, t: float) -> float:
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


def inset(moved: Sequence[Run], light: float, amount: float) -> list[list[Point]]:
    """A closed shape with its side away from the light drawn in by `amount`: the lit part of it."""
    ring = [p for run in moved for p in run]
    xs, ys = [p[0] for p in ring], [p[1] for p in ring]
    amount = min(amount, 0.3 * min(max(xs) - min(xs), max(ys) - min(ys)))
    n = len(ring)
    area = sum(ring[i][0] * ring[(i + 1) % n][1] - ring[(i + 1) % n][0] * ring[i][1] for i in range(n))
    turn = 1.0 if area > 0 else -1.0
    out = []
    for i, p in enumerate(ring):
        a, b = ring[i - 1], ring[(i + 1) % n]
        if abs(a[0] - p[0]) + abs(a[1] - p[1]) < 1e-6:
            a = ring[i - 2]
        if abs(b[0] - p[0]) + abs(b[1] - p[1]) < 1e-6:
            b = ring[(i + 2) % n]
        dx, dy = b[0] - a[0], b[1] - a[1]
        length = math.hypot(dx, dy) or 1.0
        nx, ny = turn * dy / length, -turn * dx / length
        away = max(0.0, -light * nx * 0.86 + 0.5 * ny) * amount * 1.3
        out.append((p[0] - nx * away, p[1] - ny * away))
    runs, k = [], 0
    for run in moved:
        runs.append(out[k : k + len(run)])
        k += len(run)
    return runs


class Ink:
    """Collects SVG elements drawn in one style. Points pass through `place` before they are written."""

    def __init__(self, style: Style, seed: int, min_line: float) -> None:
        self.style = style
        self.rng = np.random.default_rng([style.seed, seed])
        self.min_line = min_line
        self.place: Place = lambda p: p
        self.view = (-1e9, -1e9, 1e9, 1e9)  # the picture, in figure units
        self.body: list[str] = []
        self.defs: list[str] = []
        self._ids = 0

    def _id(self) -> str:
        self._ids += 1
        return f"i{self._ids}"

    def tone(self, c: Rgb) -> Rgb:
        """The style's own rendering of a colour."""
        s = self.style
        if s.saturation == 1.0 and s.brightness == 1.0 and s.hue == 0.0:
            return c
        return hsv_shift(c, s.hue, s.saturation, s.brightness)

    def dark(self, c: Rgb, amount: float = 1.0) -> Rgb:
        """The shadow colour of c: darker and shifted towards the style's shadow hue."""
        s = self.style
        towards: Rgb = (120, 60, 110) if s.shadow_hue > 0 else (50, 60, 140)
        base = mix(c, (c[0] * 0.62, c[1] * 0.58, c[2] * 0.66), amount * s.contrast)
        return mix(base, towards, 0.14 * abs(s.shadow_hue) * amount)

    def light(self, c: Rgb, amount: float = 1.0) -> Rgb:
        """The lit colour of c."""
        return mix(c, (255, 252, 244), 0.35 * amount)

    def line_colour(self, c: Rgb) -> Rgb:
        """The colour of the line around something coloured c."""
        if self.style.line_kind == "black":
            return (34, 28, 36)
        return mix(hsv_shift(c, 0.0, 1.25, 0.42), (60, 20, 40), 0.25)

    def moved(self, shape: Shape) -> list[list[Point]]:
        """The shape after placement, shaken a little in the sketch style."""
        place = self.place
        out = [[place(p) for p in run] for run in shape]
        if self.style.shading == "sketch":
            j = self.rng.normal(0, 0.012, (sum(map(len, out)), 2)).tolist()
            it = iter(j)
            closed = out[0][0] == out[-1][-1]
            out = [[(p[0] + d[0], p[1] + d[1]) for p, d in zip(run, it, strict=False)] for run in out]
            if closed and len(out) == 1:
                out[0][-1] = out[0][0]
        return out

    def raw(self, text: str) -> None:
        """Add an SVG element as it is."""
        self.body.append(text)

    def gradient(self, stops: Iterable[tuple[float, Rgb, float]], x2: float = 0.0, y2: float = 1.0) -> str:
        """A linear gradient over the bounding box of what it fills; stops are (offset, colour, opacity)."""
        name = self._id()
        inner = "".join(f'<stop offset="{o:.2f}" stop-color="{hexa(c)}" stop-opacity="{a:.2f}"/>' for o, c, a in stops)
        self.defs.append(
            f'<linearGradient id="{name}" x1="0" y1="0" x2="{x2:.2f}" y2="{y2:.2f}">{inner}</linearGradient>'
        )
        return f"url(#{name})"

    def radial(self, stops: Iterable[tuple[float, Rgb, float]], cx: float = 0.5, cy: float = 0.5) -> str:
        """A radial gradient over the bounding box of what it fills."""
        name = self._id()
        inner = "".join(f'<stop offset="{o:.2f}" stop-color="{hexa(c)}" stop-opacity="{a:.2f}"/>' for o, c, a in stops)
        self.defs.append(f'<radialGradient id="{name}" cx="{cx:.2f}" cy="{cy:.2f}" r="0.6">{inner}</radialGradient>')
        return f"url(#{name})"

    def clip(self, shape: Shape) -> str:
        """Open a group clipped to the shape; close it with `end`."""
        name = self._id()
        self.defs.append(f'<clipPath id="{name}"><path d="{path_data(self.moved(shape))}"/></clipPath>')
        self.body.append(f'<g clip-path="url(#{name})">')
        return name

    def end(self) -> None:
        """Close the innermost clipped group."""
        self.body.append("</g>")

    def paint(self, shape: Shape, fill: Rgb | str, opacity: float = 1.0) -> None:
        """Fill a shape, no line, no shading."""
        moved = self.moved(shape)
        if not self.seen(moved):
            return
        colour = fill if isinstance(fill, str) else hexa(fill)
        extra = f' fill-opacity="{opacity:.2f}"' if opacity < 1 else ""
        self.body.append(f'<path d="{path_data(moved)}" fill="{colour}"{extra}/>')

    def seen(self, moved: Sequence[Run]) -> bool:
        """Whether any of a placed shape can lie inside the picture; the rasteriser is slow to find out."""
        x0, y0, x1, y1 = self.view
        xs, ys = [p[0] for run in moved for p in run], [p[1] for run in moved for p in run]
        return max(xs) >= x0 and min(xs) <= x1 and max(ys) >= y0 and min(ys) <= y1

    def part(
        self,
        shape: Shape,
        colour: Rgb,
        shadows: Sequence[Shape] = (),
        lights: Sequence[Shape] = (),
        line: float = 1.0,
        auto: float = 0.1,
        fill: str | None = None,
    ) -> None:
        """A shaded, outlined part. `auto` is how far the shadow reaches in from the edge away from the light;
        `shadows` and `lights` are further shapes, clipped to this one; `fill` replaces the flat colour."""
        s = self.style
        moved = self.moved(shape)
        if not self.seen(moved):
            return
        d = path_data(moved)
        soft = s.shading in ("soft", "painterly")
        flat = s.shading in ("flat", "sketch")
        if fill is None and soft:
            a, b = self.light(colour, 0.45), self.dark(colour, 0.75 if s.shading == "painterly" else 0.28)
            fill = self.gradient([(0, a, 1), (0.45, colour, 1), (1, b, 1)], x2=-0.35 * s.light, y2=1.0)
        dark = self.dark(colour)
        if auto and not flat:
            edge = mix(colour, dark, 0.5) if soft else dark
            self.body.append(f'<path d="{d}" fill="{hexa(edge)}"/>')
            self.body.append(f'<path d="{path_data(inset(moved, s.light, auto))}" fill="{fill or hexa(colour)}"/>')
        else:
            self.body.append(f'<path d="{d}" fill="{fill or hexa(colour)}"/>')
        if (shadows or lights) and not flat:
            name = self._id()
            self.defs.append(f'<clipPath id="{name}"><path d="{d}"/></clipPath>')
            self.body.append(f'<g clip-path="url(#{name})">')
            for shadow in shadows:
                self.paint(shadow, dark, 0.55 if soft else 1.0)
            for light in lights:
                self.paint(light, self.light(colour), 0.4 if soft else 0.7)
            self.body.append("</g>")
        if line:
            self.outline(d, colour, line)

    def shade(self, shapes: Sequence[Shape], colour: Rgb) -> None:
        """Shadows on something coloured `colour` that lie inside it by construction (clipping is dear)."""
        if self.style.shading not in ("flat", "sketch"):
            for shape in shapes:
                self.paint(shape, self.dark(colour), 0.55 if self.style.shading in ("soft", "painterly") else 1.0)

    def contour(self, shape: Shape, colour: Rgb, line: float = 1.0) -> None:
        """An open line in the line colour of `colour`."""
        moved = self.moved(shape)
        if self.seen(moved):
            self.outline(path_data(moved, closed=False), colour, line)

    def outline(self, d: str, colour: Rgb, line: float = 1.0) -> None:
        """The line around path data `d`."""
        s = self.style
        if s.line_kind == "none":
            return
        width = max(s.line_width * line, self.min_line)
        stroke = hexa(self.line_colour(colour))
        self.body.append(
            f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{width:.3f}" stroke-linejoin="round" '
            'stroke-linecap="round"/>'
        )
        if s.shading == "sketch":
            dx, dy = self.rng.normal(0, 0.02, 2).tolist()
            self.body.append(
                f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{width * 0.6:.3f}" opacity="0.6" '
                f'transform="translate({dx:.3f} {dy:.3f})"/>'
            )

    def stroke(self, shape: Shape, colour: Rgb, width: float, closed: bool = True) -> None:
        """An even line along a shape."""
        d = path_data(self.moved(shape), closed)
        w = max(width, self.min_line)
        self.body.append(
            f'<path d="{d}" fill="none" stroke="{hexa(colour)}" stroke-width="{w:.3f}" stroke-linejoin="round" '
            'stroke-linecap="round"/>'
        )

    def brush(
        self, spine: Run, width: float, colour: Rgb, opacity: float = 1.0, taper: tuple[float, float] = (0, 0)
    ) -> None:
        """A stroke that swells: `width` at its middle, `taper` times that at start and end."""
        dense = catmull(spine, 2) if len(spine) > 2 else [spine[0], lerp(spine[0], spine[1], 0.5), spine[1]]
        n = len(dense) - 1
        half = max(width, self.min_line) / 2
        ends = [taper[0] if i / n < 0.5 else taper[1] for i in range(n + 1)]
        widths = [half * (e + (1 - e) * math.sin(math.pi * i / n) ** 0.7) + 1e-3 for i, e in enumerate(ends)]
        self.paint(ribbon(dense, widths), colour, opacity)

    def crease(self, spine: Run, colour: Rgb, width: float = 0.8, opacity: float = 1.0) -> None:
        """An inner line (fold, strand) in the line colour of `colour`; a faint shadow when the style has no lines."""
        c = self.dark(colour, 1.2) if self.style.line_kind == "none" else self.line_colour(colour)
        self.brush(spine, self.style.line_width * width, c, opacity)

    def svg(self, size: tuple[int, int], matrix: tuple[float, float, float]) -> str:
        """The finished document; matrix is (scale, x, y) from units to pixels."""
        w, h = size
        k, x, y = matrix
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}"><defs>'
            + "".join(self.defs)
            + f'</defs><g transform="matrix({k:.4f} 0 0 {k:.4f} {x:.3f} {y:.3f})">'
            + "".join(self.body)
            + "</g></svg>"
        )
