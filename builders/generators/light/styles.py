"""Style words and their treatments."""

from __future__ import annotations

from typing import NamedTuple

from builders.generators.light import camera, crafts, paints
from builders.generators.light.fields import Treat
from builders.generators.light.words import Table, traits


class Style(NamedTuple):
    """How a picture is drawn and what is then done to it."""


    treat: Treat
    blur: float = 0
    """Of the scene behind the subject, pixels at a side of 256."""
    soft: float = 0.9
    """How much light and shade forms have; 0 is flat."""
    zoom: float = 1
    """How large the subject is."""


STYLES: dict[str, Style] = {
    "polaroid": Style(camera.polaroid, 1),
    "sepia": Style(camera.toned((54, 32, 16), (240, 222, 186), 1.0), 1),
    "pinhole": Style(camera.graded((0.94, 0.88, 0.74), (6, 4, 0), 0.85), 2.4),
    "stamp": Style(crafts.stamp, 0, 0.5),
    "webcam": Style(camera.graded((0.92, 1, 0.96), (12, 12, 16), 0.15)),
    "contrast": Style(camera.graded((1.35, 1.35, 1.35), (-48, -48, -48), 0.2)),
    "dramatic": Style(camera.graded((1.1, 1.04, 0.94), (-14, -14, -12), 0.8)),
    "security": Style(camera.security),
    "noir": Style(camera.toned((8, 8, 10), (250, 250, 250), 1.9)),
    "mono": Style(camera.toned((14, 14, 16), (246, 246, 246), 1.15), 0.8),
    "film": Style(camera.graded((1.0, 0.95, 0.84), (14, 8, 4), 0.35)),
    "seventies": Style(camera.graded((0.82, 0.74, 0.6), (46, 34, 26), 0.2)),
    "cinema": Style(camera.graded((1.02, 0.95, 0.86), (0, 6, 14), 0.3, True), 1.6),
    "night": Style(camera.graded((0.5, 0.56, 0.86), (0, 2, 14), 0.5)),
    "golden": Style(camera.graded((1.12, 0.95, 0.7), (20, 8, -6), 0.25), 1),
    "overexposed": Style(camera.graded((1.12, 1.1, 1.1), (28, 28, 28), 0)),
    "backlit": Style(camera.graded((0.72, 0.7, 0.74), (10, 8, 4), -0.5)),
    "flash": Style(camera.graded((1.15, 1.15, 1.15), (8, 8, 8), 0.75)),
    "macro": Style(camera.photo, 3, 1, 1.3),
    "fisheye": Style(camera.fisheye, 0, 1, 1.1),
    "tilt": Style(camera.tilted, 0, 1, 0.8),
    "wide": Style(camera.photo, 0, 0.9, 0.7),
    "bokeh": Style(camera.photo, 4),
    "motion": Style(camera.photo, 5),
    "studio": Style(camera.photo, 0, 1, 1.1),
    "xray": Style(camera.mapped(((10, 14, 24), (50, 90, 120), (210, 236, 246)), True)),
    "thermal": Style(camera.mapped(((20, 10, 80), (150, 20, 140), (240, 90, 40), (255, 230, 90), (255, 255, 240)),
                                   True)),
    "hologram": Style(crafts.hologram, 0, 0.9),
    "double": Style(paints.double),
    "blueprint": Style(paints.blueprint),
    "chalkboard": Style(paints.drawn((236, 240, 232), (44, 70, 60), 0.7, 0.8, 1.0, 0.0)),
    "whiteboard": Style(paints.drawn((40, 70, 170), (250, 251, 252), 0.7, 1, 1, 0)),
    "chalk": Style(paints.coloured(0.9, 0.8, 0.9)),
    "charcoal": Style(paints.charcoal),
    "crayon": Style(paints.coloured(1.0, 1.4, 0.8)),
    "pencils": Style(paints.coloured(0.95, 0.9, 0.6)),
    "silverpoint": Style(paints.drawn((120, 112, 104), (232, 226, 214), 1.0, 1.4)),
    "ballpoint": Style(paints.drawn((28, 42, 140), (250, 248, 242), 0.5, 1.2)),
    "wash": Style(paints.washed),
    "icon": Style(paints.drawn((18, 18, 22), (255, 255, 255), 0, 1, 1, 0), 0, 0),
    "hatching": Style(paints.drawn((36, 30, 26), (240, 232, 214), 1.1, 1.5, 0.9, 0.9)),
    "manga": Style(paints.inked_comic),
    "pencil": Style(paints.drawn((58, 58, 62), (246, 244, 238))),
    "linocut": Style(paints.printed((30, 28, 36), (240, 230, 208))),
    "woodblock": Style(paints.cut(3, 0.7, 0.8), 0, 0.2),
    "cave": Style(camera.mapped(((70, 34, 20), (160, 90, 52), (216, 168, 116))), 0, 0.4),
    "propaganda": Style(paints.tinted(((40, 20, 24), (190, 36, 40), (236, 206, 160), (250, 240, 216)))),
    "riso": Style(paints.tinted(((36, 50, 120), (240, 80, 110), (250, 196, 80), (250, 244, 230)), 60)),
    "psychedelic": Style(paints.tinted(((70, 20, 140), (230, 40, 140), (255, 140, 30), (250, 230, 60),
                                        (60, 220, 180)))),
    "batik": Style(paints.tinted(((40, 24, 50), (110, 50, 60), (200, 130, 50), (240, 220, 170)), 30)),
    "deco": Style(crafts.bordered(paints.cut(3, 0.8, 0.9), (36, 52, 60), 0.07, (214, 178, 96)), 0, 0.4),
    "manuscript": Style(crafts.bordered(paints.gouache, (206, 170, 84), 0.09, (140, 40, 40)), 0, 0.4),
    "poster": Style(paints.cut(2, 0.0, 1.15), 0, 0.25),
    "popart": Style(paints.cut(1, 0.9, 2.0, 0.35), 0, 0.3),
    "comic": Style(paints.cut(3, 0.95, 1.4), 0, 0.35),
    "isometric": Style(paints.cut(4, 0.5, 1.1), 0, 0.6),
    "botanical": Style(paints.watercolor, 0, 0.8),
    "watercolor": Style(paints.watercolor),
    "points": Style(paints.points),
    "cubist": Style(paints.cubist),
    "impression": Style(paints.impression),
    "gouache": Style(paints.gouache),
    "surreal": Style(paints.dreamt),
    "baroque": Style(paints.baroque),
    "sand": Style(camera.toned((150, 96, 50), (244, 220, 172), 1.0, 0, 90)),
    "pixels": Style(crafts.pixels, 0, 0.5),
    "voxel": Style(crafts.voxel),
    "mosaic": Style(crafts.mosaic),
    "stitch": Style(crafts.cross_stitch),
    "tapestry": Style(crafts.tapestry),
    "patchwork": Style(crafts.patchwork),
    "glass": Style(crafts.stained_glass, 0, 0.4),
    "lowpoly": Style(crafts.low_poly),
    "origami": Style(crafts.origami),
    "cutout": Style(crafts.layered, 0, 0.2),
    "felt": Style(crafts.felt, 0, 0.4),
    "clay": Style(crafts.clay),
    "bronze": Style(crafts.statue((196, 132, 72), 2.2, 0.8)),
    "wood": Style(crafts.statue((190, 134, 84), 2.0, 0.1)),
    "ice": Style(crafts.statue((196, 228, 244), 2.2, 1.0)),
    "marble": Style(crafts.statue((238, 234, 228), 2.2, 0.3)),
    "balloon": Style(crafts.balloon),
    "wire": Style(paints.drawn((90, 92, 98), (232, 230, 226), 0, 1, 1.2, 0), 0, 0.4),
    "neon": Style(crafts.neon),
    "glitch": Style(crafts.glitch),
    "ascii": Style(crafts.halftone),
    "game": Style(crafts.screenshot),
    "render": Style(crafts.rendered, 0.8, 1.3),
    "oil": Style(paints.oil),
    "drawing": Style(paints.cut(4, 0.7, 1.1), 0, 0.5),
    "photo": Style(camera.photo, 0.9), "picture": Style(camera.photo, 0.9),
}
_STYLES = Table.read("styles")


def style(words: str) -> Style:
    """The style of a prefix such as "a pencil drawing of"; a photo's without one, its own for unknown words."""
    if not words.strip():
        return STYLES["photo"]
    name = _STYLES.first(words)
    if not name:
        hands = ("gouache", "watercolor", "comic", "pencil", "oil", "riso", "poster", "crayon")
        name = hands[int(traits(words, 1)[0] * len(hands))]
    return STYLES[name]
