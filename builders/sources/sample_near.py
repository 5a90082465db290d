"""Near copies: one picture posted twice, as boards see it. Each edit carries the figure's truth along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels."""


@dataclass(frozen=True)
class Shot:
    """A picture (uint8 H x W x 3) with the truth about it: matte (uint8 H x W) and face box, None without face."""

    picture: NDArray[np.uint8]
    matte: NDArray[np.uint8]
    face: Box | None


_NOTES = ("thank you for 1,000 followers!", "commissions open", "day 12 of 30", "happy birthday!!",
          "sketch for a friend", "prints at booth C-17", "please do not repost")


def edited(shot: Shot, kind: str, rng: np.random.Generator) -> Shot:
    """The near copy of a shot. `reencoded` is only made smaller here (its file is written at low quality) and
    `child_expression` is drawn anew, so it comes back as it is."""
    if kind == "reencoded":
        return _smaller(shot, float(rng.uniform(0.8, 0.95)))
    if kind == "recoloured":
        return _recoloured(shot, rng)
    if kind == "cropped":
        return _cropped(shot, rng)
    if kind == "mirrored":
        return _mirrored(shot)
    if kind == "child_text":
        return _written(shot, rng)
    return shot


def _smaller(shot: Shot, scale: float) -> Shot:
    height, width = shot.matte.shape
    size = (round(width * scale), round(height * scale))
    picture, matte = (np.asarray(Image.fromarray(part).resize(size, Image.Resampling.LANCZOS))
                      for part in (shot.picture, shot.matte))
    factors = (size[0] / width, size[1] / height) * 2
    face = None if shot.face is None else tuple(v * f for v, f in zip(shot.face, factors, strict=True))
    return Shot(picture, matte, cast(Box | None, face))


def _recoloured(shot: Shot, rng: np.random.Generator) -> Shot:
    gain = rng.uniform(0.94, 1.06, 3)
    gamma = rng.uniform(0.92, 1.08)
    toned = 255.0 * np.clip(shot.picture / 255.0 * gain, 0, 1) ** gamma
    return Shot(np.rint(toned).astype(np.uint8), shot.matte, shot.face)


def _cropped(shot: Shot, rng: np.random.Generator) -> Shot:
    """2 % of width and height gone, shared out between the two sides at random."""
    height, width = shot.matte.shape
    cut_x, cut_y = round(0.02 * width), round(0.02 * height)
    left, top = int(rng.integers(0, cut_x + 1)), int(rng.integers(0, cut_y + 1))
    rows, columns = slice(top, top + height - cut_y), slice(left, left + width - cut_x)
    face = shot.face and (shot.face[0] - left, shot.face[1] - top, shot.face[2] - left, shot.face[3] - top)
    return Shot(np.ascontiguousarray(shot.picture[rows, columns]),
                np.ascontiguousarray(shot.matte[rows, columns]), face)


def _mirrored(shot: Shot) -> Shot:
    width = shot.matte.shape[1]
    face = shot.face and (width - shot.face[2], shot.face[1], width - shot.face[0], shot.face[3])
    return Shot(np.ascontiguousarray(shot.picture[:, ::-1]), np.ascontiguousarray(shot.matte[:, ::-1]), face)


def _written(shot: Shot, rng: np.random.Generator) -> Shot:
    """A note across the lower edge, as artists add it to a second post."""
    canvas = Image.fromarray(shot.picture)
    height, width = shot.matte.shape
    font = ImageFont.load_default(size=max(12, width // 16))
    ImageDraw.Draw(canvas).text((width / 2, height * float(rng.uniform(0.9, 0.97))), str(rng.choice(_NOTES)), font=font,
                                anchor="mm", fill="white", stroke_width=2, stroke_fill=(40, 36, 48))
    return Shot(np.asarray(canvas), shot.matte, shot.face)
