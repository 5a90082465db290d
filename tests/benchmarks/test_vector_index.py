"""The vectors are what the table says, and ours is measured on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import vector_index


def test_vectors_lie_in_clusters() -> None:
    vectors = vector_index.clustered(2_000, 64)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(2_000), abs=1e-5)
    cosines = vectors[:200] @ vectors.T
    # 20 centres, noise of 0.6 of their length: of one cluster about 1 / (1 + 0.36), of others about 0.
    within = cosines > 0.45
    assert 0.6 < cosines[within].mean() < 0.85 and 0.03 < within.mean() < 0.08
    assert abs(cosines[~within].mean()) < 0.05


def test_exact_search_is_all_right_and_ours_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                    capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["vector_index", "--rows", "3000", "--out", str(tmp_path / "out")])
    vector_index.main()
    flat, ours = capsys.readouterr().out.splitlines()[-2:]
    assert flat.split("|")[1].strip() == "Flat" and flat.endswith("| 1.0 | 1.0000 |")
    # Of so few rows ours is exact, too.
    assert ours.split("|")[1].strip() == "likeness, Flat" and ours.endswith("| 1.0000 |")
    assert float(ours.split("|")[2]) > 0 and not (tmp_path / "out").exists()


def test_recall_is_the_share_that_was_found() -> None:
    true = np.arange(20).reshape(2, 10)
    assert vector_index.recall(true[:, ::-1], true) == 1
    assert vector_index.recall(np.where(true < 5, -1, true), true) == 0.75
