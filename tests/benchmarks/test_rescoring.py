"""The pool is as wide as asked for, and memory is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.rescoring import peak, plant


@pytest.mark.parametrize("kind", ["float32", "float16"])
def test_planted_vectors_have_unit_length(tmp_path: Path, kind: str) -> None:
    plant(tmp_path / f"{kind}.npy", 30, 12)
    pool = np.load(tmp_path / f"{kind}.npy", mmap_mode="r")
    assert pool.dtype == kind and pool.shape == (30, 12)
    assert np.linalg.norm(pool.astype(np.float64), axis=1) == pytest.approx(np.ones(30), abs=1e-3)


def test_arrays_count_as_memory() -> None:
    assert 8 < peak(lambda: np.zeros(1_000_000).sum()) < 9
