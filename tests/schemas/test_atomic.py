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


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), atomic.whole(tmp_path / "a" / "new") as temporary:
        (temporary / "half").write_bytes(b"half")
        raise ZeroDivisionError
    assert not any((tmp_path / "a").iterdir())
    with atomic.whole(tmp_path / "a" / "new") as temporary:
        (temporary / "deep").mkdir()
        (temporary / "deep" / "file").write_bytes(b"whole")
        assert not (tmp_path / "a" / "new").exists()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["new"]
    assert (tmp_path / "a" / "new" / "deep" / "file").read_bytes() == b"whole"


def test_sweep_takes_only_temporaries(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / ".tmp-9-part.parquet").write_bytes(b"half")
    (tmp_path / "deep" / "part.parquet").write_bytes(b"whole")
    (tmp_path / "deep" / ".tmp-8-model" / "unet" / ".tmp-7-x").mkdir(parents=True)
    (tmp_path / "deep" / ".tmp-8-model" / "config.json").write_bytes(b"{}")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "kept").write_bytes(b"whole")
    (tmp_path / "deep" / ".tmp-6-link").symlink_to(tmp_path / "mine")
    atomic.sweep(tmp_path)
    assert (tmp_path / "mine" / "kept").read_bytes() == b"whole"
    assert [entry.name for entry in (tmp_path / "deep").iterdir()] == ["part.parquet"]
