"""The comparison with the planted truth, on figures that can be checked by hand."""

from __future__ import annotations

import hashlib
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from benchmarks.sample_truth import Faces, box_iou, compare, faces, fates, lines, near_pairs, same_outfit, soft_iou


def _row(name: str, **said: Any) -> dict[str, Any]:
    return {"path": name, "sha256": hashlib.sha256(name.encode()).hexdigest(), "post_id": name, "artist": "a",
            "outfit": "x/0", "face": [0.2, 0.2, 0.4, 0.4], "defect": "", "expected": "", "near_of": "", "near_kind": "",
            "matte": f"truth/mattes/{name}.png", **said}


def test_box_iou() -> None:
    assert box_iou((0, 0, 2, 2), (1, 1, 3, 3)) == pytest.approx(1 / 7)
    assert box_iou((0, 0, 1, 1), (1, 0, 2, 1)) == 0
    assert box_iou((0, 0, 0, 0), (0, 0, 0, 0)) == 0


def test_soft_iou() -> None:
    a, b = np.array([[255, 100]], np.uint8), np.array([[51, 200]], np.uint8)
    assert soft_iou(a, b) == pytest.approx((51 + 100) / (255 + 200))
    assert soft_iou(np.zeros((1, 1), np.uint8), np.zeros((1, 1), np.uint8)) == 1


def test_pairs_need_one_artist_and_one_outfit() -> None:
    truth = {"1": _row("1"), "2": _row("2"), "3": _row("3", artist="b"), "4": _row("4", outfit="x/1"),
             "5": _row("5", near_of="1", near_kind="mirrored")}
    assert same_outfit(truth) == {("1", "2"), ("1", "5"), ("2", "5")}
    assert near_pairs(truth) == {("1", "5")}


def test_faces_by_hand() -> None:
    truth = {name: _row(name) for name in "abcde"} | {"none": _row("none", face=[], expected="no_face")}
    boxes = {"a": (0.2, 0.2, 0.4, 0.4), "b": (0.7, 0.7, 0.9, 0.9), "none": (0.1, 0.1, 0.2, 0.2)}
    counted = faces(truth, boxes, {"c": "no_face", "d": "many_faces", "e": "truncated"})
    assert counted == Faces(right=1, wrong=1, false=1, missed=1, extra=1)
    assert counted.recall == 1 / 4
    assert counted.precision == 1 / 4


def test_fates() -> None:
    table = [_row("1", defect="empty", expected="empty"), _row("2", defect="empty", expected="empty"),
             _row("3", defect="cmyk"), _row("4", defect="cmyk"), _row("5", near_of="6", near_kind="mirrored"),
             _row("7", defect="unreadable", expected="unreadable")]
    assert fates(table, {"3", "5"}, {"1": "empty", "2": "truncated", "4": "corrupt", "7": "unreadable"}) == {
        "cmyk": (1, 2), "empty": (1, 2), "mirrored": (1, 1), "unreadable": (1, 1)}


def _png(matte: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(matte).save(out, "PNG")
    return out.getvalue()


def test_a_whole_dataset(tmp_path: Path) -> None:
    mirror, dataset = tmp_path / "mirror", tmp_path / "1.0.0"
    (mirror / "truth" / "mattes").mkdir(parents=True)
    (dataset / "data").mkdir(parents=True)
    truth = [_row("1"), _row("2"), _row("3", outfit="x/1"), _row("4", near_of="1", near_kind="cropped"),
             _row("5", defect="empty", expected="empty"), _row("6")]
    pq.write_table(pa.Table.from_pylist(truth), mirror / "truth" / "truth.parquet")
    full = np.full((4, 4), 255, np.uint8)
    for row in truth:
        (mirror / row["matte"]).write_bytes(_png(full))
    half = full.copy()
    half[:, 2:] = 0
    similar = {"1": ["2", "3"], "2": ["1"], "3": ["1"], "4": ["1"]}
    rows = [{"id": name, "sha256": hashlib.sha256(name.encode()).hexdigest(), "bbox": [0.3, 0.3, 0.2, 0.2],
             "similar": similar[name], "mask": {"bytes": _png(half if name == "3" else full), "path": "m.png"}}
            for name in similar]
    pq.write_table(pa.Table.from_pylist(rows), dataset / "data" / "train-00000-of-00001.parquet")
    pq.write_table(pa.Table.from_pylist([{"path": "5", "reason": "empty"}, {"path": "6", "reason": "no_face"}]),
                   dataset / "rejected.parquet")
    report = compare(dataset, mirror)
    assert report.faces == Faces(4, 0, 0, 1, 0)
    assert report.matte_iou == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    # Linked: 1-2 right, 1-3 wrong, 1-4 a near copy that was not kept apart and counts nowhere else.
    assert report.pair_precision == pytest.approx(1 / 2)
    # Wanted: 1-2, 2-4, and 1-6, 2-6, 4-6, which were lost with row 6.
    assert report.pair_recall == pytest.approx(1 / 5)
    assert report.pair_recall_published == pytest.approx(1 / 2)
    assert (report.near_apart, report.near_seen) == (0.0, 1)
    assert report.defects == {"cropped": (1, 1), "empty": (1, 1)}
    assert report.lost == {"no_face": 1}
    assert any("no_face 1" in line for line in lines(report))


def test_nothing_tried_is_neither_good_nor_bad() -> None:
    assert math.isnan(Faces(0, 0, 0, 0, 0).recall)
