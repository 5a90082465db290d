"""Composed training pictures against a bank of planted figures: a red body under a green face."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from weights.compose import compose
from weights.data import Bank, Stored, _pack
from weights.figure import turned_by, warped, with_long_chin
from weights.scenery import scenery

SIZE = 96


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    figure = np.zeros((120, 60, 4), np.uint8)
    figure[:, 10:50] = (200, 40, 40, 255)
    figure[10:40, 15:45] = (40, 200, 40, 255)
    scenes = [np.full((80, 80, 3), 128, np.uint8)]
    thing = np.zeros((20, 20, 4), np.uint8)
    index = {
        "figures": _pack([figure], tmp_path / "0000.figures.npy"),
        "truth": [((15.0, 10.0, 45.0, 40.0), 1.0, (False, False, False, True))],
        "scenes": _pack(scenes, tmp_path / "0000.scenes.npy"),
        "distractors": _pack([thing], tmp_path / "0000.distractors.npy"),
    }
    (tmp_path / "0000.json").write_text(json.dumps(index))
    spaces = {"spaces": _pack([np.full((90, 90, 3), 90, np.uint8)], tmp_path / "0000.spaces.npy")}
    (tmp_path / "0000.spaces.json").write_text(json.dumps(spaces))
    return Bank(tmp_path, held_out=True)


def test_the_bank_gives_back_what_was_packed(bank: Bank) -> None:
    stored = bank.figure(0)
    assert isinstance(stored, Stored)
    assert stored.pixels.shape == (120, 60, 4)
    assert stored.pixels[20, 20].tolist() == [40, 200, 40, 255]
    assert stored.face == (15.0, 10.0, 45.0, 40.0) and stored.cut == (False, False, False, True)


def test_a_chunk_counts_when_its_places_are_there_too(bank: Bank, tmp_path: Path) -> None:
    assert bank.count("spaces") == 1 and bank.pixels("spaces", 0).shape == (90, 90, 3)
    (tmp_path / "0000.spaces.json").unlink()
    with pytest.raises(SystemExit, match="no finished chunk"):
        Bank(tmp_path, held_out=True)


def test_a_bank_without_training_chunks_says_what_to_run(bank: Bank, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"weights\.data"):
        Bank(tmp_path, held_out=False)


def test_pictures_follow_from_their_seed(bank: Bank) -> None:
    first, again, other = (compose(bank, np.random.default_rng(seed), SIZE) for seed in (3, 3, 4))
    assert np.array_equal(first.image, again.image) and np.array_equal(first.matte, again.matte)
    assert first.faces == again.faces
    assert not np.array_equal(first.image, other.image)


def test_faces_lie_in_the_matte_and_the_frame(bank: Bank) -> None:
    seen = 0
    for seed in range(60):
        picture = compose(bank, np.random.default_rng(seed), SIZE)
        assert picture.image.shape == (SIZE, SIZE, 3) and picture.matte.shape == (SIZE, SIZE)
        for x0, y0, x1, y1 in picture.faces:
            seen += 1
            assert 0 <= x0 < x1 <= SIZE and 0 <= y0 < y1 <= SIZE
            inside = picture.matte[int(y0) + 1 : int(y1), int(x0) + 1 : int(x1)]
            # the planted face box is opaque but for the corners that a lean or a frame edge takes
            assert inside.size == 0 or (inside > 127).mean() > 0.75
    assert seen > 30


def test_a_figure_cut_by_its_frame_stays_at_the_lower_edge(bank: Bank) -> None:
    for seed in range(40):
        picture = compose(bank, np.random.default_rng(seed), SIZE)
        columns = np.nonzero((picture.matte > 127).any(0))[0]
        rows = np.nonzero((picture.image != picture.image[0, 0]).any(2).any(1))[0]
        if columns.size and picture.faces:
            # the last row of the letterboxed content, or of the picture; a lean lifts it a little
            lowest = np.nonzero((picture.matte > 127).any(1))[0][-1]
            assert lowest >= min(rows[-1], SIZE - 1) - 0.15 * SIZE


def test_turning_a_quarter_carries_the_face_along() -> None:
    from PIL import Image

    pixels = np.zeros((100, 50, 4), np.uint8)
    pixels[10:30, 10:40] = 255
    turned, box = turned_by(Image.fromarray(pixels), (10, 10, 40, 30), 90.0)
    assert turned.size == (100, 50)
    # counter-clockwise: the top of the figure now lies at the left, its right side on top
    assert box == pytest.approx((10, 10, 30, 40), abs=0.01)
    rows, columns = np.nonzero(np.asarray(turned)[..., 3] > 127)
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == pytest.approx((10, 10, 30, 40), abs=1)


def test_scenery_is_a_picture_with_structure() -> None:
    made = [scenery(np.random.default_rng(seed), 64) for seed in range(8)]
    assert all(one.shape == (64, 64, 3) and one.dtype == np.uint8 for one in made)
    assert sum(one.std() > 4 for one in made) >= 6
    assert np.array_equal(made[0], scenery(np.random.default_rng(0), 64))


def test_warping_leaves_the_head_alone_and_keeps_it_centred() -> None:
    from PIL import Image

    pixels = np.zeros((120, 60, 4), np.uint8)
    pixels[:, 20:40] = (255, 0, 0, 255)
    changed = 0
    for seed in range(8):
        out = np.asarray(warped(Image.fromarray(pixels), 40.0, np.random.default_rng(seed)))
        pad = (out.shape[1] - 60) // 2
        assert out.shape[0] == 120 and pad >= 0
        head = out[:39, pad : pad + 60, 3].astype(int)
        assert np.abs(head - pixels[:39, :, 3]).max() <= 2  # the resampling's rounding
        assert out[39:, :, 3].max() == 255
        changed += not np.array_equal(out[40:, pad : pad + 60], pixels[40:])
    assert changed == 8


def test_warping_copes_with_a_chin_above_the_picture_and_below_it() -> None:
    from PIL import Image

    image = Image.fromarray(np.full((60, 30, 4), 255, np.uint8))
    assert warped(image, -5.0, np.random.default_rng(0)).height == 60
    assert warped(image, 200.0, np.random.default_rng(0)) is image


def test_a_long_chin_moves_the_box_with_it() -> None:
    from PIL import Image

    pixels = np.zeros((100, 40, 4), np.uint8)
    pixels[10:50, 10:30] = (0, 255, 0, 255)  # the face
    pixels[50:] = (255, 0, 0, 255)
    for seed in range(6):
        out, face = with_long_chin(Image.fromarray(pixels), (10, 10, 30, 50), np.random.default_rng(seed))
        green = np.nonzero((np.asarray(out)[..., 1] > 127).any(1))[0]
        assert (green[0], green[-1] + 1) == pytest.approx((10, face[3]), abs=1)
        assert face[:3] == (10, 10, 30) and out.height - 100 == face[3] - 50
