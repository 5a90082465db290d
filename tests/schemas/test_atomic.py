from pathlib import Path

import pytest

from schemas import atomic


def test_a_failed_block_leaves_the_old_file_and_no_temporary(tmp_path: Path) -> None:
    path = tmp_path / "a" / "file"
    atomic.write(path, b"old")
    with pytest.raises(ZeroDivisionError), atomic.replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_write_replaces(tmp_path: Path) -> None:
    path = tmp_path / "file"
    atomic.write(path, b"old")
    atomic.write(path, b"new")
    assert path.read_bytes() == b"new"


def test_sweep_takes_only_temporaries(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / ".tmp-9-part.parquet").write_bytes(b"half")
    (tmp_path / "deep" / "part.parquet").write_bytes(b"whole")
    atomic.sweep(tmp_path)
    assert [entry.name for entry in (tmp_path / "deep").iterdir()] == ["part.parquet"]
