"""Letterbox, decoding and suppression against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotators import yolo


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


def test_decode_turns_centres_into_corners_and_takes_the_best_class() -> None:
    rows = [[10, 50, 8], [20, 60, 8], [4, 10, 0], [6, 20, 4], [0.9, 0.04, 0.9], [0.1, 0.6, 0.9]]
    boxes, scores = yolo.decode(np.array([rows], np.float32), 0.05)
    assert boxes.tolist() == [[8, 17, 12, 23], [45, 50, 55, 70]]  # the third has no width
    assert scores.tolist() == pytest.approx([0.9, 0.6])


def test_decode_drops_what_is_not_finite() -> None:
    output = np.array([[[np.nan, 5], [5, 5], [2, np.inf], [2, 2], [0.9, 0.9]]], np.float32)
    boxes, scores = yolo.decode(output, 0.05)
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
