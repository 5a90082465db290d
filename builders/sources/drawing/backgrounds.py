"""Places to stand in: plain, patterned, painted and photograph-like backgrounds, as numpy pictures."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from builders.sources.drawing.distractors import random_distractor
from builders.sources.drawing.model import Rgb
from builders.sources.drawing.shapes import hsv_shift, mix

Picture = NDArray[np.uint8]
_Colour = tuple[int, int, int]


def fractal(rng: np.random.Generator, w: int, h: int, base: int = 3, octaves: int = 5) -> NDArray[np.float32]:
    """Smooth noise in 0..1, H x W: octaves of upscaled random grids."""
    total = np.zeros((h, w), np.float32)
    amp = 1.0
    for o in range(octaves):
        n = base * 2**o
        grid = rng.random((n + 1, n + 1), np.float32)
        image = Image.fromarray(grid).resize((w, h), Image.Resampling.BICUBIC)
        total += np.asarray(image) * amp
        amp *= 0.55
    low, high = float(total.min()), float(total.max())
    return (total - low) / max(high - low, 1e-6)


def _rgb8(c: Rgb) -> _Colour:
    r, g, b = (int(min(max(v, 0), 255)) for v in c)
    return r, g, b


def _pick(
    rng: np.random.Generator, sat: tuple[float, float] = (0.15, 0.7), val: tuple[float, float] = (0.45, 1.0)
) -> Rgb:
    return hsv_shift((255, 0, 0), float(rng.random()), float(rng.uniform(*sat)), float(rng.uniform(*val)))


def _ramp(w: int, h: int, top: Rgb, bottom: Rgb, power: float = 1.0) -> NDArray[np.float32]:
    t = (np.linspace(0, 1, h, dtype=np.float32) ** power)[:, None, None]
    row = np.asarray(top, np.float32) * (1 - t) + np.asarray(bottom, np.float32) * t
    return np.broadcast_to(row, (h, w, 3)).copy()


def _image(a: NDArray[np.float32]) -> Image.Image:
    return Image.fromarray(np.clip(a, 0, 255).astype(np.uint8))


def _white(rng: np.random.Generator, w: int, h: int) -> Image.Image:
    return Image.new("RGB", (w, h), (255, 255, 255))


def _plain(rng: np.random.Generator, w: int, h: int) -> Image.Image:
    return Image.new("RGB", (w, h), _rgb8(_pick(rng, (0.05, 0.5), (0.6, 1.0))))


def _gradient(rng: np.random.Generator, w: int, h: int) -> Image.Image:
    a, b = _pick(rng, (0.1, 0.6), (0.6, 1)), _pick(rng, (0.05, 0.5), (0.6, 1))
    angle = math.radians(float(rng.uniform(-50, 50)))
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    t = xx * math.sin(angle) / w + yy * math.cos(angle) / h
    t = ((t - t.min()) / (t.max() - t.min()))[..., None]
    return _image(np.asarray(a, np.float32) * (1 - t) + np.asarray(b, np.float32) * t)


def _sky(rng: np.random.Generator, w: int, h: int) -> Image.Image:
    day = rng.random()
    top, low = (
        ((70, 140, 226), (196, 228, 250))
        if day < 0.6
        else ((90, 90, 170), (252, 190, 140))
        if day < 0.85
        else ((16, 20, 52), (60, 64, 110))
    )
    a = _ramp(w, h, top, low)
    cloud = (
        np.clip((fractal(rng, w, h, 3) - 0.52) * 3.4, 0, 1)[..., None]
        * np.linspace(1, 0.3, h, dtype=np.float32)[:, None, None]
    )
    return _image(
        a * (1 - cloud)
        + np.asarray((250, 250, 252), np.float32) * cloud * (0.5 if day > 0.85 else 1)
        + a * cloud * (0.5 if day > 0.85 else 0)
    )


def _trees(draw: ImageDraw.ImageDraw, rng: np.random.Generator, w: int, base: int, size: float) -> None:
    for x in np.arange(-0.05, 1.1, float(rng.uniform(0.05, 0.12))).tolist():
        if rng.random() < 0.25:
            continue
        r = size * float(rng.uniform(0.6, 1.3))
        cx, cy = x * w, base - r * 1.3
        green = hsv_shift((60, 130, 60), float(rng.normal(0, 0.03)), 1, float(rng.uniform(0.5, 1.1)))
        draw.rectangle((cx - r * 0.1, cy, cx + r * 0.1, base), fill=(86, 62, 46))
        for _ in range(9):
            bx, by, br = (
                cx + float(rng.normal(0, 0.45)) * r,
                cy + float(rng.normal(0, 0.4)) * r,
                r * float(rng.uniform(0.3, 0.6)),
            )
            draw.ellipse(
                (bx - br, by - br, bx + br, by + br), fill=_rgb8(mix(green, (20, 50, 30), float(rng.uniform(0, 0.5))))
            )


def _meadow(rng: np.random.Generator, w: int, h: int) -> Image.Image:
    image = _sky(rng, w, h)
    draw = ImageDraw.Draw(image)
    y = int(h * rng.uniform(0.4, 0.75))
    _trees(draw, rng, w, y + 4, h * float(rng.uniform(0.06, 0.18)))
    grass = _ramp(w, h - y, (120, 170, 80), (60, 120, 50))
    grass *= (0.75 + 0.5 * fractal(rng, w, h - y, 8, 5))[..., None]
    image.paste(_image(grass), (0, y))
    for _ in range(int(rng.integers(0, 70))):
        x, fy, r = float(rng.uniform(0, w)), float(rng.uniform(y, h)), float(rng.uniform(1, 4))
        draw.ellipse((x - r, fy - r, x + r, fy + r), fill=_rgb8(_pick(rng, (0.2, 0.9), (0.8, 1))))
    return image


def _street(rng: np.random.Generator, w: int, h: int) -> Image.Image:
    image = _sky(rng, w, h)
    draw = ImageDraw.Draw(image)
    ground = int(h * rng.uniform(0.62, 0.85))
    x = -float(rng.uniform(0, 0.2)) * w
    while x < w:
        bw, top = w * float(rng.uniform(0.14, 0.34)), h * float(rng.uniform(0.02, 0.45))
        wall = _pick(rng, (0.03, 0.35), (0.45, 0.95))
        draw.rectangle((x, top, x + bw, ground), fill=_rgb8(wall))
        step = float(rng.uniform(0.04, 0.09)) * h
        glass = _rgb8(mix(wall, (60, 90, 130), 0.6) if rng.random() < 0.8 else (250, 230, 160))
        for wy in np.arange(top + step * 0.5, ground - step, step).tolist():
            for k in range(int(bw / step)):
                draw.rectangle((x + (k + 0.25) * step, wy, x + (k + 0.8) * step, wy + step * 0.62), fill=glass)
        draw.rectangle((x, top, x + bw * 0.1, ground), fill=_rgb8(mix(wall, (0, 0, 0), 0.2)))
        x += bw
    if rng.random() < 0.6:
        _trees(draw, rng, w, ground, h * 0.09)
    image.paste(_image(_ramp(w, h - ground, (150, 148, 150), (108, 106, 112))), (0, ground))
    for i in range(5):
        draw.line((w * (0.5 + (i - 2) * 0.1), ground, w * (0.5 + (i - 2) * 0.8), h), fill=(190, 190, 186), width=2)
    return image


def _room(rng: np.random.Generator, w: int, h: int) -> Image.Image:
    wall = _pick(rng, (0.04, 0.4), (0.6, 0.98))
    image = _image(_ramp(w, h, wall, mix(wall, (60, 40, 40), 0.2)))
    draw = ImageDraw.Draw(image)
    floor = int(h * rng.uniform(0.62, 0.85))
    if rng.random() < 0.5:
        gap = int(rng.integers(10, 40))
        for x in range(0, w, gap):
            draw.line((x, 0, x, floor), fill=_rgb8(mix(wall, (255, 255, 255), 0.25)), width=max(gap // 4, 1))
    boards = mix((150, 104, 66), wall, float(rng.uniform(0, 0.5)))
    draw.rectangle((0, floor, w, h), fill=_rgb8(boards))
    for i in range(-8, 9):
        draw.line(
            (w / 2 + i * w * 0.09, floor, w / 2 + i * w * 0.3, h), fill=_rgb8(mix(boards, (40, 20, 10), 0.3)), width=2
        )
    for _ in range(int(rng.integers(1, 3))):
        _window(draw, rng, w, floor)
    for _ in range(int(rng.integers(1, 4))):
        _furniture(draw, rng, w, floor)
    return image


def _window(draw: ImageDraw.ImageDraw, rng: np.random.Generator, w: int, floor: int) -> None:
    x, y = float(rng.uniform(-0.1, 0.8)) * w, float(rng.uniform(0.02, 0.2)) * floor
    ww, wh = float(rng.uniform(0.2, 0.42)) * w, float(rng.uniform(0.4, 0.66)) * floor
    frame = _rgb8(_pick(rng, (0, 0.4), (0.5, 1)))
    draw.rectangle((x - 6, y - 6, x + ww + 6, y + wh + 6), fill=frame)
    draw.rectangle((x, y, x + ww, y + wh), fill=_rgb8(mix((176, 214, 246), (255, 250, 230), float(rng.random()))))
    draw.rectangle((x, y + wh * 0.7, x + ww, y + wh), fill=(150, 186, 136))
    draw.line((x + ww / 2, y, x + ww / 2, y + wh), fill=frame, width=5)
    draw.line((x, y + wh / 2, x + ww, y + wh / 2), fill=frame, width=5)
    if rng.random() < 0.6:
        curtain = _rgb8(_pick(rng, (0.1, 0.6), (0.6, 1)))
        draw.polygon(
            [(x - 14, y - 10), (x + ww * 0.24, y - 10), (x + ww * 0.06, y + wh + 14), (x - 14, y + wh + 14)],
            fill=curtain,
        )
        draw.polygon(
            [(x + ww + 14, y - 10), (x + ww * 0.76, y - 10), (x + ww * 0.94, y + wh + 14), (x + ww + 14, y + wh + 14)],
            fill=curtain,
        )


def _furniture(draw: ImageDraw.ImageDraw, rng: np.random.Generator, w: int, floor: int) -> None:
    wood = _pick(rng, (0.2, 0.6), (0.25, 0.7))
    x, fw = float(rng.uniform(-0.1, 0.9)) * w, float(rng.uniform(0.15, 0.4)) * w
    top = floor - float(rng.uniform(0.15, 0.6)) * floor
    base = floor + float(rng.uniform(0, 30))
    if rng.random() < 0.5:  # shelf with books
        draw.rectangle((x, top, x + fw, base), fill=_rgb8(wood))
        rows = 3
        for r in range(rows):
            y0, y1 = top + (base - top) * (r + 0.1) / rows, top + (base - top) * (r + 0.92) / rows
            draw.rectangle((x + 4, y0, x + fw - 4, y1), fill=_rgb8(mix(wood, (20, 10, 10), 0.5)))
            bx = x + 5
            while bx < x + fw - 12:
                bw = float(rng.uniform(4, 11))
                draw.rectangle(
                    (bx, y0 + float(rng.uniform(0, 0.3)) * (y1 - y0), bx + bw, y1),
                    fill=_rgb8(_pick(rng, (0.2, 0.8), (0.4, 0.9))),
                )
                bx += bw + 1
    else:  # desk or table
        draw.rectangle((x, top, x + fw, top + 9), fill=_rgb8(wood))
        for lx in (x + 4, x + fw - 10):
            draw.rectangle((lx, top + 9, lx + 7, base + 20), fill=_rgb8(mix(wood, (10, 5, 5), 0.3)))


def _classroom(rng: np.random.Generator, w: int, h: int) -> Image.Image:
    image = _room(rng, w, h)
    draw = ImageDraw.Draw(image)
    y0, y1 = h * 0.12, h * 0.48
    draw.rectangle((w * 0.05 - 5, y0 - 5, w * 0.95 + 5, y1 + 5), fill=(134, 100, 70))
    draw.rectangle((w * 0.05, y0, w * 0.95, y1), fill=(46, 92, 74))
    for i in range(int(rng.integers(2, 6))):
        yy = y0 + (y1 - y0) * (0.2 + 0.15 * i)
        x = w * float(rng.uniform(0.08, 0.3))
        for _ in range(int(rng.integers(3, 12))):
            draw.line((x, yy, x + 8, yy + float(rng.uniform(-5, 5))), fill=(214, 226, 214), width=2)
            x += float(rng.uniform(9, 22))
    for row in range(3):
        top = h * (0.66 + 0.12 * row)
        for k in range(4):
            x = w * (k * 0.3 - 0.08 + 0.05 * row)
            draw.rectangle((x, top, x + w * 0.2, top + 8), fill=(198, 156, 108))
            draw.line((x + 5, top + 8, x + 5, top + h * 0.14), fill=(100, 100, 110), width=4)
            draw.line((x + w * 0.2 - 5, top + 8, x + w * 0.2 - 5, top + h * 0.14), fill=(100, 100, 110), width=4)
    return image


def _bokeh(rng: np.random.Generator, w: int, h: int) -> Image.Image:
    base = _pick(rng, (0.2, 0.7), (0.15, 0.6))
    image = _image(_ramp(w, h, base, mix(base, _pick(rng), 0.4)))
    over = Image.new("RGB", (w, h))
    draw = ImageDraw.Draw(over)
    for _ in range(int(rng.integers(20, 60))):
        x, y, r = float(rng.uniform(0, w)), float(rng.uniform(0, h)), float(rng.uniform(0.01, 0.08)) * w
        draw.ellipse((x - r, y - r, x + r, y + r), fill=_rgb8(_pick(rng, (0.1, 0.7), (0.3, 0.8))))
    added = np.asarray(image, np.float32) + np.asarray(over.filter(ImageFilter.GaussianBlur(3)), np.float32) * 0.7
    return _image(added)


def _painted(rng: np.random.Generator, w: int, h: int) -> Image.Image:
    a, b, c = _pick(rng), _pick(rng), _pick(rng)
    t, u = fractal(rng, w, h, 2, 6)[..., None], fractal(rng, w, h, 4, 4)[..., None]
    return _image(
        (np.asarray(a, np.float32) * t + np.asarray(b, np.float32) * (1 - t)) * (1 - 0.5 * u)
        + np.asarray(c, np.float32) * 0.5 * u
    )


def _stripes(rng: np.random.Generator, w: int, h: int) -> Image.Image:
    a, b = _pick(rng, (0.05, 0.6), (0.6, 1)), _pick(rng, (0.0, 0.5), (0.7, 1))
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    angle, period = float(rng.uniform(0, math.pi)), float(rng.uniform(14, 70))
    if rng.random() < 0.25:  # rays
        phase = np.arctan2(yy - h * 0.5, xx - w * 0.5) * int(rng.integers(5, 14)) / math.pi
    else:
        phase = (xx * math.cos(angle) + yy * math.sin(angle)) / period
    m = (np.abs(phase % 1.0 - 0.5) < 0.25).astype(np.float32)[..., None]
    return _image(np.asarray(a, np.float32) * m + np.asarray(b, np.float32) * (1 - m))


def _dots(rng: np.random.Generator, w: int, h: int) -> Image.Image:
    image = Image.new("RGB", (w, h), _rgb8(_pick(rng, (0.05, 0.5), (0.7, 1))))
    draw = ImageDraw.Draw(image)
    step = int(rng.integers(18, 70))
    r, colour = step * float(rng.uniform(0.12, 0.36)), _rgb8(_pick(rng, (0, 0.6), (0.6, 1)))
    for j, y in enumerate(range(0, h + step, step)):
        for x in range(0, w + step, step):
            cx = x + (step // 2 if j % 2 else 0)
            draw.ellipse((cx - r, y - r, cx + r, y + r), fill=colour)
    return image


def _hatch(rng: np.random.Generator, w: int, h: int) -> Image.Image:
    paper = _pick(rng, (0, 0.15), (0.85, 1))
    image = Image.new("RGB", (w, h), _rgb8(paper))
    draw = ImageDraw.Draw(image)
    ink = _rgb8(mix(paper, _pick(rng, (0, 0.5), (0.1, 0.5)), 0.6))
    for _ in range(int(rng.integers(20, 90))):
        x, y, a, n = (
            float(rng.uniform(0, w)),
            float(rng.uniform(0, h)),
            float(rng.uniform(0, 3.2)),
            int(rng.integers(3, 12)),
        )
        for k in range(n):
            ox, oy = x + k * 5 * math.sin(a), y - k * 5 * math.cos(a)
            draw.line((ox, oy, ox + 40 * math.cos(a), oy + 40 * math.sin(a)), fill=ink, width=1)
    return image


def _clutter(rng: np.random.Generator, w: int, h: int) -> Image.Image:
    """Random overlapping shapes: hard edges everywhere."""
    image = Image.new("RGB", (w, h), _rgb8(_pick(rng)))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(15, 60))):
        x, y, r = float(rng.uniform(0, w)), float(rng.uniform(0, h)), float(rng.uniform(0.03, 0.3)) * w
        c = _rgb8(_pick(rng, (0, 0.8), (0.15, 1)))
        kind = rng.random()
        if kind < 0.4:
            draw.ellipse(
                (x - r, y - r * 0.8, x + r, y + r * 0.8), fill=c, outline=(30, 30, 30) if rng.random() < 0.3 else None
            )
        elif kind < 0.7:
            draw.rectangle((x - r, y - r * 0.5, x + r, y + r * 0.5), fill=c)
        else:
            draw.polygon([(x + r * float(rng.normal()), y + r * float(rng.normal())) for _ in range(4)], fill=c)
    return image


# name: (painter, Danbooru tags)
BACKGROUNDS: dict[str, tuple[Callable[[np.random.Generator, int, int], Image.Image], tuple[str, ...]]] = {
    "white": (_white, ("simple_background", "white_background")),
    "plain": (_plain, ("simple_background",)),
    "gradient": (_gradient, ("gradient_background",)),
    "sky": (_sky, ("outdoors", "sky", "cloud")),
    "meadow": (_meadow, ("outdoors", "sky", "grass", "tree")),
    "street": (_street, ("outdoors", "city", "building")),
    "room": (_room, ("indoors", "window")),
    "classroom": (_classroom, ("indoors", "classroom", "chalkboard")),
    "bokeh": (_bokeh, ("blurry_background", "bokeh")),
    "painted": (_painted, ("abstract_background",)),
    "stripes": (_stripes, ("striped_background",)),
    "dots": (_dots, ("polka_dot_background",)),
    "hatch": (_hatch, ("sketch_background",)),
    "clutter": (_clutter, ("abstract_background",)),
}


def paint_background(name: str, size: tuple[int, int], seed: int, busy: bool = False) -> Picture:
    """A background, uint8 H x W x 3. `busy` adds photograph-like texture, blur and pasted look-alikes of faces."""
    rng = np.random.default_rng([seed, 11])
    w, h = size
    image = BACKGROUNDS[name][0](rng, w, h).convert("RGB")
    if busy and name != "white":
        for _ in range(int(rng.integers(0, 5))):
            side = int(rng.uniform(0.08, 0.4) * min(w, h))
            thing = Image.fromarray(random_distractor(rng, side))
            image.paste(thing, (int(rng.uniform(-0.1, 0.95) * w), int(rng.uniform(-0.1, 0.95) * h)), thing)
        if rng.random() < 0.5:
            image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 4))))
        a = np.asarray(image, np.float32)
        if rng.random() < 0.6:
            light = fractal(rng, w, h, int(rng.integers(2, 6)), 5)[..., None]
            a = a * (1 - float(rng.uniform(0.1, 0.6)) * light)
        a = a + rng.normal(0, float(rng.uniform(0, 9)), (h, w, 1)).astype(np.float32)
        image = _image(a)
    elif name in ("room", "classroom", "street", "meadow"):
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.6, 1.8))))
    return np.asarray(image, dtype=np.uint8)
