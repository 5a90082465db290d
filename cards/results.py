"""Contact sheets of numbered or scored pictures: what a search found, candidates, a pool's best and worst."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont, ImageOps

from cards.sheets import BACKDROP, GAP, MARGIN, ROUND, WIDTH, notice, paste, png, thumbnail
from schemas.style import ACCENT, INK, MUTED, RULE, WARM, font
from schemas.text import label

MOST = 200
"""Pictures on one sheet; a sheet of more says how many it leaves out."""
ABREAST = 8
"""Pictures of a strip."""
_ACROSS, _BAR, _LINE = 5, 8, 24
_CELL = (WIDTH - 2 * MARGIN - (_ACROSS - 1) * GAP) // _ACROSS
_TITLE, _HEAD, _TEXT = font(28, bold=True), font(22, bold=True), font(18)


class Tile(NamedTuple):
    """A picture with what stands below it."""

    picture: bytes | Image.Image
    """As published, in any format that a build reads; or made small already."""
    head: str = ""
    """The number to say or the score to look at, bold."""
    value: str = ""
    """Beside it, at the right."""
    text: str = ""
    """Anything, shown on at most two lines."""
    parts: tuple[float, float] | None = None
    """Concept and aesthetic score, 0..10 each, drawn as two bars with their numbers."""
    marked: bool = False
    """In a frame: a query, a selected picture."""


def sheet(tiles: Sequence[Tile], title: str = "", told: str = "") -> bytes:
    """The pictures in rows of five, each whole, as PNG; `title` and `told` are a line each above them. The same bytes
    for the same input."""
    if not tiles:
        return png(notice("No picture to show."))
    shown = tiles[:MOST]
    told += f"{', ' if told else ''}the first {MOST} of {len(tiles):,}" if len(tiles) > MOST else ""
    top = MARGIN + 44 * bool(title) + 36 * bool(told)
    foot = 24 + max(38 * bool(tile.head or tile.value) + 44 * bool(tile.parts)
                    + _LINE * len(_words(tile)) for tile in shown)
    step = _CELL + foot + GAP
    page = Image.new("RGB", (WIDTH, top + -(-len(shown) // _ACROSS) * step + MARGIN - GAP), "white")
    pen = ImageDraw.Draw(page)
    across = WIDTH - 2 * MARGIN
    pen.text((MARGIN, MARGIN - 8), fitted(title, _TITLE, across)[0], INK, _TITLE, anchor="la")
    pen.text((MARGIN, top - 42), fitted(told, _TEXT, across)[0], MUTED, _TEXT, anchor="la")
    for number, tile in enumerate(shown):
        place = MARGIN + number % _ACROSS * (_CELL + GAP), top + number // _ACROSS * step
        _draw(page, pen, tile, place)
    return png(page)


def _draw(page: Image.Image, pen: ImageDraw.ImageDraw, tile: Tile, at: tuple[int, int]) -> None:
    x, y = at
    _show(page, pen, tile, at, _CELL)
    y += _CELL + 14
    if tile.head or tile.value:
        head = fitted(tile.head, _HEAD, _CELL)[0]
        rest = max(0, _CELL - GAP - round(_HEAD.getlength(head)))
        pen.text((x, y), head, INK, _HEAD, anchor="la")
        pen.text((x + _CELL, y + 3), fitted(tile.value, _TEXT, rest)[0], MUTED, _TEXT, anchor="ra")
        y += 38
    if tile.parts:
        half = (_CELL - GAP) // 2
        for name, score, colour, left in zip(("concept", "aesthetic"), tile.parts, (ACCENT, WARM),
                                             (x, x + half + GAP), strict=True):
            pen.rectangle((left, y, left + half - 1, y + _BAR - 1), RULE)
            if filled := round(half * score / 10):
                pen.rectangle((left, y, left + filled - 1, y + _BAR - 1), colour)
            pen.text((left, y + 12), f"{name} {score:.2f}", MUTED, font(16), anchor="la")
        y += 44
    for number, line in enumerate(_words(tile)):
        pen.text((x, y + number * _LINE), line, MUTED, _TEXT, anchor="la")


def _words(tile: Tile) -> list[str]:
    return fitted(tile.text, _TEXT, _CELL, 2) if tile.text else []


def _show(page: Image.Image, pen: ImageDraw.ImageDraw, tile: Tile, at: tuple[int, int], side: int) -> None:
    """The picture alone, whole in the middle of a square."""
    cell = (side, side)
    small = tile.picture if isinstance(tile.picture, Image.Image) else thumbnail(tile.picture, side)
    paste(page, Image.new("RGB", cell, BACKDROP), at, cell)
    paste(page, ImageOps.contain(small, cell, Image.Resampling.LANCZOS), at, cell)
    if tile.marked:
        pen.rounded_rectangle((at[0] - 4, at[1] - 4, at[0] + side + 3, at[1] + side + 3), ROUND + 4, outline=ACCENT,
                              width=4)


class Strip(NamedTuple):
    """A row of pictures under its name."""

    name: str
    told: str
    tiles: Sequence[Tile]


def strips(rows: Sequence[Strip]) -> bytes:
    """Rows of pictures without words, the first ABREAST of each, to be compared by eye; as PNG."""
    side = (WIDTH - 2 * MARGIN - (ABREAST - 1) * GAP) // ABREAST
    step = 44 + side + 36
    page = Image.new("RGB", (WIDTH, MARGIN + step * len(rows) + MARGIN - 36), "white")
    pen = ImageDraw.Draw(page)
    for number, row in enumerate(rows):
        y = MARGIN + number * step
        pen.text((MARGIN, y - 6), row.name, INK, _HEAD, anchor="la")
        left = MARGIN + round(_HEAD.getlength(row.name)) + 16
        pen.text((left, y - 3), fitted(row.told, _TEXT, WIDTH - MARGIN - left)[0], MUTED, _TEXT, anchor="la")
        for place, tile in enumerate(row.tiles[:ABREAST]):
            _show(page, pen, tile, (MARGIN + place * (side + GAP), y + 36), side)
    return png(page)


def fitted(text: str, drawn: ImageFont.FreeTypeFont, width: int, lines: int = 1) -> list[str]:
    """Any text on at most so many lines of at most `width` pixels, broken between words and, where one word is too
    long, within it; what has no room is an ellipsis. Always one line at least."""
    rest = label(" ".join(text[:1000].split()), 1000)
    out: list[str] = []
    while len(out) < lines - 1 and drawn.getlength(rest) > width:
        most = _most(rest, drawn, width)
        cut = rest.rfind(" ", 1, most + 1)
        cut = cut if cut > 0 else most
        out.append(rest[:cut])
        rest = rest[cut:].lstrip()
    if drawn.getlength(rest) > width:
        rest = rest[:_most(rest, drawn, width - round(drawn.getlength("…")))].rstrip() + "…"
    return [*out, rest]


def _most(text: str, drawn: ImageFont.FreeTypeFont, width: int) -> int:
    """How many of its first characters are at most so wide; one at least."""
    count = 1
    while count < len(text) and drawn.getlength(text[:count + 1]) <= width:
        count += 1
    return count
