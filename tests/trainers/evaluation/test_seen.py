"""What models saw is kept: by content, through kills and damage."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from annotators.base import Batch
from schemas.errors import UsageError
from schemas.terminal.progress import Progress
from tests.trainers.evaluation.scored import noise, png
from trainers.evaluation import seen
from trainers.evaluation.seen import Ask, Sight

PICTURES = {f"p{at}": png(noise(at, 8)) for at in range(7)}


class Eye:
    """Says the mean level, and what it was asked about; dies after so many pictures."""

    name, identity, provenance = "eye", "0123456789abcdef" * 4, MappingProxyType({"weights": "eye.onnx"})
    needs: tuple[str, ...] = ("image", "words")
    features = pa.schema([("mean", pa.list_(pa.float32(), 1)), ("words", pa.list_(pa.string()))])

    def __init__(self, lives: int = 100) -> None:
        self.lives, self.shown = lives, 0

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        self.shown += len(batch["image"])
        if self.shown > self.lives:
            raise KeyboardInterrupt
        return {"mean": [[one.mean()] for one in batch["image"]], "words": [list(one) for one in batch["words"]]}


def sight(folder: Path) -> Sight:
    return Sight(folder, PICTURES.__getitem__, Progress())


def test_a_killed_scoring_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "PART", 2)
    dying, fresh = Eye(lives=4), Eye()
    with pytest.raises(KeyboardInterrupt):
        sight(tmp_path).see(Ask(dying, name) for name in PICTURES)
    assert len(list(tmp_path.rglob("*.parquet"))) == 2 and not list(tmp_path.rglob(".tmp-*"))
    found = sight(tmp_path)
    found.see(Ask(fresh, name) for name in PICTURES)
    assert fresh.shown == 3
    for at, name in enumerate(PICTURES):
        assert found[Ask(fresh, name)]["mean"] == pytest.approx(noise(at, 8).mean(), abs=1e-4)


def test_a_damaged_file_is_asked_again(tmp_path: Path) -> None:
    sight(tmp_path).see([Ask(Eye(), "p0")])
    file, = tmp_path.rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:30])
    again = Eye()
    sight(tmp_path).see([Ask(again, "p0")])
    assert again.shown == 1 and [one.name for one in tmp_path.rglob("*.parquet")] == [file.name]


def test_a_file_of_other_columns_is_asked_again(tmp_path: Path) -> None:
    sight(tmp_path).see([Ask(Eye(), "p0")])
    file, = tmp_path.rglob("*.parquet")
    there = pq.read_table(file)
    for table in (there.drop_columns("words"), there.drop_columns("key"), pa.table({"key": there["key"]})):
        pq.write_table(table, file)
        again = Eye()
        sight(tmp_path).see([Ask(again, "p0")])
        assert again.shown == 1 and pq.read_table(file) == there


def test_what_is_no_number_is_told_and_not_kept(tmp_path: Path) -> None:
    class Broken(Eye):
        def __call__(self, batch: Batch) -> dict[str, list[Any]]:
            made = super().__call__(batch)
            return {**made, "mean": [*made["mean"][:-1], [float("nan")]]}

    with pytest.raises(UsageError, match=r"what eye sees holds NaN or infinity.*'eye\.onnx: p6'"):
        sight(tmp_path).see(Ask(Broken(), name) for name in PICTURES)
    assert not list(tmp_path.rglob("*.parquet"))


def test_equal_pictures_are_one_and_what_was_asked_tells_answers_apart(tmp_path: Path,
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PICTURES, "copy", PICTURES["p0"])
    eye, found = Eye(), sight(tmp_path)
    found.see([Ask(eye, "p0"), Ask(eye, "copy"), Ask(eye, "p0", ("a", "b")), Ask(eye, "p0", ("ab",))])
    assert eye.shown == 3
    assert found[Ask(eye, "p0", ("a", "b"))]["words"] == ["a", "b"] and found[Ask(eye, "copy")]["words"] == []
    assert found.digest("copy") == found.digest("p0") != found.digest("p1")


def test_vectors_come_back_as_they_were(tmp_path: Path) -> None:
    first, second = sight(tmp_path), sight(tmp_path)
    for one in (first, second):
        one.see([Ask(Eye(), name) for name in PICTURES])
    for name in PICTURES:
        one, other = (found[Ask(Eye(), name)]["mean"] for found in (first, second))
        assert one.dtype == other.dtype == np.float32 and one.tobytes() == other.tobytes()
