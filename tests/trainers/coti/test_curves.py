"""Pictures of a run of COTI."""

import io

import numpy as np
from PIL import Image

from trainers.coti.curves import GAP, HEAD, TILE, curves_png, cycles_png
from trainers.coti.cycles import Block, Choice, Compared, Record


def record(cycle: int, pool: int, *indicators: float, compared: tuple[float, ...] = ()) -> Record:
    blocks = [Block(1e-3, 100 * (3 * cycle + at + 1), 5.0, 4.0, one, one, True) for at, one in enumerate(indicators)]
    return Record(cycle, pool, [Choice("a")], blocks=blocks, compared=[Compared(5.0, 4.0, one) for one in compared])


def test_each_cycle_is_a_column_of_its_previews() -> None:
    colours = [["red", "green"], ["blue", "black"], ["yellow", "cyan"]]
    page = Image.open(io.BytesIO(cycles_png([[Image.new("RGB", (64, 80), one) for one in some] for some in colours])))
    assert page.size == (GAP + 3 * (TILE + GAP), HEAD + 2 * (TILE + GAP))
    for column, some in enumerate(colours):
        for row, colour in enumerate(some):
            middle = GAP + column * (TILE + GAP) + TILE // 2, HEAD + row * (TILE + GAP) + TILE // 2
            assert page.getpixel(middle) == Image.new("RGB", (1, 1), colour).getpixel((0, 0))


def test_curves_follow_the_records() -> None:
    first = record(0, 3, 2.0, 3.0)
    made = curves_png([first, record(1, 5, 4.0, compared=(3, 4))])
    assert made == curves_png([first, record(1, 5, 4.0, compared=(3, 4))])
    assert made != curves_png([first, record(1, 5, 4.5, compared=(3, 4))])
    assert made != curves_png([first, record(1, 5, 4.0, compared=(2, 4))])
    page = np.asarray(Image.open(io.BytesIO(made)).convert("RGB"))
    assert page.shape[1] == 1800 and (page != 255).any()
