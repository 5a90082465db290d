"""The index of a tar. The format tells where members lie: a header of 512 bytes, then data in blocks of 512."""

import errno
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from builders.sources import tars
from builders.sources.tars import Member, index


def info(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    found = tarfile.TarInfo(name)
    found.size, found.type, found.linkname = len(data), kind, link
    return found, data


def write(path: Path, members: list[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.USTAR_FORMAT) -> Path:
    with tarfile.open(path, "w", format=form) as archive:
        for found, data in members:
            archive.addfile(found, io.BytesIO(data))
    return path


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def test_members_lie_where_the_format_puts_them(tmp_path: Path, kept: Path) -> None:
    tar = write(tmp_path / "a.tar", [
        info("./2000.jpg", b"b" * 513), info("0000/", kind=tarfile.DIRTYPE), info("0000/1000.png", b"a"),
        info("notes.txt", b"hello"), info("._2000.jpg", b"of a Mac"), info("3000.webp")])
    found = index(tar, kept)
    assert found.members == [Member("0000/1000.png", 512 + 1024 + 512 + 512, 1, ""), Member("2000.jpg", 512, 513, ""),
                             Member("3000.webp", 2560 + 512 + 1024 + 1024 + 512, 0, "")]
    assert found.damage == ""
    assert found.counts == {"other_files": 1, "hidden_files": 1, "replaced_members": 0}
    data = tar.read_bytes()
    assert [data[one.offset : one.offset + one.size] for one in found.members] == [b"a", b"b" * 513, b""]


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_and_names_in_any_script(tmp_path: Path, kept: Path, form: int) -> None:
    long = "/".join(["folder" * 10] * 5) + "/1.jpg"
    tar = write(tmp_path / "a.tar", [info(long, b"long"), info("絵/2.jpg", b"script"), info("3.jpg", b"three")], form)
    found = index(tar, kept)
    data = tar.read_bytes()
    assert {one.name: data[one.offset : one.offset + one.size] for one in found.members} == {
        long: b"long", "絵/2.jpg": b"script", "3.jpg": b"three"}


def test_links_devices_and_hostile_names_are_never_followed(tmp_path: Path, kept: Path) -> None:
    tar = write(tmp_path / "a.tar", [
        info("1.jpg", kind=tarfile.SYMTYPE, link="/etc/passwd"), info("2.jpg", kind=tarfile.LNKTYPE, link="8.jpg"),
        info("3.jpg", kind=tarfile.CHRTYPE), info("4.jpg", kind=tarfile.FIFOTYPE), info("5.jpg", kind=tarfile.DIRTYPE),
        info("../6.jpg", b"up"), info("/7.jpg", b"absolute"), info("8.jpg", b"fine"), info("a//9.jpg", b"fine"),
        info("\udcff.jpg", b"no UTF-8"), info("10\n.jpg", b"two lines")])
    assert {one.name: one.verdict for one in index(tar, kept).members} == {
        **dict.fromkeys(["1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg"], "not_a_file"),
        "../6.jpg": "bad_name", "7.jpg": "bad_name", "8.jpg": "", "a/9.jpg": "", "\\udcff.jpg": "bad_name",
        "10\\n.jpg": "bad_name"}


def test_sparse_members_are_refused(tmp_path: Path, kept: Path) -> None:
    sparse, data = info("1.jpg", b"x" * 512)
    sparse.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.size": "4096",
                          "GNU.sparse.map": "0,512", "GNU.sparse.name": "1.jpg"}
    tar = write(tmp_path / "a.tar", [(sparse, data), info("2.jpg", b"y")], tarfile.PAX_FORMAT)
    assert {one.name: one.verdict for one in index(tar, kept).members} == {"1.jpg": "bad_archive", "2.jpg": ""}


def test_of_equal_names_the_last_is_the_member(tmp_path: Path, kept: Path) -> None:
    found = index(write(tmp_path / "a.tar", [info("1.jpg", b"old"), info("./1.jpg", b"newer")]), kept)
    assert found.members == [Member("1.jpg", 512 + 512 + 512, 5, "")]
    assert found.counts["replaced_members"] == 1


@pytest.mark.parametrize(("size", "whole", "cut"), [
    (512 + 512 + 100, ["1.jpg"], []),             # in the second header
    (512 + 512 + 512 + 599, ["1.jpg"], ["2.jpg"]),  # in the second member's data
    (512 + 512, ["1.jpg"], []),                   # between two members
    (512 + 512 + 512 + 1024 + 512 + 512, ["1.jpg", "2.jpg", "3.jpg"], []),  # before the end is marked
])
def test_a_tar_that_is_cut_gives_what_is_whole(tmp_path: Path, kept: Path, size: int, whole: list[str],
                                               cut: list[str]) -> None:
    tar = write(tmp_path / "a.tar", [info("1.jpg", b"a"), info("2.jpg", b"b" * 600), info("3.jpg", b"c")])
    os.truncate(tar, size)
    found = index(tar, kept)
    assert [one.name for one in found.members if not one.verdict] == whole
    assert [one.name for one in found.members if one.verdict] == cut
    assert all(one.verdict == "bad_archive" for one in found.members if one.name in cut)
    assert found.damage == "cut off"


def test_a_damaged_header_ends_what_can_be_read(tmp_path: Path, kept: Path) -> None:
    tar = write(tmp_path / "a.tar", [info("1.jpg", b"a"), info("2.jpg", b"b"), info("3.jpg", b"c")])
    data = bytearray(tar.read_bytes())
    data[1024:1100] = b"\xff" * 76
    tar.write_bytes(data)
    found = index(tar, kept)
    assert [one.name for one in found.members] == ["1.jpg"] and found.damage == "a damaged header"


def test_what_is_no_plain_tar_says_so(tmp_path: Path, kept: Path) -> None:
    for name, data, damage in (("a", b"", "cut off"), ("b", b"\xff\xd8\xff" + b"x" * 5000, "a damaged header"),
                               ("c", b"short", "cut off")):
        (tmp_path / f"{name}.tar").write_bytes(data)
        found = index(tmp_path / f"{name}.tar", kept)
        assert (found.members, found.damage) == ([], damage)
    with tarfile.open(tmp_path / "d.tar", "w:gz") as archive:
        archive.addfile(*info("1.jpg"))
    assert index(tmp_path / "d.tar", kept).damage == "packed by gzip: unpack it to a plain .tar"
    assert index(tmp_path / "gone.tar", kept).damage == "No such file or directory"
    tar = write(tmp_path / "e.tar", [info("1.jpg", b"a")])
    tar.chmod(0)
    assert index(tar, kept) == tars.Index([], "Permission denied")


def test_an_empty_tar_is_whole(tmp_path: Path, kept: Path) -> None:
    assert index(write(tmp_path / "a.tar", []), kept) == tars.Index(
        [], "", {"other_files": 0, "hidden_files": 0, "replaced_members": 0})


def test_tars_laid_end_to_end_are_told(tmp_path: Path, kept: Path) -> None:
    first = write(tmp_path / "a.tar", [info("1.jpg", b"a")]).read_bytes()
    (tmp_path / "a.tar").write_bytes(first + write(tmp_path / "b.tar", [info("2.jpg", b"b" * 2**20)]).read_bytes())
    found = index(tmp_path / "a.tar", kept)
    assert [one.name for one in found.members] == ["1.jpg"] and found.damage == "goes on after its end"


def _header(name: str, size: bytes, kind: bytes = b"0") -> bytes:
    """A header with any 12 bytes for its size, checksum right."""
    found = tarfile.TarInfo(name)
    block = bytearray(found.tobuf(tarfile.USTAR_FORMAT))
    block[124:136], block[156:157], block[148:156] = size, kind, b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize("header", [
    _header("2.jpg", b"\xff" * 10 + b"\xf8\x00"),         # a size of -2048: back to the start, for ever
    _header("2.jpg", b"\xff" * 12),                         # -1
    _header("2.jpg", b"\x80" + b"\x7f" * 11),               # more than any disk holds
    _header("long", b"77777777777\0", b"L"),                # a name of 8 GiB
    _header("pax", b"77777777777\0", b"x"),
    _header("pax", b"\xff" * 10 + b"\xf8\x00", b"x"),
    _header("pax", b"00000000020\0", b"x") + b"9999999999 path=x".ljust(512, b"\0"),
    _header("1", b"00000000000\0", b"x") * 2000,            # attributes of attributes of attributes
])
def test_hostile_headers_end_the_walk(tmp_path: Path, kept: Path, header: bytes) -> None:
    good = write(tmp_path / "a.tar", [info("1.jpg", b"a")]).read_bytes()[:1024]
    (tmp_path / "a.tar").write_bytes(good + header + bytes(10240))
    found = index(tmp_path / "a.tar", kept)
    assert [one.name for one in found.members if not one.verdict] == ["1.jpg"]
    assert found.damage


def test_a_tar_is_walked_once_until_it_changes(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walks = []
    walked = tars._walked
    monkeypatch.setattr(tars, "_walked", lambda headers, wanted: (walks.append(headers.name),
                                                                       walked(headers, wanted))[1])
    tar = write(tmp_path / "a.tar", [info("1.jpg", b"a")])
    assert index(tar, kept) == index(tar, kept) and len(walks) == 1
    write(tar, [info("1.jpg", b"a"), info("2.jpg", b"b")])
    assert [one.name for one in index(tar, kept).members] == ["1.jpg", "2.jpg"] and len(walks) == 2
    for file in kept.iterdir():
        file.write_bytes(b"\xa1\xff of another version")
    assert len(index(tar, kept).members) == 2 and len(walks) == 3
    assert len(index(tar, kept).members) == 2 and len(walks) == 3


def test_an_index_that_another_job_deletes_is_walked_again(tmp_path: Path, kept: Path,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    """Two jobs meet the index of another version: whoever comes second finds it gone."""
    tar = write(tmp_path / "a.tar", [info("1.jpg", b"a")])
    found = index(tar, kept)
    [place] = kept.iterdir()
    place.write_bytes(b"of another version")
    read_bytes = Path.read_bytes

    def gone(path: Path) -> bytes:
        data = read_bytes(path)
        path.unlink()
        return data

    monkeypatch.setattr(Path, "read_bytes", gone)
    assert index(tar, kept) == found


def test_an_error_of_the_disk_is_not_kept(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tar = write(tmp_path / "a.tar", [info("1.jpg", b"a"), info("2.jpg", b"b")])
    with monkeypatch.context() as broken:
        def read(self: object, size: int) -> bytes:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        broken.setattr(tars._Headers, "read", read)
        assert index(tar, kept) == tars.Index([], "Input/output error")
    assert len(index(tar, kept).members) == 2


class TestToldIndex:
    """An index that came with the tar."""

    @pytest.fixture
    def tar(self, tmp_path: Path) -> Path:
        return write(tmp_path / "data-0000.tar", [info(f"{n}000.jpg", b"x" * n) for n in range(1, 40)])

    def told(self, tar: Path, **changes: object) -> dict[str, object]:
        files = {f"{n}000.jpg": {"offset": (n - 1) * 1024 + 512, "size": n, "sha256": "0" * 64} for n in range(1, 40)}
        return {"filesize": tar.stat().st_size, "hash": "0", "files": files} | changes

    def test_is_believed_where_it_agrees(self, tar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        walked = index(tar, tmp_path / "first")
        tar.with_suffix(".json").write_text(json.dumps(self.told(tar)))
        monkeypatch.setattr(tars, "_walked", None)
        assert index(tar, tmp_path / "second") == walked
        assert walked.members[1] == Member("10000.jpg", 9 * 1024 + 512, 10, "")

    @pytest.mark.parametrize("changes", [
        {"filesize": 1}, {"files": {}}, {"files": {"1000.jpg": {"offset": 1536, "size": 1}}},
        {"files": {"1000.jpg": {"offset": 512, "size": 2}}}, {"files": {"1000.jpg": {"offset": 0, "size": 1}}},
        {"files": {"1000.jpg": {"offset": 513, "size": 1}}}, {"files": {"1000.jpg": {"offset": 512, "size": 10**9}}},
        {"files": {"1000.jpg": {"offset": 512, "size": -1}}}, {"files": []}, {"filesize": None},
        {"files": {"1000.jpg": {"offset": 512, "size": 1}, "2000.jpg": {"offset": 512, "size": 1}}},
        {"files": {f"{n}000.jpg": {"offset": (n - 1) * 1024 + 512, "size": n} for n in range(1, 40) if not 9 < n < 19}},
        {"files": {f"{n}000.jpg": {"offset": (n - 1) * 1024 + 512, "size": n} for n in range(10, 40)}},
    ])
    def test_is_passed_over_where_it_does_not(self, tar: Path, kept: Path, changes: dict[str, object]) -> None:
        tar.with_suffix(".json").write_text(json.dumps(self.told(tar, **changes)))
        assert [one.name for one in index(tar, kept).members] == sorted(f"{n}000.jpg" for n in range(1, 40))

    @pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT])
    @pytest.mark.parametrize("left_out", ["2.jpg", "9.jpg"])
    def test_is_passed_over_when_it_leaves_out_a_file_that_is_no_longer_than_headers(
            self, tmp_path: Path, kept: Path, left_out: str, form: int) -> None:
        tar = write(tmp_path / "a.tar", [info(f"{n}.jpg", b"x" * 300) for n in range(1, 10)], form)
        files = {f"{n}.jpg": {"offset": (n - 1) * 1024 + 512, "size": 300} for n in range(1, 10)}
        del files[left_out]
        tar.with_suffix(".json").write_text(json.dumps(self.told(tar, files=files)))
        assert [one.name for one in index(tar, kept).members] == [f"{n}.jpg" for n in range(1, 10)]

    def test_is_believed_over_folders_and_long_headers(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        tar = write(tmp_path / "a.tar", [info("0/", kind=tarfile.DIRTYPE), info("0/1.jpg", b"x"), info(
            "1/", kind=tarfile.DIRTYPE), info(f"1/{'絵' * 40}.jpg", b"y")], tarfile.PAX_FORMAT)
        walked = index(tar, tmp_path / "first")
        files = {name: {"offset": offset, "size": size} for name, offset, size, _ in walked.members}
        tar.with_suffix(".json").write_text(json.dumps(self.told(tar, files=files)))
        monkeypatch.setattr(tars, "_walked", None)
        assert index(tar, tmp_path / "second") == walked and len(files) == 2

    def test_is_passed_over_when_its_names_are_others(self, tar: Path, kept: Path) -> None:
        files = {f"{n}001.jpg": {"offset": (n - 1) * 1024 + 512, "size": n} for n in range(1, 40)}
        tar.with_suffix(".json").write_text(json.dumps(self.told(tar, files=files)))
        assert [one.name for one in index(tar, kept).members] == sorted(f"{n}000.jpg" for n in range(1, 40))

    def test_is_passed_over_when_it_is_none(self, tar: Path, kept: Path) -> None:
        tar.with_suffix(".json").write_bytes(b"\xff{")
        assert len(index(tar, kept).members) == 39
