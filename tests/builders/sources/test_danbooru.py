"""Later copies: pictures in tars and beside them, metadata in every form."""

import io
import json
import lzma
import os
import tarfile
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders import files
from builders.sources import danbooru2019, exports, lines
from builders.sources.danbooru import Danbooru
from schemas.errors import BuildError, UsageError
from schemas.records import Post, Rating, Rejected

Write = Callable[..., Path]


def flat(post_id: int, **changes: Any) -> dict[str, Any]:
    """A record as later exports write it."""
    return {"id": post_id, "rating": "s", "md5": "fedcba9876543210fedcba9876543210", "parent_id": None,
            "is_deleted": False, "tag_string_general": "1girl solo dress", "tag_string_artist": "zun",
            "tag_string_character": "hakurei_reimu", "tag_string_copyright": "touhou", "tag_string_meta": ""} | changes


def tar(path: Path, members: Mapping[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


@pytest.fixture
def copy(tmp_path: Path) -> Write:
    """Writes tars (a mapping), loose files (bytes) and metadata (a list: *.parquet, *.jsonl, or one array)."""
    root = tmp_path / "copy"

    def write(**places: Any) -> Path:
        for place, what in places["places"].items():
            path = root / place
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(what, dict):
                tar(path, what)
            elif isinstance(what, bytes):
                path.write_bytes(what)
            elif path.suffix == ".parquet":
                pq.write_table(pa.Table.from_pylist(what), path)
            elif path.suffix == ".jsonl":
                path.write_text("\n".join(map(json.dumps, what)))
            else:
                data = json.dumps(what).encode()
                path.write_bytes(lzma.compress(data) if path.suffix == ".xz" else data)
        return root
    return write


def read(root: Path) -> tuple[dict[str, Post], dict[str, str], Danbooru]:
    source = Danbooru(root, root.parent / "kept")
    rows = list(source.posts())
    posts = {row.id: row for row in rows if isinstance(row, Post)}
    rejected = {row.path: row.drop.reason for row in rows if isinstance(row, Rejected)}
    assert len(posts) + len(rejected) == len(rows), "ids and paths are unique"
    assert all(row.drop.stage == "source" for row in rows if isinstance(row, Rejected))
    return posts, rejected, source


def test_a_post_is_the_one_that_its_picture_is_named_after(copy: Write) -> None:
    root = copy(places={
        "original/data-0123.tar": {"4123.jpg": b"by thousands"}, "recent/data-1124.tar": {"./0124/5124.png": b"recent"},
        "updates/20240319/7-5.tar": {"5.webp": b"by tens"}, "images/0006.tar": {"6999.jpg": b"div thousand"},
        "0001/3001.gif": b"loose", "8000.jpg": b"at the top",
        "metadata/posts.json": [flat(post) for post in (5, 3001, 4123, 5124, 6999, 8000)]})
    posts, rejected, source = read(root)
    assert not rejected
    assert {row: files.read(post.path) for row, post in posts.items()} == {
        "4123": b"by thousands", "5124": b"recent", "5": b"by tens", "6999": b"div thousand", "3001": b"loose",
        "8000": b"at the top"}
    assert posts["5124"] == Post(
        id="5124", path=files.member(f"{root}/recent/data-1124.tar", "0124/5124.png", 512, 6), post_id="5124",
        characters=("hakurei_reimu",), artists=("zun",), copyrights=("touhou",), general=("1girl", "solo", "dress"),
        rating=Rating.SENSITIVE, rating_raw="s", md5="fedcba9876543210fedcba9876543210",
        post_url="https://danbooru.donmai.us/posts/5124", needs_crop=True)
    assert all(post.needs_crop for post in posts.values())
    assert (source.counts["tars"], source.counts["metadata_records"]) == (4, 6)


def test_metadata_in_every_form_and_place(copy: Write) -> None:
    root = copy(places={
        "images/a.tar": {f"{post}.jpg": b"x" for post in range(1, 9)},
        "posts.json": [flat(1), flat(99)], "metadata/b.parquet": [flat(2), flat(98)],
        "metadata/2023/c.jsonl": [flat(3), flat(3, rating="e")], "metadata/posts0.json.xz": [flat(4)],
        "danbooru2024.parquet": [flat(5)], "readme.json": [flat(6)], "images/posts.json": [flat(7)],
        "metadata/tags.parquet": [{"id": 8, "name": "hat"}]})
    posts, rejected, source = read(root)
    assert sorted(posts) == ["1", "2", "3", "4", "5"] and posts["3"].rating == Rating.SENSITIVE
    assert rejected == {f"images/a.tar/{post}.jpg": "no_metadata" for post in (6, 7, 8)}
    counts = source.counts
    assert (counts["metadata_files"], counts["metadata_other_files"], counts["metadata_records"]) == (5, 1, 8)
    assert (counts["metadata_without_figure"], counts["duplicate_records"]) == (2, 1)


@pytest.mark.parametrize("form", ["posts.json", "posts.jsonl", "posts.parquet"])
def test_every_form_gives_the_same_post(copy: Write, form: str) -> None:
    record = flat(77, rating="g", parent_id=12, is_deleted=True, tag_string_general="a b  a", tag_string_meta="highres")
    posts, _, source = read(copy(places={"a.tar": {"77.jpg": b"x"}, form: [record]}))
    post = posts["77"]
    assert (post.general, post.meta, post.rating, post.parent_id, post.status) == (
        ("a", "b"), ("highres",), Rating.GENERAL, "12", ("deleted",))
    assert source.counts["duplicate_tags"] == 1


def test_figures_before_whole_pictures_before_padded_ones(copy: Write) -> None:
    root = copy(places={
        "figures/a.tar": {"1_crop_0.png": b"a", "1_crop_1.png": b"b"}, "original/data-0001.tar": {"1.jpg": b"c"},
        "512px/0002/2.jpg": b"d", "original/data-0002.tar": {"2.jpg": b"e", "2.png": b"f"},
        "recent/data-1002.tar": {"2.jpg": b"g"}, "posts.json": [flat(1), flat(2)]})
    posts, rejected, source = read(root)
    assert {row: (files.read(post.path), post.needs_crop) for row, post in posts.items()} == {
        "1": (b"a", False), "1_crop_1": (b"b", False), "2": (b"e", True)}
    assert rejected == dict.fromkeys(["original/data-0002.tar/2.png", "recent/data-1002.tar/2.jpg"], "duplicate_file")
    assert source.counts["lesser_copies"] == 2


def test_what_is_no_row_says_why(copy: Write, tmp_path: Path) -> None:
    long = "絵" * 3
    root = copy(places={
        "a.tar": {"1.jpg": b"x", "cover.jpg": b"x", "../2.jpg": b"x", "3\n.jpg": b"x", f"{long}/4.jpg": b"x",
                  "5.txt": b"x", "._6.jpg": b"x", "7.jpg": b"y" * 2000},
        "b.tar": {"8.jpg": b"x"}, "c.tar": b"\xff\xd8\xff" * 200, "d.tar.gz": b"packed", "e.tar": {},
        "outside.txt": b"", "posts.json": [flat(1), flat(4), {"id": 8}, flat(9)]})
    os.truncate(root / "a.tar", (root / "a.tar").read_bytes().rindex(b"y"))
    (tmp_path / "elsewhere.tar").write_bytes((root / "b.tar").read_bytes())
    (root / "f.tar").symlink_to(tmp_path / "elsewhere.tar")
    (root / "g.tar").mkdir()
    posts, rejected, source = read(root)
    assert sorted(posts) == ["1", "4"] and files.plain(posts["4"].path) == f"{root}/a.tar/{long}/4.jpg"
    assert rejected == {
        "a.tar/cover.jpg": "bad_name", "a.tar/../2.jpg": "bad_name", "a.tar/3\\n.jpg": "bad_name",
        "a.tar/7.jpg": "bad_archive", "a.tar": "bad_archive", "b.tar/8.jpg": "bad_metadata", "c.tar": "bad_archive",
        "d.tar.gz": "bad_archive", "f.tar": "outside_root", "g.tar": "not_a_file"}
    counts = source.counts
    assert (counts["tars"], counts["hidden_files"], counts["missing_keys"]) == (4, 1, 1)
    assert counts["metadata_without_figure"] == 1
    values = {row.path: row.drop.value for row in source.posts() if isinstance(row, Rejected)}
    assert (values["a.tar"], values["c.tar"]) == ("cut off", "a damaged header")
    assert values["d.tar.gz"] == "packed: unpack it to a plain .tar"


def test_damaged_metadata_is_counted(copy: Write) -> None:
    root = copy(places={
        "a.tar": {f"{post}.jpg": b"" for post in (1, 2, 3, 4)}, "metadata/a.parquet": b"PAR1 no",
        "metadata/b.json": b'[{"id": 1, "tag_string_general": "a"}, {"id": 2, "tag_str',
        "metadata/c.jsonl": b'\n{"id": 3, "tag_string_general": 5}\nnot json\n{"id": 4, "tag_string_general": ""}'})
    posts, rejected, source = read(root)
    assert sorted(posts) == ["1", "4"]
    assert rejected == {"a.tar/2.jpg": "no_metadata", "a.tar/3.jpg": "bad_metadata"}
    counts = source.counts
    assert (counts["metadata_files"], counts["metadata_files_cut"]) == (3, 2)
    assert (counts["bad_lines"], counts["bad_values"], counts["metadata_records"]) == (2, 1, 3)


def test_the_digest_speaks_of_pictures_and_metadata_not_of_how_they_lie_in_a_tar(copy: Write, tmp_path: Path) -> None:
    root = copy(places={"a.tar": {"1.jpg": b"xy", "2.jpg": b"z"}, "posts.json": [flat(1)]})

    def digest() -> str:
        source = Danbooru(root, tmp_path / "kept")
        with pytest.raises(BuildError, match="digest"):
            source.digest()
        list(source.posts())
        return source.digest()
    first = digest()
    tar(root / "a.tar", {"2.jpg": b"z", "1.jpg": b"xy"})
    assert digest() == first
    tar(root / "a.tar", {"2.jpg": b"z", "1.jpg": b"xyz"})
    assert digest() != first
    tar(root / "a.tar", {"2.jpg": b"z", "1.jpg": b"xy"})
    (root / "posts.json").write_text(json.dumps([flat(1), flat(2)]))
    assert digest() != first


def test_reading_twice_gives_the_same_in_the_same_order(copy: Write) -> None:
    root = copy(places={
        "b.tar": {f"{post}.jpg": b"" for post in range(20, 0, -1)}, "a.tar": {"30.jpg": b"", "x.jpg": b""},
        "metadata/b.parquet": [flat(post) for post in range(10, 30)], "metadata/a.json": [flat(3), flat(1)]})
    source = Danbooru(root, root.parent / "kept")
    first = list(source.posts())
    assert first == list(source.posts()) == list(Danbooru(root, root.parent / "other").posts())
    assert [row.id for row in first if isinstance(row, Post)] == ["3", "1", *map(str, range(10, 21))]


def test_several_processes_read_the_same(copy: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(danbooru2019, "_PAYS", 0)
    root = copy(places={
        "a.tar": {f"{post}.jpg": b"" for post in range(60)}, "metadata/a.json": [flat(post) for post in range(30)],
        "metadata/b.parquet": [flat(post, rating="e") for post in range(20, 45)],
        "metadata/c.jsonl": [flat(post, rating="q") for post in range(40, 59)]})
    one, two = (Danbooru(root, root.parent / "kept", workers) for workers in (1, 2))
    posts = list(one.posts())
    assert posts == list(two.posts()) and (one.digest(), one.counts) == (two.digest(), two.counts)
    assert "".join(post.rating_raw for post in posts if isinstance(post, Post)) == "s" * 30 + "e" * 15 + "q" * 14


def test_usage_errors(copy: Write, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a folder"):
        Danbooru(tmp_path / "gone", tmp_path)
    root = copy(places={"original/data-0000.tar.gz": b"", "metadata/1.jpg": b"", "metadata/a.db": b""})
    with pytest.raises(UsageError, match="no pictures") as caught:
        Danbooru(root, tmp_path)
    assert "unpacked to a .tar first" in str(caught.value)
    copy(places={"original/data-0000.tar": {}})
    with pytest.raises(UsageError, match="no metadata"):
        Danbooru(root, tmp_path)
    copy(places={"metadata/a.parquet": [{"id": 1, "rating": 0, "tag_count": 3}]})
    with pytest.raises(UsageError, match=r"no metadata.*tag_string_general"):
        Danbooru(root, tmp_path)
    copy(places={"metadata/b.parquet": [flat(1)]})
    assert [row.path for row in Danbooru(root, tmp_path).posts() if isinstance(row, Rejected)] == [
        "original/data-0000.tar.gz"]


def test_memory_grows_by_bytes_a_picture_not_by_records(copy: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BLOCK", 2**16)
    monkeypatch.setattr(exports, "ROWS", 64)

    def peak(count: int) -> int:
        root = copy(places={
            "a.tar": {f"{post}.jpg": b"" for post in range(count)},
            "metadata/a.json": [flat(post, source="x" * 4000) for post in range(count)],
            "metadata/b.parquet": [flat(post, source="x" * 4000) for post in range(count)]})
        source = Danbooru(root, root.parent / f"kept-{count}")
        tracemalloc.start()
        assert sum(isinstance(row, Post) for row in source.posts()) == count
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(100)
    # 1,500 more records are 6 MB of JSON; a picture more takes some hundred bytes while its tar is indexed.
    assert peak(2_000) - peak(500) < 1_500 * 1_000
