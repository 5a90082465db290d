"""Indexes on planted vectors: what they answer, what they say of themselves, that they come out alike."""

from __future__ import annotations

import json
from pathlib import Path

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders import vector_index
from builders.vector_index import Vectors, build_index, read_facts, read_index, stored
from schemas.errors import UsageError

WIDTH = 24


def planted(rows: int, centres: int = 100) -> Vectors:
    """Unit vectors round so many centres."""
    drawn = np.random.default_rng(5)
    found = drawn.standard_normal((centres, WIDTH))[drawn.integers(0, centres, rows)]
    found += 0.3 * drawn.standard_normal(found.shape)
    return np.float32(found / np.linalg.norm(found, axis=1, keepdims=True))


def built(vectors: Vectors, version: Path, piece: int = 700) -> vector_index.Facts:
    return build_index(lambda: (vectors[at:at + piece] for at in range(0, len(vectors), piece)), len(vectors),
                       vectors.shape[1], version / "index", "d" * 64)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few vectors count as many."""
    monkeypatch.setattr(vector_index, "FLAT_ROWS", 1_000)


def test_a_small_index_answers_exactly(tmp_path: Path) -> None:
    vectors = np.float32([[1, 0, 0], [0.6, 0.8, 0], [0, 0, 1]])
    facts = built(vectors, tmp_path, piece=2)
    assert read_facts(tmp_path) == facts
    assert json.loads((tmp_path / "index" / "index.json").read_text()) == {
        "metric": "inner_product", "factory": "Flat", "parameters": {}, "rows": 3, "width": 3, "recall_at_10": 1.0,
        "dataset": "d" * 64}
    cosines, rows = read_index(tmp_path).search(np.float32([[0.8, 0.6, 0]]), 3)
    assert rows.tolist() == [[1, 0, 2]]
    assert cosines[0] == pytest.approx([0.96, 0.8, 0.0], abs=1e-6)
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == ["index.json", "pool.faiss"]


def test_a_large_index_finds_what_it_says_it_finds(small: None, tmp_path: Path) -> None:
    vectors = planted(12_000)
    facts = built(vectors, tmp_path)
    assert facts.factory == "IVF256,SQfp16"  # 2 * sqrt(12,000) is 219; 256 is the nearest power of two
    assert facts.recall_at_10 >= 0.99
    assert 1 <= facts.parameters["nprobe"] < 64
    index = read_index(tmp_path)
    assert index.nprobe == facts.parameters["nprobe"]
    # Measured apart from the build: all rows ask, brute force knows.
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    nearest = np.argsort(-cosines, axis=1)[:, :10]
    answers = index.search(vectors, 11)[1]
    found = [len(set(near) & set(answer)) / 10 for near, answer in zip(nearest, answers, strict=True)]
    assert np.mean(found) == pytest.approx(facts.recall_at_10, abs=0.01)
    assert (answers[:, 0] == np.arange(12_000)).mean() > 0.999


def test_recall_that_is_missed_costs_more_cells(small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = planted(6_000, centres=6_000)  # no clusters at all: neighbours lie in many cells
    facts = built(vectors, tmp_path / "high")
    assert facts.recall_at_10 >= 0.99
    monkeypatch.setattr(vector_index, "_AIM", 0.7)
    less = built(vectors, tmp_path / "low")
    assert 0.7 <= less.recall_at_10 < 0.99
    assert less.parameters["nprobe"] < facts.parameters["nprobe"]


def test_bytes_depend_neither_on_threads_nor_on_pieces(small: None, tmp_path: Path) -> None:
    vectors, before = planted(20_000), faiss.omp_get_max_threads()
    for name, threads, piece in (("one", 1, 20_000), ("two", 2, 20_000), ("pieces", 2, 1_234)):
        faiss.omp_set_num_threads(threads)
        built(vectors, tmp_path / name, piece)
    faiss.omp_set_num_threads(before)
    for name in ("pool.faiss", "index.json"):
        assert len({(tmp_path / one / "index" / name).read_bytes() for one in ("one", "two", "pieces")}) == 1


def test_rows_just_as_near_as_the_last_that_counts_count(small: None, tmp_path: Path) -> None:
    # Each row stands twenty times: of its nineteen twins any ten are right.
    vectors = np.repeat(planted(100), 20, axis=0)
    assert built(vectors, tmp_path).recall_at_10 == 1.0


def test_other_rows_than_promised_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="50 vectors for 51 rows"):
        build_index(lambda: [planted(50)], 51, WIDTH, tmp_path / "index", "")
    assert not (tmp_path / "index").exists()


def test_datasets_opens_it(small: None, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    vectors = planted(3_000)
    built(vectors, tmp_path)
    pool = datasets.Dataset.from_dict({"id": [f"row {at}" for at in range(3_000)]})
    pool.load_faiss_index("embedding", str(tmp_path / "index" / "pool.faiss"))
    cosines, rows = pool.get_nearest_examples("embedding", vectors[1_234], k=5)
    assert rows["id"][0] == "row 1234"
    assert cosines[0] == pytest.approx(1, abs=1e-3)  # float16 codes
    best = np.sort(vectors @ vectors[1_234])[::-1][:5]
    assert cosines == pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize("damage", [b"", b"IxFI" + b"\xff" * 60, b"no index at all"])
def test_a_damaged_file_is_a_value_error(damage: bytes, tmp_path: Path) -> None:
    built(planted(5), tmp_path)
    (tmp_path / "index" / "pool.faiss").write_bytes(damage)
    with pytest.raises(ValueError, match=r"read error|not recognized|out of range") as told:
        read_index(tmp_path)
    assert ".cpp" not in str(told.value) and "faiss::" not in str(told.value)


def test_facts_that_are_missing_or_damaged_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="this version has no index"):
        read_facts(tmp_path)
    built(planted(5), tmp_path)
    (tmp_path / "index" / "index.json").write_text('{"rows": "many"}')
    with pytest.raises(UsageError, match=r"index/index\.json cannot be read"):
        read_facts(tmp_path)


def test_vectors_of_shards_come_in_order(tmp_path: Path) -> None:
    vectors = planted(7)
    kind = pa.list_(pa.float32(), WIDTH)
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, part in zip(paths, (vectors[:4], vectors[4:]), strict=True):
        pq.write_table(pa.table({"embedding": pa.array(part.tolist(), kind)}), path, row_group_size=3)
    assert np.concatenate(list(stored(paths))).tobytes() == vectors.tobytes()
    pq.write_table(pa.table({"embedding": pa.array([vectors[0].tolist(), None], kind)}), paths[1])
    with pytest.raises(ValueError, match=r"b\.parquet: a row has no embedding"):
        list(stored(paths))
