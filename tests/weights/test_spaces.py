"""Places in perspective: where boxes land in the picture, worked out by hand for a camera without a turn."""

from __future__ import annotations

import numpy as np
import pytest

from weights.spaces import View, box, room, shell, space, tree
from weights.textures import Floats, Surface

SIDE = 100
RED, GREEN, BLUE = (np.array(c, np.float32) for c in ((1, 0, 0), (0, 1, 0), (0, 0, 1)))


def flat(colour: Floats) -> Surface:
    return lambda s, t: np.broadcast_to(colour, (*s.shape, 3)).astype(np.float32)


@pytest.fixture
def view() -> View:
    """Focal length 100 px, horizon in the middle, full light everywhere."""
    return View(SIDE, 100.0, 50.0, 0.0, np.zeros(3, np.float32), np.ones(3, np.float32))


def extent(seen: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(seen.any(1))[0], np.nonzero(seen.any(0))[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def test_a_box_lands_where_the_pinhole_puts_it(view: View) -> None:
    box(view, (-1, -1, 5), (1, 1, 8), flat(RED))
    # its front is 2 m wide at 5 m: 100 x 2 / 5 = 40 px around the middle
    assert extent(view.rgb[..., 0] > 0.5) == pytest.approx((30, 30, 70, 70), abs=1)
    assert view.depth[50, 50] == pytest.approx(5.0)
    assert view.depth[0, 0] > 1000


def test_the_nearer_box_hides_the_farther_whichever_is_cast_first(view: View) -> None:
    box(view, (-1, -1, 4), (1, 1, 5), flat(RED))
    box(view, (-4, -4, 8), (4, 4, 9), flat(GREEN))
    assert view.rgb[50, 50].tolist() == [1, 0, 0] and view.rgb[10, 10].tolist() == [0, 1, 0]
    assert [int(view.thing[at]) for at in ((50, 50), (10, 10), (0, 0))] == [1, 2, 0]


def test_a_box_behind_the_camera_or_beside_the_picture_changes_nothing(view: View) -> None:
    box(view, (-1, -1, -8), (1, 1, -5), flat(RED))
    box(view, (50, -1, 5), (51, 1, 6), flat(RED))
    assert not view.rgb.any() and view.things == 0


def test_a_turned_camera_sees_what_lies_to_its_right() -> None:
    turned = View(SIDE, 100.0, 50.0, np.pi / 2, np.zeros(3, np.float32), np.ones(3, np.float32))
    box(turned, (5, -1, -1), (8, 1, 1), flat(RED))
    assert extent(turned.rgb[..., 0] > 0.5) == pytest.approx((30, 30, 70, 70), abs=1)


def test_a_room_shows_walls_floor_and_ceiling(view: View) -> None:
    shell(view, (-2, -1, -1), (2, 1, 4), (flat(RED), flat(GREEN), flat(BLUE)))
    assert view.rgb[50, 50].tolist() == [1, 0, 0] and view.depth[50, 50] == pytest.approx(4.0)
    assert view.rgb[99, 50].tolist() == [0, 1, 0] and view.rgb[0, 50].tolist() == [0, 0, 1]
    # the floor, 1 m below, meets the back wall, 4 m away, 100 / 4 px under the horizon
    column = view.rgb[50:, 50, 1]
    assert int(np.argmax(column > 0.5)) == pytest.approx(25, abs=1)


def test_faces_away_from_the_sun_lie_in_dusk() -> None:
    above = View(SIDE, 100.0, 20.0, 0.0, np.array([0, 1, 0], np.float32), np.full(3, 0.5, np.float32))
    box(above, (-1, -2, 4), (1, -1, 6), flat(RED))
    assert above.rgb[int(20 + 100 / 5), 50, 0] == 1.0  # its top
    assert above.rgb[int(20 + 100 * 1.5 / 4), 50, 0] == 0.5  # its front


def test_a_tree_stands_on_its_foot_and_spreads_above(view: View) -> None:
    tree(view, (0, -1, 6), 3.0, np.random.default_rng(1))
    trunk, crown = extent(view.thing == 1), extent(view.thing == 2)
    assert trunk[3] == pytest.approx(50 + 100 / 6, abs=1)
    assert crown[2] - crown[0] > 2 * (trunk[2] - trunk[0]) and crown[1] < 40


def test_places_follow_from_their_seed_and_are_full_of_detail() -> None:
    made = [space(np.random.default_rng(seed), 48) for seed in range(6)]
    assert all(one.shape == (48, 48, 3) and one.dtype == np.uint8 for one in made)
    assert np.array_equal(made[2], space(np.random.default_rng(2), 48))
    assert not np.array_equal(made[0], made[1])
    assert sum(one.std() > 15 for one in made) >= 5


def test_a_room_has_no_hole() -> None:
    for seed in range(4):
        assert room(40, np.random.default_rng(seed)).depth.max() < 100
