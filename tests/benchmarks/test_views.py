"""What is compared is the same work: copies refer to copies, and each file is decoded once."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from benchmarks.views import bare, fed, job, multiplied, opened, view
from tests.trainers import made


def test_copies_refer_to_their_own(tmp_path: Path) -> None:
    rows = opened(multiplied(made.figures(tmp_path / "made"), 3, tmp_path / "out"))
    similar = dict(zip(rows["id"], rows["similar"], strict=True))
    assert len(similar) == 15 and similar["a-2"] == ["b-2", "c-2", "d-2", "gone-2", "twin-2"]


def test_bare_work_is_that_of_the_example(tmp_path: Path) -> None:
    rows = opened(multiplied(made.figures(tmp_path / "made"), 1, tmp_path / "out"))
    at = {name: row for row, name in enumerate(rows["id"])}
    for batch in fed(view(rows, "compose"), 5, 1):
        files, often = work = job(batch, rows, at)
        names = batch["reference_ids"][0]
        clothes = [name for name, word in zip(names, batch["concepts"][0], strict=True) if word == "clothes"]
        assert [mode for _, mode in files].count("RGB") == len({*batch["ids"], *names})
        assert [mode for _, mode in files].count("L") == len(set(clothes)) and sum(often) == 5 + len(clothes)
        bare(work)
