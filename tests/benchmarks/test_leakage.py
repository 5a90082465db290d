"""The measures, by numbers from the hand; and the command on planted figures."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("diffusers")
pytest.importorskip("accelerate")
pytest.importorskip("tensorboard")

from benchmarks.leakage import GREY, Pair, Sheet, cells, colours, far, figures, interval, layout, main, measured
from tests.trainers import made

RED, BLUE, WHITE, BLACK = (1, 0, 0), (0, 0, 1), (1, 1, 1), (0, 0, 0)


def blocks(*rows: list[tuple[int, int, int]]) -> np.ndarray:
    """A picture of cells of 4 x 4 pixels."""
    return np.kron(np.array(rows, float), np.ones((4, 4, 1)))


def mask(*rows: list[int]) -> np.ndarray:
    return np.kron(np.array(rows, float), np.ones((4, 4)))


def pair(target: np.ndarray, reference: np.ndarray, clothes: np.ndarray, valid: np.ndarray, name: str = "a") -> Pair:
    """The reference's clothes and its picture's area are everywhere."""
    whole = np.ones(clothes.shape)
    return Pair(name, name, Sheet(target, valid, clothes), Sheet(reference, whole, whole))


LEFT = blocks([WHITE, BLACK, WHITE], [WHITE, BLACK, WHITE])
TOP = blocks([WHITE, WHITE, WHITE], [BLACK, BLACK, WHITE])
VALID = mask([1, 1, 0], [1, 1, 0])
CROSSED = pair(TOP, LEFT, VALID, VALID)
"""Light on the left in the reference and on top in the target, with a white bar in the target."""


def test_cells_have_their_means() -> None:
    half = blocks([RED, BLUE])
    half[:2] = 0
    assert cells(half) == pytest.approx(np.array([[[0.5, 0, 0], [0, 0, 0.5]]]))
    assert cells(half @ GREY) == pytest.approx(np.array([[0.1495, 0.057]]))


@pytest.mark.parametrize(("drawn", "said"), [(LEFT, (1, 0)), (TOP, (0, 1)), (1 - LEFT, (-1, 0)),
                                             ((LEFT + TOP) / 2, (math.sqrt(0.5), math.sqrt(0.5)))])
def test_layout_is_that_of_the_reference_or_the_target(drawn: np.ndarray, said: tuple[float, float]) -> None:
    other_bar = drawn.copy()
    other_bar[:, 8:] = 0.3  # bars say nothing
    assert layout(drawn, CROSSED) == pytest.approx(said) and layout(other_bar, CROSSED) == pytest.approx(said)


def test_colours_of_clothes_are_found_wherever_they_are() -> None:
    clothes, everywhere = mask([0, 1]), mask([1, 1])
    red, twin, blue, black = (
        pair(blocks([WHITE, colour]), blocks([WHITE, WHITE]), clothes, everywhere, name)
        for name, colour in (("red", RED), ("red", WHITE), ("blue", BLUE), ("black", BLACK)))
    drawn = blocks([RED, BLUE])  # red on the other side than the target's; black is 1 from both
    assert colours(drawn, red, [red, twin, blue, black]) == pytest.approx((0, (0 + 1) / 2))
    assert colours(blocks([BLUE, BLUE]), red, [red, twin, blue, black]) == pytest.approx((math.sqrt(2), (0 + 1) / 2))
    assert measured(drawn, red, [red, twin, blue, black])[5] == pytest.approx(0.5)


def test_clothes_count_by_what_they_cover() -> None:
    worn = pair(blocks([RED, BLACK]), blocks([WHITE, WHITE]), mask([1, 0]) + mask([0, 1]) / 3, mask([1, 1]))
    assert far(blocks([RED, RED]), worn.target) == pytest.approx((0 * 1 + 1 / 3) / (1 + 1 / 3))


def test_a_copy_of_the_reference_leaks_and_one_of_the_target_does_not() -> None:
    foreign = pair(TOP, LEFT, VALID, VALID, "b")
    assert measured(LEFT, CROSSED, [CROSSED, foreign])[:3] == pytest.approx([1, 0, 1])
    assert measured(TOP, CROSSED, [CROSSED, foreign]) == pytest.approx([0, 1, -1, 0, 0, 0])


def test_each_character_counts_once() -> None:
    values = np.array([[[0.0], [2.0], [4.0]], [[0.0], [2.0], [6.0]]])  # two seeds: of u 1, of v 4 and 6
    mean, low, high = interval(values, ["u", "u", "v"])[:, 0]
    assert mean == pytest.approx((1 + 5) / 2) and (low, high) == pytest.approx((1, 6))
    assert interval(np.full((2, 3, 1), 7.0), ["u", "u", "v"]).ravel() == pytest.approx([7, 7, 7])


def test_drawn_characters_stand_on_white_each_time_elsewhere(tmp_path: Path) -> None:
    figures(2, tmp_path)
    for character in ("0", "1"):
        drawn = [np.asarray(Image.open(path)) for path in sorted((tmp_path / character).iterdir())]
        assert len(drawn) == 6 and {picture.shape for picture in drawn} == {(192, 192, 3)}
        covered = [(picture < 250).any(2) for picture in drawn]
        assert all(0.05 < where.mean() < 0.7 for where in covered)
        assert len({(where.any(0).argmax(), where.any(1).argmax()) for where in covered}) == 6  # left and upper edges


@pytest.mark.xdist_group("retrinet")
def test_the_command_draws_after_held_out_characters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    version = made.figures(tmp_path / "data")
    held = made.figures(tmp_path / "held", {"u": ["w"], "w": ["u"]}, split="test_unseen", u={"character": "marisa"})
    shard = next((held / "data").iterdir())
    shard.rename(version / "data" / shard.name)
    manifest = json.loads((version / "manifest.json").read_text())
    manifest["splits"] |= {"test_unseen": 2}
    (version / "manifest.json").write_text(json.dumps(manifest))
    main(["--steps", "2", "--seeds", "1", "--out", str(tmp_path), "--base", "tiny"])
    said = capsys.readouterr().out
    assert "2 targets of 2 held-out characters" in said
    lines = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in said.splitlines() if line.startswith("| ")}
    assert list(lines) == ["Drawn by", "-a", "-b", "-a minus -b", "the reference itself", "the target itself"]
    assert lines["the reference itself"][0].strip() == "1.000 (1.000 .. 1.000)"
    assert lines["the target itself"][3].strip() == "0.000 (0.000 .. 0.000)"
    assert all((tmp_path / f"tiny-2-{setting}-0" / "model_index.json").exists() for setting in "ab")
