import gzip
import hashlib
import lzma
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.sources import lines


@pytest.mark.parametrize(("name", "known"), [
    ("posts.json", True), ("a.jsonl.gz", True), ("a.ndjson.xz", True), ("2017000000000000", True),
    ("2017000000000000.gz", True), ("2017", False), ("metadata.json.tar.xz", False), ("a.json.bz2", False),
    ("a.txt", False), (".json", False), ("a.json\n", False),
])
def test_names(name, known):
    assert lines.is_metadata(name) is known


def test_a_file_that_cannot_be_opened(tmp_path):
    found = lines.Lines(tmp_path / "gone.json")
    assert list(found.blocks()) == [] and not found.whole


@given(st.lists(st.binary(max_size=60), max_size=12), st.integers(1, 50))
@settings(max_examples=100, deadline=None)
def test_lines_equal_split(tmp_path_factory, parts, block):
    data = b"\n".join(parts).removeprefix(b"\xef\xbb\xbf")
    path = tmp_path_factory.mktemp("lines") / "a.json"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK", block)
        found = [line for lot in lines.Lines(path).blocks() for line in lot]
    expected = data.split(b"\n")
    assert found == (expected[:-1] if not expected[-1] else expected)


def piece_lines(found, size):
    """Lines as those who get the pieces see them; each file's digests go back to it."""
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "PIECE", size)
        for piece in found.pieces():
            data, begin, stop, digest = piece.read()
            seen += data[begin:stop].removesuffix(b"\n").split(b"\n") if begin < stop else []
            found.add(digest)
    return seen


@given(st.lists(st.binary(max_size=60), max_size=12), st.integers(1, 50), st.integers(1, 90))
@settings(max_examples=100, deadline=None)
def test_pieces_hold_every_line_once(tmp_path_factory, parts, size, ahead):
    data = b"\n".join(parts)
    folder = tmp_path_factory.mktemp("pieces")
    (folder / "a.json").write_bytes(data)
    (folder / "a.json.gz").write_bytes(gzip.compress(data))
    plain, packed = lines.Lines(folder / "a.json"), lines.Lines(folder / "a.json.gz")
    expected = data.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\n").split(b"\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_AHEAD", ahead)
        assert [line for line in piece_lines(plain, size) if line] == [line for line in expected if line]
    assert [line for line in piece_lines(packed, size) if line] == [line for line in expected if line]
    digests = (hashlib.sha256(data[at:at + size]).digest() for at in range(0, len(data), size))
    assert plain.digest == packed.digest == hashlib.sha256(b"".join(digests)).hexdigest()


@pytest.mark.parametrize("size", [1, 7, 30, 100, 1000])
def test_a_piece_does_not_grow_with_a_line(tmp_path, monkeypatch, size):
    monkeypatch.setattr(lines, "MAX_LINE", 50)
    monkeypatch.setattr(lines, "_AHEAD", 5)
    (tmp_path / "a.json").write_text("1\n" + "x" * 500 + "\n" + "y" * 50 + "\n" + "z" * 400)
    found = piece_lines(lines.Lines(tmp_path / "a.json"), size)
    assert [found[0], found[2]] == [b"1", b"y" * 50] and len(found) == 4
    assert 50 < len(found[1]) <= 500 and 50 < len(found[3]) <= 400
    if size < 100:
        assert max(map(len, found)) <= size + 5 + 50


def test_a_file_that_is_gone_has_no_pieces(tmp_path):
    found = lines.Lines(tmp_path / "gone.json")
    assert list(found.pieces()) == [] and not found.whole
    with pytest.raises(OSError):
        lines.Piece(tmp_path / "gone.json", 0, 10).read()


def read(path):
    found = lines.Lines(path)
    return [line for lot in found.blocks() for line in lot], found


@given(st.lists(st.binary(max_size=200), max_size=4), st.integers(1, 60), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_packed_files_unpack_to_the_same(tmp_path_factory, parts, block, padding):
    folder = tmp_path_factory.mktemp("packed")
    (folder / "a.json").write_bytes(b"".join(parts))
    (folder / "a.json.gz").write_bytes(b"".join(gzip.compress(part) for part in parts) or gzip.compress(b""))
    (folder / "a.json.xz").write_bytes((b"\0" * 4 * padding).join(lzma.compress(part) for part in parts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK", block)
        plain, gz, xz = (read(folder / f"a.json{kind}") for kind in ("", ".gz", ".xz"))
    assert plain[0] == gz[0] == xz[0]
    assert plain[1].digest == gz[1].digest == xz[1].digest
    assert plain[1].whole and gz[1].whole and xz[1].whole


@pytest.mark.parametrize("kept", [0.2, 0.9])
def test_a_cut_archive_is_not_whole(tmp_path, kept):
    data = lzma.compress(b"abc\n" * 1000)
    (tmp_path / "a.json.xz").write_bytes(data[: int(len(data) * kept)])
    assert not read(tmp_path / "a.json.xz")[1].whole


def test_an_archive_that_asks_for_much_memory(tmp_path):
    data = bytearray(lzma.compress(b"abc\n"))
    size = (data[12] + 1) * 4  # of the block header, which ends with its checksum
    assert data[14:16] == b"\x21\x01"  # LZMA2 with one byte of properties: the dictionary's size
    data[16] = 34  # 512 MiB
    data[12 + size - 4:12 + size] = zlib.crc32(data[12:12 + size - 4]).to_bytes(4, "little")
    (tmp_path / "a.json.xz").write_bytes(data)
    assert lzma.decompress(bytes(data)) == b"abc\n", "a sound archive otherwise"
    found, seen = read(tmp_path / "a.json.xz")
    assert found == [] and not seen.whole


@pytest.mark.parametrize("before", ["", "1\n"])
@pytest.mark.parametrize("block", [7, 100, 10_000])
def test_no_line_is_longer_than_allowed(tmp_path, monkeypatch, before, block):
    monkeypatch.setattr(lines, "BLOCK", block)
    monkeypatch.setattr(lines, "MAX_LINE", 50)
    (tmp_path / "a.json").write_text(before + "x" * 51 + "\n" + "y" * 50 + "\n" + "z" * 400)
    expected = [before.strip().encode()] if before else []
    assert read(tmp_path / "a.json")[0] == [*expected, lines.OVERLONG, b"y" * 50, lines.OVERLONG]


def test_what_nobody_may_read_is_not_read(tmp_path):
    (tmp_path / "a.json").write_text("1\n")
    (tmp_path / "a.json").chmod(0o200)
    found, seen = read(tmp_path / "a.json")
    assert found == [] and not seen.whole
