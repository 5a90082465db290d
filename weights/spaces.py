"""Backgrounds in perspective: rooms, halls, streets and parks of boxes and trees, cast ray by ray.

Sprites of visual novels stand before such places, sharp and full of detail. Lengths are metres; the camera stands at
the origin, x goes to the right, y up, z into the picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from weights.scenery import noise
from weights.textures import FLOORS, WALLS, Floats, Surface, colour, plain, windows

Pixels = NDArray[np.uint8]
Point = tuple[float, float, float]

_FINE = 2  # rays per pixel and direction
_FAR = 1e4


@dataclass
class View:
    """A picture being cast: colour, depth and the number of the thing seen, per ray; turned by `yaw` radians."""

    side: int
    focal: float
    horizon: float
    yaw: float
    sun: Floats
    dusk: Floats
    rgb: Floats = field(init=False)
    depth: Floats = field(init=False)
    thing: NDArray[np.int32] = field(init=False)
    rays: Floats = field(init=False)
    things: int = 0

    def __post_init__(self) -> None:
        n = self.side
        self.rgb = np.zeros((n, n, 3), np.float32)
        self.depth = np.full((n, n), _FAR, np.float32)
        self.thing = np.zeros((n, n), np.int32)
        line = np.arange(n, dtype=np.float32)
        right, up = (line - n / 2) / self.focal, (self.horizon - line) / self.focal
        x, y = np.meshgrid(right, up)
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        self.rays = np.stack([x * cos + sin, y, cos - x * sin], -1).astype(np.float32)

    def project(self, point: Point) -> tuple[float, float, float]:
        """Column, row and depth of a point of the world."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        x, z = point[0] * cos - point[2] * sin, point[0] * sin + point[2] * cos
        safe = max(z, 0.05)
        return self.side / 2 + self.focal * x / safe, self.horizon - self.focal * point[1] / safe, z

    def paint(self, part: tuple[slice, slice], near: Floats, seen: NDArray[np.bool_], rgb: Floats) -> None:
        """Write what is `seen` at depth `near` in a part of the picture, where nothing nearer is."""
        seen = seen & (near < self.depth[part])
        self.things += 1
        self.rgb[part][seen] = rgb[seen]
        self.depth[part][seen] = near[seen]
        self.thing[part][seen] = self.things

    def lit(self, axis: int, sign: float) -> Floats:
        """Light on a face whose outward normal is `sign` along `axis`: sun, and dusk in its shadow."""
        return self.dusk + (1 - self.dusk) * np.float32(max(0.0, sign * float(self.sun[axis])))

    def window(self, low: Point, high: Point) -> tuple[slice, slice] | None:
        """The part of the picture that a box can touch."""
        corners = [(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
        there = [self.project(corner) for corner in corners]
        if all(z <= 0.2 for _, _, z in there):
            return None
        if any(z <= 0.2 for _, _, z in there):
            return slice(0, self.side), slice(0, self.side)
        left, right = min(u for u, _, _ in there), max(u for u, _, _ in there)
        top, bottom = min(v for _, v, _ in there), max(v for _, v, _ in there)
        if right < 0 or bottom < 0 or left >= self.side or top >= self.side:
            return None
        return slice(max(0, int(top)), int(bottom) + 2), slice(max(0, int(left)), int(right) + 2)


def box(view: View, low: Point, high: Point, surface: Surface) -> None:
    """An upright box between two corners, the same surface on every side."""
    part = view.window(low, high)
    if part is None:
        return
    rays = view.rays[part]
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = (np.asarray(corner, np.float32) / rays for corner in (low, high))
    entry, leave = np.minimum(first, second), np.maximum(first, second)
    near, axis = entry.max(-1), entry.argmax(-1)
    seen = (near < leave.min(-1)) & (near > 0.05)
    if not seen.any():
        return
    where = rays * near[..., None] - np.asarray(low, np.float32)
    s, t = _on_face(where, axis)
    light = np.zeros_like(where)
    for k in range(3):
        ray = np.sign(rays[..., k])[..., None]
        side = np.where(ray > 0, view.lit(k, -1.0), view.lit(k, 1.0))
        light = np.where((axis == k)[..., None], side, light)
    view.paint(part, near.astype(np.float32), seen, surface(s, t) * light)


def _on_face(where: Floats, axis: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Along and up a face whose normal is `axis`; along and into the picture on floors and ceilings."""
    return np.where(axis == 0, where[..., 2], where[..., 0]), np.where(axis == 1, where[..., 2], where[..., 1])


def shell(view: View, low: Point, high: Point, surfaces: tuple[Surface, Surface, Surface]) -> None:
    """The inside of a box around the camera: walls, floor, ceiling."""
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = (np.asarray(corner, np.float32) / view.rays for corner in (low, high))
    leave = np.maximum(first, second)
    near, axis = leave.min(-1), leave.argmin(-1)
    where = view.rays * near[..., None] - np.asarray(low, np.float32)
    s, t = _on_face(where, axis)
    down = view.rays[..., 1] < 0
    whole = (slice(0, view.side), slice(0, view.side))
    parts = ((axis != 1, surfaces[0]), ((axis == 1) & down, surfaces[1]), ((axis == 1) & ~down, surfaces[2]))
    for number, (seen, surface) in enumerate(parts):
        light = np.where((axis == 2)[..., None], view.lit(2, -1.0), view.lit(0, 0.7)) if number == 0 else 1.0
        view.paint(whole, near.astype(np.float32), seen, np.asarray(surface(s, t) * light, np.float32))


def tree(view: View, foot: Point, height: float, rng: Generator) -> None:
    """A trunk, and a crown of leaves or palm fronds: darker below, lighter towards the light."""
    wide = height * rng.uniform(0.02, 0.05)
    x, y, z = foot
    box(view, (x - wide, y, z - wide), (x + wide, y + height * 0.7, z + wide), WALLS[rng.integers(len(WALLS))](rng))
    u, v, depth = view.project((x, y + height * 0.75, z))
    if depth < 0.5:
        return
    reach = view.focal * height / depth * rng.uniform(0.25, 0.5)
    if reach < 2 or u + 2 * reach < 0 or u - 2 * reach > view.side or reach > view.side:
        return
    layer = Image.new("RGBA", (view.side, view.side))
    draw = ImageDraw.Draw(layer)
    base, palm = colour(rng, 0.8), rng.random() < 0.25
    if rng.random() < 0.6:
        base = np.array([0.25, 0.5, 0.15], np.float32) * np.float32(rng.uniform(0.4, 1.5))
    spots = rng.normal(0, 0.45, (int(rng.integers(14, 26)) if palm else int(rng.integers(100, 600)), 2))
    size = reach * rng.uniform(0.03, 0.14)
    for a, b in sorted(spots.tolist(), key=lambda spot: -spot[1]):
        shade = np.clip(base * (0.75 - 0.45 * b + rng.normal(0, 0.15)), 0, 1) * 255
        fill = (int(shade[0]), int(shade[1]), int(shade[2]), 255)
        px, py = u + a * reach, v + b * reach
        if palm:
            line = [(u, v), (u + 0.6 * a * reach * 2, v - 0.3 * reach), (u + 2 * a * reach, v + abs(a) * reach)]
            draw.line(line, fill, max(1, int(size / 2)), joint="curve")
        else:
            draw.ellipse((px - size, py - size * 0.7, px + size, py + size * 0.7), fill)
    pixels = np.asarray(layer)
    whole = (slice(0, view.side), slice(0, view.side))
    near = np.full((view.side, view.side), depth, np.float32)
    view.paint(whole, near, pixels[..., 3] > 0, pixels[..., :3].astype(np.float32) / 255)


def seat(view: View, at: Point, size: float, surface: Surface, dark: Surface) -> None:
    """A chair, bench or desk: a board, a back and legs."""
    x, y, z = at
    box(view, (x, y + 0.45 * size, z), (x + size, y + 0.5 * size, z + 0.45 * size), surface)
    box(view, (x, y + 0.55 * size, z + 0.45 * size), (x + size, y + size, z + 0.5 * size), surface)
    for leg in (0.02, 0.92):
        box(view, (x + leg * size, y, z), (x + (leg + 0.06) * size, y + 0.45 * size, z + 0.06 * size), dark)


def furnish(view: View, floor: float, span: tuple[float, float], depth: float, rng: Generator) -> None:
    """Rows of seats, pillars, cupboards, boards and lamps on a floor between the walls."""
    surface, dark = WALLS[rng.integers(len(WALLS))](rng), plain(rng)
    if rng.random() < 0.6:
        size, rise = rng.uniform(0.5, 1.3), rng.choice([0.0, 0.0, 0.15])
        step_x, step_z = size * rng.uniform(1.1, 2.2), size * rng.uniform(1.2, 2.5)
        start = rng.uniform(1.5, 3.5)
        for row in range(min(7, int((depth - start) / step_z))):
            for column in range(min(9, int((span[1] - span[0]) * rng.uniform(0.4, 0.9) / step_x))):
                at = (span[0] + 0.3 + column * step_x, floor + row * rise, start + row * step_z)
                seat(view, at, size, surface, dark)
    if rng.random() < 0.5:
        wide, gap = rng.uniform(0.15, 0.5), rng.uniform(2, 4)
        x, stone = rng.uniform(*span), WALLS[rng.integers(len(WALLS))](rng)
        for row in range(int(rng.integers(1, 5))):
            z = 2.5 + row * gap
            box(view, (x, floor, z), (x + wide, floor + 6, z + wide), stone)
    for _ in range(int(rng.integers(2, 12))):
        wide, tall, thick = np.exp(rng.uniform(np.log(0.15), np.log(1.8), 3)).tolist()
        x, z = rng.uniform(*span), rng.uniform(1.8, depth)
        y = floor if rng.random() < 0.7 else floor + rng.uniform(0.5, 2.2)
        made = windows(rng) if rng.random() < 0.2 else WALLS[rng.integers(len(WALLS))](rng)
        box(view, (x, y, z), (x + wide, y + tall, z + thick), made)


def fence(view: View, floor: float, rng: Generator) -> None:
    """A railing or a row of posts that recedes, or runs across."""
    tall, thin, rail = rng.uniform(0.5, 1.3), rng.uniform(0.03, 0.1), plain(rng)
    side, gap, across = rng.uniform(0.8, 3) * rng.choice([-1, 1]), rng.uniform(0.5, 2), rng.random() < 0.3
    for k in range(14):
        x, z = (side - 7 + k * gap, 4.0) if across else (side, 1.5 + k * gap)
        box(view, (x, floor, z), (x + thin, floor + tall, z + thin), rail)
    for level in (0.6, 1.0):
        high = floor + tall * level
        low = (side - 7, high - thin * 2, 4.0) if across else (side, high - thin * 2, 1.5)
        box(view, low, (side + 7, high, 4 + thin) if across else (side + thin, high, 30.0), rail)


def _camera(side: int, rng: Generator) -> View:
    focal = side * rng.uniform(0.6, 1.6)
    sun = rng.uniform(0.2, 1.0, 3) * np.array([rng.choice([-1, 1]), 1, rng.choice([-1, -1, 1])])
    dusk = np.clip(rng.uniform(0.35, 0.9) + rng.normal(0, 0.08, 3), 0.2, 1)
    horizon = side * rng.uniform(0.2, 0.75)
    return View(side, focal, horizon, rng.normal(0, 0.35), sun.astype(np.float32), dusk.astype(np.float32))


def room(side: int, rng: Generator) -> View:
    """Walls, floor and ceiling around the camera, and what stands in it."""
    view = _camera(side, rng)
    floor, left, right = -rng.uniform(0.9, 2.2), -rng.uniform(1.2, 7), rng.uniform(1.2, 7)
    depth, top = rng.uniform(3, 16), rng.uniform(0.8, 4)
    wall = windows(rng) if rng.random() < 0.6 else WALLS[rng.integers(len(WALLS))](rng)
    ceiling = windows(rng) if rng.random() < 0.25 else plain(rng)
    shell(view, (left, floor, -1.0), (right, top, depth), (wall, FLOORS[rng.integers(len(FLOORS))](rng), ceiling))
    furnish(view, floor, (left, right), depth, rng)
    return view


def outdoors(side: int, rng: Generator) -> View:
    """Sky with clouds, ground, a path, houses, trees, posts and benches."""
    view = _camera(side, rng)
    floor = -rng.uniform(1.0, 2.5)
    haze, sky = colour(rng, 0.4) * 0.3 + 0.7, np.array([0.25, 0.5, 0.9]) * rng.uniform(0.5, 1.1) + rng.normal(0, 0.1, 3)
    up = np.clip(view.rays[..., 1:2] * 1.6, 0, 1)
    cloud = np.clip(noise(rng, side, rng.uniform(1.5, 2.2), 1) * rng.uniform(0.3, 3) - rng.uniform(0, 1.5), 0, 1)
    view.rgb[:] = np.clip((haze + (sky - haze) * up) * (1 - cloud) + cloud, 0, 1)
    ground, path = FLOORS[rng.integers(len(FLOORS))](rng), FLOORS[rng.integers(len(FLOORS))](rng)
    box(view, (-300, floor - 1, -1), (300, floor, 300), ground)
    if rng.random() < 0.7:
        x, wide = rng.uniform(-3, 1), rng.uniform(1, 6)
        box(view, (x, floor - 1, -1), (x + wide, floor + 0.02, 200), path)
    for _ in range(int(rng.integers(0, 7))):
        x, z = rng.uniform(-25, 25), rng.uniform(8, 60)
        wide, tall, thick = rng.uniform(3, 18), rng.uniform(3, 22), rng.uniform(3, 18)
        box(view, (x, floor, z), (x + wide, floor + tall, z + thick), windows(rng))
    for _ in range(int(rng.integers(0, 14))):
        x, z = rng.uniform(-12, 12), np.exp(rng.uniform(np.log(4), np.log(50)))
        tree(view, (x, floor, z), rng.uniform(1.5, 7), rng)
    if rng.random() < 0.5:
        fence(view, floor, rng)
    furnish(view, floor, (-6, 6), rng.uniform(4, 14), rng)
    return view


def space(rng: Generator, side: int) -> Pixels:
    """One place in perspective, uint8 side x side x 3; two in five of them with drawn outlines."""
    view = (room if rng.random() < 0.5 else outdoors)(side * _FINE, rng)
    rgb = view.rgb
    if rng.random() < 0.4:  # ink where one thing ends before another
        edge = np.zeros(view.thing.shape, bool)
        edge[1:] |= view.thing[1:] != view.thing[:-1]
        edge[:, 1:] |= view.thing[:, 1:] != view.thing[:, :-1]
        rgb = np.where(edge[..., None], rgb * np.float32(rng.uniform(0.1, 0.6)), rgb)
    if rng.random() < 0.4:  # air between here and there
        mist = (1 - np.exp(-view.depth / np.float32(rng.uniform(10, 80))))[..., None]
        rgb = rgb + (colour(rng, 0.3) - rgb) * mist * np.float32(rng.uniform(0.2, 0.7))
    image = Image.fromarray((np.clip(rgb, 0, 1) * 255).astype(np.uint8)).reduce(_FINE)
    if rng.random() < 0.12:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 3)))
    return np.asarray(image)

