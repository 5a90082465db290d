"""`build verify` of an index: each kind of damage has its own words."""

from __future__ import annotations

import json
from pathlib import Path

import faiss
import numpy as np
import pyarrow.parquet as pq
import pytest

from builders import vector_index
from builders.published import shards
from builders.vector_index import read_index, stored
from builders.verification.indexes import index_faults
from schemas import manifest as manifests
from tests.builders.made_pool import publish_pool, rows, write_rows


@pytest.fixture(params=["Flat", "IVF"])
def version(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(vector_index, "FLAT_ROWS", 1 if request.param == "IVF" else 100)
    found = publish_pool(tmp_path, rows())
    assert json.loads((found / "index" / "index.json").read_text())["factory"].startswith(request.param)
    return found


def faults(version: Path) -> list[str]:
    return list(index_faults(version, manifests.read(version)))


def test_a_sound_index_has_none(version: Path) -> None:
    assert faults(version) == []


def test_other_rows_are_named(version: Path) -> None:
    made = rows()
    made[2], made[8] = made[8], made[2]
    write_rows(version, made)
    assert faults(version) == ["index/pool.faiss: row 2 is not row 2 of the pool",
                               "index/pool.faiss: row 8 is not row 8 of the pool"]
    made[4]["embedding"] = [float("nan")] * len(made[4]["embedding"])
    write_rows(version, made)
    assert "index/pool.faiss: row 4 is not row 4 of the pool" in faults(version)
    made[4]["embedding"] = None
    write_rows(version, made)
    assert any("cannot be compared with the rows" in fault for fault in faults(version))
    path = shards(version, "pool")[0]
    pq.write_table(pq.read_table(path).drop_columns(["embedding"]), path)
    assert faults(version) == ["index/pool.faiss cannot be compared with the rows: pool-00000-of-00002.parquet: "
                               "no column embedding"]


def test_what_is_said_is_compared(version: Path) -> None:
    place = version / "index" / "index.json"
    told = json.loads(place.read_text())
    for change, fault in [({"dataset": "cd" * 32}, "dataset cdcdcdcdcdcdcdcd, this one is abababababababab"),
                          ({"rows": 12}, "the index has 12 rows, the manifest says 11"),
                          ({"rows": 12}, "pool.faiss: its rows is 11, index.json says 12"),
                          ({"width": 9}, "the index has 9 numbers a row"),
                          ({"metric": "l2"}, "no inner product"),
                          ({"parameters": {"nprobe": 99}}, "index.json says 99"),
                          ({"recall_at_10": 1.5}, "recall_at_10 is 1.5")]:
        place.write_text(json.dumps(told | change))
        assert any(fault in found for found in faults(version)), change
    place.write_text("{")
    assert len(found := faults(version)) == 1 and "index/index.json" in found[0]
    place.unlink()
    assert len(found := faults(version)) == 1 and "this version has no index" in found[0]


def test_a_file_that_cannot_be_read_is_told(version: Path) -> None:
    place = version / "index" / "pool.faiss"
    place.write_bytes(place.read_bytes()[:40])
    assert len(found := faults(version)) == 1 and "index/pool.faiss cannot be read" in found[0]
    place.unlink()
    assert len(found := faults(version)) == 1 and "index/pool.faiss cannot be read" in found[0]


def test_a_row_in_a_wrong_cell_does_not_find_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_index, "FLAT_ROWS", 1)
    version = publish_pool(tmp_path, rows())
    index = read_index(version)
    files = shards(version, "pool")
    vectors = np.concatenate(list(stored(files)))
    assert index.nlist > 1
    # Every vector into the cell after its own, in its row's place; one cell is searched.
    wrong = faiss.index_factory(index.d, f"IVF{index.nlist},SQfp16", faiss.METRIC_INNER_PRODUCT)
    wrong.train(vectors)
    cells = (wrong.quantizer.search(vectors, 1)[1][:, 0] + 1) % wrong.nlist
    wrong.add_core(len(vectors), faiss.swig_ptr(vectors), None, faiss.swig_ptr(cells.astype(np.int64)))
    wrong.nprobe = 1
    place = version / "index"
    faiss.write_index(wrong, str(place / "pool.faiss"))
    told = json.loads((place / "index.json").read_text()) | {"parameters": {"nprobe": 1}}
    (place / "index.json").write_text(json.dumps(told))
    found = faults(version)
    assert found and all("does not find itself" in fault for fault in found)
