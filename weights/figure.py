"""What happens to a figure before it is placed: shape, colour, light and line.

Everything here keeps the alpha true to what is shown, and the face box true to the face.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageFilter

from weights.data import Bank, Stored
from weights.scenery import light, noise

Box = tuple[float, float, float, float]


def recolour(image: Image.Image, rng: Generator, strength: float) -> Image.Image:
    """Random hue turn, saturation, contrast, brightness and gamma of an RGB picture."""
    angle = rng.normal(0, 0.5) * strength if rng.random() < 0.6 else rng.uniform(-np.pi, np.pi) * strength
    saturation = rng.uniform(1 - 0.75 * strength, 1 + 0.5 * strength) if rng.random() > 0.1 * strength else 0.0
    grey = np.full((3, 3), 1 / 3)
    cos, sin = np.cos(angle), np.sin(angle)
    axis = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    turn = cos * np.eye(3) + (1 - cos) * grey + sin * axis  # rotation about the grey axis
    luma = np.tile([0.299, 0.587, 0.114], (3, 1))
    contrast = rng.uniform(1 - 0.45 * strength, 1 + 0.35 * strength)
    mix = contrast * (saturation * turn + (1 - saturation) * luma)
    shift = (1 - contrast) * 128 + rng.uniform(-45, 45) * strength + rng.normal(0, 8, 3) * strength
    matrix = tuple(np.hstack([mix, shift[:, None]]).reshape(-1).tolist())
    gamma = float(np.exp(rng.normal(0, 0.35 * strength)))
    table = (255 * (np.arange(256) / 255) ** gamma).astype(np.uint8).tolist()
    return image.convert("RGB", matrix).point(table * 3)


def blank(image: Image.Image, face: Box, rng: Generator) -> Image.Image:
    """The figure with its face painted over by its own mean colours: a head that is no face."""
    x0, y0, x1, y1 = (round(v) for v in face)
    x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, image.width), min(y1, image.height)
    if x1 - x0 < 4 or y1 - y0 < 4:
        return image
    patch = image.crop((x0, y0, x1, y1)).convert("RGB")
    flat = patch.resize((int(rng.integers(1, 3)),) * 2, Image.Resampling.BOX).resize(patch.size)
    plain = image.copy()
    plain.paste(flat, (x0, y0), image.crop((x0, y0, x1, y1)).getchannel("A"))
    return plain


def mirrored(stored: Stored) -> Stored:
    x0, y0, x1, y1 = stored.face
    width = stored.pixels.shape[1]
    left, top, right, bottom = stored.cut
    return Stored(stored.pixels[:, ::-1], (width - x1, y0, width - x0, y1), stored.seen, (right, top, left, bottom))


def turned_by(image: Image.Image, face: Box, degrees: float) -> tuple[Image.Image, Box]:
    """The figure turned counter-clockwise, and the box around its turned face."""
    cos, sin = float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))
    turned = image.rotate(degrees, Image.Resampling.BILINEAR, expand=True)
    dx, dy = (face[0] + face[2] - image.width) / 2, (face[1] + face[3] - image.height) / 2
    cx, cy = turned.width / 2 + cos * dx + sin * dy, turned.height / 2 - sin * dx + cos * dy
    # a face is nearer an ellipse than a box: the box around the turned ellipse
    half = (face[2] - face[0]) / 2, (face[3] - face[1]) / 2
    wide, tall = float(np.hypot(half[0] * cos, half[1] * sin)), float(np.hypot(half[0] * sin, half[1] * cos))
    return turned, (cx - wide, cy - tall, cx + wide, cy + tall)


def with_long_chin(image: Image.Image, face: Box, rng: Generator) -> tuple[Image.Image, Box]:
    """The figure with the lower half of its face longer or shorter: shouting, looking down or up."""
    middle, chin = (face[1] + face[3]) / 2, face[3]
    if not 0 < middle < chin < image.height:
        return image, face
    more = round((chin - middle) * rng.uniform(-0.25, 0.6))
    width, height = image.width, image.height + more
    parts = ((0.0, middle, 0.0, middle), (middle, chin, middle, chin + more), (chin, image.height, chin + more, height))
    mesh = []
    for low, high, to_low, to_high in parts:
        box = (0, round(to_low), width, round(to_high))
        mesh.append((box, (0.0, low, 0.0, high, float(width), high, float(width), low)))
    mesh = [(box, quad) for box, quad in mesh if box[3] > box[1]]
    longer = image.transform((width, height), Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)
    return longer, (face[0], face[1], face[2], face[3] + more)


def warped(image: Image.Image, below: float, rng: Generator) -> Image.Image:
    """The figure with everything under `below` (the chin) bent and stretched: arms and skirts that we never drew."""
    chin = int(min(max(below, 0), image.height))
    if image.height - chin < 24:
        return image
    wide = int(image.width * rng.uniform(1.0, 2.0))
    pad = (wide - image.width) // 2
    columns = np.linspace(0, wide, 5)
    rows = np.linspace(chin, image.height, 5)
    source_x = np.tile(columns - pad, (5, 1))
    source_y = np.tile(rows[:, None], (1, 5))
    reach = (image.height - chin) / 4
    source_x[1:] += np.cumsum(rng.normal(0, 0.2 * image.width / 4, (4, 1)), 0) + rng.normal(0, 0.2 * reach, (4, 5))
    spread = 1 / np.exp(np.cumsum(rng.normal(0.03, 0.2, 4)))
    middle = image.width / 2
    source_x[1:] = middle + (source_x[1:] - middle) * spread[:, None]
    source_y[1:-1] += rng.normal(0, 0.2 * reach, (3, 5))
    mesh = []
    if chin:
        mesh.append(((0, 0, wide, chin), (-pad, 0, -pad, chin, wide - pad, chin, wide - pad, 0)))
    for i in range(4):
        for j in range(4):
            box = (round(columns[j]), round(rows[i]), round(columns[j + 1]), round(rows[i + 1]))
            order = ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))
            quad = tuple(float(v) for r, c in order for v in (source_x[r, c], source_y[r, c]))
            mesh.append((box, quad))
    return image.transform((wide, image.height), Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)


def _two_tone(colour: Image.Image, rng: Generator) -> Image.Image:
    """Part of the figure in another light: hard or soft shadow whose hue differs, from one side or in patches."""
    cells = 24
    field = noise(rng, cells, 2.5, 1)[..., 0] * np.float32(rng.uniform(0, 1.5))
    angle = rng.uniform(0, 2 * np.pi)
    line = np.linspace(-2, 2, cells, dtype=np.float32)
    field = field + np.float32(np.cos(angle)) * line[None] + np.float32(np.sin(angle)) * line[:, None]
    sharp = rng.choice([60.0, 200.0, 2000.0])
    mask = Image.fromarray(field).resize(colour.size, Image.Resampling.BICUBIC)
    mask = Image.fromarray(np.clip(np.asarray(mask) * sharp + 128, 0, 255).astype(np.uint8))
    other = recolour(colour, rng, rng.choice([0.4, 0.8])).point(lambda v: v * 0.75)
    return Image.composite(other, colour, mask)


def _volume(colour: Image.Image, alpha: Image.Image, rng: Generator) -> Image.Image:
    """Round shading: away from the light the figure takes the colour of the shadow, from its outline inwards."""
    deep = max(2.0, rng.uniform(0.01, 0.06) * max(alpha.size))
    slope = np.gradient(np.asarray(alpha.filter(ImageFilter.GaussianBlur(deep)), np.float32) * np.float32(deep / 110))
    angle = rng.uniform(0, 2 * np.pi)
    facing = slope[1] * np.float32(np.cos(angle)) + slope[0] * np.float32(np.sin(angle))
    dark = np.clip(facing * np.float32(rng.uniform(0.4, 1.6)), 0, 0.9)[..., None]
    bright = np.clip(-facing * np.float32(rng.uniform(0, 0.8)), 0, 0.6)[..., None]
    shadow = np.clip(rng.uniform(0.25, 0.7) + rng.normal(0, 0.18, 3), 0.05, 1).astype(np.float32)
    pixels = np.asarray(colour, np.float32)
    pixels = pixels * (1 - dark + dark * shadow)
    return Image.fromarray((pixels + (255 - pixels) * bright).astype(np.uint8))


def dress(figure: Image.Image, bank: Bank, rng: Generator, wild: float) -> Image.Image:
    """Colour, light and line of the figure alone; its alpha stays the truth. `wild` scales how far colours stray."""
    alpha = figure.getchannel("A")
    colour = recolour(figure.convert("RGB"), rng, wild * rng.choice([0.25, 0.6, 1.0], p=[0.45, 0.35, 0.2]))
    if rng.random() < 0.25:  # cloth, paper and brush have textures that our drawings lack
        cloth = Image.fromarray(bank.pixels("scenes", int(rng.integers(bank.count("scenes"))))).resize(figure.size)
        colour = Image.blend(colour, recolour(cloth, rng, 0.6), rng.uniform(0.08, 0.5))
    if rng.random() < 0.4:
        colour = _volume(colour, alpha, rng)
    if rng.random() < 0.3:
        colour = _two_tone(colour, rng)
    if rng.random() < 0.1:
        colour = colour.filter(ImageFilter.MaxFilter(3))  # thins dark lines away
    elif rng.random() < 0.15:
        colour = colour.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.5)))
    if rng.random() < 0.35:
        side = max(figure.size)
        shade = light(rng, side)[: figure.height, : figure.width]
        colour = Image.fromarray(np.clip(np.asarray(colour, np.float32) * shade, 0, 255).astype(np.uint8))
    if rng.random() < 0.08:
        alpha = alpha.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.9)))
    colour.putalpha(alpha)
    return colour
