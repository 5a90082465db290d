"""Things that stand beside the subject."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from builders.generators.light.canvas import Canvas
from builders.generators.light.pieces import WHITE, dark, pale
from builders.generators.light.pigments import Rgb
from builders.generators.light.words import Table


def _boat(c: Canvas, x: float, y: float) -> None:
    c.poly([(x - 0.12, y - 0.04), (x + 0.12, y - 0.04), (x + 0.08, y + 0.03), (x - 0.08, y + 0.03)], (150, 74, 52))
    c.line([(x, y - 0.04), (x, y - 0.3)], (90, 66, 46), 0.01)
    c.poly([(x + 0.01, y - 0.3), (x + 0.12, y - 0.07), (x + 0.01, y - 0.07)], (248, 244, 234))


def _lighthouse(c: Canvas, x: float, y: float) -> None:
    for k in range(5):
        w = 0.045 + 0.006 * k
        c.box(x - w, y - 0.4 + 0.08 * k, x + w, y - 0.32 + 0.08 * k, ((214, 54, 50), (248, 246, 240))[k % 2])
    c.box(x - 0.035, y - 0.46, x + 0.035, y - 0.4, (255, 236, 150))
    c.poly([(x - 0.05, y - 0.46), (x + 0.05, y - 0.46), (x, y - 0.52)], (70, 60, 60))


def _windmill(c: Canvas, x: float, y: float) -> None:
    c.poly([(x - 0.08, y), (x - 0.045, y - 0.3), (x + 0.045, y - 0.3), (x + 0.08, y)], (216, 204, 186))
    for dx, dy in ((0.16, 0.1), (-0.16, -0.1), (0.1, -0.16), (-0.1, 0.16)):
        c.line([(x, y - 0.3), (x + dx, y - 0.3 + dy)], (120, 84, 60), 0.022)


def _house(c: Canvas, x: float, y: float) -> None:
    c.box(x - 0.13, y - 0.2, x + 0.13, y, (206, 168, 124))
    c.poly([(x - 0.17, y - 0.2), (x, y - 0.36), (x + 0.17, y - 0.2)], (150, 66, 54))
    c.box(x - 0.035, y - 0.12, x + 0.035, y, (98, 66, 44))
    c.box(x + 0.06, y - 0.14, x + 0.11, y - 0.08, (250, 230, 160))


def _tent(c: Canvas, x: float, y: float) -> None:
    c.poly([(x - 0.18, y), (x, y - 0.28), (x + 0.18, y)], (224, 136, 52))
    c.poly([(x - 0.05, y), (x, y - 0.26), (x + 0.05, y)], (92, 56, 36))


def _fire(c: Canvas, x: float, y: float) -> None:
    c.glow(x, y - 0.08, 0.24, (255, 170, 70), 0.5)
    c.line([(x - 0.09, y), (x + 0.09, y - 0.03)], (92, 60, 40), 0.026)
    c.line([(x + 0.09, y), (x - 0.09, y - 0.03)], (76, 48, 32), 0.026)
    for w, h, ink in ((0.07, 0.2, (240, 98, 30)), (0.045, 0.14, (252, 170, 50)), (0.022, 0.08, (255, 240, 170))):
        c.poly([(x - w, y - 0.03), (x - w * 0.7, y - h * 0.5), (x, y - h), (x + w * 0.7, y - h * 0.5),
                (x + w, y - 0.03)], ink)


def _fireplace(c: Canvas, x: float, y: float) -> None:
    c.box(x - 0.17, y - 0.36, x + 0.17, y, (158, 90, 72))
    c.box(x - 0.2, y - 0.4, x + 0.2, y - 0.35, (120, 78, 48))
    c.box(x - 0.11, y - 0.25, x + 0.11, y, (42, 32, 30))
    _fire(c, x, y)


def _lamp(c: Canvas, x: float, y: float) -> None:
    c.glow(x, y - 0.42, 0.2, (255, 236, 170), 0.5)
    c.line([(x, y), (x, y - 0.4)], (60, 56, 56), 0.014)
    c.poly([(x - 0.04, y - 0.5), (x + 0.04, y - 0.5), (x + 0.07, y - 0.38), (x - 0.07, y - 0.38)], (255, 232, 160))


def _balloons(c: Canvas, x: float, y: float) -> None:
    for dx, dy, ink in ((-0.07, -0.44, (226, 64, 70)), (0.05, -0.5, (64, 130, 220)), (0.0, -0.36, (250, 200, 60))):
        c.line([(x, y), (x + dx, y + dy)], (120, 110, 110), 0.004)
        c.oval(x + dx, y + dy, 0.055, 0.07, ink)
        c.oval(x + dx - 0.018, y + dy - 0.025, 0.012, 0.018, pale(ink, 0.6))


def _tower(ink: Rgb, roof: Rgb) -> Callable[[Canvas, float, float], None]:
    def draw(c: Canvas, x: float, y: float) -> None:
        for dx, h in ((-0.12, 0.34), (0.12, 0.34), (0, 0.24)):
            w = 0.05 if dx else 0.11
            c.box(x + dx - w, y - h, x + dx + w, y, dark(ink, 0.1 if dx else 0))
            c.poly([(x + dx - w * 1.15, y - h), (x + dx, y - h - 0.12), (x + dx + w * 1.15, y - h)], roof)
        c.box(x - 0.035, y - 0.13, x + 0.035, y, dark(ink, 0.6))
    return draw


def _pyramid(c: Canvas, x: float, y: float) -> None:
    c.poly([(x - 0.26, y), (x, y - 0.34), (x + 0.26, y)], (222, 184, 116))
    c.poly([(x, y - 0.34), (x + 0.26, y), (x + 0.06, y)], (178, 138, 80))


def _volcano(c: Canvas, x: float, y: float) -> None:
    c.poly([(x - 0.34, y), (x - 0.07, y - 0.38), (x + 0.07, y - 0.38), (x + 0.34, y)], (92, 78, 76))
    c.poly([(x - 0.07, y - 0.38), (x + 0.07, y - 0.38), (x + 0.03, y - 0.2), (x, y - 0.28), (x - 0.04, y - 0.14)],
           (240, 92, 34))
    for k in range(4):
        c.oval(x + 0.03 * k, y - 0.42 - 0.07 * k, 0.05 + 0.02 * k, 0.04 + 0.015 * k, (120, 112, 112), 0.7)


def _car(c: Canvas, x: float, y: float) -> None:
    c.box(x - 0.17, y - 0.1, x + 0.17, y - 0.02, (238, 190, 40), r=0.03)
    c.box(x - 0.1, y - 0.17, x + 0.09, y - 0.08, (238, 190, 40), r=0.03)
    c.box(x - 0.08, y - 0.155, x + 0.07, y - 0.1, (176, 210, 230))
    for dx in (-0.1, 0.1):
        c.oval(x + dx, y - 0.015, 0.036, 0.036, (36, 36, 40))


def _train(c: Canvas, x: float, y: float) -> None:
    c.box(x - 0.4, y - 0.26, x + 0.4, y - 0.02, (62, 108, 160), r=0.02)
    c.box(x - 0.4, y - 0.09, x + 0.4, y - 0.06, (240, 232, 210))
    for k in range(6):
        c.box(x - 0.36 + 0.125 * k, y - 0.22, x - 0.28 + 0.125 * k, y - 0.13, (206, 228, 240))
    c.box(0, y, 1, y + 0.012, (90, 84, 80))


def _pumpkins(c: Canvas, x: float, y: float) -> None:
    for dx in (-0.07, 0.07):
        for k in (-1, 1, 0):
            c.oval(x + dx + 0.025 * k, y - 0.05, 0.045, 0.055, ((222, 112, 26), (240, 136, 40))[k == 0])
        c.box(x + dx - 0.008, y - 0.13, x + dx + 0.008, y - 0.1, (88, 110, 50))


def _bucket(ink: Rgb) -> Callable[[Canvas, float, float], None]:
    def draw(c: Canvas, x: float, y: float) -> None:
        c.poly([(x - 0.07, y - 0.14), (x + 0.07, y - 0.14), (x + 0.055, y), (x - 0.055, y)], ink)
        c.oval(x, y - 0.14, 0.07, 0.018, pale(ink, 0.4))
        c.line([(x + 0.07, y - 0.12), (x + 0.105, y - 0.1), (x + 0.06, y - 0.04)], ink, 0.012)
        c.line([(x - 0.02, y - 0.18), (x + 0.01, y - 0.23), (x - 0.01, y - 0.28)], WHITE, 0.008, 0.5)
    return draw


def _fruit(c: Canvas, x: float, y: float) -> None:
    for dx, dy, ink in ((-0.07, 0, (216, 48, 44)), (0.0, 0.0, (246, 150, 40)), (0.07, 0, (240, 208, 60)),
                        (-0.035, -0.055, (120, 176, 60)), (0.035, -0.055, (216, 48, 44))):
        c.oval(x + dx, y - 0.04 + dy, 0.04, 0.04, ink)


def _books(c: Canvas, x: float, y: float) -> None:
    for k, ink in enumerate(((160, 52, 50), (48, 92, 140), (214, 168, 60), (70, 120, 78))):
        c.box(x - 0.11 + 0.012 * (k % 2), y - 0.04 * (k + 1), x + 0.1 + 0.014 * (k % 3), y - 0.04 * k - 0.004, ink)


def _bush(c: Canvas, x: float, y: float) -> None:
    c.poly([(x - 0.055, y - 0.1), (x + 0.055, y - 0.1), (x + 0.04, y), (x - 0.04, y)], (186, 96, 62))
    for dx, dy in ((-0.09, -0.22), (0, -0.3), (0.09, -0.22), (-0.05, -0.16), (0.05, -0.16)):
        c.oval(x + dx, y + dy, 0.045, 0.075, (70, 140, 76))


def _flowers(c: Canvas, x: float, y: float) -> None:
    for k, ink in enumerate(((232, 74, 100), (250, 200, 70), (180, 110, 210), (248, 240, 240), (240, 120, 60))):
        dx = (k - 2) * 0.045
        c.line([(x + dx * 0.5, y), (x + dx, y - 0.16 - 0.03 * (k % 2))], (70, 130, 60), 0.007)
        c.oval(x + dx, y - 0.17 - 0.03 * (k % 2), 0.032, 0.032, ink)
        c.oval(x + dx, y - 0.17 - 0.03 * (k % 2), 0.012, 0.012, (255, 230, 130))


def _umbrella(c: Canvas, x: float, y: float) -> None:
    c.line([(x, y), (x, y - 0.4)], (100, 80, 66), 0.012)
    for k in range(6):
        c.poly([(x, y - 0.5), (x - 0.18 + 0.06 * k, y - 0.37), (x - 0.12 + 0.06 * k, y - 0.37)],
               ((226, 66, 62), (250, 246, 236))[k % 2])


def _fence(c: Canvas, x: float, y: float) -> None:
    for k in range(12):
        c.box(k * 0.09, y - 0.18, k * 0.09 + 0.045, y, (248, 246, 240))
        c.poly([(k * 0.09, y - 0.18), (k * 0.09 + 0.022, y - 0.21), (k * 0.09 + 0.045, y - 0.18)], (248, 246, 240))
    c.box(0, y - 0.14, 1, y - 0.11, (230, 226, 218))


def _bench(c: Canvas, x: float, y: float) -> None:
    for dy in (0.22, 0.17, 0.1):
        c.box(x - 0.17, y - dy, x + 0.17, y - dy + 0.03, (150, 98, 58))
    for dx in (-0.14, 0.12):
        c.box(x + dx, y - 0.1, x + dx + 0.02, y, (60, 56, 56))


def _eiffel(c: Canvas, x: float, y: float) -> None:
    iron = (120, 96, 80)
    c.poly([(x - 0.14, y), (x - 0.05, y - 0.28), (x - 0.015, y - 0.56), (x + 0.015, y - 0.56), (x + 0.05, y - 0.28),
            (x + 0.14, y),
            (x + 0.09, y), (x, y - 0.15), (x - 0.09, y)], iron)
    c.box(x - 0.075, y - 0.2, x + 0.075, y - 0.175, dark(iron, 0.3))
    c.box(x - 0.045, y - 0.36, x + 0.045, y - 0.34, dark(iron, 0.3))


def _beasts(ink: Rgb) -> Callable[[Canvas, float, float], None]:
    def draw(c: Canvas, x: float, y: float) -> None:
        for dx, f in ((-0.06, 1.0), (0.1, 0.8)):
            c.oval(x + dx, y - 0.1 * f, 0.08 * f, 0.05 * f, ink)
            c.oval(x + dx + 0.08 * f, y - 0.15 * f, 0.035 * f, 0.03 * f, dark(ink, 0.2))
            for leg in (-0.05, 0.04):
                c.box(x + dx + leg * f, y - 0.08 * f, x + dx + (leg + 0.018) * f, y, dark(ink, 0.35))
    return draw


def _crowd(c: Canvas, x: float, y: float) -> None:
    for k in range(9):
        at, ink = 0.04 + 0.115 * k, ((170, 70, 70), (70, 96, 150), (90, 130, 90), (180, 150, 90))[k % 4]
        c.box(at - 0.035, y - 0.2, at + 0.035, y, ink, r=0.03)
        c.oval(at, y - 0.235, 0.026, 0.032, ((232, 190, 160), (150, 104, 78))[k % 2])


def _rocket(c: Canvas, x: float, y: float) -> None:
    c.poly([(x - 0.09, y), (x, y - 0.16), (x + 0.09, y)], (206, 60, 54))
    c.oval(x, y - 0.24, 0.05, 0.22, (236, 238, 242))
    c.oval(x, y - 0.3, 0.024, 0.024, (70, 130, 190))


def _wheel(c: Canvas, x: float, y: float) -> None:
    rim = [(x + dx * 0.17, y - 0.24 + dy * 0.17) for dx, dy in ((1, 0), (0.7, 0.7), (0, 1), (-0.7, 0.7), (-1, 0),
                                                                (-0.7, -0.7), (0, -1), (0.7, -0.7))]
    c.line([*rim, rim[0]], (200, 70, 80), 0.012)
    for k, (px, py) in enumerate(rim):
        c.line([(x, y - 0.24), (px, py)], (150, 150, 160), 0.006)
        c.box(px - 0.02, py, px + 0.02, py + 0.035, ((240, 190, 60), (80, 150, 220))[k % 2], r=0.01)
    c.poly([(x - 0.1, y), (x, y - 0.24), (x + 0.1, y)], (120, 120, 130), 0.5)


def _snowman(c: Canvas, x: float, y: float) -> None:
    for dy, s in ((0.07, 0.08), (0.2, 0.06), (0.3, 0.045)):
        c.oval(x, y - dy, s, s, (240, 244, 250))
    c.poly([(x, y - 0.3), (x + 0.06, y - 0.29), (x, y - 0.285)], (240, 130, 40))
    c.box(x - 0.04, y - 0.39, x + 0.04, y - 0.335, (40, 40, 46))


def _picture(c: Canvas, x: float, y: float) -> None:
    for dx, ink in ((-0.02, (110, 150, 180)), (0.0, (190, 140, 100))):
        at = x if dx else 1 - x
        c.box(at - 0.1, 0.16, at + 0.1, 0.4, (196, 158, 84))
        c.box(at - 0.08, 0.18, at + 0.08, 0.38, ink)
        c.oval(at, 0.38, 0.07, 0.08, dark(ink, 0.3))


def _screen(c: Canvas, x: float, y: float) -> None:
    c.box(x - 0.14, y - 0.28, x + 0.14, y - 0.08, (40, 42, 48), r=0.01)
    c.box(x - 0.125, y - 0.265, x + 0.125, y - 0.095, (110, 180, 220))
    c.box(x - 0.02, y - 0.08, x + 0.02, y - 0.01, (70, 72, 78))
    c.box(x - 0.08, y - 0.015, x + 0.08, y, (70, 72, 78))


def _blackboard(c: Canvas, x: float, y: float) -> None:
    c.box(0.1, 0.1, 0.9, 0.46, (128, 88, 54))
    c.box(0.12, 0.12, 0.88, 0.44, (44, 84, 66))
    for k in range(5):
        c.line([(0.17, 0.17 + 0.05 * k), (0.4 + 0.07 * (k * 3 % 5), 0.165 + 0.05 * k)], (226, 234, 226), 0.007)


def _instrument(c: Canvas, x: float, y: float) -> None:
    c.box(x - 0.16, y - 0.3, x + 0.16, y, (44, 34, 32))
    c.box(x - 0.16, y - 0.16, x + 0.16, y - 0.11, (246, 244, 236))
    for k in range(9):
        c.box(x - 0.145 + 0.033 * k, y - 0.16, x - 0.132 + 0.033 * k, y - 0.13, (30, 28, 28))


def _christmas(c: Canvas, x: float, y: float) -> None:
    for k in range(3):
        c.poly([(x - 0.08 - 0.035 * k, y - 0.3 + 0.13 * k), (x, y - 0.48 + 0.13 * k),
                (x + 0.08 + 0.035 * k, y - 0.3 + 0.13 * k)], (36, 110, 66))
    for k in range(9):
        c.oval(x + ((k * 5) % 9 - 4) * 0.022, y - 0.1 - 0.03 * k, 0.013, 0.013,
               ((230, 60, 60), (250, 210, 80), (90, 160, 230))[k % 3])


def _tub(c: Canvas, x: float, y: float) -> None:
    c.box(x - 0.2, y - 0.15, x + 0.2, y, (246, 246, 248), r=0.06)
    for k in range(6):
        c.oval(x - 0.15 + 0.06 * k, y - 0.17, 0.04, 0.035, (226, 240, 250))


PROPS: dict[str, Callable[[Canvas, float, float], None]] = {
    "boat": _boat,
    "lighthouse": _lighthouse,
    "windmill": _windmill,
    "castle": _tower((176, 170, 164), (90, 96, 130)),
    "pagoda": _tower((206, 74, 58), (62, 66, 72)),
    "cathedral": _tower((208, 196, 176), (120, 92, 80)),
    "pyramid": _pyramid,
    "volcano": _volcano,
    "tent": _tent,
    "fireplace": _fireplace,
    "fire": _fire,
    "house": _house,
    "train": _train,
    "car": _car,
    "wheel": _wheel,
    "rocket": _rocket,
    "snowman": _snowman,
    "christmas": _christmas,
    "balloon": _balloons,
    "umbrella": _umbrella,
    "pumpkin": _pumpkins,
    "fence": _fence,
    "bench": _bench,
    "screen": _screen,
    "board": _blackboard,
    "piano": _instrument,
    "tub": _tub,
    "lamp": _lamp,
    "cup": _bucket((214, 96, 70)),
    "fruit": _fruit,
    "books": _books,
    "crowd": _crowd,
    "cattle": _beasts((150, 112, 84)),
    "birds": _beasts((236, 170, 176)),
    "flowers": _flowers,
    "plant": _bush,
    "picture": _picture,
    "eiffel": _eiffel,
}
_PROP = Table.read("props")


def beside(c: Canvas, r: Random, text: str, y: float) -> None:
    """Draws up to two things that the text names, left and right of the subject."""
    left = r.random() < 0.5
    for name in _PROP.all(text)[:2]:
        x = (0.15 if left else 0.85) + 0.04 * (r.random() - 0.5)
        PROPS[name](c, x, y)
        left = not left
