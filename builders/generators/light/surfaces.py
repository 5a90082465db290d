"""What lies under the subject: tables, rugs, rocks, heaps of leaves."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from builders.generators.light import pieces
from builders.generators.light.canvas import Canvas
from builders.generators.light.pieces import dark, pale
from builders.generators.light.pigments import Rgb, named
from builders.generators.light.words import Table, words


def slab(c: Canvas, r: Random, ink: Rgb) -> None:
    """A table, counter, bench or ledge seen from the front."""
    c.box(0.06, 0.74, 0.94, 0.9, pale(ink, 0.12))
    for k in range(4):
        c.line([(0.06, 0.76 + 0.036 * k), (0.94, 0.765 + 0.036 * k)], dark(ink, 0.12), 0.004)
    c.box(0.06, 0.9, 0.94, 0.95, dark(ink, 0.28))
    c.box(0.1, 0.95, 0.16, 1, dark(ink, 0.4))
    c.box(0.84, 0.95, 0.9, 1, dark(ink, 0.4))


def cloth(c: Canvas, r: Random, ink: Rgb) -> None:
    """A rug, blanket or cloth with a border."""
    for grow, tone in ((0, dark(ink, 0.3)), (0.03, ink), (0.075, pale(ink, 0.45)), (0.09, ink)):
        c.poly([(0.16 + grow, 0.74 + grow * 0.4), (0.84 - grow, 0.74 + grow * 0.4), (1.0 - grow, 0.98 - grow * 0.5),
                (grow, 0.98 - grow * 0.5)], tone)
    for k in range(7):
        x = 0.2 + 0.1 * k
        c.poly([(x - 0.03, 0.86), (x, 0.82), (x + 0.03, 0.86), (x, 0.9)], pale(ink, 0.4))


def cushion(c: Canvas, r: Random, ink: Rgb) -> None:
    """A sofa or bed: a back and a soft seat."""
    c.box(0.04, 0.48, 0.96, 0.86, dark(ink, 0.22), r=0.07)
    c.box(0, 0.6, 0.14, 1, dark(ink, 0.1), r=0.05)
    c.box(0.86, 0.6, 1, 1, dark(ink, 0.1), r=0.05)
    c.box(0.1, 0.76, 0.9, 0.97, ink, r=0.05)
    c.line([(0.5, 0.5), (0.5, 0.96)], dark(ink, 0.35), 0.005)


def heap(inks: tuple[Rgb, ...], size: float = 0.022, count: int = 90) -> Callable[[Canvas, Random, Rgb], None]:
    """Ground strewn with many small things."""
    def draw(c: Canvas, r: Random, ink: Rgb) -> None:
        c.box(0, 0.7, 1, 1, dark(inks[0], 0.2))
        c.scatter(r, count, 0.7, inks, size)
    return draw


def boulder(c: Canvas, r: Random, ink: Rgb) -> None:
    """One flat rock."""
    c.poly([(0.08, 1), (0.14, 0.84), (0.3, 0.78), (0.68, 0.77), (0.86, 0.83), (0.95, 1)], ink)
    c.poly([(0.14, 0.84), (0.3, 0.78), (0.68, 0.77), (0.86, 0.83), (0.6, 0.88), (0.3, 0.89)], pale(ink, 0.25))


def stump(c: Canvas, r: Random, ink: Rgb) -> None:
    """A tree stump with rings."""
    c.box(0.18, 0.86, 0.82, 1, (96, 66, 42))
    c.oval(0.5, 0.86, 0.32, 0.07, (96, 66, 42))
    for k in range(4):
        c.oval(0.5, 0.855, 0.3 - 0.075 * k, 0.06 - 0.015 * k, ((214, 176, 122), (190, 148, 96))[k % 2])


def pedestal(c: Canvas, r: Random, ink: Rgb) -> None:
    """A plinth, stool or box to stand on."""
    c.box(0.24, 0.84, 0.76, 1, ink)
    c.box(0.5, 0.84, 0.76, 1, dark(ink, 0.12))
    c.box(0.2, 0.82, 0.8, 0.88, pale(ink, 0.3))


def planks(c: Canvas, r: Random, ink: Rgb) -> None:
    """Boards over the ground."""
    pieces.planks(c, r, 0.7, ink)


def tiles(c: Canvas, r: Random, ink: Rgb) -> None:
    """A chequered floor."""
    pieces.tiles(c, r, 0.7, pale(ink, 0.7), ink)


def mirror(c: Canvas, r: Random, ink: Rgb) -> None:
    """A sheet of glass, ice or steel."""
    c.poly([(0.1, 0.76), (0.9, 0.76), (1, 1), (0, 1)], ink)
    for k in range(4):
        c.poly([(0.2 + 0.2 * k, 0.76), (0.25 + 0.2 * k, 0.76), (0.12 + 0.24 * k, 1), (0.02 + 0.24 * k, 1)],
               pale(ink, 0.45))


SURFACES: dict[str, tuple[Callable[[Canvas, Random, Rgb], None], Rgb]] = {
    "sofa": (cushion, (150, 84, 92)),
    "rug": (cloth, (166, 62, 66)),
    "table": (slab, (158, 108, 66)),
    "counter": (slab, (212, 208, 202)),
    "shelf": (slab, (120, 78, 46)),
    "stump": (stump, (160, 120, 80)),
    "rock": (boulder, (130, 126, 120)),
    "pedestal": (pedestal, (196, 184, 168)),
    "boards": (planks, (168, 120, 76)),
    "chess": (tiles, (70, 66, 66)),
    "mirror": (mirror, (178, 206, 220)),
    "leaves": (heap(((200, 96, 36), (222, 160, 48), (168, 58, 34))), (0, 0, 0)),
    "petals": (heap(((236, 140, 168), (250, 206, 216), (214, 84, 120))), (0, 0, 0)),
    "coins": (heap(((236, 190, 60), (210, 156, 36), (250, 220, 120))), (0, 0, 0)),
    "pebbles": (heap(((150, 146, 140), (186, 178, 168), (112, 110, 110)), 0.028), (0, 0, 0)),
    "straw": (heap(((224, 190, 104), (198, 160, 74), (240, 214, 140)), 0.03), (0, 0, 0)),
    "beans": (heap(((92, 58, 36), (120, 80, 50), (70, 44, 28))), (0, 0, 0)),
    "paper": (heap(((238, 232, 216), (222, 214, 196), (250, 246, 236)), 0.09, 34), (0, 0, 0)),
    "bricks": (heap(((176, 84, 62), (150, 66, 50), (196, 108, 84)), 0.05, 40), (0, 0, 0)),
    "lava": (heap(((54, 46, 46), (232, 84, 28), (38, 34, 36)), 0.04, 60), (0, 0, 0)),
}
_SURFACE = Table.read("surfaces")


def surface(c: Canvas, r: Random, text: str, outside: bool) -> bool:
    """Draws what the text says lies under the subject, in the colour named just before it; False where none is said."""
    found = _SURFACE.first(text)
    if not found or (outside and found in ("chess", "mirror", "petals")):
        return False
    said = words(text)
    at = next((k for k, word in enumerate(said) if _SURFACE.first(word) == found), 0)
    draw, own = SURFACES[found]
    draw(c, r, named(" ".join(said[max(0, at - 2):at])) or own)
    return True
