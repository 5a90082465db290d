"""Contact sheets of results: where each picture and its scores stand, and texts of any kind within their room."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cards.results import MOST, Tile, fitted, sheet
from schemas.style import font

CELL, STEP = 292, 306
"""Five cells and four gaps of 14 in 1600 less two margins of 40."""


def picture(colour: str, size: tuple[int, int] = (64, 64)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def pixels(data: bytes) -> Any:
    with Image.open(io.BytesIO(data)) as page:
        return np.asarray(page.convert("RGB")).astype(int)


def where(page: Any, colour: tuple[int, int, int], tolerance: int = 8) -> Any:
    return (np.abs(page - colour) <= tolerance).all(axis=-1)


def span(there: Any, axis: int) -> tuple[int, int]:
    places = there.any(axis=axis).nonzero()[0]
    return int(places[0]), int(places[-1])


def test_pictures_stand_in_rows_of_five_in_their_order() -> None:
    page = pixels(sheet([Tile(picture(colour)) for colour in ("red", "lime", "blue", "cyan", "magenta", "yellow")]))
    assert page.shape[1] == 1600
    middles = [tuple(page[40 + CELL // 2, 40 + place * STEP + CELL // 2]) for place in range(5)]
    assert middles == [(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 255, 255), (255, 0, 255)]
    below = where(page, (255, 255, 0))
    assert span(below, 0) == pytest.approx((40, 40 + CELL - 1), abs=2)
    assert span(below, 1)[0] > 40 + CELL and len(page) - span(below, 1)[1] >= 40


def test_a_picture_is_shown_whole_in_the_middle_of_its_cell() -> None:
    page = where(pixels(sheet([Tile(picture("red", (100, 50)))])), (255, 0, 0))
    assert span(page, 0) == pytest.approx((40, 331), abs=2)
    assert span(page, 1) == pytest.approx((40 + 73, 40 + 73 + 145), abs=2)


def test_scores_are_bars_of_their_length() -> None:
    tiles = [Tile(picture("lime"), parts=(7.5, 2.0)), Tile(picture("lime"), parts=(0.0, 10.0))]
    page = pixels(sheet(tiles))
    concept, aesthetic = where(page, (0x4F, 0x6B, 0xED), 0), where(page, (0xE8, 0x83, 0x3A), 0)
    half = (CELL - 14) // 2
    assert span(concept[:, :STEP + 40], 0) == (40, 40 + round(half * 0.75) - 1)
    assert span(aesthetic[:, :STEP + 40], 0) == (40 + half + 14, 40 + half + 14 + round(half * 0.2) - 1)
    assert not concept[:, STEP + 40:].any()
    second = 40 + STEP + half + 14
    assert span(aesthetic[:, STEP + 40:], 0) == (second - STEP - 40, second - STEP - 40 + half - 1)


def test_a_marked_picture_alone_has_a_frame() -> None:
    frame = where(pixels(sheet([Tile(picture("lime")), Tile(picture("lime"), marked=True)])), (0x4F, 0x6B, 0xED), 0)
    assert span(frame, 0) == (40 + STEP - 4, 40 + STEP + CELL + 3)
    assert span(frame, 1) == (36, 40 + CELL + 3)


def test_title_and_words_push_the_pictures_down() -> None:
    top = span(where(pixels(sheet([Tile(picture("lime"))])), (0, 255, 0)), 1)[0]
    page = pixels(sheet([Tile(picture("lime"))], "a penguin", "the nearest of 3"))
    assert (page[40:90, 40:300] < 128).any()
    assert span(where(page, (0, 255, 0)), 1)[0] == top + 80


def test_a_sheet_has_an_end() -> None:
    many = [Tile(picture("lime", (2, 2)))] * (MOST + 7)
    assert pixels(sheet(many)).shape == pixels(sheet(many[:MOST], told="of more")).shape
    assert pixels(sheet([])).shape == (160, 1600, 3)


def test_the_same_pictures_give_the_same_bytes() -> None:
    tiles = [Tile(picture("lime"), "1", "0.9", "a word", (1.0, 2.0), True)]
    assert sheet(tiles, "a", "b") == sheet(tiles, "a", "b")


@pytest.mark.parametrize("text", [
    "", "short", "three words here", "a rather long line of words that goes on and on and never ends at all",
    "x" * 5000, "http://example.org/" + "path/" * 50, "\u202e\x00\n\t tabs and\nlines", "国" * 80,
    "W" * 37 + " i" * 300])
@pytest.mark.parametrize("lines", [1, 2])
def test_any_text_stays_in_its_room(text: str, lines: int) -> None:
    drawn = font(18)
    found = fitted(text, drawn, CELL, lines)
    assert 1 <= len(found) <= lines
    assert all(drawn.getlength(line) <= CELL for line in found)
    assert not any(hidden in line for line in found for hidden in "\u202e\x00\n\t")
    whole = "".join(found).replace(" ", "")
    assert whole == text.replace(" ", "") or whole.endswith("…") or not text.isprintable()


def test_text_breaks_between_words() -> None:
    assert fitted("emperor penguin chick beside its two parents", font(18), CELL, 2) == [
        "emperor penguin chick beside", "its two parents"]


def test_a_value_leaves_its_number_alone() -> None:
    alone, beside = (pixels(sheet([Tile(picture("lime"), "20.00", value)])) for value in ("", "a file name " * 9))
    assert not (alone == beside).all()
    end = 40 + round(font(22, bold=True).getlength("20.00"))
    assert (alone[:, :end] == beside[:, :end]).all()
    assert (beside[:, 40 + CELL:] == alone[:, 40 + CELL:]).all()
