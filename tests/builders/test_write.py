"""Files of a version, down to the bytes and to the disk that is full."""

import io
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.write import Shard, cut_shards, write_rejected
from schemas.features import REJECTED, arrow_schema
from schemas.records import Rejected, drop

_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from builders.write import write_rejected
from schemas.records import Rejected, drop
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    write_rejected(Path(sys.argv[1]), [Rejected(str(n), f"{n}.png", drop("empty")) for n in range(500)])
except OSError as error:
    print("told:", error.strerror)
"""


def _rejected(count: int) -> list[Rejected]:
    return [Rejected(str(n), f"{n}.png", drop("empty")) for n in range(count)]


def _cut(*megabytes: int) -> list[Shard]:
    return list(cut_shards("train", range(len(megabytes)), [size * 1_000_000 for size in megabytes]))


def test_a_split_is_cut_into_as_few_shards_of_about_equal_size_as_hold_it() -> None:
    assert _cut(40, 40, 20) == [Shard("data/train-00000-of-00001.parquet", [0, 1, 2])]
    # 140 MB are two shards: the first three rows begin before the 70th
    assert _cut(30, 30, 30, 30, 20) == [Shard("data/train-00000-of-00002.parquet", [0, 1, 2]),
                                        Shard("data/train-00001-of-00002.parquet", [3, 4])]


def test_no_shard_is_empty_beside_a_row_larger_than_one() -> None:
    assert [list(shard.rows) for shard in _cut(1, 350, 1)] == [[0, 1], [2]]


def test_rejected_rows_are_read_back_in_order(tmp_path: Path) -> None:
    assert write_rejected(tmp_path / "rejected.parquet", iter(_rejected(3))) == 3
    rows = pq.read_table(tmp_path / "rejected.parquet").to_pylist()
    assert [(row["id"], row["path"], row["stage"], row["reason"]) for row in rows] == [
        ("0", "0.png", "file", "empty"), ("1", "1.png", "file", "empty"), ("2", "2.png", "file", "empty")]


def test_no_rejected_row_is_an_empty_table(tmp_path: Path) -> None:
    assert write_rejected(tmp_path / "rejected.parquet", []) == 0
    assert pq.read_table(tmp_path / "rejected.parquet").num_rows == 0


def test_the_bytes_are_those_of_pyarrow_s_own_file(tmp_path: Path) -> None:
    count = 10_001  # a second row group, of one row
    write_rejected(tmp_path / "ours.parquet", _rejected(count))
    rows = pq.read_table(tmp_path / "ours.parquet").to_pylist()
    schema, plain = arrow_schema(REJECTED), io.BytesIO()
    with pq.ParquetWriter(plain, schema, compression="snappy", write_page_index=True,
                          use_content_defined_chunking=True) as writer:
        for part in (rows[:10_000], rows[10_000:]):
            writer.write_table(pa.Table.from_pylist(part, schema=schema))
    assert (tmp_path / "ours.parquet").read_bytes() == plain.getvalue()
    assert pq.read_metadata(tmp_path / "ours.parquet").num_row_groups == 2


@pytest.mark.parametrize("room", [0, 100, 5_000])
def test_a_full_disk_is_an_error_and_leaves_no_file(tmp_path: Path, room: int) -> None:
    # In a process of its own: without care the Parquet writer ends the process that it runs in.
    words = [sys.executable, "-c", _ON_A_FULL_DISK, str(tmp_path / "rejected.parquet"), str(room)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "told: File too large\n", "")
    assert not list(tmp_path.iterdir())
