"""The three measures on planted layouts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cards.leakage import (
    MEASURES,
    AlikePair,
    Layouts,
    alike_share,
    face_offset,
    hash_distance,
    matte_overlap,
    measure,
    pack_matte,
)
from cards.leakage import most_alike as nearest
from cards.survey import survey

LEFT, TOP = (0, 0, 32, 80), (0, 0, 64, 40)
NOW, THEN = np.array([0]), np.array([1])


def layouts(**words: Any) -> Layouts:
    plain: dict[str, Any] = {
        "index": {"a": 0, "b": 1}, "phash": np.zeros(2, np.uint64), "box": np.full((2, 4), 0.5),
        "matte": np.zeros((2, 32), np.uint8), "character": np.zeros(2, np.int64), "shown": np.ones(2, np.bool_)}
    return Layouts(**(plain | words))


def test_hash_distance_counts_bits() -> None:
    known = layouts(phash=np.array([0x00FF000000000001, 0x000F000000000003], np.uint64))
    assert hash_distance(known, NOW, THEN).tolist() == [5.0]  # four bits of 0xf0, one of 0x3


def test_packed_mattes_keep_the_shape(matte: Any) -> None:
    left = np.unpackbits(pack_matte(matte(LEFT))).reshape(16, 16)
    assert left[:, :8].all()
    assert not left[:, 8:].any()


def test_matte_overlap_of_left_and_top_half_is_a_third(matte: Any) -> None:
    known = layouts(matte=np.stack([pack_matte(matte(LEFT)), pack_matte(matte(TOP))]))
    assert matte_overlap(known, NOW, THEN).tolist() == [pytest.approx(1 / 3)]  # a quarter of three quarters


def test_mattes_of_other_sizes_meet_on_the_grid(matte: Any) -> None:
    large = matte((0, 0, 200, 300), size=(400, 300))
    known = layouts(matte=np.stack([pack_matte(matte(LEFT)), pack_matte(large)]))
    assert matte_overlap(known, NOW, THEN).tolist() == [1.0]


def test_empty_mattes_are_not_measured() -> None:
    full = np.stack([np.full(32, 255, np.uint8), np.zeros(32, np.uint8)])
    assert np.isnan(matte_overlap(layouts(), NOW, THEN)).all()
    assert np.isnan(matte_overlap(layouts(matte=full), NOW, THEN)).all()


def test_face_offset_is_in_box_sizes() -> None:
    boxes = np.array([[0.2, 0.2, 0.25, 0.25], [0.5, 0.6, 0.5, 0.125]])  # sizes 0.25 and 0.25, 0.5 apart
    assert face_offset(layouts(box=boxes), NOW, THEN).tolist() == [pytest.approx(2.0)]
    missing = np.array([[0.2, 0.2, 0.25, 0.25], [np.nan] * 4])
    assert np.isnan(face_offset(layouts(box=missing), NOW, THEN)).all()


def test_alike_is_strict_below_and_inclusive_above() -> None:
    distance, overlap, offset = MEASURES
    assert distance.alike(np.array([11.0, 12.0, np.nan])).tolist() == [True, False, False]
    assert overlap.alike(np.array([0.79, 0.8, np.nan])).tolist() == [False, True, False]
    assert offset.alike(np.array([0.24, 0.25])).tolist() == [True, False]
    assert [kind.zone for kind in MEASURES] == ["under 12", "0.8 or more", "under 0.25"]


def test_alike_share_leaves_out_what_was_not_measured() -> None:
    assert alike_share(np.array([0.2, 0.9, 1.0, np.nan]), MEASURES[1]) == pytest.approx(2 / 3)
    assert alike_share(np.array([]), MEASURES[0]) == 0


def test_most_alike_orders_by_hash_then_overlap_and_hides() -> None:
    pairs = [("a", "b"), ("a", "c"), ("a", "d"), ("a", "e")]
    values = (np.array([9.0, 5.0, 5.0, 1.0]), np.array([0.9, 0.2, 0.7, 0.9]), np.zeros(4))
    found = nearest(pairs, values, np.array([True, True, True, False]), count=2)
    assert found == (AlikePair(("a", "d"), (5.0, 0.7, 0.0)), AlikePair(("a", "c"), (5.0, 0.2, 0.0)))


def test_measure_reads_the_published_rows(trio: dict[str, Any], write: Any, matte: Any) -> None:
    trio["train"][1] |= {"phash": "000000000000000f", "mask": {"bytes": matte(LEFT), "path": ""},
                         "bbox": [0.5, 0.75, 0.25, 0.2]}
    trio["train"][0] |= {"mask": {"bytes": matte(TOP), "path": ""}, "similar": ["2", "3", "gone"]}
    data = write(trio)
    meter = measure(data, survey(data))
    found = {pair.ids: pair.values for pair in meter.most_alike}
    assert set(found) == {("1", "2"), ("1", "3"), ("4", "5")}
    # boxes 0.5 apart, each of size sqrt(0.05); the whole figure is the middle half: half of it is in the top half
    assert found["1", "2"] == pytest.approx((4, 1 / 3, 0.5 / 0.05**0.5), rel=1e-6)
    assert found["1", "3"] == pytest.approx((0, 1 / 3, 0), rel=1e-6)
    assert found["4", "5"] == pytest.approx((0, 1, 0))
    assert meter.alike_in_all == 1
    assert meter.whole
    assert len(meter.others[0]) > 0


def test_chance_compares_different_characters_only(row: Any, write: Any) -> None:
    data = write({"train": [row("1", ["2"]), row("2", ["1"])]})
    meter = measure(data, survey(data))
    assert [len(values) for values in meter.references] == [1, 1, 1]
    assert [len(values) for values in meter.others] == [0, 0, 0]


def test_hidden_pictures_are_measured_but_not_shown(row: Any, write: Any) -> None:
    data = write({"train": [row("1", ["2"], rating="explicit"), row("2", ["1"])]})
    meter = measure(data, survey(data))
    assert len(meter.references[0]) == 1
    assert meter.most_alike == ()


def test_a_picture_of_monstrous_size_is_left_out(row: Any, write: Any) -> None:
    data = write({"train": [row("1", ["2"], width=60_000, height=60_000), row("2", ["1"])]})
    meter = measure(data, survey(data))
    assert meter.most_alike == ()
    assert np.isnan(meter.references[1]).all()
