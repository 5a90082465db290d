"""What a drawing is made of: who (Character), wearing what (Outfit), by whose hand (Style), doing what (Scene)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rgb = tuple[float, float, float]  # sRGB, each 0..255

# Danbooru's colour words and a typical sRGB centre for cloth of that colour.
COLOURS: dict[str, Rgb] = {
    "red": (208, 48, 52),
    "orange": (240, 142, 48),
    "yellow": (246, 214, 78),
    "green": (72, 158, 84),
    "aqua": (92, 206, 208),
    "blue": (58, 98, 190),
    "purple": (134, 80, 176),
    "pink": (246, 152, 184),
    "brown": (126, 82, 54),
    "black": (48, 46, 54),
    "grey": (146, 148, 156),
    "white": (246, 246, 248),
}

HAIR_COLOURS: dict[str, Rgb] = {
    "blonde": (246, 214, 128),
    "brown": (134, 88, 60),
    "black": (54, 50, 62),
    "blue": (86, 122, 200),
    "light_blue": (156, 208, 240),
    "aqua": (96, 206, 204),
    "green": (104, 172, 112),
    "purple": (136, 98, 178),
    "pink": (248, 164, 190),
    "red": (206, 66, 60),
    "orange": (236, 136, 62),
    "grey": (172, 174, 184),
    "white": (240, 238, 244),
}

EYE_COLOURS: dict[str, Rgb] = {
    "blue": (60, 112, 208),
    "brown": (132, 80, 46),
    "green": (56, 156, 92),
    "red": (206, 46, 56),
    "purple": (128, 74, 184),
    "yellow": (232, 184, 48),
    "aqua": (60, 190, 200),
    "pink": (230, 100, 150),
    "orange": (226, 124, 40),
    "grey": (130, 134, 146),
    "black": (50, 46, 52),
}


@dataclass(frozen=True)
class Garment:
    """One piece of clothing. `tag` is Danbooru's attire tag without colour; `colour` one of COLOURS."""

    tag: str
    colour: str


@dataclass(frozen=True)
class Outfit:
    """Everything worn, innermost first."""

    garments: tuple[Garment, ...]

    def colour(self, *tags: str) -> str | None:
        """The colour of the first garment whose tag is one of `tags`, or None when none is worn."""
        return next((g.colour for g in self.garments if g.tag in tags), None)


@dataclass(frozen=True)
class Character:
    """Identity: what stays the same in every drawing of one person.

    Lengths are in face half-widths (cheek to cheek is 2); `seed` fixes the strands of the hair.
    """

    gender: str  # "girl" or "boy"
    hair_colour: str
    hair_rgb: Rgb
    hair_tip: Rgb | None  # the colour the hair fades to, or None
    hair_length: float  # how far below the eyes the back hair falls, 0.6 .. 10
    hair_back: str  # straight, wavy, curly, spiky, flared
    hair_tails: str  # none, twintails, low_twintails, ponytail, side_ponytail, braid, twin_braids, bun, double_bun
    fringe: str  # straight, parted, swept, spiky, curtain, tousled, none, long
    fringe_length: float  # 0 = on the brows; +0.3 reaches the eyes
    side_locks: float  # how far below the eyes the locks beside the face reach; 0 = none
    hair_volume: float  # how far the hair stands off the skull
    ahoge: bool
    eye_colour: str
    eye_rgb: Rgb
    eye_slant: float  # -1 tareme .. 1 tsurime
    eye_width: float
    eye_height: float
    eye_gap: float  # half the distance between the eye centres
    skin: Rgb
    chin: float  # eyes to chin
    jaw: float  # 0 pointed .. 1 round
    bust: float  # 0 flat .. 1
    ears: str  # human, cat, fox, rabbit, elf
    mole: bool
    seed: int


@dataclass(frozen=True)
class Style:
    """The hand that draws: stands for an artist."""

    line_width: float  # in face half-widths
    line_kind: str  # black, tinted, none
    shading: str  # flat, cel, soft, painterly, sketch
    eye_style: str  # detailed, glossy, simple, flat, dot, ring
    nose: str  # dot, line, shadow, none, hook
    shine: str  # band, streaks, halo, none
    heads: float  # body height in heads
    saturation: float
    brightness: float
    contrast: float
    tint: tuple[Rgb, Rgb, float]  # top colour, bottom colour, strength 0..1 of a wash over the figure
    light: float  # -1 from the left, 1 from the right
    rim: float  # strength of the light along the edge, 0..1
    rim_rgb: Rgb
    blush: float
    shadow_hue: float  # -1 cold .. 1 warm shadows
    outline: str  # none, white, black: a sticker edge around the figure
    grain: float
    greyscale: bool
    eye_scale: float
    seed: int
    # How this hand bends proportions and colours of whoever it draws.
    volume: float = 1.0  # times the hair's stand-off
    chin: float = 0.0  # added to the chin
    jaw: float = 0.0  # added to the roundness of the jaw
    eye_squash: float = 1.0  # times the height of the eyes
    hue: float = 0.0  # all colours turned, in turns


@dataclass(frozen=True)
class Scene:
    """One picture: pose, mood, crop and place. Angles in degrees."""

    arms: str
    legs: str
    lean: float
    turn: float  # head yaw, positive towards the right of the picture, -90..90
    tilt: float  # head roll, positive clockwise
    expression: str
    gaze: float  # -1..1
    framing: str  # full_body, cowboy_shot, upper_body, portrait, lower_body
    background: str
    from_behind: bool
    size: tuple[int, int]  # width, height in pixels
    mirrored: bool
    zoom: float  # 1 = the framing as it is; above 1 closer
    shift: tuple[float, float]  # of the figure, share of the picture
    eye_cover: bool  # hair over one eye
    seed: int
    busy: bool = False  # a background with photograph-like texture and look-alikes of faces


@dataclass(frozen=True)
class Drawing:
    """A finished picture with its truth."""

    figure: NDArray[np.uint8]  # H x W x 4, straight RGBA; alpha is the true matte
    background: NDArray[np.uint8]  # H x W x 3
    face: tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels, not clipped to the picture
    face_visible: float  # share of the face box inside the picture; 0 when the face is turned away
    tags: tuple[str, ...]

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """The figure over its background, H x W x 3."""
        alpha = self.figure[..., 3:].astype(np.float32) / 255.0
        mixed = self.figure[..., :3] * alpha + self.background * (1.0 - alpha)
        return np.asarray(np.rint(mixed), dtype=np.uint8)
