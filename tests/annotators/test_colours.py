import numpy as np
import pytest

from annotators.colours import names_of, to_lab
from schemas.colours import NAMES


@pytest.mark.parametrize(("rgb", "lab"), [
    # Published values for sRGB under D65.
    ((255, 255, 255), (100.0, 0.0, 0.0)),
    ((0, 0, 0), (0.0, 0.0, 0.0)),
    ((255, 0, 0), (53.24, 80.09, 67.20)),
    ((0, 255, 0), (87.73, -86.18, 83.18)),
    ((0, 0, 255), (32.30, 79.19, -107.86)),
])
def test_lab_of_known_colours(rgb: tuple[int, ...], lab: tuple[float, ...]) -> None:
    assert to_lab(np.asarray(rgb, np.uint8)) == pytest.approx(lab, abs=0.03)


@pytest.mark.parametrize(("rgb", "name"), [
    ((200, 30, 40), "red"), ((120, 20, 30), "red"), ((240, 140, 40), "orange"), ((250, 220, 80), "yellow"),
    ((212, 170, 60), "yellow"), ((60, 150, 80), "green"), ((30, 80, 45), "green"), ((205, 235, 205), "green"),
    ((90, 205, 205), "aqua"), ((20, 110, 110), "aqua"), ((50, 90, 190), "blue"), ((30, 40, 100), "blue"),
    ((97, 115, 150), "blue"), ((130, 80, 175), "purple"), ((190, 175, 230), "purple"), ((246, 150, 184), "pink"),
    ((255, 190, 190), "pink"), ((126, 82, 54), "brown"), ((80, 50, 35), "brown"), ((30, 30, 36), "black"),
    ((0, 0, 0), "black"), ((60, 60, 66), "black"), ((140, 142, 150), "grey"), ((248, 248, 250), "white"),
    ((255, 250, 235), "white"),
])
def test_names_that_people_would_give(rgb: tuple[int, ...], name: str) -> None:
    assert NAMES[int(names_of(to_lab(np.asarray([rgb], np.uint8)))[0])] == name


@pytest.mark.parametrize("shade", [1.0, 0.85, 0.7])
@pytest.mark.parametrize(("rgb", "name"), [
    ((208, 48, 52), "red"), ((72, 158, 84), "green"), ((92, 206, 208), "aqua"), ((58, 98, 190), "blue"),
    ((134, 80, 176), "purple"), ((246, 214, 78), "yellow"), ((126, 82, 54), "brown"), ((48, 46, 54), "black"),
])
def test_the_shaded_side_of_a_cloth_keeps_its_name(rgb: tuple[int, ...], name: str, shade: float) -> None:
    shaded = np.asarray([[round(level * shade) for level in rgb]], np.uint8)
    assert NAMES[int(names_of(to_lab(shaded))[0])] == name
