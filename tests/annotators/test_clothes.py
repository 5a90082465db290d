import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from annotators.clothes import clothes_colours, main_colours, without_lines
from schemas.colours import NAMES

BLUE, WHITE, BROWN, GREEN = (58, 98, 190), (246, 246, 248), (126, 82, 54), (72, 158, 84)
SKIN, PALE = (250, 214, 190), (255, 240, 232)
FACE = (0.35, 0.12, 0.65, 0.32)


def _figure(top: tuple[int, ...], bottom: tuple[int, ...] | None = None, hair: tuple[int, ...] = BROWN,
            skin: tuple[int, ...] = SKIN, lines: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """A doll, 200 x 320, on a red ground: long hair behind, face, torso, skirt; its matte."""
    shapes: list[tuple[tuple[int, int, int, int], tuple[int, ...]]] = [
        ((50, 12, 150, 200), hair), ((70, 30, 130, 102), skin), ((90, 100, 110, 120), skin),
        ((66, 116, 134, 230), top), ((60, 225, 140, 319), bottom or top)]
    picture, matte = Image.new("RGB", (200, 320), (220, 20, 30)), Image.new("L", (200, 320), 0)
    for box, colour in shapes:
        ImageDraw.Draw(picture).rectangle(box, colour, (20, 16, 20) if lines else colour, 2)
        ImageDraw.Draw(matte).rectangle(box, 255)
    return np.asarray(picture), np.asarray(matte)


def test_top_and_skirt_are_named_and_background_skin_and_hair_are_not() -> None:
    assert clothes_colours(*_figure(BLUE, GREEN), FACE) == ["blue", "green"]
    assert clothes_colours(*_figure(BLUE), FACE) == ["blue"]


def test_clothes_of_the_hairs_colour_stay() -> None:
    assert clothes_colours(*_figure(GREEN, hair=GREEN), FACE) == ["green"]


@pytest.mark.parametrize("skin", [SKIN, PALE])
def test_white_clothes_are_not_pale_skin(skin: tuple[int, ...]) -> None:
    assert clothes_colours(*_figure(WHITE, skin=skin), FACE) == ["white"]


def test_a_crop_to_the_chest_names_nothing_that_the_whole_does_not() -> None:
    picture, matte = _figure(BLUE, GREEN)
    rows = 180
    cropped = (FACE[0], FACE[1] * 320 / rows, FACE[2], FACE[3] * 320 / rows)
    assert clothes_colours(picture[:rows], matte[:rows], cropped) == ["blue"]


def test_half_shaded_cloth_is_one_colour() -> None:
    picture, matte = _figure(BLUE)
    shaded = picture.copy()
    shaded[116:, 100:] = (shaded[116:, 100:] * 0.7).astype(np.uint8)
    assert clothes_colours(shaded, matte, FACE) == ["blue"]


@pytest.mark.parametrize("face", [(0.35, 0.9, 0.65, 1.0), (0.4, 0.95, 0.6, 1.2), (0.0, 0.0, 0.0, 0.0),
                                  (0.2, 0.3, 0.2, 0.5), (1.5, 0.2, 1.8, 0.5), (0.2, -3.0, 0.5, -2.5)])
def test_a_box_with_no_clothes_below_says_nothing(face: tuple[float, ...]) -> None:
    assert clothes_colours(*_figure(BLUE), face) == []


def test_scale_of_the_picture_does_not_matter() -> None:
    large = [np.repeat(np.repeat(part, 4, axis=0), 4, axis=1) for part in _figure(BLUE, GREEN)]
    assert clothes_colours(large[0], large[1], FACE) == ["blue", "green"]


def test_an_empty_matte_says_nothing() -> None:
    picture, matte = _figure(BLUE)
    assert clothes_colours(picture, np.zeros_like(matte), FACE) == []


@pytest.mark.parametrize(("counts", "expected"), [
    ({"blue": 60, "white": 40}, ["blue", "white"]),
    ({"blue": 80, "white": 20}, ["blue"]),
    ({"white": 55, "grey": 45}, ["white"]),  # its shade
    ({"white": 25, "grey": 45, "blue": 30}, ["white", "blue"]),
    ({"white": 5, "grey": 65, "blue": 30}, ["grey", "blue"]),
    ({"red": 40, "pink": 25, "black": 35}, ["red", "black"]),
    ({"green": 1}, ["green"]),
])
def test_main_colours_count_shades_to_what_they_shade(counts: dict[str, int], expected: list[str]) -> None:
    codes = np.concatenate([np.full(count, NAMES.index(name)) for name, count in counts.items()])
    assert main_colours(codes) == expected


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (31, 40)])
def test_lines_leave_as_with_pillows_median(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    wanted = np.asarray(Image.fromarray(picture).filter(ImageFilter.MedianFilter(5)))
    np.testing.assert_array_equal(without_lines(picture), wanted)
