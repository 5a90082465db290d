"""Metadata as arrays and Parquet, against lines written by hand."""

import gzip
import hashlib
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.sources import exports, lines
from builders.sources.exports import is_export, open_export


def read(path: Path) -> tuple[list[Any], bool]:
    """What the lines say ("?" for one that says nothing), and whether the file was whole."""
    found = open_export(path)
    assert found is not None
    said = [line for block in found.blocks() for line in block]
    return [line.decode() if line in b"?[" else json.loads(line) for line in said if line], found.whole


RECORDS = [{"id": 1, "tags": "a [b] {c} \\ \" , é 絵"}, {"id": 2, "x": {"id": 3, "y": [1, [2], {}]}}, {"id": 4}]


@pytest.mark.parametrize("text", [
    json.dumps(RECORDS), json.dumps(RECORDS, indent=2), json.dumps(RECORDS, ensure_ascii=False, separators=(",", ":")),
    "\ufeff \n" + json.dumps(RECORDS) + "\n", "[" + ",\n".join(map(json.dumps, RECORDS)) + "]",
    "\n".join(map(json.dumps, RECORDS)), "[\n" + "\n".join(json.dumps(one) + "," for one in RECORDS) + "\n]",
])
@pytest.mark.parametrize("block", [7, 64, 4096])
def test_arrays_and_lines_are_told_apart_wherever_they_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                               text: str, block: int) -> None:
    monkeypatch.setattr(lines, "BLOCK", block)
    (tmp_path / "posts.json").write_text(text, encoding="utf-8")
    (tmp_path / "posts.json.gz").write_bytes(gzip.compress(text.encode()))
    assert read(tmp_path / "posts.json") == read(tmp_path / "posts.json.gz") == (RECORDS, True)


@pytest.mark.parametrize(("text", "said"), [
    ('[{"id": 1}, {"id": 2, "tags": "cut o', [{"id": 1}, "?"]), ('[{"a": ' + "[" * 3000, ["?"]),
    ('[{"id": 1}, {"id": 2} oops {"id": 3}]', [{"id": 1}, {"id": 2}, "?"]), ('[{"id": 1}', [{"id": 1}]),
    ("[", []), ("[]", []),
])
def test_a_damaged_array_gives_what_comes_before(tmp_path: Path, text: str, said: list[Any]) -> None:
    (tmp_path / "a.json").write_text(text)
    assert read(tmp_path / "a.json") == (said, "?" not in said)


def test_lines_may_begin_with_one_that_is_an_array(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[1, 2]\n{"id": 1}\n[\n{"id": 2}')
    assert read(tmp_path / "a.json") == ([[1, 2], {"id": 1}, "[", {"id": 2}], True)


def test_one_element_too_long_ends_an_array(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MAX_LINE", 1000)
    monkeypatch.setattr(lines, "BLOCK", 100)
    (tmp_path / "a.json").write_text('[{"id": 1}, "' + "x" * 5000 + '", {"id": 2}]')
    assert read(tmp_path / "a.json") == ([{"id": 1}, "?"], False)


def test_an_array_takes_no_memory_of_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BLOCK", 2**16)
    with (tmp_path / "a.json").open("w") as file:
        file.write("[" + ", ".join(json.dumps({"id": at, "tags": "x" * 500}) for at in range(20_000)) + "]")
    assert (tmp_path / "a.json").stat().st_size > 10**7
    found = open_export(tmp_path / "a.json")
    assert found is not None
    tracemalloc.start()
    assert sum(len(block) for block in found.blocks()) == 20_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * 10**6


def write(path: Path, columns: dict[str, pa.Array]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_columns_of_text_and_lists(tmp_path: Path) -> None:
    text = write(tmp_path / "a.parquet", {
        "score": pa.array([1, 2]), "tag_string": pa.array(["x", "y"]), "rating": pa.array(["g", None]),
        "tag_string_general": pa.array(["1girl hat", ""]), "tag_string_artist": pa.array(["zun", None]),
        "tag_string_character": pa.array(["a", "b"]), "parent_id": pa.array([7.0, None], pa.float64()),
        "id": pa.array([12, 13], pa.int64()), "is_deleted": pa.array([True, None])})
    assert read(text) == ([
        {"id": 12, "rating": "g", "parent_id": 7, "is_deleted": True, "tag_string_general": "1girl hat",
         "tag_string_artist": "zun", "tag_string_character": "a"},
        {"id": 13, "rating": None, "parent_id": None, "is_deleted": None, "tag_string_general": "",
         "tag_string_artist": None, "tag_string_character": "b"}], True)
    lists = write(tmp_path / "b.parquet", {
        "id": pa.array(["12"]), "tags_general": pa.array([["1girl", "long hair", None]]),
        "tags_character": pa.array([[]], pa.list_(pa.string())), "tag_list_artist": pa.array([["zun"]])})
    assert read(lists) == ([{"id": "12", "tag_string_general": "1girl long_hair", "tag_string_artist": "zun",
                             "tag_string_character": ""}], True)
    nested = write(tmp_path / "c.parquet", {
        "id": pa.array(["5"]), "tags": pa.array([[{"id": "1", "name": "hat", "category": "0"}]])})
    assert read(nested) == ([{"id": "5", "tags": [{"id": "1", "name": "hat", "category": "0"}]}], True)


def test_dates_are_read_as_text_only(tmp_path: Path) -> None:
    later, moment = "2022-06-01 00:00:00 UTC", pa.array([1], pa.timestamp("ns"))
    path = write(tmp_path / "a.parquet", {"id": pa.array(["5"]), "tag_string_general": pa.array(["hat"]),
                                          "created_at": moment, "updated_at": pa.array([later])})
    assert read(path) == ([{"id": "5", "tag_string_general": "hat", "updated_at": later}], True)


@pytest.mark.parametrize("kind", [pa.list_, pa.large_list, pa.list_view, pa.large_list_view])
def test_nested_tags_in_any_kind_of_list(tmp_path: Path, kind: Any) -> None:
    tags = [{"name": "hat", "category": 0}, {"name": "zun", "category": 1}]
    path = write(tmp_path / "a.parquet", {"id": pa.array([5]), "tags": pa.array([tags], kind(pa.struct([
        ("name", pa.string()), ("category", pa.int64())])))})
    assert read(path) == ([{"id": 5, "tags": tags}], True)


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary(3)])
def test_text_that_is_written_as_bytes(tmp_path: Path, kind: pa.DataType) -> None:
    path = write(tmp_path / "a.parquet", {
        "id": pa.array([b"123"], kind), "tag_string_general": pa.array(["絵".encode()], kind),
        "tags_artist": pa.array([[b"zun", None, b"a b"]], pa.list_(kind)), "md5": pa.array([None], kind),
        "tags": pa.array([[{"name": b"hat"}]], pa.list_(pa.struct([("name", kind)])))})
    assert read(path) == ([{"id": "123", "tag_string_general": "絵", "tag_string_artist": "zun a_b", "md5": None,
                            "tags": [{"name": "hat"}]}], True)


def test_columns_that_share_a_name_are_not_taken(tmp_path: Path) -> None:
    def named(*names: str) -> Path:
        columns = [pa.array([1]), *[pa.array(["a"])] * (len(names) - 1)]
        pq.write_table(pa.table(columns, names=names), tmp_path / "a.parquet")
        return tmp_path / "a.parquet"

    assert read(named("id", "rating", "rating", "tag_string_general", "score", "score")) == (
        [{"id": 1, "tag_string_general": "a"}], True)
    assert open_export(named("id", "id", "tag_string_general")) is None
    assert open_export(named("id", "tag_string_general", "tag_string_general")) is None
    twice = pa.StructArray.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["name", "name"])
    assert open_export(write(tmp_path / "b.parquet", {
        "id": pa.array([1]), "tags": pa.ListArray.from_arrays([0, 1], twice)})) is None


def test_the_id_comes_first_whatever_the_columns_are(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"tag_string_general": pa.array(["a"] * 5000), "id": pa.array(range(5000))})
    found = open_export(path)
    assert found is not None
    blocks = list(found.blocks())
    assert [len(block) for block in blocks] == [2048, 2048, 904] and blocks[0][7].startswith(b'{"id":7,')


def test_tables_of_something_else_are_none(tmp_path: Path) -> None:
    assert open_export(write(tmp_path / "tags.parquet", {"id": pa.array([1]), "name": pa.array(["hat"])})) is None
    assert open_export(write(tmp_path / "a.parquet", {
        "tag_string_general": pa.array(["a"]), "tags": pa.array([["b"]])})) is None


def test_damaged_tables(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.parquet", {"id": pa.array([1, 2]), "tag_string_general": pa.array(["a", "b"])})
    data = whole.read_bytes()
    (tmp_path / "cut.parquet").write_bytes(data[:-20])
    (tmp_path / "no.parquet").write_bytes(b"hello")
    (tmp_path / "empty.parquet").write_bytes(b"")
    for name in ("cut", "no", "empty"):
        assert read(tmp_path / f"{name}.parquet") == ([], False)
    (tmp_path / "name.parquet").write_bytes(data.replace(b"tag_string_general", b"tag_string_\xff\xfeneral"))
    assert read(tmp_path / "name.parquet") == ([], False)
    middle = bytearray(data)
    middle[4:60] = b"\xff" * 56
    (tmp_path / "b.parquet").write_bytes(middle)
    assert read(tmp_path / "b.parquet")[1] is False
    whole.chmod(0)
    assert read(whole) == ([], False)


def test_text_that_is_no_utf8_costs_its_own_row(tmp_path: Path) -> None:
    bad = pa.Array.from_buffers(pa.string(), 3, pa.array([b"fine", b"\xff\xfe", b"too"]).buffers())
    for kind in (pa.string(), pa.binary()):
        path = write(tmp_path / "a.parquet", {"id": pa.array([1, 2, 3]), "tag_string_general": bad.view(kind)})
        assert read(path) == (
            [{"id": 1, "tag_string_general": "fine"}, "?", {"id": 3, "tag_string_general": "too"}], True)


def test_digests_speak_of_the_content(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"id": pa.array([1]), "tag_string_general": pa.array(["a"])})
    def digest() -> str:
        found = open_export(path)
        assert found is not None
        list(found.blocks())
        return found.digest
    first = digest()
    assert first and first == digest() and len(first) == len(hashlib.sha256().hexdigest())
    write(path, {"id": pa.array([1]), "tag_string_general": pa.array(["b"])})
    assert digest() != first


def test_names() -> None:
    assert all(map(is_export, ("posts.json", "a.parquet", "2019000000000001", "x.jsonl.gz")))
    assert not any(map(is_export, ("posts.tar.gz", "a.db", "parquet", "readme.md")))
