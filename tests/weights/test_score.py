"""Counting of found and false boxes, by hand."""

from __future__ import annotations

import numpy as np

from weights.score import FaceScore, best_threshold, matte_iou

NONE = np.zeros((0, 4), np.float32)


def _boxes(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_each_face_takes_one_box_and_the_rest_are_false() -> None:
    score = FaceScore()
    score.add(_boxes([0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]), _boxes([0, 0, 10, 10], [80, 80, 90, 90]), NONE)
    assert (score.faces, score.found, score.false) == (2, 1, 2)
    assert score.summary() == {"recall": 0.5, "precision": 0.3333, "false_per_picture": 2.0, "mean_iou": 1.0}


def test_a_box_on_an_unsure_face_counts_neither_way() -> None:
    score = FaceScore()
    score.add(_boxes([0, 0, 10, 10]), NONE, _boxes([0, 0, 10, 12]))
    assert (score.found, score.false) == (0, 0)


def test_matte_iou() -> None:
    a, b = np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    assert matte_iou(a, b) == 1.0
    a[:2], b[1:3] = 255, 200
    assert matte_iou(a, b) == 4 / 12


def test_best_threshold_sits_between_true_and_false() -> None:
    truth = _boxes([0, 0, 10, 10])
    pictures = [(_boxes([0, 0, 10, 10], [30, 30, 40, 40]), np.array([0.7, 0.4], np.float32), truth, NONE)] * 3
    threshold, score = best_threshold(pictures)
    assert 0.4 < threshold <= 0.7 and score["recall"] == score["precision"] == 1.0
