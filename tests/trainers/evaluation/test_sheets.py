"""Contact sheets: which pictures stand where."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from schemas.errors import UsageError
from tests.trainers.evaluation.results_made import job
from trainers.evaluation import sheets
from trainers.evaluation.plans import Job, Shown
from trainers.evaluation.sheets import CELL, GAP, GUTTER, LINES, NAME, WORDS


def picture(colour: str, size: tuple[int, int] = (40, 40)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def drawn(folder: Path, jobs: list[Job], colours: list[str]) -> None:
    for one, colour in zip(jobs, colours, strict=True):
        path = sheets.path(folder, one)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(colour))


def test_references_stand_left_and_what_was_drawn_right(tmp_path: Path) -> None:
    jobs = [job("dog", 0, prompt="a sks dog"), job("dog", 1, prompt="a sks dog"), job("dog", 2, prompt="a wet sks dog"),
            job("cat|犬", 3, "seen", "a sks cat")]
    drawn(tmp_path, jobs, ["blue", "black", "lime", "yellow"])
    made = sheets.sheet(tmp_path, [job("dog", 9), *jobs], {"a": picture("red", (40, 20))})
    assert made is not None
    page = Image.open(io.BytesIO(made)).convert("RGB")
    left, height = CELL + GAP + GUTTER, NAME + CELL + LINES * (WORDS + 3) + 2 * GAP
    assert page.size == (GAP + left + 2 * (CELL + GAP), GAP + 2 * height)

    def middle(row: int, x: int) -> tuple[int, ...]:
        found = page.getpixel((x + CELL // 2, GAP + row * height + NAME + CELL // 2))
        assert isinstance(found, tuple)
        return found

    assert [middle(row, GAP) for row in (0, 1)] == [(255, 0, 0)] * 2
    shown = [[middle(row, GAP + left + at * (CELL + GAP)) for at in (0, 1)] for row in (0, 1)]
    # The first picture of each prompt; the second one of the first prompt is left out.
    assert shown == [[(0, 0, 255), (0, 255, 0)], [(255, 255, 0), (255, 255, 255)]]
    assert page.getpixel((GAP + CELL // 2, GAP + NAME + 5)) == (244, 245, 247)  # a wide reference is whole
    assert made == sheets.sheet(tmp_path, [job("dog", 9), *jobs], {"a": picture("red", (40, 20))})


def test_what_a_pipeline_was_shown_comes_first(tmp_path: Path) -> None:
    one = Job(key="x", run="r", subject="s", prompt="p", shown=(Shown("face", "face"),), like=("whole", "face"))
    drawn(tmp_path, [one], ["blue"])
    asked: list[str] = []

    class Pictures(dict[str, bytes]):
        def __getitem__(self, key: str) -> bytes:
            asked.append(key)
            return picture("red")

    sheets.sheet(tmp_path, [one], Pictures())
    assert asked == ["face", "whole"]


@pytest.mark.parametrize(("count", "most", "places"), [
    (3, 5, [0, 1, 2]), (5, 5, [0, 1, 2, 3, 4]), (25, 5, [0, 6, 12, 18, 24]), (10, 4, [0, 3, 6, 9]), (0, 3, []),
])
def test_what_is_shown_is_spread_over_all(count: int, most: int, places: list[int]) -> None:
    assert sheets.spread(list(range(count)), most) == places


def test_an_evaluation_that_drew_nothing_has_no_sheet(tmp_path: Path) -> None:
    assert sheets.sheet(tmp_path, [job("dog", 0)], {}) is None


def test_a_picture_that_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    one = job("dog", 0, prompt="a sks dog")
    with pytest.raises(UsageError, match=r"cannot be read: missing_file .*dog/all/0-0\.png.*evaluate again"):
        sheets.sheet(tmp_path, [one], {"a": picture("red")})
    drawn(tmp_path, [one], ["blue"])
    sheets.path(tmp_path, one).write_bytes(b"no picture")
    with pytest.raises(UsageError, match="a picture cannot be read"):
        sheets.sheet(tmp_path, [one], {"a": picture("red")})
