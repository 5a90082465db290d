"""Pictures, names and captions that every format shares."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builders.exports.rows import Export, caption, name
from schemas import manifest as manifests
from tests.builders.exports.conftest import CAPTIONS, UNTOUCHED, Row, seen, whose

Drawn = dict[str, tuple[Path, list[Row]]]


def _export(version: Path, folder: Path, split: str = "train") -> Export:
    return Export(version, manifests.read(version), split, folder, folder)


def test_rows_come_in_order_and_columns_alone(drawn: Drawn, tmp_path: Path) -> None:
    export = _export(drawn["retribooru"][0], tmp_path / "out")
    assert [row["id"] for row in export.rows()] == list(CAPTIONS)
    assert [dict(row) for row in export.rows(["id"])] == [{"id": one} for one in CAPTIONS]
    assert [row["id"] for row in _export(drawn["retribooru"][0], tmp_path, "test_seen").rows()] == ["90", "91"]


def test_bytes_are_untouched_where_every_trainer_reads_them(drawn: Drawn, tmp_path: Path) -> None:
    version, rows = drawn["retribooru"]
    export = _export(version, tmp_path / "out")
    for row in export.rows():
        path = tmp_path / "out" / export.picture(row)
        kind = UNTOUCHED.get(row["id"])
        assert path.suffix == (kind or ".png")
        assert (hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256"]) == bool(kind)
        assert whose(path, rows)["id"] == row["id"]
        if not kind:  # made anew, without loss
            assert np.array_equal(seen(path.read_bytes()), seen(row["image"]["bytes"]))


@pytest.mark.parametrize("identifier", ["../up", "/etc/passwd", "a/b", "..", ".", "", "CON", "A", "Test 1", "cup_test",
                                        "x" * 300, "ア", "a\0b", "1\n", "\ud800", "1/2"])
def test_names_leave_no_folder_and_hold_no_word(identifier: str) -> None:
    made = name(identifier)
    assert len(made) == 16 and set(made) <= set("0123456789abcdef")


def test_names_differ_where_a_file_system_forgets_case() -> None:
    assert name("2895557") == "2895557" and name("12_crop_3") == "12_crop_3" and name("0a1b2c3d4e5f") == "0a1b2c3d4e5f"
    assert len({name(one).lower() for one in ("a/b", "A/b", "a/B", "A/B", "a b", "a_b")}) == 6


@pytest.mark.parametrize("recipe", ["retribooru", "regularization", "subject"])
def test_captions_are_one_line_and_never_empty(drawn: Drawn, recipe: str) -> None:
    for row in drawn[recipe][1]:
        assert caption(row) and caption(row).splitlines() == [caption(row)] and "  " not in caption(row)
        if recipe == "retribooru":
            assert caption(row) == CAPTIONS[row["id"]]
    odd: dict[str, Any] = {"text": "a\u2028b\x85c \x0b d"}
    assert caption(odd) == "a b c d"
