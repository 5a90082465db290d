"""Places: meadow, street, kitchen, ... each drawn over a sky or a bare board."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from builders.generators.light import pieces as p
from builders.generators.light.canvas import Canvas
from builders.generators.light.pieces import dark, pale
from builders.generators.light.pigments import Rgb, mixed, named
from builders.generators.light.words import Table

Place = Callable[[Canvas, Random, str], None]
_LEAF: Rgb =  (62, 128, 58)
_AUTUMN: Rgb = (206, 122, 44)


def _space(c: Canvas, r: Random, text: str) -> None:
    c.box(0, 0, 1, 1, (14, 12, 32))
    c.glow(0.7, 0.3, 0.4, (96, 60, 150), 0.5)
    p.stars(c, r, 90)
    p.planet(c, r, 0.2, 0.2, 0.12, (206, 150, 100) if "mars" in text or "ring" in text else (70, 120, 200),
             "ring" in text)
    if any(word in text for word in ("moon", "mars", "plain", "station", "alien", "surface", "colony")):
        ink = (186, 92, 60) if "mars" in text or "red" in text else (172, 170, 174)
        c.swell(r, 0.7, 0.04, ink)
        for _ in range(8):
            x, y = r.random(), 0.75 + 0.24 * r.random()
            c.oval(x, y, 0.05, 0.016, dark(ink, 0.25))
            c.oval(x, y + 0.005, 0.042, 0.012, dark(ink, 0.1))


def _deep(c: Canvas, r: Random, text: str) -> None:
    c.box(0, 0, 1, 1, (26, 110, 160))
    c.poly([(0.2, 0), (0.5, 0), (0.34, 1), (-0.2, 1)], (110, 190, 214), 0.25)
    c.poly([(0.62, 0), (0.8, 0), (0.96, 1), (0.6, 1)], (110, 190, 214), 0.2)
    p.sand(c, r, 0.76, (196, 190, 150))
    p.coral(c, r, 0.74)


def _cave(c: Canvas, r: Random, text: str) -> None:
    c.box(0, 0, 1, 1, (64, 54, 52))
    c.oval(0.5, 0.42, 0.34, 0.36, (116, 100, 88))
    c.glow(0.5, 0.4, 0.3, (220, 190, 140), 0.4)
    for k in range(9):
        x, h = k / 8, 0.1 + 0.2 * r.random()
        c.poly([(x - 0.06, 0), (x + 0.06, 0), (x, h)], (44, 37, 37))
    c.swell(r, 0.74, 0.04, (82, 70, 64))
    p.rocks(c, r, 0.72, (96, 84, 78), 6)


def _snow(c: Canvas, r: Random, text: str) -> None:
    p.mountains(c, r, 0.62, (126, 146, 178))
    if "ice" in text or "glacier" in text:
        for k in range(4):
            x = 0.1 + 0.27 * k
            c.poly([(x - 0.1, 0.7), (x - 0.04, 0.5), (x + 0.05, 0.46), (x + 0.12, 0.7)], (176, 214, 236))
            c.poly([(x + 0.05, 0.46), (x + 0.12, 0.7), (x + 0.02, 0.7)], (132, 186, 220))
    else:
        p.pines(c, r, 0.64, (58, 98, 86), snow=True)
    p.snowdrift(c, r, 0.66)


def _beach(c: Canvas, r: Random, text: str) -> None:
    c.oval(0.78, 0.18, 0.07, 0.07, (255, 240, 190))
    p.clouds(c, r, 2)
    p.water(c, r, 0.5, (38, 138, 180))
    p.sand(c, r, 0.68)
    c.line([(k / 10, 0.68 + 0.012 * (k % 2)) for k in range(11)], (248, 252, 252), 0.016)
    p.palms(c, r, 0.66)


def _sea(c: Canvas, r: Random, text: str) -> None:
    p.clouds(c, r, 3)
    p.water(c, r, 0.46, (236, 232, 222) if "milk" in text else (30, 98, 158))
    for k in range(4):
        y = 0.52 + 0.1 * k
        c.line([(j / 12, y + 0.014 * (j % 2)) for j in range(13)], (214, 234, 244), 0.008, 0.7)


def _lake(c: Canvas, r: Random, text: str) -> None:
    if "mountain" in text or "glacier" in text:
        p.mountains(c, r, 0.5)
    p.pines(c, r, 0.5, (52, 104, 72)) if "pool" not in text else c.box(0, 0.4, 1, 0.5, (214, 206, 190))
    if "waterfall" in text:
        c.box(0.3, 0.06, 0.7, 0.56, (100, 96, 90))
        c.box(0.38, 0.06, 0.62, 0.6, (206, 230, 242))
        for k in range(7):
            c.line([(0.4 + 0.033 * k, 0.08), (0.4 + 0.033 * k, 0.58)], (246, 250, 253), 0.006)
    p.water(c, r, 0.5, (40, 170, 190) if "pool" in text or "turquoise" in text else (64, 126, 150))
    p.grass(c, r, 0.8, (110, 150, 76), 24) if "pool" not in text and "canal" not in text else p.paving(c, r, 0.82)


def _desert(c: Canvas, r: Random, text: str) -> None:
    c.oval(0.76, 0.16, 0.07, 0.07, (255, 244, 200))
    if "canyon" in text or "arch" in text:
        for x, w, h in ((0.12, 0.2, 0.4), (0.5, 0.14, 0.24), (0.88, 0.2, 0.44)):
            for k in range(4):
                c.box(x - w, 0.62 - h + h * k / 4, x + w, 0.63 - h + h * (k + 1) / 4,
                      ((192, 96, 58), (214, 126, 78))[k % 2])
    p.dunes(c, r, 0.6)
    if not any(word in text for word in ("dune", "camel", "oasis")):
        p.cacti(c, r, 0.62)
    if "oasis" in text or "palm" in text:
        p.palms(c, r, 0.66)


def _mountain(c: Canvas, r: Random, text: str) -> None:
    p.clouds(c, r, 3)
    p.mountains(c, r, 0.64)
    if any(word in text for word in ("meadow", "hill", "green", "alpine", "valley", "pasture")):
        c.swell(r, 0.62, 0.08, (110, 168, 82))
        p.grass(c, r, 0.7, (112, 168, 76), 40)
    else:
        c.swell(r, 0.66, 0.06, (134, 128, 120))
        p.rocks(c, r, 0.66)


def _forest(c: Canvas, r: Random, text: str) -> None:
    leaf = _AUTUMN if "autumn" in text or "yellow" in text else _LEAF
    c.box(0, 0.1, 1, 0.7, mixed(dark(leaf, 0.2), (190, 216, 196), 0.4), 0.8)
    if any(word in text for word in ("pine", "fir", "snow", "spruce", "cabin")):
        p.pines(c, r, 0.66)
    elif any(word in text for word in ("jungle", "rainforest", "tropical", "mangrove")):
        p.trees(c, r, 0.62, (38, 120, 62), 8, 0.6)
        p.palms(c, r, 0.7)
    elif "bamboo" in text:
        for k in range(16):
            x = (k + r.random()) / 16
            c.box(x, 0, x + 0.022, 0.72, mixed((110, 160, 70), (70, 120, 56), r.random()))
            for j in range(6):
                c.box(x - 0.003, 0.12 * j + 0.05 * r.random(), x + 0.025, 0.12 * j + 0.06, (60, 100, 46))
    else:
        p.trees(c, r, 0.62, leaf, 8, 0.58)
    p.grass(c, r, 0.68, mixed((92, 128, 62), leaf, 0.25), 50)


_FIELDS: dict[str, tuple[Rgb, ...]] = {
    "lavender": ((140, 100, 200), (170, 130, 220)),
    "sunflower": ((250, 200, 40), (244, 180, 30)),
    "poppy": ((222, 48, 48), (240, 92, 70)),
    "mixed": ((240, 110, 140), (250, 210, 80), (250, 250, 246), (160, 110, 210)),
}
_FIELD = Table.read("fields")


def _meadow(c: Canvas, r: Random, text: str) -> None:
    p.clouds(c, r, 3)
    c.swell(r, 0.56, 0.1, (130, 176, 96))
    leaf = _AUTUMN if "autumn" in text or "leaves" in text else _LEAF
    for x in (0.08, 0.24, 0.8, 0.95):
        p.tree(c, r, x + 0.04 * r.random(), 0.6, 0.26 + 0.1 * r.random(), leaf)
    golden = any(word in text for word in ("wheat", "hay", "savanna", "prairie", "corn", "harvest", "plains", "rice"))
    p.grass(c, r, 0.6, (214, 180, 90) if golden else (108, 168, 72), 80)
    if field := _FIELD.first(text):
        p.flowers(c, r, 0.62, _FIELDS[field])


def _heaven(c: Canvas, r: Random, text: str) -> None:
    p.clouds(c, r, 8)
    for k in range(6):
        c.oval(k / 5, 0.98, 0.16, 0.1 + 0.04 * r.random(), (250, 252, 255))


def _street(c: Canvas, r: Random, text: str) -> None:
    p.clouds(c, r, 2)
    p.skyline(c, r, 0.64)
    if any(word in text for word in ("plaza", "courtyard", "sidewalk", "pavement", "cobble", "square", "rooftop",
                                     "alley", "park")):
        p.paving(c, r, 0.64)
    else:
        p.road(c, r, 0.64)


def _graffiti(c: Canvas, r: Random, text: str) -> None:
    brick = "brick" in text or "alley" in text
    p.wall(c, r, 0.7, (170, 90, 70) if brick else (186, 182, 176), "bricks" if brick else "stone")
    if "graffiti" in text or "mural" in text or "street art" in text:
        for k in range(7):
            x, ink = 0.08 + 0.13 * k, ((230, 60, 120), (60, 180, 220), (250, 200, 50), (110, 200, 90))[k % 4]
            c.line([(x - 0.05, 0.5), (x + 0.05, 0.2 + 0.1 * r.random()), (x + 0.02, 0.4), (x + 0.09, 0.3)], ink, 0.03)
    p.paving(c, r, 0.7)


def _market(c: Canvas, r: Random, text: str) -> None:
    p.shelves(c, r, 0.62, "goods", (150, 110, 70))
    for k in range(8):
        ink = ((222, 66, 58), (250, 246, 236))[k % 2]
        c.poly([(k / 8, 0), ((k + 1) / 8, 0), ((k + 1) / 8, 0.13), (k / 8 + 0.0625, 0.17), (k / 8, 0.13)], ink)
    for k in range(3):
        c.box(0.01 + 0.34 * k, 0.56, 0.31 + 0.34 * k, 0.72, (142, 98, 58))
        for j in range(14):
            c.oval(0.03 + 0.34 * k + 0.04 * (j % 7), 0.55 - 0.03 * (j // 7), 0.024, 0.024,
                   ((222, 60, 50), (246, 160, 40), (130, 180, 60))[k])
    p.paving(c, r, 0.7)


def _indoor(wall: Rgb, kind: str, floor: Callable[[Canvas, Random, float], None]) -> Place:
    def draw(c: Canvas, r: Random, text: str) -> None:
        own = named(text)
        p.wall(c, r, 0.66, mixed(wall, own, 0.4) if own and "wall" in text else wall, "stripes" if "strip" in text
               else kind)
        if kind != "stone" and "basement" not in text:
            p.window(c, r, 0.08 + 0.5 * (r.random() < 0.5), 0.12, 0.26, 0.3)
        if "curtain" in text:
            p.curtain(c, r, 0.64, own or (206, 196, 188))
        floor(c, r, 0.66)
    return draw


def _kitchen(c: Canvas, r: Random, text: str) -> None:
    p.wall(c, r, 0.6, (222, 232, 232), "tiles")
    c.box(0.02, 0.04, 0.36, 0.22, (196, 150, 104))
    c.box(0.185, 0.05, 0.195, 0.21, (140, 100, 66))
    p.window(c, r, 0.56, 0.1, 0.3, 0.26)
    for k in range(4):
        c.line([(0.1 + 0.07 * k, 0.27), (0.1 + 0.07 * k, 0.36)], (90, 90, 96), 0.006)
        c.oval(0.1 + 0.07 * k, 0.38, 0.024, 0.03, (150, 154, 160))
    c.box(0, 0.56, 1, 0.62, (240, 238, 232))
    p.tiles(c, r, 0.64, (240, 236, 228), (168, 178, 176))


def _library(c: Canvas, r: Random, text: str) -> None:
    p.shelves(c, r, 0.66, "books")
    p.planks(c, r, 0.66, (132, 88, 56))


def _shop(c: Canvas, r: Random, text: str) -> None:
    p.shelves(c, r, 0.64, "jars", (150, 118, 86))
    p.tiles(c, r, 0.64, (236, 230, 220), (190, 176, 160))


def _works(c: Canvas, r: Random, text: str) -> None:
    p.wall(c, r, 0.66, (146, 140, 136), "stone")
    for k in range(6):
        x = 0.06 + 0.16 * k
        c.line([(x, 0.12), (x, 0.28)], (120, 82, 50), 0.014)
        c.box(x - 0.03, 0.26, x + 0.03, 0.32, (170, 176, 184))
    for k in range(3):
        c.box(0.02 + 0.66 * (k % 2), 0.56 - 0.13 * (k // 2), 0.3 + 0.66 * (k % 2), 0.68 - 0.13 * (k // 2),
              (172, 128, 80))
        c.line([(0.02 + 0.66 * (k % 2), 0.62), (0.3 + 0.66 * (k % 2), 0.62)], (120, 84, 50), 0.008)
    p.plain(c, r, 0.66, (150, 146, 140))


def _hall(c: Canvas, r: Random, text: str) -> None:
    own = named(text) if any(word in text for word in ("mosque", "tiled", "pagoda", "palace")) else None
    p.wall(c, r, 0.66, mixed((196, 176, 148), own, 0.6) if own else (196, 176, 148))
    c.box(0.36, 0.24, 0.64, 0.66, (112, 92, 76))
    c.oval(0.5, 0.26, 0.14, 0.1, (112, 92, 76))
    p.columns(c, r, 0.66)
    p.paving(c, r, 0.66, (188, 172, 148))


def _gallery(c: Canvas, r: Random, text: str) -> None:
    p.wall(c, r, 0.7, (238, 236, 230))
    for k in range(3):
        x, ink = 0.07 + 0.32 * k, ((96, 140, 170), (200, 140, 90), (140, 160, 100))[k]
        c.box(x, 0.14, x + 0.22, 0.44, (190, 150, 80))
        c.box(x + 0.02, 0.16, x + 0.2, 0.42, ink)
        c.oval(x + 0.11, 0.42, 0.08, 0.1, dark(ink, 0.3))
    p.planks(c, r, 0.7, (190, 152, 110))


def _stage(c: Canvas, r: Random, text: str) -> None:
    c.box(0, 0, 1, 0.7, (46, 26, 40))
    p.curtain(c, r, 0.68, (170, 34, 44))
    c.poly([(0.46, 0), (0.54, 0), (0.86, 0.9), (0.14, 0.9)], (255, 246, 210), 0.22)
    p.planks(c, r, 0.7, (150, 104, 66))
    c.oval(0.5, 0.86, 0.36, 0.09, (255, 244, 206), 0.35)


def _sports(c: Canvas, r: Random, text: str) -> None:
    for k in range(6):
        c.box(0, 0.2 + 0.07 * k, 1, 0.27 + 0.07 * k, mixed((90, 100, 124), (150, 150, 160), k / 6))
        for j in range(24):
            c.oval(j / 23, 0.22 + 0.07 * k, 0.014, 0.018, ((226, 190, 160), (210, 90, 80), (90, 130, 190),
                                                           (240, 220, 140))[(j * 7 + k * 3) % 4])
    lane = (208, 160, 100) if "basketball" in text else (88, 158, 84)
    if any(word in text for word in ("track", "running", "race", "clay")):
        lane = (196, 92, 66)
    c.box(0, 0.62, 1, 1, lane)
    for k in range(5):
        c.line([(0.3 + 0.1 * k, 0.62), (-0.3 + 0.4 * k, 1)], (246, 246, 240), 0.009)


def _studio(c: Canvas, r: Random, text: str) -> None:
    own = named(text) or (190, 194, 202)
    if "white" in text or "black" in text or "void" in text:
        own = (236, 236, 236) if "white" in text else (22, 22, 26)
    c.box(0, 0, 1, 1, own)
    c.glow(0.5, 0.42, 0.6, pale(own, 0.4), 0.5)
    c.box(0, 0.76, 1, 1, dark(own, 0.1) if sum(own) > 120 else pale(own, 0.08))


PLACES: dict[str, Place] = {
    "space": _space,
    "deep": _deep,
    "cave": _cave,
    "snow": _snow,
    "beach": _beach,
    "desert": _desert,
    "sea": _sea,
    "lake": _lake,
    "stage": _stage,
    "sports": _sports,
    "library": _library,
    "kitchen": _kitchen,
    "market": _market,
    "shop": _shop,
    "works": _works,
    "gallery": _gallery,
    "hall": _hall,
    "forest": _forest,
    "street": _street,
    "mountain": _mountain,
    "meadow": _meadow,
    "sky": _heaven,
    "wall": _graffiti,
    "school": _indoor((216, 220, 206), "", p.planks),
    "room": _indoor((222, 206, 184), "", p.planks),
    "studio": _studio,
}
