import io
import random
from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from annotators.hashes import Hashes
from builders.near import NearOptions, _families, _shuffled, _swaps, correlation, near_copies, twins

FLAT = bytes([100]) * 256
USUAL = NearOptions()


def _rows(pictures: list[np.ndarray]) -> tuple[list[str], list[str], list[bytes]]:
    said = Hashes()({"image": [np.ascontiguousarray(picture) for picture in pictures]})
    return said["phash"], said["phash_mirror"], said["thumb"]


def _scene(seed: int) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((300, 400), Image.Resampling.BICUBIC))


def _edits(picture: np.ndarray) -> dict[str, np.ndarray]:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=40)
    return {
        "encoded": np.asarray(Image.open(out)),
        "recoloured": (255 * (picture / 255 * (0.95, 1.0, 0.9)) ** 1.1).astype(np.uint8),
        "smaller": np.asarray(Image.fromarray(picture).resize((200, 267))),
        "cropped": picture[4:396, :294],
        "mirrored": picture[:, ::-1],
        "mirrored and cropped": picture[8:, 294:0:-1],
    }


@pytest.mark.parametrize("seed", range(3))
def test_edits_are_near_copies_and_other_pictures_are_not(seed: int) -> None:
    edits = _edits(_scene(seed))
    rows = _rows([_scene(seed), *edits.values(), _scene(10 + seed), _scene(20 + seed)])
    found = near_copies(*rows, [""] * 9, [""] * 9)
    assert {(i, j) for i, j, _ in found if i == 0} == {(0, n + 1) for n in range(len(edits))}
    assert all(j < 7 for _, j, _ in found)
    assert found == sorted(found)


def _flipped(digits: int, bits: list[int]) -> int:
    for bit in bits:
        digits ^= 1 << bit
    return digits


def _near_hashes(hashes: list[int], options: NearOptions = USUAL, parents: list[str] | None = None,
                 posts: list[str] | None = None) -> list[tuple[int, int, int]]:
    """Near copies of rows of which the hash alone decides: thumbnails are alike but no twins, mirrors far away."""
    thumbs = [b"\x00" * 120 + b"\xff" * 134 + bytes([n // 256, n % 256]) for n in range(len(hashes))]
    far = [f"{_flipped(value, list(range(0, 64, 2))):016x}" for value in hashes]
    straight = [f"{value:016x}" for value in hashes]
    none = [""] * len(hashes)
    return near_copies(straight, far, thumbs, posts or none, parents or none, options)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.lists(st.integers(0, 63), max_size=9)), min_size=2, max_size=12))
def test_every_pair_within_the_distance_is_found(drawn: list[tuple[int, list[int]]]) -> None:
    bases = [random.Random(n).getrandbits(64) for n in range(4)]
    hashes = [_flipped(bases[base], bits) for base, bits in drawn]
    apart = {(i, j): (hashes[i] ^ hashes[j]).bit_count() for i in range(len(hashes)) for j in range(i)}
    expected = sorted((j, i, bits) for (i, j), bits in apart.items() if bits <= 10)
    assert [pair for pair in _near_hashes(hashes) if pair[2] <= 10] == expected


def test_planted_copies_are_found_among_many() -> None:
    chance = random.Random(0)
    hashes = [chance.getrandbits(64) for _ in range(20_000)]
    planted = []
    for row in range(10_000, 10_400):
        hashes[row] = _flipped(hashes[row - 10_000], chance.sample(range(64), row % 11))
        planted.append((row - 10_000, row, row % 11))
    found = _near_hashes(hashes)
    assert len(set(found) & set(planted)) >= 0.99 * len(planted)
    assert all((hashes[i] ^ hashes[j]).bit_count() == bits <= 10 for i, j, bits in found)


def _crowd(count: int, bits: int) -> list[int]:
    """Different hashes so many bits from one at most, as nearly blank pictures have."""
    chance, drawn = random.Random(count), dict[int, None]()
    while len(drawn) < count:
        drawn[_flipped(0x0123456789ABCDEF, chance.sample(range(64), chance.randint(0, bits)))] = None
    return list(drawn)


@pytest.mark.parametrize("bits", [3, 6])
def test_all_pairs_of_a_crowd_are_found(bits: int) -> None:
    hashes = _crowd(200, bits)
    apart = [(i, j, (hashes[i] ^ hashes[j]).bit_count()) for i, j in combinations(range(200), 2)]
    assert _near_hashes(hashes) == [pair for pair in apart if pair[2] <= 10]


def test_each_of_a_large_crowd_is_compared_with_many_but_not_all() -> None:
    count, limit = 1000, 32  # all of them near copies: half a million pairs
    found = _near_hashes(_crowd(count, 3), NearOptions(limit=limit))
    seen = Counter(row for i, j, _ in found for row in (i, j))
    assert min(seen[row] for row in range(count)) >= limit
    assert len(found) < count * 100


def test_the_thumbnail_must_agree() -> None:
    hashes, mirrors = ["0123456789abcdef"] * 2, ["f" * 16] * 2
    alike = [bytes(range(256)), bytes(max(level - 9, 0) for level in range(256))]
    other = [bytes(range(256)), bytes(range(256))[::-1]]
    assert near_copies(hashes, mirrors, alike, ["", ""], ["", ""]) == [(0, 1, 0)]
    assert near_copies(hashes, mirrors, other, ["", ""], ["", ""]) == []


@pytest.mark.parametrize(("posts", "parents", "tied"), [
    (["7", "8"], ["", "7"], True),  # parent and child
    (["8", "9"], ["7", "7"], True),  # children of one parent
    (["7", "7"], ["", ""], True),  # two crops of one post
    (["7", "8"], ["", ""], False),
    (["", ""], ["", ""], False),
])
def test_tied_posts_are_held_to_looser_limits(posts: list[str], parents: list[str], tied: bool) -> None:
    hashes = [0, _flipped(0, list(range(16)))]
    assert _near_hashes(hashes, posts=posts, parents=parents) == ([(0, 1, 16)] if tied else [])


def test_twins_are_tied_to_the_first_alone() -> None:
    count = 3000
    hashes, thumbs = ["8000000000000000"] * count, [FLAT] * count
    assert twins(hashes, thumbs) == [0] * count
    found = near_copies(hashes, hashes, thumbs, [""] * count, [""] * count)
    assert found == [(0, row, 0) for row in range(1, count)]


def test_a_crowd_with_one_hash_costs_no_square() -> None:
    count, options = 2000, NearOptions(limit=5)
    found = _near_hashes([1 << 63] * count, options, parents=["1"] * count)
    assert len(found) == 5 * count - 15  # each with the five that follow it


@given(st.integers(0, 255), st.integers(0, 255))
def test_flat_thumbnails_are_alike_whatever_their_level(first: int, second: int) -> None:
    pair = [np.full((1, 16, 16), level, np.uint8) for level in (first, second)]
    assert correlation(*pair) == pytest.approx([1.0])


def test_correlation_of_opposite_thumbnails_is_about_minus_one() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    assert correlation(ramp, ramp) == pytest.approx([1.0])
    assert correlation(ramp, 255 - ramp) == pytest.approx([-1.0], abs=0.02)


def test_no_rows_no_pairs() -> None:
    assert near_copies([], [], [], [], []) == []


names = st.sampled_from(["", "1", "2", "3", "4"])


@given(st.lists(st.tuples(names, names), max_size=12))
def test_families_are_rows_of_one_post_or_parent(drawn: list[tuple[str, str]]) -> None:
    named = [{own, parent} - {""} for own, parent in drawn]
    pairs = [[i, j] for i, j in combinations(range(len(drawn)), 2) if named[i] & named[j]]
    assert _families([own for own, _ in drawn], [parent for _, parent in drawn], 64).tolist() == pairs


def test_of_a_large_family_each_is_tied_to_those_that_follow() -> None:
    assert _families(["8", "", "9", "", ""], ["", "8", "", "8", "8"], 2).tolist() == [
        [0, 1], [0, 3], [1, 3], [1, 4], [3, 4]]


@given(st.lists(st.tuples(st.sampled_from(["0" * 16, "0" * 15 + "1"]), st.sampled_from([b"a", b"b"])), max_size=9))
def test_twins_are_equal_in_hash_and_thumbnail(drawn: list[tuple[str, bytes]]) -> None:
    assert twins([word for word, _ in drawn], [thumb for _, thumb in drawn]) == [drawn.index(row) for row in drawn]


@given(st.integers(0, 2**64 - 1), st.integers(0, 200))
def test_a_shuffle_moves_bits_and_is_undone(word: int, number: int) -> None:
    words, swaps = np.asarray([word], np.uint64), _swaps(number)
    shuffled = _shuffled(words, swaps)
    assert int(shuffled[0]).bit_count() == word.bit_count()
    assert _shuffled(shuffled, swaps[::-1])[0] == word


def test_shuffles_bring_every_bit_to_the_front() -> None:
    bits = np.uint64(1) << np.arange(64, dtype=np.uint64)
    front = np.asarray([_shuffled(bits, _swaps(number)) >= 1 << 48 for number in range(128)])
    assert (front.sum(axis=1) == 16).all() and front.any(axis=0).all()
    assert all((one != other).any() for one, other in pairwise(front))
