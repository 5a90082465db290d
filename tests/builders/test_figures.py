from hypothesis import given
from hypothesis import strategies as st

from builders.figures import crop_box


def test_margin_is_a_share_of_the_longer_side() -> None:
    # 100 x 400 px figure in a 1000 x 1000 picture: 5 % of 400 is 20 px on every side.
    assert crop_box([0.5, 0.2, 0.6, 0.6], 1000, 1000, 0.05) == (480, 180, 620, 620)


def test_the_box_stays_in_the_picture() -> None:
    assert crop_box([0.0, 0.0, 1.0, 1.0], 300, 200, 0.5) == (0, 0, 300, 200)


@given(st.tuples(*[st.floats(0, 1)] * 4), st.integers(1, 5000), st.integers(1, 5000), st.floats(0, 1))
def test_more_margin_never_cuts_more(four: tuple[float, ...], width: int, height: int, margin: float) -> None:
    bounds = [min(four[0], four[2]), min(four[1], four[3]), max(four[0], four[2]), max(four[1], four[3])]
    tight, wide = crop_box(bounds, width, height, 0), crop_box(bounds, width, height, margin)
    assert 0 <= wide[0] <= tight[0] <= tight[2] <= wide[2] <= width
    assert 0 <= wide[1] <= tight[1] <= tight[3] <= wide[3] <= height
