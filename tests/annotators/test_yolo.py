"""Letterbox, decoding and suppression against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotators import yolo
from schemas.errors import UsageError


def test_letterbox_centres_a_wide_picture_in_grey() -> None:
    picture = np.full((50, 100, 3), 255, np.uint8)
    pixels, frame = yolo.letterbox(picture, 64)
    assert frame == yolo.Letterbox(100, 50, 64, 32, 0, 16)
    assert pixels.shape == (1, 3, 64, 64) and pixels.dtype == np.float32
    assert pixels[0, :, 16:48].min() == pytest.approx(1.0)
    assert pixels[0, :, :16].max() == pixels[0, :, 48:].min() == pytest.approx(114 / 255)


def test_letterbox_keeps_rgb_order_and_one_pixel_pictures() -> None:
    pixels, frame = yolo.letterbox(np.array([[[255, 0, 51]]], np.uint8), 32)
    assert (frame.inner_width, frame.inner_height) == (32, 32)
    assert pixels[0, :, 5, 7].tolist() == pytest.approx([1.0, 0.0, 0.2])


def test_a_hair_thin_picture_keeps_one_pixel() -> None:
    _, frame = yolo.letterbox(np.zeros((1, 1000, 3), np.uint8), 64)
    assert (frame.inner_width, frame.inner_height) == (64, 1)


SIDE = 64
CELLS = 64 + 16 + 4  # at strides 8, 16, 32


def v8(rows: list[list[float]]) -> np.ndarray:
    table = np.zeros((CELLS, len(rows[0])), np.float32)
    table[: len(rows)] = rows
    return table.T[None]


def v5(rows: list[list[float]]) -> np.ndarray:
    table = np.zeros((3 * CELLS, len(rows[0])), np.float32)
    table[: len(rows)] = rows
    return table[None]


def test_decode_turns_centres_into_corners_and_takes_the_best_class() -> None:
    rows = [[10, 20, 4, 6, 0.9, 0.1], [50, 60, 10, 20, 0.04, 0.6], [8, 8, 0, 4, 0.9, 0.9]]
    boxes, scores = yolo.decode(v8(rows), SIDE, 0.05)
    assert boxes.tolist() == [[8, 17, 12, 23], [45, 50, 55, 70]]  # the third has no width
    assert scores.tolist() == pytest.approx([0.9, 0.6])


def test_decode_reads_the_wanted_classes_only() -> None:
    rows = [[10, 20, 4, 6, 0.9, 0.1], [50, 60, 10, 20, 0.04, 0.6]]
    boxes, scores = yolo.decode(v8(rows), SIDE, 0.05, [1])
    assert boxes.tolist() == [[8, 17, 12, 23], [45, 50, 55, 70]] and scores.tolist() == pytest.approx([0.1, 0.6])


def test_in_the_layout_of_v5_objectness_counts() -> None:
    rows = [[10, 20, 4, 6, 0.5, 0.9, 0.2], [50, 60, 10, 20, 0.1, 0.3, 0.4]]
    boxes, scores = yolo.decode(v5(rows), SIDE, 0.05)
    assert boxes.tolist() == [[8, 17, 12, 23]] and scores.tolist() == pytest.approx([0.45])  # 0.1 x 0.4 is too little
    assert yolo.decode(v5(rows), SIDE, 0.05, [1])[1].tolist() == pytest.approx([0.1])
    # six columns and one class: still v5, told by the number of anchors, not boxes after NMS
    boxes, scores = yolo.decode(v5([[10, 20, 4, 6, 0.5, 0.5]]), SIDE, 0.05)
    assert boxes.tolist() == [[8, 17, 12, 23]] and scores.tolist() == pytest.approx([0.25])
    assert yolo.decode(v5([[10, 20, 4, 6, 0.5]]), SIDE, 0.05)[1].tolist() == pytest.approx([0.5])


def test_boxes_after_nms_are_corners_already() -> None:
    table = np.zeros((1, 300, 6), np.float32)
    table[0, :3] = [[8, 17, 12, 23, 0.9, 0], [45, 50, 55, 70, 0.6, 1], [5, 5, 9, 9, 0.01, 0]]
    boxes, scores = yolo.decode(table, SIDE, 0.05)
    assert boxes.tolist() == [[8, 17, 12, 23], [45, 50, 55, 70]] and scores.tolist() == pytest.approx([0.9, 0.6])
    assert yolo.decode(table, SIDE, 0.05, [1])[0].tolist() == [[45, 50, 55, 70]]


def test_four_heads_are_known_by_their_anchors() -> None:
    table = np.zeros((1, 5, 64 + 16 + 4 + 1), np.float32)
    table[0, :, 3] = [10, 20, 4, 6, 0.8]
    assert yolo.decode(table, SIDE, 0.05)[0].tolist() == [[8, 17, 12, 23]]


@pytest.mark.parametrize("shape", [(1, 5, 83), (1, 4, CELLS), (2, 5, CELLS), (CELLS, 6), (1, 3 * CELLS, 4)])
def test_another_layout_is_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="no known layout"):
        yolo.decode(np.zeros(shape, np.float32), SIDE, 0.05)


def test_decode_drops_what_is_not_finite() -> None:
    boxes, scores = yolo.decode(v8([[np.nan, 5, 2, 2, 0.9], [5, 5, np.inf, 2, 0.9]]), SIDE, 0.05)
    assert boxes.shape == (0, 4) and scores.shape == (0,)


def test_iou_by_hand() -> None:
    others = np.array([[0, 0, 2, 2], [1, 1, 3, 3], [5, 5, 6, 6]], np.float32)
    assert yolo.iou(np.array([0, 0, 2, 2], np.float32), others).tolist() == pytest.approx([1.0, 1 / 7, 0.0])


def test_nms_keeps_the_best_of_each_heap() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30], [0, 0, 10, 5]], np.float32)
    scores = np.array([0.6, 0.9, 0.7, 0.5], np.float32)
    # 0 and 1 overlap by 90 / 110; 3 lies in 1 by 45 / 105 < 0.5
    assert yolo.nms(boxes, scores, 0.5).tolist() == [1, 2, 3]


def test_nms_of_nothing() -> None:
    assert yolo.nms(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.5).tolist() == []


def test_to_picture_undoes_the_letterbox_and_clips() -> None:
    frame = yolo.Letterbox(width=100, height=50, inner_width=64, inner_height=32, left=0, top=16)
    boxes = np.array([[16, 24, 32, 32], [-5, 0, 70, 64]], np.float32)
    assert yolo.to_picture(boxes, frame).tolist() == [[0.25, 0.25, 0.5, 0.5], [0, 0, 1, 1]]


corner = st.integers(0, 60)


side, score = st.integers(1, 30), st.floats(0.0625, 1, width=32)


@settings(deadline=None)
@given(st.lists(st.tuples(corner, corner, side, side, score), max_size=12))
def test_nms_leaves_no_two_boxes_that_overlap_and_covers_the_rest(rows: list[tuple[int, int, int, int, float]]) -> None:
    boxes = np.array([[x, y, x + w, y + h] for x, y, w, h, _ in rows], np.float32).reshape(-1, 4)
    scores = np.array([row[4] for row in rows], np.float32)
    kept = yolo.nms(boxes, scores, 0.5)
    assert (np.diff(scores[kept]) <= 0).all()
    for place, index in enumerate(kept):
        assert (yolo.iou(boxes[index], boxes[kept[place + 1 :]]) <= 0.5).all()
    for index in set(range(len(rows))) - set(kept.tolist()):
        rivals = kept[scores[kept] >= scores[index]]
        assert yolo.iou(boxes[index], boxes[rivals]).max() > 0.5
