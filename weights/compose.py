"""Pictures composed on the fly from the bank: what the network sees, and the truth of it.

Figure and background are coloured apart, so that no shared palette gives the figure away.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from weights.data import Bank, Stored
from weights.figure import Box, blank, dress, mirrored, recolour, turned_by, warped, with_long_chin
from weights.trimmings import trimmed

Pixels = NDArray[np.uint8]

SEEN = 0.55  # a face with at least this share in view is a target
UNSEEN = 0.15  # with less than this it is background; between the two it counts neither way


@dataclass(frozen=True)
class Picture:
    """`image` uint8 S x S x 3 (letterboxed), `matte` uint8 S x S, boxes x0, y0, x1, y1 in its pixels."""

    image: Pixels
    matte: Pixels
    faces: tuple[Box, ...]
    unsure: tuple[Box, ...]


@dataclass
class _Placed:
    """A figure scaled and placed: RGBA at (x, y) of the canvas, its face there and the share of it in view."""

    image: Image.Image
    x: int
    y: int
    face: Box
    seen: float


def _patch(bank: Bank, rng: Generator, width: int, height: int, kind: str = "scenes") -> Image.Image:
    """A random part of a random background, mirrored half the time."""
    source = Image.fromarray(bank.pixels(kind, int(rng.integers(bank.count(kind)))))
    ratio = min(source.width / width, source.height / height) * rng.uniform(0.45, 1.0)
    x, y = rng.uniform(0, source.width - width * ratio), rng.uniform(0, source.height - height * ratio)
    image = source.resize((width, height), Image.Resampling.BILINEAR, (x, y, x + width * ratio, y + height * ratio))
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else image


def _swatch(bank: Bank, rng: Generator, width: int, height: int) -> Image.Image:
    """A part of a drawing's clothes with no outline around it: the look of a figure, but no figure."""
    stored = bank.figure(int(rng.integers(bank.count("figures"))))
    tall, wide = stored.pixels.shape[:2]
    top = min(max(0, int(stored.face[3] + 0.2 * (stored.face[3] - stored.face[1]))), tall - 8)
    row = int(rng.integers(top, tall - 4))
    solid = np.nonzero(stored.pixels[row, :, 3] > 250)[0]
    side = max(4, int(0.12 * wide))
    x = int(rng.choice(solid)) if solid.size else wide // 2
    part = stored.pixels[max(top, row - side) : row + side, max(0, x - side) : x + side]
    colour = tuple(part[part.shape[0] // 2, part.shape[1] // 2, :3].tolist())
    flat = Image.new("RGB", (part.shape[1], part.shape[0]), colour)
    cut = Image.fromarray(np.ascontiguousarray(part))
    flat.paste(cut, (0, 0), cut)
    return flat.resize((width, height), Image.Resampling.BILINEAR)


def _backdrop(bank: Bank, rng: Generator, width: int, height: int, wild: float) -> Image.Image:
    """A plain colour, a place in perspective, a background, or a collage of several with hard edges."""
    if rng.random() < 0.1:
        shade = 255 if rng.random() < 0.4 else int(rng.integers(0, 256))
        colour = tuple(np.clip(shade + rng.normal(0, 12, 3) * (rng.random() < 0.7), 0, 255).astype(int).tolist())
        return Image.new("RGB", (width, height), colour)
    if rng.random() < 0.65:
        return _place_in_perspective(bank, rng, width, height, wild)
    image = recolour(_patch(bank, rng, width, height), rng, wild * rng.choice([0.3, 0.6, 1.0]))
    if rng.random() < 0.4:
        for _ in range(int(rng.integers(2, 9))):
            wide, tall = (max(6, int(side * np.exp(rng.uniform(-3, -0.3)))) for side in (width, height))
            piece = _patch(bank, rng, wide, tall) if rng.random() < 0.92 else _swatch(bank, rng, wide, tall)
            piece = recolour(piece, rng, 0.6 * wild)
            at = (int(rng.uniform(-0.2, 1) * width), int(rng.uniform(-0.2, 1) * height))
            shape = Image.new("L", (wide, tall), 255)
            if rng.random() < 0.5:
                shape.paste(0, (0, 0, wide, tall))
                ImageDraw.Draw(shape).ellipse((0, 0, wide, tall), 255)
            image.paste(piece, at, shape)
    if rng.random() < 0.2:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 5)))
    if rng.random() < 0.5:  # photographs are duller than random colours
        image = Image.blend(image, image.convert("L").convert("RGB"), rng.uniform(0.2, 0.85))
    return image


def _place_in_perspective(bank: Bank, rng: Generator, width: int, height: int, wild: float) -> Image.Image:
    """A room, street or park as sharp as the figure, mostly in its own colours."""
    image = recolour(_patch(bank, rng, width, height, "spaces"), rng, wild * rng.choice([0.0, 0.3, 0.8]))
    if rng.random() < 0.1:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 3)))
    if rng.random() < 0.2:
        image = Image.blend(image, image.convert("L").convert("RGB"), rng.uniform(0.2, 0.85))
    return image


def _litter(canvas: Image.Image, bank: Bank, rng: Generator, scale: float) -> None:
    """Paste distractors: round, eyed or skin-coloured things that are neither face nor figure."""
    for _ in range(int(rng.integers(1, 5))):
        thing = Image.fromarray(bank.pixels("distractors", int(rng.integers(bank.count("distractors")))))
        side = max(8, int(canvas.height * rng.uniform(0.06, 0.45) * scale))
        thing = thing.resize((side, max(8, side * thing.height // thing.width)), Image.Resampling.BILINEAR)
        colour = recolour(thing.convert("RGB"), rng, 0.8)
        x, y = int(rng.uniform(-0.3, 1) * canvas.width), int(rng.uniform(-0.2, 1) * canvas.height)
        canvas.paste(colour, (x, y), thing.getchannel("A"))


def _scale_and_place(
    size: tuple[int, int], face: Box, cut: tuple[bool, bool, bool, bool], canvas: tuple[int, int], rng: Generator
) -> tuple[float, float, float]:
    """Scale of a figure and where its top left corner goes, so that edges the frame cut stay at the frame."""
    width, height = canvas
    tall = size[1]
    if rng.random() < 0.3 and face[3] > face[1]:
        scale = max(width, height) * np.exp(rng.uniform(np.log(0.06), np.log(0.5))) / (face[3] - face[1])
        scale = float(np.clip(scale, 0.25 * height / tall, 2.6 * height / tall))
    else:
        scale = height / tall * rng.uniform(0.7, 1.0) if rng.random() < 0.55 else height / tall * rng.uniform(1.0, 2.0)
    scale = min(scale, 1.9)
    if cut[1] and cut[3]:
        scale = max(scale, (height + 3) / tall)
    wide, tall_there = size[0] * scale, tall * scale
    x = (width - wide) * rng.uniform(0.3, 0.7)
    if rng.random() < 0.5:  # up to a quarter of it beyond either side
        x = rng.uniform(*sorted((-0.25 * wide, width - 0.75 * wide)))
    slack = height - tall_there
    y = rng.uniform(0, 0.25) * height if slack < 0 and rng.random() < 0.5 else rng.uniform(0, 1) * max(slack, 0)
    if rng.random() < 0.12:
        y -= rng.uniform(0, 0.35) * tall_there
    if cut[3] or rng.random() < 0.25:
        y = max(y, height - tall_there + 1)
    if cut[1]:
        y = min(y, -1.0)
    if cut[0] != cut[2]:
        x = min(x, -1.0) if cut[0] else max(x, width - wide + 1)
    return scale, x, y


def _place(stored: Stored, canvas: tuple[int, int], rng: Generator) -> _Placed:
    if rng.random() < 0.5:
        stored = mirrored(stored)
    if rng.random() < 0.65:
        stored = trimmed(stored, rng)
    image, face, seen, cut = Image.fromarray(stored.pixels), stored.face, stored.seen, stored.cut
    if rng.random() < 0.25:
        image, face = with_long_chin(image, face, rng)
    if rng.random() < 0.5:
        wide = image.width
        image = warped(image, face[3], rng)
        pad = (image.width - wide) // 2
        face = (face[0] + pad, face[1], face[2] + pad, face[3])
        cut = (cut[0] and not pad, cut[1], cut[2] and not pad, cut[3])
    if rng.random() < 0.2 and not (cut[0] or cut[2]):
        image, face = turned_by(image, face, rng.uniform(-14, 14))
    odd = rng.random()
    if odd < 0.03:
        image, seen = blank(image, face, rng), 0.0
    elif odd < 0.06 and 0 < face[3] < image.height * 0.7:  # without a head, cut off by the upper edge
        top = int(face[3] + 0.15 * (face[3] - face[1]))
        image, seen, cut = image.crop((0, top, image.width, image.height)), 0.0, (cut[0], True, cut[2], cut[3])
    scale, x, y = _scale_and_place(image.size, face, cut, canvas, rng)
    size = (max(4, round(image.width * scale)), max(4, round(image.height * scale)))
    small = image.resize(size, Image.Resampling.BILINEAR)
    sx, sy, left, top = size[0] / image.width, size[1] / image.height, round(x), round(y)
    there = (face[0] * sx + left, face[1] * sy + top, face[2] * sx + left, face[3] * sy + top)
    frame = (max(left, 0), max(top, 0), min(left + size[0], canvas[0]), min(top + size[1], canvas[1]))
    return _Placed(small, left, top, there, _share(there, frame) if seen > UNSEEN else 0.0)


def _share(box: Box, frame: tuple[float, float, float, float]) -> float:
    width = min(box[2], frame[2]) - max(box[0], frame[0])
    height = min(box[3], frame[3]) - max(box[1], frame[1])
    return max(width, 0.0) * max(height, 0.0) / max((box[2] - box[0]) * (box[3] - box[1]), 1e-6)


def _finish(image: Image.Image, rng: Generator) -> Image.Image:
    """What happens to a whole picture: colour, resampling, blur or sharpening, noise, JPEG."""
    if rng.random() < 0.5:
        image = recolour(image, rng, 0.3)
    roll = rng.random()
    if roll < 0.12:
        width, height = (max(8, int(side * rng.uniform(0.4, 0.9))) for side in image.size)
        small = image.resize((width, height), Image.Resampling.BILINEAR)
        image = small.resize(image.size, Image.Resampling.BICUBIC)
    elif roll < 0.2:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
    elif roll < 0.4:
        image = image.filter(ImageFilter.UnsharpMask(rng.uniform(0.6, 2), int(rng.integers(40, 160)), 0))
    if rng.random() < 0.15:
        grain = rng.normal(0, rng.uniform(1, 12), (image.height, image.width, 1 if rng.random() < 0.5 else 3))
        image = Image.fromarray(np.clip(np.asarray(image, np.float32) + grain, 0, 255).astype(np.uint8))
    if rng.random() < 0.4:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=int(rng.integers(30, 96)))
        image = Image.open(buffer).convert("RGB")
    return image


def _canvas_size(rng: Generator, size: int) -> tuple[int, int]:
    """Width and height of the picture inside the letterbox: tall ones more often than wide ones."""
    roll = rng.random()
    if roll < 0.2:
        return size, size
    ratio = rng.uniform(0.45, 1.0) if roll < 0.75 else rng.uniform(1.0, 1.9)
    return (max(32, round(size * ratio)), size) if ratio < 1 else (size, max(32, round(size / ratio)))


def compose(bank: Bank, rng: Generator, size: int, wild: float = 1.0) -> Picture:
    """One training picture of `size` x `size`; all of it follows from the state of `rng` and the bank.

    `wild` 0..1 scales how far the colours of figure and background stray from what was drawn.
    """
    width, height = _canvas_size(rng, size)
    image = _backdrop(bank, rng, width, height, wild)
    if rng.random() < 0.35:
        _litter(image, bank, rng, 1.0)
    matte = Image.new("L", (width, height))
    faces: list[Box] = []
    unsure: list[Box] = []
    frame = (0.0, 0.0, float(width), float(height))
    for _ in range(int(rng.choice([0, 1, 2], p=[0.07, 0.83, 0.10]))):
        placed = _place(bank.figure(int(rng.integers(bank.count("figures")))), (width, height), rng)
        figure = dress(placed.image, bank, rng, wild)
        alpha = figure.getchannel("A")
        if rng.random() < 0.1:  # a soft shadow behind the figure, which is background
            shadow = alpha.filter(ImageFilter.GaussianBlur(rng.uniform(2, 6))).point(lambda v: v * 0.5)
            image.paste((0, 0, 0), (placed.x + int(rng.integers(-8, 9)), placed.y + int(rng.integers(-2, 9))), shadow)
        taken = (placed.x, placed.y, placed.x + figure.width, placed.y + figure.height)
        if any(_share(old, taken) > 0.3 for old in faces):
            unsure += [old for old in faces if _share(old, taken) > 0.3]
            faces = [old for old in faces if _share(old, taken) <= 0.3]
        image.paste(figure, (placed.x, placed.y), alpha)
        matte.paste(255, (placed.x, placed.y), alpha)
        x0, y0, x1, y1 = placed.face
        clipped = (max(x0, frame[0]), max(y0, frame[1]), min(x1, frame[2]), min(y1, frame[3]))
        if placed.seen >= SEEN:
            faces.append(clipped)
        elif placed.seen > UNSEEN:
            unsure.append(clipped)
    return _letterboxed(_finish(image, rng), matte, faces, unsure, size, 114 if rng.random() < 0.5 else 0)


def _letterboxed(
    image: Image.Image, matte: Image.Image, faces: list[Box], unsure: list[Box], size: int, pad: int
) -> Picture:
    left, top = (size - image.width) // 2, (size - image.height) // 2
    whole = np.full((size, size, 3), pad, np.uint8)
    whole[top : top + image.height, left : left + image.width] = np.asarray(image)
    alpha = np.zeros((size, size), np.uint8)
    alpha[top : top + image.height, left : left + image.width] = np.asarray(matte)
    moved = [[(x0 + left, y0 + top, x1 + left, y1 + top) for x0, y0, x1, y1 in some] for some in (faces, unsure)]
    return Picture(whole, alpha, tuple(moved[0]), tuple(moved[1]))
