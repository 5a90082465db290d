"""One picture: scene, subject with its surface and light, weather, and the style's treatment."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from random import Random

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFilter

from builders.generators.light.canvas import FINE
from builders.generators.light.fields import Field, Pixels, blurred, slope, step
from builders.generators.light.geometry import Part, turned
from builders.generators.light.patterns import layer, ragged
from builders.generators.light.pigments import RAINBOW, Rgb, mixed, shaded
from builders.generators.light.scenes import Scene, scene
from builders.generators.light.styles import Style, style
from builders.generators.light.subjects import Subject, subject
from builders.generators.light.weather import before

_WHITE: Rgb = (255, 255, 255)
Box = tuple[int, int, int, int]


def render(parts: Mapping[str, str], class_name: str, text: str, seed: int, size: int) -> Pixels:
    """The picture of a prompt, uint8 size x size x 3. Equal arguments give equal bytes."""
    # Streams of their own, so that another background leaves the subject where it is.
    r, around = Random(_number(seed, 1)), Random(_number(seed, 2))
    how = style(parts.get("style") or "")
    place = scene(parts.get("motion") or parts.get("background") or "", size, around)
    who = subject(parts, class_name, text, r)
    picture = _staged(who, place, how, r, np.random.default_rng(_number(seed, 3)))
    picture = before(picture, place.front, around)
    return how.treat(picture, np.random.default_rng(_number(seed, 4)))


def _number(seed: int, stream: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{stream}".encode()).digest()[:8], "big")


def _staged(who: Subject, place: Scene, how: Style, r: Random, rng: np.random.Generator) -> Pixels:
    """The subject in its scene."""
    size = place.backdrop.shape[0]
    back = Image.fromarray(place.backdrop)
    if how.blur:
        back = back.filter(ImageFilter.GaussianBlur(how.blur * size / 256))
    points, box, ground = _placed(who, place, how, r, size)
    colour, sheet = _inked(who, points, box)
    alpha, mask, height = (sheet[..., k] for k in range(3))
    painted = _painted(who, colour, (alpha, mask, height), how.soft, 1 if r.random() < 0.5 else -1, rng)
    if who.finish.fuzz:
        alpha = ragged(blurred(alpha, 1.6 * size / 256), who.finish.fuzz, rng)
    if not place.floating:
        back = _shadowed(back, ground, (box[0] + box[2]) / 2, (box[2] - box[0]) * 0.4, jump=who.pose == "jump")
    out = np.array(back, np.uint8)
    x0, y0, x1, y1 = box
    cx0, cy0, cx1, cy1 = max(x0, 0), max(y0, 0), min(x1, size), min(y1, size)
    inside = (slice(cy0 - y0, cy1 - y0), slice(cx0 - x0, cx1 - x0))
    a = (alpha * np.float32(1 - who.finish.clear))[inside][..., None]
    under = out[cy0:cy1, cx0:cx1].astype(np.float32)
    tint = np.asarray(mixed(place.tint, _WHITE, 0.35), np.float32) * np.float32(1 / 255)
    out[cy0:cy1, cx0:cx1] = np.clip(under * (1 - a) + painted[inside] * tint * a + np.float32(0.5), 0,
                                    255).astype(np.uint8)
    return out


def _placed(who: Subject, place: Scene, how: Style, r: Random, size: int) -> tuple[list[Part], Box, float]:
    """The parts in pixels of the box around them, that box (x0, y0, x1, y1), and the ground's y."""
    tilt = (r.random() - 0.5) * (8 if not place.floating else 26) + (7 if who.pose == "run" else 0)
    flip = -1 if r.random() < 0.5 else 1
    dx, dy = (r.random() - 0.5) * 0.12, (r.random() - 0.5) * 0.05
    everything = np.concatenate([part.points for part in who.parts])
    span = everything.max(axis=0) - everything.min(axis=0)
    tall = 1 - float(everything[:, 1].min())  # above the ground, which feet in the air do not touch
    wanted = who.scale * how.zoom * (0.94 + 0.12 * r.random())
    scale = min(wanted, 1.92 / float(span[0]), 2 * (0.86 + dy) / tall) * size / 2
    ground = (0.89 + dy) * size if not place.floating else (0.5 + dy * 2) * size + span[1] * scale / 2
    if how.zoom > 1:
        ground = min(0.97, 0.89 + 0.2 * (how.zoom - 1)) * size
    lift = 0.16 * size if who.pose == "jump" else 0.0
    lift = min(lift, max(0.0, ground - tall * scale - 0.03 * size))
    at = np.asarray([(0.5 + dx) * size, ground - lift])
    moved = [part._replace(points=turned(part.points - (0, 1), tilt) * (scale * flip, scale) + at)
             for part in who.parts]
    everything = np.concatenate([part.points for part in moved])
    pad = 6 * size // 256
    low, high = np.floor(everything.min(axis=0)).astype(int) - pad, np.ceil(everything.max(axis=0)).astype(int) + pad
    box = (int(low[0]), int(low[1]), int(high[0]), int(high[1]))
    return [part._replace(points=part.points - low) for part in moved], box, ground


def _inked(who: Subject, parts: list[Part], box: Box) -> tuple[Field, Field]:
    """Flat colours (H x W x 3, 0..255), and a sheet of coverage, share of pigment and height (0..1)."""
    w, h = box[2] - box[0], box[3] - box[1]
    inks = {"main": who.pigment, "dark": shaded(who.pigment, 1.05, 0.68, 0), "pale": mixed(who.pigment, _WHITE, 0.34),
            "second": who.second, **who.marks}
    colour = Image.new("RGB", (w * FINE, h * FINE), who.pigment)
    sheet = Image.new("RGB", (w * FINE, h * FINE))
    on_colour, on_sheet = ImageDraw.Draw(colour), ImageDraw.Draw(sheet)
    for part in parts:
        outline = (part.points * FINE).ravel().tolist()
        own = part.ink.startswith("#")
        on_colour.polygon(outline, fill=part.ink if own else inks[part.ink])
        on_sheet.polygon(outline, fill=(255, 0 if own else 255, round(60 + 195 * part.level)))
    return np.asarray(colour.reduce(FINE), np.float32), np.asarray(sheet.reduce(FINE), np.float32) * np.float32(1 / 255)


def _painted(who: Subject, colour: Field, sheet: tuple[Field, Field, Field], soft: float, light: int,
             rng: np.random.Generator) -> Field:
    """The surface's figure and relief, then light from the upper left (1) or right (-1)."""
    alpha, mask, height = sheet
    h, w = alpha.shape
    u = np.broadcast_to(np.linspace(-1, 1, w, dtype=np.float32)[None] * np.float32(w / max(h, w)), (h, w))
    v = np.broadcast_to(np.linspace(-1, 1, h, dtype=np.float32)[:, None] * np.float32(h / max(h, w)), (h, w))
    how = who.finish
    if who.rainbow:
        colour = _hued(colour, mask, who.pigment)
    ink, bumps = layer(how, u, v, rng)
    other = np.asarray(who.second if how.ink > 0 else _WHITE, np.float32)
    share = (np.clip(ink, 0, 1) * mask * np.float32(min(1.0, abs(how.ink))))[..., None]
    out = colour + (other - colour) * share
    round_ = blurred(alpha, max(h, w) / 14) + np.float32(0.55) * blurred(height, max(1.0, max(h, w) / 90))
    dx, dy = slope(round_)
    bx, by = slope(bumps)
    side = np.float32(light)
    shade = (side * dx + dy) * np.float32(0.028 * max(h, w)) + (side * bx + by) * mask * np.float32(0.42 * how.relief)
    body = np.float32(0.16) * (-side * u * np.float32(max(h, w) / w) - v * np.float32(0.6))
    lit = 1 + (shade + body) * np.float32(soft)
    if how.metal:
        bars = step(np.abs((u * np.float32(2.1) + v * np.float32(0.5)) % 1 - np.float32(0.5)), 0.1, 0.5)
        lit = lit + (bars - np.float32(0.45)) * np.float32(0.75 * how.metal) * mask
    out = out * np.clip(lit, 0.3, 1.6)[..., None]
    if how.gloss > 0.1:
        x = (u * np.float32(max(h, w) / w) + side * np.float32(0.36)) * np.float32(2.8) + v * np.float32(0.5)
        y = (v * np.float32(max(h, w) / h) + np.float32(0.3)) * np.float32(1.5)
        spot = np.clip(1 - (x * x + y * y), 0, 1)
        out = out + (255 - out) * (spot * (0.35 + 0.65 * mask) * np.float32(0.75 * min(1.0, how.gloss)
                                                                            * max(soft, 0.4)))[..., None]
    return np.asarray(np.clip(out, 0, 255), np.float32)


def _hued(colour: Field, mask: Field, ink: Rgb) -> Field:
    """Six bands of hues, from red at the top to violet, as light or dark as the pigment was."""
    bands = np.asarray([ImageColor.getrgb(one) for one in RAINBOW], np.float32)
    hues = bands[np.arange(len(mask)) * len(bands) // len(mask)][:, None]
    light = colour.mean(axis=2, keepdims=True) * np.float32(3 / max(1, sum(ink)))
    return np.asarray(colour + (np.minimum(hues * light, 255) - colour) * mask[..., None], np.float32)


def _shadowed(back: Image.Image, ground: float, x: float, half: float, jump: bool) -> Image.Image:
    """A soft shadow on the ground."""
    size = back.size[0]
    half *= 0.6 if jump else 1
    small = Image.new("L", (size // 4, size // 4))
    deep = half * 0.16
    ImageDraw.Draw(small).ellipse(((x - half) / 4, (ground - deep) / 4, (x + half) / 4, (ground + deep) / 4), fill=130)
    mask = small.filter(ImageFilter.GaussianBlur(size / 170)).resize(back.size, Image.Resampling.BILINEAR)
    dark = Image.new("RGB", back.size, (16, 14, 18))
    return Image.composite(dark, back, mask)
