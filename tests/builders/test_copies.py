import io
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from annotators.hashes import Hashes
from builders.copies import Copy, copies
from builders.near import NearOptions


def _scene(seed: int) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((300, 400), Image.Resampling.BICUBIC))


def _encoded(picture: np.ndarray) -> np.ndarray:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=40)
    return np.asarray(Image.open(out))


def _copies(pictures: list[np.ndarray], seeds: int = 0) -> dict[int, Copy]:
    """Of pictures of which the first are seeds."""
    said = Hashes()({"image": [np.ascontiguousarray(picture) for picture in pictures]})
    return copies(said["phash"], said["phash_mirror"], said["thumb"],
                  [row < seeds for row in range(len(pictures))],
                  [picture.shape[0] * picture.shape[1] for picture in pictures])


@pytest.mark.parametrize("seed", range(3))
def test_edits_leave_and_other_pictures_stay(seed: int) -> None:
    scene = _scene(seed)
    edits = [_encoded(scene), scene[8:, 294:0:-1], scene[:, ::-1], scene[4:396, :294], scene,
             np.asarray(Image.fromarray(scene).resize((200, 267)))]
    found = _copies([scene, *edits, _scene(10 + seed), _scene(20 + seed)])
    assert set(found) == {1, 2, 3, 4, 5, 6}
    assert {copy.of for copy in found.values()} == {0}
    assert found[5].distance == 0


def test_the_larger_picture_stays_but_a_seed_before_it() -> None:
    scene = _scene(0)
    small = np.asarray(Image.fromarray(scene).resize((150, 200)))
    assert {row: copy.of for row, copy in _copies([small, scene, _scene(9)]).items()} == {0: 1}
    assert {row: copy.of for row, copy in _copies([small, scene, _scene(9)], seeds=1).items()} == {1: 0}
    # Seeds leave for seeds, too: of these the larger stays.
    assert {row: copy.of for row, copy in _copies([small, scene, _scene(9)], seeds=2).items()} == {0: 1}


def _flipped(digits: int, bits: list[int]) -> int:
    for bit in bits:
        digits ^= 1 << bit
    return digits


def _of_hashes(hashes: list[int], options: NearOptions | None = None, alike: bool = True) -> dict[int, Copy]:
    """Copies among rows of which the hash alone decides; mirrors are far away, twins are none."""
    if alike:
        thumbs = [b"\x00" * 120 + b"\xff" * 132 + row.to_bytes(4, "big") for row in range(len(hashes))]
    else:
        thumbs = list(np.random.default_rng(0).integers(0, 256, (len(hashes), 256), dtype=np.uint8))
        thumbs = [thumb.tobytes() for thumb in thumbs]
    far = [f"{_flipped(value, list(range(0, 64, 2))):016x}" for value in hashes]
    return copies([f"{value:016x}" for value in hashes], far, thumbs, [False] * len(hashes), [1] * len(hashes),
                  options or NearOptions())


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 2), st.lists(st.integers(0, 63), max_size=9)), max_size=12),
       st.integers(0, 10))
def test_a_row_leaves_if_it_is_near_one_before_it_that_stays(drawn: list[tuple[int, list[int]]], most: int) -> None:
    bases = [random.Random(n).getrandbits(64) for n in range(3)]
    hashes = [_flipped(bases[base], bits) for base, bits in drawn]
    stay: list[int] = []
    for row, value in enumerate(hashes):
        if all((value ^ hashes[before]).bit_count() > most for before in stay):
            stay.append(row)
    found = _of_hashes(hashes, NearOptions(most))
    assert set(found) == set(range(len(hashes))) - set(stay)
    for row, copy in found.items():
        assert copy.of in stay and copy.of < row
        assert copy.distance == (hashes[row] ^ hashes[copy.of]).bit_count() <= most


def test_a_copy_of_what_leaves_stays() -> None:
    # 8 bits from one to the next: the second leaves for the first, the third is 16 from the first.
    chain = [_flipped(0x0123456789ABCDEF, list(range(8 * n))) for n in range(4)]
    assert _of_hashes(chain) == {1: Copy(0, 8), 3: Copy(2, 8)}


def test_the_thumbnail_must_agree() -> None:
    assert _of_hashes([7, 7, 7], alike=False) == {}


def test_planted_copies_are_found_among_many() -> None:
    chance = random.Random(0)
    hashes = [chance.getrandbits(64) for _ in range(20_000)]
    planted = {}
    for row in range(10_000, 10_400):
        hashes[row] = _flipped(hashes[row - 10_000], chance.sample(range(64), row % 11))
        planted[row] = Copy(row - 10_000, row % 11)
    found = _of_hashes(hashes)
    assert len(found.items() & planted.items()) >= 0.99 * len(planted)
    assert all((hashes[row] ^ hashes[copy.of]).bit_count() == copy.distance <= 10 for row, copy in found.items())


def test_a_flood_of_one_picture_leaves_but_for_one() -> None:
    count = 50_000
    thumbs = [bytes([100]) * 256] * count
    same = ["8000000000000000"] * count
    assert copies(same, same, thumbs, [False] * count, [1] * count) == {row: Copy(0, 0) for row in range(1, count)}


def test_a_flood_with_one_hash_leaves_but_for_one() -> None:
    assert _of_hashes([0x0123456789ABCDEF] * 20_000) == {row: Copy(0, 0) for row in range(1, 20_000)}


def test_a_flood_of_edits_leaves_few() -> None:
    chance = random.Random(1)
    hashes = [_flipped(0x0123456789ABCDEF, chance.sample(range(64), chance.randint(0, 5))) for _ in range(20_000)]
    hashes[0] = 0x0123456789ABCDEF
    # All are within 5 bits of the first, so that they leave for it.
    found = _of_hashes(hashes)
    assert set(found) == set(range(1, 20_000)) and {copy.of for copy in found.values()} == {0}


def test_a_crowd_with_one_hash_and_other_pictures_stays() -> None:
    assert _of_hashes([0] * 3_000, alike=False) == {}


def test_no_rows_no_copies() -> None:
    assert copies([], [], [], [], []) == {}
