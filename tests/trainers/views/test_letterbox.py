import pytest

torch = pytest.importorskip("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from PIL import Image  # noqa: E402

from trainers.training.draws import At  # noqa: E402
from trainers.views.letterbox import Transform, drawn, lay  # noqa: E402

MIRRORED = Transform(mirrored=True)


def test_a_picture_lies_whole_in_the_middle_amid_white() -> None:
    """60 x 80 on 64: 48 wide, 8 free on both sides."""
    laid = lay((60, 80), 8, 64)
    assert laid.area == (8, 0, 56, 64) and laid.window == (0, 0, 60, 80)
    assert lay((80, 60), 8, 64).area == (0, 8, 64, 56) and lay((30, 30), 8, 64).area == (0, 0, 64, 64)
    pixels = laid.pixels(Image.new("RGB", (60, 80), (0, 51, 255)))
    assert pixels.shape == (3, 64, 64) and pixels.dtype == torch.float32
    assert pixels[:, 0, 8].tolist() == pytest.approx([-1, -0.6, 1]) and torch.equal(pixels[:, 63, 55], pixels[:, 0, 8])
    assert (pixels[:, :, :8] == 1).all() and (pixels[:, :, 56:] == 1).all()
    cells, whole = laid.valid()
    assert whole.sum() == 48 * 64 and cells.shape == (1, 8, 8)
    assert torch.equal(cells.repeat_interleave(8, 1).repeat_interleave(8, 2), whole)


def test_the_shorter_side_is_cut_to_whole_cells_and_not_bent() -> None:
    """47 x 80 on 64 would be 37.6 wide: 32 are kept, which are 40 of the picture's 47, less 3.5 on both sides."""
    laid = lay((47, 80), 8, 64)
    assert laid.area == (16, 0, 48, 64) and laid.window == (4, 0, 44, 80)


def test_a_window_is_a_part_at_its_place() -> None:
    laid = lay((60, 80), 8, 64, Transform(ratio=0.5, x=1, y=0))
    assert laid.window == (30, 0, 60, 40) and laid.area == (8, 0, 56, 64)
    assert lay((60, 80), 8, 64, Transform(ratio=0.5), region=(20, 40, 40, 60)).window == (25, 45, 35, 55)


def test_a_mirrored_picture_is_turned_round() -> None:
    picture = Image.new("RGB", (64, 64), "black")
    picture.paste("white", (0, 0, 16, 64))
    assert (lay((64, 64), 8, 64).pixels(picture)[0, 0, :16] == 1).all()
    pixels = lay((64, 64), 8, 64, MIRRORED).pixels(picture)
    assert (pixels[0, 0, :48] == -1).all() and (pixels[0, 0, 48:] == 1).all()


def test_a_box_goes_where_the_picture_goes() -> None:
    """10 .. 20 of 60 across and 8 .. 28 of 80 down, at 0.8: 16 .. 24 and 6.4 .. 22.4; mirrored 40 .. 48."""
    box = (10, 8, 20, 28)
    for transform, left in ((Transform(), 16), (MIRRORED, 40)):
        cells, pixels = lay((60, 80), 8, 64, transform).covered(box)
        assert pixels.sum() == 8 * 16 and (pixels[:, 6:22, left : left + 8] == 1).all()
        assert cells.sum() == 3 and (cells[:, 0:3, left // 8] == 1).all()


def test_of_a_box_only_what_the_window_shows_counts() -> None:
    """The window is the upper right quarter, at 1.6."""
    laid = lay((60, 80), 8, 64, Transform(ratio=0.5, x=1, y=0))
    assert not any(mask.any() for mask in laid.covered((0, 50, 10, 60)))
    cells, pixels = laid.covered((0, 0, 40, 5))
    assert pixels.sum() == 16 * 8 and (pixels[:, :8, 8:24] == 1).all() and cells.sum() == 2
    assert not any(mask.any() for mask in lay((60, 80), 8, 64).covered((0, 0, 0, 0)))


def test_a_matte_is_nothing_beyond_the_picture() -> None:
    levels = lay((60, 80), 8, 64).levels(Image.new("L", (60, 80), 51))
    assert levels.shape == (1, 64, 64) and torch.equal(levels[0, 0, [7, 8, 55, 56]], torch.tensor([0, 0.2, 0.2, 0]))


@given(st.integers(1, 3000), st.integers(1, 3000), st.floats(0.01, 1), st.floats(0, 1), st.floats(0, 1))
def test_any_picture_has_a_cell_and_a_window_within_it(width: int, height: int, ratio: float, x: float,
                                                       y: float) -> None:
    laid = lay((width, height), 8, 64, Transform(ratio, x, y))
    assert all(edge % 8 == 0 for edge in laid.area)
    assert 0 <= laid.area[0] < laid.area[2] <= 64 and 0 <= laid.area[1] < laid.area[3] <= 64
    assert 0 <= laid.window[0] < laid.window[2] <= width and 0 <= laid.window[1] < laid.window[3] <= height
    assert 64 in (laid.area[2] - laid.area[0], laid.area[3] - laid.area[1])


def test_transforms_are_drawn_by_whom_they_are_for() -> None:
    found = [drawn(At(0, step, 0), "a", who, 0.75, True) for step in range(200) for who in ("target", "reference 0")]
    assert len(set(found)) == 400 and all(0.75 <= one.ratio < 1 for one in found)
    assert sum(one.mirrored for one in found) / 400 == pytest.approx(0.5, abs=0.1)
    assert sum(one.ratio for one in found) / 400 == pytest.approx(0.875, abs=0.02)
    assert drawn(At(0, 0, 0), "a", "target", 1, False)[::3] == (1, False)
