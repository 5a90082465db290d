"""From SVG text to pixels, and what happens to the pixels afterwards."""

from __future__ import annotations

import io

import numpy as np
import resvg_py
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from builders.sources.drawing.model import Style


def rasterise(svg: str) -> NDArray[np.uint8]:
    """An SVG document as uint8 H x W x 4 straight RGBA."""
    png = resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True)  # fonts cost 700 ms and we draw no text
    with Image.open(io.BytesIO(bytes(png))) as image:
        return np.array(image.convert("RGBA"), dtype=np.uint8)


def finish(figure: NDArray[np.uint8], style: Style, seed: int) -> NDArray[np.uint8]:
    """The style's treatment of the whole figure: wash, edge light, grain, grey, sticker edge."""
    rgb = figure[..., :3].astype(np.float32)
    alpha = figure[..., 3]
    h, w = alpha.shape
    top, low, strength = style.tint
    if strength > 0:
        t = np.linspace(0, 1, h, dtype=np.float32)[:, None, None]
        wash = np.asarray(top, np.float32) * (1 - t) + np.asarray(low, np.float32) * t
        shade = 1 - rgb.mean(axis=2, keepdims=True) / 255.0
        rgb += (wash - rgb) * (strength * (0.35 + 0.65 * shade))
    if style.rim > 0:
        d = max(2, h // 110)
        inside = np.roll(alpha, (d, int(-style.light) * d), (0, 1)).astype(np.float32) / 255.0
        edge = Image.fromarray(((1 - inside) * (alpha > 0) * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1))
        amount = np.asarray(edge, np.float32)[..., None] / 255.0 * style.rim
        rgb += (np.asarray(style.rim_rgb, np.float32) - rgb) * amount
    if style.grain > 0:
        noise = np.random.default_rng([seed, 5]).normal(0, style.grain, (h, w, 1))
        rgb += noise.astype(np.float32)
    if style.greyscale:
        rgb = np.repeat(rgb @ np.asarray([[0.299], [0.587], [0.114]], np.float32), 3, axis=2)
    out = np.dstack([np.clip(rgb, 0, 255).astype(np.uint8), alpha])
    return sticker(out, style.outline) if style.outline != "none" else out


def sticker(figure: NDArray[np.uint8], colour: str) -> NDArray[np.uint8]:
    """A plain border round the figure; it belongs to the figure, so alpha grows with it."""
    alpha = Image.fromarray(figure[..., 3])
    grown = np.asarray(alpha.filter(ImageFilter.MaxFilter(7)).filter(ImageFilter.GaussianBlur(0.8)), np.float32)
    a = figure[..., 3:].astype(np.float32) / 255.0
    base = 255.0 if colour == "white" else 24.0
    rgb = figure[..., :3] * a + base * (1 - a)
    return np.dstack([np.rint(rgb).astype(np.uint8), np.maximum(grown, figure[..., 3]).astype(np.uint8)])
