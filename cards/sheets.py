"""Contact sheets as PNG bytes: outfits by row, and the reference/target pairs that are most alike."""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageOps

from cards import shards
from cards.leakage import AlikePair
from cards.survey import Outfit, Survey
from schemas import colours
from schemas.draws import draw
from schemas.style import ACCENT, INK, MUTED, RULE, font
from schemas.text import label

WIDTH = 1600
"""Pixels across; the Hub shows pages at about 900."""

OUTFITS = 6
"""Rows of the contact sheet."""

SIDE = 3
"""Pictures a row shows on each side: published pictures left, cut-out figures right."""

MARGIN, LABEL, GAP, GUTTER, CELL, ROUND = 40, 280, 14, 44, (190, 252), 10
BACKDROP, TINT = "#f4f5f7", "#e9edfd"


@dataclass(frozen=True)
class Shown:
    """A row as it is drawn: small upright RGB picture, its matte, the face box over its size, words beside it."""

    picture: Image.Image
    matte: Image.Image
    box: tuple[float, float, float, float] | None
    """cx, cy, w, h over width and height."""
    cloths: tuple[str, ...]


def load(data: shards.Data, ids: set[str], longest: int = 512) -> dict[str, Shown]:
    """The rows as thumbnails of at most `longest` pixels a side; one row group of full pictures at a time."""
    found: dict[str, Shown] = {}
    wanted = ("id", "image", "mask", "bbox", "cloths")
    for row in (row for hit in shards.hits(data, ids) for row in shards.read(hit, wanted)):
        picture = thumbnail(row["image"]["bytes"], longest)
        with shards.opened(row["mask"]["bytes"]) as matte:
            small = matte.convert("L").resize(picture.size, Image.Resampling.BOX)
        box = tuple(row["bbox"]) if row["bbox"] else None
        found[row["id"]] = Shown(picture, small, box, tuple(row["cloths"] or ()))
    return found


def thumbnail(data: bytes, longest: int) -> Image.Image:
    """Published bytes as a small upright picture in sRGB, with the colours that the models saw."""
    with shards.opened(data) as picture:
        picture.draft("RGB", (longest, longest))
        profile = picture.info.get("icc_profile")
        small = colours.plain(ImageOps.exif_transpose(picture))
    small.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return colours.srgb(small, profile)


def choose(seen: Survey, rows: int = OUTFITS) -> list[tuple[Outfit, list[str]]]:
    """Outfits for the sheet with the ids to show. Characters with two outfits come first, both kept together, so
    that a reader sees what tells outfits apart; outfits with more pictures to show before those with fewer."""
    identities: dict[tuple[str, str], list[tuple[int, int, Outfit, list[str]]]] = {}
    for name, outfit in seen.outfits.items():
        members = [row for _, row in (outfit.rated if seen.rated else outfit.unrated)]
        if members:
            mine = identities.setdefault((outfit.artist, outfit.character), [])
            mine.append((-len(members), draw(name), outfit, members))
    order = []
    for identity, mine in identities.items():
        best = sorted(mine, key=lambda item: item[:2])[:2]
        full = sum(-item[0] >= SIDE for item in best)
        order.append((-full, sum(item[0] for item in best), draw(*identity), best))
    order.sort(key=lambda item: item[:3])
    picked = [(outfit, members) for *_, best in order for _, _, outfit, members in best]
    return picked[:rows]


def outfits(data: shards.Data, rows: Sequence[tuple[Outfit, list[str]]]) -> bytes:
    """The picture to look at first: one outfit that was chosen a row; left published pictures with the face box, right
    figures cut out by their mattes (other members of the outfit where it has enough)."""
    if not rows:
        return png(notice("No picture of this dataset may be shown here."))
    shown = load(data, {row for _, ids in rows for row in (*ids[:SIDE], *ids[-SIDE:])})
    head, step = 88, CELL[1] + 2 * GAP
    sheet = Image.new("RGB", (WIDTH, head + step * len(rows) + MARGIN - GAP), "white")
    pen = ImageDraw.Draw(sheet)
    left, right = MARGIN + LABEL, WIDTH - MARGIN - _side_width()
    pen.text((left, 40), "published picture, face box", MUTED, font(20), anchor="ls")
    pen.text((right, 40), "figure, cut out by its matte", MUTED, font(20), anchor="ls")
    above: tuple[str, str] | None = None
    for number, (outfit, ids) in enumerate(rows):
        y = head - 24 + step * number
        identity = (outfit.artist, outfit.character)
        if identity != above:
            pen.line((MARGIN, y - GAP, WIDTH - MARGIN, y - GAP), RULE, 2)
        first, last = [shown[row] for row in ids[:SIDE]], [shown[row] for row in ids[-SIDE:]]
        _label(pen, y, outfit, [*first, *last], again=identity == above)
        for place, row in enumerate(first):
            paste(sheet, framed(row, CELL), (left + place * (CELL[0] + GAP), y), CELL)
        for place, row in enumerate(last):
            paste(sheet, cut_out(row, CELL), (right + place * (CELL[0] + GAP), y), CELL)
        above = identity
    return png(sheet)


def _side_width() -> int:
    return SIDE * CELL[0] + (SIDE - 1) * GAP


def _label(pen: ImageDraw.ImageDraw, y: int, outfit: Outfit, rows: Sequence[Shown], again: bool) -> None:
    """Who it is, by whom, how many pictures, and the cloth tags that most of the shown rows carry."""
    y += 8
    if again:
        pen.text((MARGIN, y), "in another outfit", INK, font(20), anchor="la")
        y += 32
    else:
        for line in wrap(outfit.character, 18, 2):
            pen.text((MARGIN, y), line, INK, font(22, bold=True), anchor="la")
            y += 30
        if outfit.artist:
            pen.text((MARGIN, y), label("by " + outfit.artist.replace("_", " "), 24), MUTED, font(19), anchor="la")
            y += 30
    pen.text((MARGIN, y), f"{outfit.size} picture" + "s" * (outfit.size != 1), ACCENT, font(19), anchor="la")
    y += 36
    counts = Counter(tag for row in rows for tag in set(row.cloths))
    for tag, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:4]:
        pen.text((MARGIN, y), label(tag, 25), MUTED, font(18), anchor="la")
        y += 25


def wrap(name: str, width: int, lines: int) -> list[str]:
    """A raw tag in at most so many lines of at most `width` characters, broken at its underscores."""
    out = [""]
    for word in label(name.replace("_", " "), width * lines).split(" "):
        joined = f"{out[-1]} {word}".strip()
        if len(joined) > width and out[-1] and len(out) < lines:
            out.append(word)
        else:
            out[-1] = joined
    return [line if len(line) <= width else line[: width - 1] + "…" for line in out]


def framed(row: Shown, cell: tuple[int, int]) -> Image.Image:
    """The whole picture, as large as the cell allows, with its face box as a thin frame."""
    small = ImageOps.contain(row.picture, cell, Image.Resampling.LANCZOS)
    if row.box is not None:
        cx, cy, w, h = row.box
        wide, high = small.width * 4, small.height * 4
        for grow, width, colour in ((5, 18, INK), (0, 8, "white")):  # light between dark: seen on any picture
            frame = Image.new("L", (wide, high))
            corners = ((cx - w / 2) * wide - grow, (cy - h / 2) * high - grow,
                       (cx + w / 2) * wide + grow, (cy + h / 2) * high + grow)
            ImageDraw.Draw(frame).rounded_rectangle(corners, 16, outline=255, width=width)
            small.paste(Image.new("RGB", small.size, colour), mask=frame.resize(small.size, Image.Resampling.BOX))
    return small


def cut_out(row: Shown, cell: tuple[int, int]) -> Image.Image:
    """The figure alone on a plain ground, cropped to its matte so that it fills the cell."""
    clear = row.matte.point(lambda value: 255 if value >= 128 else 0).getbbox() or (0, 0, *row.matte.size)
    ground = Image.new("RGB", row.picture.size, TINT)
    ground.paste(row.picture, mask=row.matte)
    inner = (cell[0] - 12, cell[1] - 12)
    small = ImageOps.contain(ground.crop(clear), inner, Image.Resampling.LANCZOS)
    out = Image.new("RGB", cell, TINT)
    out.paste(small, ((cell[0] - small.width) // 2, (cell[1] - small.height) // 2))
    return out


def paste(sheet: Image.Image, tile: Image.Image, place: tuple[int, int], cell: tuple[int, int]) -> None:
    """Pastes in the middle of a cell, with rounded corners and a hair line that holds pictures on white."""
    middle = (place[0] + (cell[0] - tile.width) // 2, place[1] + (cell[1] - tile.height) // 2)
    sheet.paste(tile, middle, _rounded(tile.size))
    sheet.paste(Image.new("RGB", tile.size, RULE), middle, _rounded(tile.size, line=6))


def _rounded(size: tuple[int, int], line: int = 0) -> Image.Image:
    """A rounded rectangle as a mask, whole or its edge alone (`line` quarters of a pixel), drawn at four times the
    size so that it is smooth."""
    large = Image.new("L", (size[0] * 4, size[1] * 4))
    ImageDraw.Draw(large).rounded_rectangle((0, 0, large.width - 1, large.height - 1), 4 * ROUND,
                                            fill=0 if line else 255, outline=255, width=line)
    return large.resize(size, Image.Resampling.BOX)


def alike(data: shards.Data, pairs: Sequence[AlikePair], across: int = 4) -> bytes:
    """The most alike pairs side by side, nearest first, each with its hash distance, overlap and face offset."""
    if not pairs:
        return png(notice("No pair of references and targets to show."))
    shown = load(data, {row for pair in pairs for row in pair.ids})
    cell = (172, 216)
    wide = (WIDTH - 2 * MARGIN - (across - 1) * 32) / across
    step = cell[1] + 78
    deep = -(-len(pairs) // across)
    sheet = Image.new("RGB", (WIDTH, MARGIN + deep * step), "white")
    pen = ImageDraw.Draw(sheet)
    for number, pair in enumerate(pairs):
        x, y = round(MARGIN + number % across * (wide + 32)), MARGIN + number // across * step
        for place, row in enumerate(pair.ids):
            paste(sheet, framed(shown[row], cell), (x + place * (cell[0] + 6), y), cell)
        bits, overlap, offset = pair.values
        pen.text((x, y + cell[1] + 10), f"{bits:.0f} bits", INK, font(19, bold=True), anchor="la")
        words = "  ".join(f"{name} {value:.2f}" for name, value in (("matte", overlap), ("face", offset))
                          if not math.isnan(value))
        pen.text((x + 2 * cell[0] + 6, y + cell[1] + 11), words, MUTED, font(18), anchor="ra")
        pen.text((x, y + cell[1] + 36), label(" · ".join(pair.ids), 36), MUTED, font(15), anchor="la")
    return png(sheet)


def notice(words: str) -> Image.Image:
    """A sheet that says why there is nothing to see."""
    sheet = Image.new("RGB", (WIDTH, 160), BACKDROP)
    ImageDraw.Draw(sheet).text((WIDTH // 2, 80), words, MUTED, font(24), anchor="mm")
    return sheet


def png(sheet: Image.Image) -> bytes:
    """The bytes in which a sheet is published."""
    out = io.BytesIO()
    sheet.save(out, "PNG", compress_level=6)
    return out.getvalue()
