"""Names for colours: the twelve that Danbooru's tags use, told apart in CIELAB.

Hue decides where there is any, because cel shading moves lightness and chroma of one cloth and leaves its hue;
lightness then tells white, grey and black, brown from orange, and pink from red.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from annotators.base import Picture
from schemas.colours import NAMES

Lab = npt.NDArray[np.float64]
"""... x 3: lightness 0..100, a and b about -110..110; D65 white (CIE 15:2004)."""


class _Hue(NamedTuple):
    """Hue angles up to `end` degrees (from the end before); `name` unless lightness and chroma say otherwise."""

    end: float
    name: str


# Half-way between the hues that Danbooru's colour words have on drawn cloth.
_HUES = (_Hue(12, "pink"), _Hue(45, "red"), _Hue(76, "orange"), _Hue(112, "yellow"), _Hue(172, "green"),
         _Hue(235, "aqua"), _Hue(300, "blue"), _Hue(335, "purple"), _Hue(360, "pink"))
_ENDS = np.asarray([hue.end for hue in _HUES])
_CODES = np.asarray([NAMES.index(hue.name) for hue in _HUES])

_TO_XYZ = np.asarray([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                      [0.0193339, 0.1191920, 0.9503041]])
_WHITE = np.asarray([0.95047, 1.0, 1.08883])
_LINEAR = np.where(np.arange(256) <= 10, np.arange(256) / 255 / 12.92, ((np.arange(256) / 255 + 0.055) / 1.055) ** 2.4)


def to_lab(pixels: Picture) -> Lab:
    """sRGB bytes (... x 3) in CIELAB."""
    xyz = _LINEAR[pixels] @ _TO_XYZ.T / _WHITE
    bent = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = np.moveaxis(bent, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def names_of(lab: Lab) -> npt.NDArray[np.int64]:
    """The colour word of each CIELAB colour, as an index into NAMES."""
    light, a, b = np.moveaxis(lab, -1, 0)
    chroma = np.hypot(a, b)
    hue = np.degrees(np.arctan2(b, a)) % 360
    code = np.asarray(_CODES[np.minimum(np.searchsorted(_ENDS, hue, side="right"), len(_ENDS) - 1)])

    def put(name: str, where: npt.NDArray[np.bool_]) -> None:
        code[where] = NAMES.index(name)

    reddish, warm = (hue >= 12) & (hue < 45), (hue >= 45) & (hue < 95)
    put("red", ((hue < 12) | (hue >= 335)) & (light < 45))
    put("pink", reddish & (light >= 62) & (chroma < 52))
    put("brown", reddish & (light < 55) & (chroma < 32))
    put("brown", warm & (light < 68) & (chroma < 45))
    put("green", (hue >= 95) & (hue < 112) & (light < 60))
    put("purple", (hue >= 290) & (hue < 300) & (light > 60))
    # Pale warm tones are off-white cloth, cold ones its shade; others keep their hue down to a faint tint.
    cream, cold = (hue >= 45) & (hue < 112), (hue >= 250) & (hue < 335)
    put("white", (light >= 77) & (chroma < np.where(cream, 18, np.where(cold, 11, 7))))
    put("grey", (light >= 38) & (light < 77) & (chroma < 11))
    put("black", (light < 38) & (chroma < 11 + (38 - light) / 2) | (light < 12))
    return code
