"""Reading pictures that are files and pictures that are members of a tar."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from builders.files import fingerprint, member, plain, read
from schemas.errors import RowError


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    """Three members; a tar keeps each one's data 512 bytes after the start of its header, in blocks of 512."""
    path = tmp_path / "data-0000.tar"
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in {"1000.jpg": b"first", "0000/2000.png": b"s" * 600, "3000.gif": b""}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def test_members_are_read_at_their_offsets(tar: Path) -> None:
    assert read(member(str(tar), "1000.jpg", 512, 5)) == b"first"
    assert read(member(str(tar), "0000/2000.png", 512 + 512 + 512, 600)) == b"s" * 600  # a header and a block before it


def test_a_member_reads_like_a_path() -> None:
    assert plain("/m/original/data-0000.tar//0000/2000.png@1536+600") == "/m/original/data-0000.tar/0000/2000.png"
    assert plain("//host/m/a.tar//1.jpg@512+5") == "//host/m/a.tar/1.jpg"
    for path in ("/m/1.jpg", "//host/1.jpg", "/m/a@1+2/1.jpg", "/m//1.jpg", "/m/1@512+5.jpg"):
        assert plain(path) == path


@pytest.mark.parametrize(("offset", "size", "limit", "reason"), [
    (512, 5, 4, "too_large"), (512, 10**12, 100, "too_large"), (512, 10**17, 10**6, "truncated"),
    (10**17, 5, 100, "truncated"), (2560, 0, 100, "empty"),
])
def test_members_that_cannot_be_read(tar: Path, offset: int, size: int, limit: int, reason: str) -> None:
    with pytest.raises(RowError) as caught:
        read(member(str(tar), "x.jpg", offset, size), limit)
    assert caught.value.reason == reason


def test_files_as_ever(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"bytes")
    assert read(str(tmp_path / "1.jpg"), 5) == b"bytes"
    for path, limit, reason in ((tmp_path / "1.jpg", 4, "too_large"), (tmp_path / "2.jpg", 9, "missing_file")):
        with pytest.raises(RowError) as caught:
            read(str(path), limit)
        assert caught.value.reason == reason


def test_a_fingerprint_is_that_of_a_part_of_a_file_as_it_is_now(tar: Path) -> None:
    first, second = (member(str(tar), name, 512, size) for name, size in (("1.jpg", 5), ("1.jpg", 6)))
    before = {fingerprint(path) for path in (first, second, str(tar))}
    assert len(before) == 3
    assert fingerprint(first) == fingerprint(member(str(tar), "1.jpg", 512, 5))
    os.utime(tar, (1, 1))
    assert not {fingerprint(path) for path in (first, second, str(tar))} & before
    with pytest.raises(FileNotFoundError):
        fingerprint(member(str(tar.with_name("gone.tar")), "1.jpg", 512, 5))
