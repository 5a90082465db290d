from pathlib import Path
from typing import Any, cast

import pytest

pytest.importorskip("diffusers")

import torch

from tests.trainers import made
from trainers.baselines.fastcomposer import view
from trainers.baselines.fastcomposer_options import FastComposer as Options
from trainers.baselines.objects import MARK, Objects, captioned, cut, squared
from trainers.bases import open_base
from trainers.data import open_data
from trainers.training.draws import At
from trainers.training.feeding import Row
from trainers.views.identities import COLUMNS

BLUE = torch.tensor(made.BLUE) / 127.5 - 1


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place")
    made.figures(folder / "data")
    return folder


def example(place: Path, setting: str = "b", slot: int = 0) -> dict[str, Any]:
    options = Options(data=str(place / "data"), out=place / "out", resolution=64, setting=setting)
    data = open_data(options.data, "--data", "retribooru", COLUMNS)
    [row] = view(data, open_base("tiny", place), options).rows(At(0, 0, slot, 20))
    return cast(dict[str, Any], row)


def test_the_mark_stands_behind_the_noun() -> None:
    assert captioned("1girl, long_sleeves", "reimu") == f"a girl{MARK}, long sleeves"
    assert captioned("", "reimu_(test)") == f"reimu (test){MARK}"


def test_a_figure_is_cut_out_on_the_ground_and_laid_on_black() -> None:
    picture, ground = torch.full((3, 6, 6), 0.5), torch.full((3, 6, 6), -0.25)
    matte = torch.zeros(1, 6, 6)
    matte[0, 1:4, 2] = matte[0, 3, 3] = 0.5  # rows 1 to 3 and columns 2 and 3; one place of it is ground
    matte[0, 5, 5] = 0.49
    found = cut(picture, matte, ground)
    assert found.shape == (3, 6, 6)
    # A box of 3 x 2 with one black column behind it, each of its pixels 2 x 2 large; the filter is linear, so pixels
    # that touch others of their own colour alone are as they were.
    box = torch.tensor([[0.5, -0.25], [0.5, -0.25], [0.5, 0.5]])
    expected = torch.nn.functional.interpolate(torch.nn.functional.pad(box, (0, 1), value=-1.0)[None, None], (6, 6),
                                               mode="bilinear", antialias=True)[0].expand(3, 6, 6)
    assert torch.allclose(found, expected)
    assert found[0, 0, 0] == 0.5 and found[0, 0, 5] == -1


def test_no_figure_is_black() -> None:
    assert (cut(torch.ones(3, 4, 4), torch.zeros(1, 4, 4), torch.ones(3, 4, 4)) == -1).all()


@pytest.mark.parametrize(("high", "wide", "left", "top"), [(5, 2, 1, 0), (2, 5, 0, 1), (3, 3, 0, 0)])
def test_pictures_are_laid_in_the_middle_of_a_black_square(high: int, wide: int, left: int, top: int) -> None:
    found = squared(torch.ones(3, high, wide))
    side = max(high, wide)
    assert found.shape == (3, side, side)
    expected = torch.full((3, side, side), -1.0)
    expected[:, top : top + high, left : left + wide] = 1
    assert torch.equal(found, expected)


def test_examples_show_the_figure_alone(place: Path) -> None:
    row = example(place)
    [reference] = row["references"]
    assert reference.shape == (3, 64, 64) and set(row["matte"].unique().tolist()) == {0.0, 1.0}
    green = (reference - torch.tensor((20, 200, 20))[:, None, None] / 127.5 + 1).abs().amax(0) < 0.02
    blue = (reference - BLUE[:, None, None]).abs().amax(0) < 0.02
    assert not green.any() and blue.float().mean() > 0.2
    # The target's figure lies where its picture has none of the green.
    target = (row["pixels"] - torch.tensor((20, 200, 20))[:, None, None] / 127.5 + 1).abs().amax(0) > 0.02
    assert not (row["matte"][0].bool() & ~target).any()


def test_only_the_file_differs_between_a_and_b(place: Path) -> None:
    """All files show the same figure, so with the same crop, mirror and noise the references are equal bit for bit."""
    others = 0
    for slot in range(6):
        own, other = (example(place, setting, slot) for setting in "ab")
        assert own["reference_ids"] == [own["id"]] and own.keys() == other.keys()
        others += own["reference_ids"] != other["reference_ids"]
        for name, value in own.items():
            if isinstance(value, torch.Tensor):
                assert torch.equal(value, other[name]), name
            elif name != "reference_ids":
                assert value == other[name]
    assert others == 6


class Rows:
    """As many different rows as there are slots: the figure is the left half of the picture."""

    def __init__(self, target: bool = True, reference: bool = True) -> None:
        self._shown = [target, reference]

    def rows(self, at: At) -> list[Row]:
        half = torch.cat([torch.ones(1, 8, 4), torch.zeros(1, 8, 4)], 2)
        target, reference = (half * shown for shown in self._shown)
        return [cast(Row, {"id": str(at.slot), "text": f"a girl{MARK}, hat", "references": torch.zeros(1, 3, 8, 8),
                           "reference_mattes": reference[None], "matte": target, "valid": torch.ones(1, 2, 2),
                           "mask": torch.ones(1, 2, 2)})]


def counted(of: Objects, count: int = 2000) -> dict[tuple[str, bool], int]:
    """How many rows have such a text and count the figure alone."""
    counts: dict[tuple[str, bool], int] = {}
    for slot in range(count):
        [row] = of.rows(At(0, 0, slot, count))
        mask = cast(torch.Tensor, row["mask"])[0].tolist()
        assert mask in ([[1.0, 1.0], [1.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]])
        kind = (row["text"], mask[0][1] == 0)
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def test_what_is_dropped_and_what_is_masked() -> None:
    whole, without = f"a girl{MARK}, hat", "a girl, hat"
    found = counted(Objects(Rows(), 0.1, 0.2, 0.5))
    # Of 2,000: 0.1 without either; of the rest 0.2 without the reference; half of what is left masked. A share has a
    # deviation of at most 22 rows.
    expected = {("", False): 200, (without, False): 360, (whole, False): 720, (whole, True): 720}
    assert found.keys() == expected.keys()
    assert all(abs(found[kind] - count) < 70 for kind, count in expected.items())


def test_nothing_is_dropped_without_a_chance_and_no_mark_stands_for_nothing() -> None:
    assert counted(Objects(Rows()), 20) == {(f"a girl{MARK}, hat", False): 20}
    for shown in ((False, True), (True, False)):
        assert counted(Objects(Rows(*shown), masked=1.0), 20) == {("a girl, hat", False): 20}
