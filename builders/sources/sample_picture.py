"""From a planned figure to its picture, file bytes and truth."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from builders.sources.drawing import Drawing, Scene, draw, random_scene
from builders.sources.sample_files import encode, jpeg, png
from builders.sources.sample_near import Shot, edited
from builders.sources.sample_plan import Figure, generator

_TRIES = 20


@dataclass(frozen=True)
class Painted:
    """A figure file's bytes and what is true about it."""

    data: bytes
    extension: str
    matte: bytes
    """PNG, 8-bit grey, size of the upright picture."""
    face: tuple[float, ...]
    """x0, y0, x1, y1 over the picture's size, clipped to 0..1; () where there is not exactly one face."""
    tags: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Hex digest of the file's bytes."""
        return hashlib.sha256(self.data).hexdigest()


def paint(figure: Figure, seed: int) -> Painted:
    """Draws a planned figure. Equal figure and seed give equal bytes."""
    drawing = _drawing(figure, seed)
    face = drawing.face if drawing.face_visible > 0 and figure.defect != "two_figures" else None
    shot = Shot(drawing.rgb, np.ascontiguousarray(drawing.figure[..., 3]), face)
    rng = generator(seed, 12, figure.index)
    if figure.near_kind:
        shot = edited(shot, figure.near_kind, generator(seed, 13, figure.index))
    if figure.near_kind == "reencoded":
        data, extension = jpeg(shot.picture, int(rng.integers(60, 80))), "jpg"
    else:
        data, extension = encode(shot.picture, figure.defect, rng)
    height, width = shot.matte.shape
    box = () if shot.face is None else tuple(
        min(max(edge / side, 0.0), 1.0) for edge, side in zip(shot.face, (width, height) * 2, strict=True))
    return Painted(data, extension, png(shot.matte), box, drawing.tags)


def _drawing(figure: Figure, seed: int) -> Drawing:
    first = _found(figure, seed, figure.scene)
    if figure.near_kind == "child_expression":
        return _render(figure, replace(first[0], expression=_other_mood(first[0].expression, figure, seed)))
    if figure.defect == "two_figures":
        second = _render(figure, replace(_found(figure, seed, figure.scene + 1_000_000_000)[0], size=first[0].size))
        return _side_by_side(first[1], second)
    return first[1]


def _found(figure: Figure, seed: int, key: int) -> tuple[Scene, Drawing]:
    """The first scene that shows the whole face, or none of it where that is the defect."""
    wanted = 0.0 if figure.defect in ("faceless_back", "headless") else 1.0
    for turn in range(_TRIES):
        scene = _staged(random_scene(generator(seed, 10, key, turn)), figure.defect)
        drawing = _render(figure, scene)
        if drawing.face_visible == wanted:
            return scene, drawing
    raise AssertionError(f"no scene of {_TRIES} suits figure {figure.index} of seed {seed}")


def _staged(scene: Scene, defect: str) -> Scene:
    if defect == "headless":
        return replace(scene, framing="lower_body", from_behind=False)
    if scene.framing == "lower_body":
        scene = replace(scene, framing="upper_body")
    return replace(scene, from_behind=defect == "faceless_back")


def _render(figure: Figure, scene: Scene) -> Drawing:
    look = figure.look
    return draw(look.who, look.outfit, look.style, scene)


def _other_mood(mood: str, figure: Figure, seed: int) -> str:
    for turn in range(100):
        other = random_scene(generator(seed, 14, figure.index, turn)).expression
        if other != mood:
            return other
    raise AssertionError("every scene has the same expression")


def _side_by_side(left: Drawing, right: Drawing) -> Drawing:
    """Two figures before one background, cut so that the size stays that of a page."""
    height, width = left.figure.shape[:2]
    figure = np.concatenate([left.figure, right.figure], axis=1)
    background = np.asarray(Image.fromarray(left.background).resize((2 * width, height)))
    return replace(left, figure=figure, background=background)
