"""A map of a pool as PNG: pictures where their two scores put them."""

from __future__ import annotations

from collections.abc import Mapping

from PIL import Image, ImageDraw, ImageOps

from cards.pool import Bools, Grid
from cards.sheets import BACKDROP, MARGIN, WIDTH, png
from schemas.style import ACCENT, INK, MUTED, RULE, font

ACROSS, DOWN = 20, 11
"""Cells of the map."""
_CELL = 72
_TITLE, _WORDS = font(22, bold=True), font(18)


def draw(grid: Grid, small: Mapping[int, Image.Image], selected: Bools) -> bytes:
    """One picture in each cell of `grid`, by row number; those that are `selected` in a frame. To the right the
    pictures match the concept better, upwards they are more beautiful."""
    left, top = WIDTH - MARGIN - ACROSS * _CELL, MARGIN + 8
    page = Image.new("RGB", (WIDTH, top + DOWN * _CELL + 84), "white")
    pen = ImageDraw.Draw(page)
    pen.rectangle((left, top, left + ACROSS * _CELL - 1, top + DOWN * _CELL - 1), BACKDROP)
    for (column, row), number in sorted(grid.cells.items()):
        at = left + column * _CELL, top + (DOWN - 1 - row) * _CELL
        page.paste(ImageOps.fit(small[number], (_CELL, _CELL), Image.Resampling.LANCZOS), at)
        pen.rectangle((*at, at[0] + _CELL - 1, at[1] + _CELL - 1), outline=RULE)
    for (column, row), number in sorted(grid.cells.items()):
        if selected[number]:
            x, y = left + column * _CELL, top + (DOWN - 1 - row) * _CELL
            pen.rectangle((x, y, x + _CELL - 1, y + _CELL - 1), outline="white", width=5)
            pen.rectangle((x, y, x + _CELL - 1, y + _CELL - 1), outline=ACCENT, width=4)
    _axes(page, pen, grid, left, top)
    return png(page)


def _axes(page: Image.Image, pen: ImageDraw.ImageDraw, grid: Grid, left: int, top: int) -> None:
    foot, right = top + DOWN * _CELL, left + ACROSS * _CELL
    for place in range(0, ACROSS + 1, 4):
        score = grid.x[0] + (grid.x[1] - grid.x[0]) * place / ACROSS
        pen.text((left + place * _CELL, foot + 10), f"{score:.1f}", MUTED, _WORDS,
                 anchor="la" if not place else "ra" if place == ACROSS else "ma")
    pen.text(((left + right) // 2, foot + 40), "concept score: more like the seeds →", INK, _TITLE, anchor="ma")
    for place in range(DOWN + 1):
        if place % 3 == 0 or place == DOWN:
            score = grid.y[0] + (grid.y[1] - grid.y[0]) * place / DOWN
            pen.text((left - 10, foot - place * _CELL), f"{score:.1f}", MUTED, _WORDS,
                     anchor="rs" if not place else "rt" if place == DOWN else "rm")
    words = Image.new("RGB", (DOWN * _CELL, 32), "white")
    ImageDraw.Draw(words).text((words.width // 2, 2), "aesthetic score: better looking →", INK, _TITLE, anchor="ma")
    page.paste(words.transpose(Image.Transpose.ROTATE_90), (MARGIN - 20, top))
