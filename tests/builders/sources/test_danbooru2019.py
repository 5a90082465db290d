import gzip
import json
import lzma
import os
import socket
from pathlib import Path

import pytest

from builders.sources import lines
from builders.sources.danbooru2019 import Danbooru2019
from builders.sources.records import clean_tag
from schemas.errors import BuildError, UsageError
from schemas.records import REASONS, Post, Rating, Rejected


def nested(post_id, **changes):
    """A record as the 2017-2020 export writes it."""
    record = {
        "id": str(post_id), "created_at": "2012-01-01 00:00:00.1 UTC", "uploader_id": "1", "score": "3",
        "source": "", "md5": "0123456789abcdef0123456789abcdef", "rating": "s", "image_width": "800",
        "image_height": "600", "is_note_locked": False, "parent_id": "0", "has_children": False,
        "is_pending": False, "is_flagged": False, "is_deleted": False, "is_banned": False,
        "pools": ["series", "12"], "favs": ["7"],
        "tags": [
            {"id": "1", "name": "1girl", "category": "0"}, {"id": "2", "name": "skirt", "category": "0"},
            {"id": "3", "name": "rinto_(rint_rnt)", "category": "1"},
            {"id": "4", "name": "kantai_collection", "category": "3"},
            {"id": "5", "name": "sendai_(kantai_collection)", "category": "4"},
            {"id": "6", "name": "highres", "category": "5"},
        ],
    }
    return record | changes


def flat(post_id, **changes):
    """A record as the later export writes it."""
    record = {
        "id": post_id, "rating": "s", "md5": "fedcba9876543210fedcba9876543210", "parent_id": None,
        "is_deleted": False, "is_banned": False, "is_pending": False, "is_flagged": False,
        "tag_string": "1girl dress hakurei_reimu zun touhou", "tag_string_general": "1girl dress",
        "tag_string_artist": "zun", "tag_string_character": "hakurei_reimu", "tag_string_copyright": "touhou",
        "tag_string_meta": "", "tag_count": 5,
    }
    return record | changes


@pytest.fixture
def mirror(tmp_path):
    """Writes figure files (path: bytes) and metadata (path: lines) below a root."""
    root = tmp_path / "mirror"

    def write(files, metadata):
        for path, data in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
        for path, entries in metadata.items():
            text = "".join((e if isinstance(e, str) else json.dumps(e)) + "\n" for e in entries)
            data = text.encode("utf-8", "surrogatepass")
            pack = {".gz": gzip.compress, ".xz": lzma.compress}.get(Path(path).suffix, bytes)
            (root / "metadata" / path).parent.mkdir(parents=True, exist_ok=True)
            (root / "metadata" / path).write_bytes(pack(data))
        return root
    return write


def read(root):
    source = Danbooru2019(root)
    rows = list(source.posts())
    posts = {row.id: row for row in rows if isinstance(row, Post)}
    rejected = {row.path: row.drop.reason for row in rows if isinstance(row, Rejected)}
    assert len(posts) + len(rejected) == len(rows), "ids and paths are unique"
    assert all(row.drop.stage == "source" for row in rows if isinstance(row, Rejected))
    return posts, rejected, source


def test_both_styles(mirror):
    root = mirror({"figures/0012/12.jpg": b"x", "figures/0013/13.png": b"x"},
                  {"2019/a.json": [nested(12), flat(13)]})
    posts, rejected, source = read(root)
    assert not rejected
    assert posts["12"] == Post(
        id="12", path=str(root / "figures/0012/12.jpg"), post_id="12",
        characters=("sendai_(kantai_collection)",), artists=("rinto_(rint_rnt)",), copyrights=("kantai_collection",),
        general=("1girl", "skirt"), meta=("highres",), rating=Rating.GENERAL, rating_raw="s",
        md5="0123456789abcdef0123456789abcdef", post_url="https://danbooru.donmai.us/posts/12")
    assert posts["13"] == Post(
        id="13", path=str(root / "figures/0013/13.png"), post_id="13", characters=("hakurei_reimu",),
        artists=("zun",), copyrights=("touhou",), general=("1girl", "dress"), rating=Rating.SENSITIVE, rating_raw="s",
        md5="fedcba9876543210fedcba9876543210", post_url="https://danbooru.donmai.us/posts/13")
    assert source.counts["metadata_records"] == 2


@pytest.mark.parametrize(("style", "letter", "rating"), [
    (nested, "s", "general"), (nested, "q", "questionable"), (nested, "e", "explicit"), (nested, "g", "general"),
    (nested, "safe", "unknown"), (nested, None, "unknown"), (flat, "g", "general"), (flat, "s", "sensitive"),
    (flat, "q", "questionable"), (flat, "e", "explicit"), (flat, "S", "unknown"), (flat, "", "unknown"),
])
def test_ratings(mirror, style, letter, rating):
    posts, _, _ = read(mirror({"figures/1.jpg": b""}, {"a.json": [style(1, rating=letter)]}))
    assert (posts["1"].rating, posts["1"].rating_raw) == (rating, letter or "")


def test_compressed_and_yearly_files(mirror):
    root = mirror({f"figures/{i}.jpg": b"" for i in (1, 2, 3, 4, 5)}, {
        "2017/2017000000000000.json": [nested(1)], "2018/2018000000000001.gz": [nested(2)],
        "posts.json.xz": [flat(3)], "2019/deep/er/b.jsonl.gz": [flat(4)], "2019/2019000000000003": [nested(5)],
        "README.md": ["not read"], ".hidden.json": [nested(1)], "metadata.json.tar.xz": ["no"]})
    posts, rejected, source = read(root)
    assert sorted(posts) == ["1", "2", "3", "4", "5"] and not rejected
    assert source.counts["metadata_files"] == 5
    assert source.counts["metadata_other_files"] == 3


def test_crops_and_names(mirror):
    root = mirror({
        "figures/7_crop_0.png": b"", "figures/7_crop_3.png": b"", "figures/8.jpg": b"", "figures/8_crop_1.jpg": b"",
        "figures/0009/0009.JPEG": b"", "figures/cover.jpg": b"", "figures/10-2.jpg": b"", "figures/11_crop_.jpg": b"",
        "figures/٣.jpg": b"", "figures/12345678901.jpg": b"", "figures/7_crop_0.json": b"", "figures/list.txt": b"",
        "figures/.DS_Store": b"",
    }, {"a.json": [nested(i) for i in (7, 8, 9, 3, 10, 11)]})
    posts, rejected, source = read(root)
    assert {row: Path(post.path).name for row, post in posts.items()} == {
        "7": "7_crop_0.png", "7_crop_3": "7_crop_3.png", "8": "8.jpg", "8_crop_1": "8_crop_1.jpg", "9": "0009.JPEG"}
    assert posts["7_crop_3"].post_id == "7" and not posts["7"].needs_crop
    assert rejected == dict.fromkeys(
        ["figures/cover.jpg", "figures/10-2.jpg", "figures/11_crop_.jpg", "figures/٣.jpg",
         "figures/12345678901.jpg"], "bad_name")
    assert (source.counts["other_files"], source.counts["hidden_files"]) == (2, 1)


def test_tree_preference(mirror):
    root = mirror({
        "danbooru2019-figures/1.jpg": b"", "figures/0001/1.jpg": b"", "original/0001/1.png": b"",
        "512px/0001/1.jpg": b"", "original/2.png": b"", "512px/2.jpg": b"", "512px/3.jpg": b"",
        "512px/0003/3.jpg": b"", "figures/4.jpg": b"", "figures/4.png": b"",
    }, {"a.json": [nested(i) for i in (1, 2, 3, 4)]})
    posts, rejected, source = read(root)
    assert {row: (str(Path(post.path).relative_to(root)), post.needs_crop) for row, post in posts.items()} == {
        "1": ("danbooru2019-figures/1.jpg", False), "2": ("original/2.png", True), "3": ("512px/3.jpg", True),
        "4": ("figures/4.jpg", False)}
    assert rejected == dict.fromkeys(["figures/0001/1.jpg", "512px/0003/3.jpg", "figures/4.png"], "duplicate_file")
    assert source.counts["lesser_copies"] == 3


def test_not_files_and_links(mirror, tmp_path):
    root = mirror({"figures/1.jpg": b"", "figures/0002/2.jpg": b""}, {"a.json": [nested(i) for i in range(1, 9)]})
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "4.jpg").write_bytes(b"secret")
    (tmp_path / "mirror-sibling").mkdir()  # shares a prefix with the root's name
    (root / "figures/3.jpg").mkdir()
    (root / "figures/3.jpg/5.jpg").write_bytes(b"never entered")
    (root / "figures/4.jpg").symlink_to(outside / "4.jpg")
    (root / "figures/folder").symlink_to(outside)
    (root / "figures/sibling").symlink_to(tmp_path / "mirror-sibling")
    (root / "figures/loop").symlink_to(root / "figures")
    (root / "figures/5.jpg").symlink_to("0002/2.jpg")
    (root / "figures/6.jpg").symlink_to("6.jpg")
    (root / "figures/7.jpg").symlink_to("gone.jpg")
    server = socket.socket(socket.AF_UNIX)
    os.chdir(root / "figures")
    server.bind("8.jpg")
    server.close()
    (root / "metadata/out.json").symlink_to(outside / "4.jpg")
    posts, rejected, source = read(root)
    assert sorted(posts) == ["1", "2", "5"]
    assert rejected == {
        "figures/3.jpg": "not_a_file", "figures/4.jpg": "outside_root", "figures/folder": "outside_root",
        "figures/sibling": "outside_root", "figures/6.jpg": "not_a_file", "figures/7.jpg": "not_a_file",
        "figures/8.jpg": "not_a_file"}
    assert source.counts["linked_folders"] == 1
    assert source.counts["metadata_other_files"] == 1


def test_names_that_cannot_be_printed(mirror):
    root = mirror({"figures/1.jpg": b""}, {"a.json": [nested(1), nested(2)]})
    for name in (b"\xff\xfe.jpg", b"2\n.jpg"):
        (Path(os.fsdecode(os.fsencode(root / "figures") + b"/" + name))).write_bytes(b"")
    folder = Path(os.fsdecode(os.fsencode(root / "figures") + b"/\xff"))
    folder.mkdir()
    (folder / "2.jpg").write_bytes(b"")
    posts, rejected, source = read(root)
    assert sorted(posts) == ["1"]
    assert rejected == dict.fromkeys(
        ["figures/\\udcff\\udcfe.jpg", "figures/2\\n.jpg", "figures/\\udcff/2.jpg"], "bad_name")
    source.digest().encode()


def test_lines_that_are_no_records(mirror):
    deep = '{"id": "5", "x": ' + "[" * 5000 + "]" * 5000 + ', "tags": []}'
    root = mirror({f"figures/{i}.jpg": b"" for i in range(1, 10)}, {"a.json": [
        "", "   ", "not json", "[1, 2]", "null", '{"id": "1", "tags": [', "\ufeff" + json.dumps(nested(2)),
        {"id": "3"}, {"tags": []}, nested("four"), nested(4, tags="many"),
        nested(4, tags=[{"id": "1", "name": None, "category": "0"}]), {"id": None, "tags": []}, nested(True),
        nested(1.5), nested(-3), nested(10**30), nested(10**18), '{"id": 6, "tags": [], "rating": "\ud800"}',
        deep, {"tags": [], "rating": "q", "id": "7"}, json.dumps(nested(8)) + "\r", json.dumps(nested(9)) + " junk",
    ]})
    posts, rejected, source = read(root)
    assert sorted(posts) in (["7", "8"], ["5", "7", "8"])  # deep nesting may be read or refused
    assert rejected["figures/1.jpg"] == rejected["figures/3.jpg"] == rejected["figures/4.jpg"] == "bad_metadata"
    assert rejected["figures/9.jpg"] == rejected["figures/6.jpg"] == "bad_metadata"
    counts = source.counts
    assert counts["missing_keys"] == 3  # id 3, no id, id null
    assert counts["bad_lines"] >= 5
    assert counts["bad_values"] >= 5
    assert counts["metadata_records"] == (len(posts) + counts["metadata_without_figure"] + counts["bad_values"]
                                          + counts["missing_keys"] + counts["duplicate_records"])


def test_byte_order_mark_at_the_start(mirror):
    root = mirror({"figures/2.jpg": b""}, {"a.json": ["\ufeff" + json.dumps(nested(2))]})
    assert sorted(read(root)[0]) == ["2"]


def test_first_usable_record_wins(mirror):
    root = mirror({"figures/1.jpg": b"", "figures/2.jpg": b""}, {
        "2018/a.json": [nested(1, rating="q")], "2017/z.json": [nested(1, rating="e")],
        "2019/a.json": [{"id": "2"}, nested(2), nested(2, rating="e")]})
    posts, _, source = read(root)
    assert posts["1"].rating_raw == "e" and posts["2"].rating_raw == "s"
    assert source.counts["duplicate_records"] == 2


def test_metadata_without_figure_and_past_the_last_image(mirror):
    root = mirror({"figures/1.jpg": b"", "figures/3734661.jpg": b"", "figures/5.jpg": b""},
                  {"a.json": [nested(i) for i in (1, 2, 3, 3734660, 3734661, 3734662)]})
    posts, rejected, source = read(root)
    assert sorted(posts) == ["1", "3734661"]
    assert rejected == {"figures/5.jpg": "no_metadata"}
    assert source.counts["metadata_without_figure"] == 4
    assert source.counts["metadata_past_last_image"] == 2
    assert source.counts["metadata_records"] == 6


def test_tags(mirror):
    tags = [
        {"id": "1", "name": "skirt", "category": "0"}, {"id": "1", "name": "skirt", "category": "0"},
        {"id": "2", "name": "skirt", "category": "0"}, {"id": 3, "name": "café_☕", "category": 0},
        {"id": "4", "name": "e\u0301toile", "category": "0"}, {"id": "5", "name": "a\x07b", "category": "0"},
        {"id": "6", "name": "", "category": "0"}, {"id": "7", "name": "two words", "category": "0"},
        {"id": "8", "name": "\u202eevil", "category": "0"}, {"id": "9", "name": "old", "category": "2"},
        {"id": "10", "name": "odd", "category": "9"}, {"name": "artist_a", "category": "1"},
        {"name": "artist_b", "category": "1"}, {"id": "12", "name": "lost"},
    ]
    posts, _, source = read(mirror({"figures/1.jpg": b""}, {"a.json": [nested(1, tags=tags)]}))
    assert posts["1"].general == ("skirt", "café_☕", "e\u0301toile")
    assert posts["1"].artists == ("artist_a", "artist_b")
    assert source.counts["duplicate_tags"] == 2
    assert source.counts["bad_tags"] == 4
    assert source.counts["unknown_category_tags"] == 3


@pytest.mark.parametrize("odd", ["second\u00a0person", "\u202esecond", "second\x07", "s" * 1001 + " "])
def test_an_odd_name_of_somebody_still_counts(mirror, odd):
    tags = [{"name": "mia", "category": "4"}, {"name": odd, "category": "4"}, {"name": odd, "category": "1"}]
    posts, _, source = read(mirror({"figures/1.jpg": b""}, {"a.json": [nested(1, tags=tags)]}))
    assert len(posts["1"].characters) == 2 and len(posts["1"].artists) == 1
    assert all(clean_tag(name) for name in (*posts["1"].characters, *posts["1"].artists))
    assert source.counts["bad_tags"] == 2


def test_an_empty_list_beside_filled_strings_is_of_the_later_style(mirror):
    posts, _, _ = read(mirror({"figures/1.jpg": b"", "figures/2.jpg": b""}, {
        "a.json": [flat(1, tags=[], rating="s", tag_string_general="b a"), nested(2, tags=[], rating="s")]}))
    assert posts["1"].general == ("b", "a") and posts["1"].rating == Rating.SENSITIVE
    assert posts["2"].general == () and posts["2"].rating == Rating.GENERAL


def test_a_build_inside_the_tree_is_no_part_of_it(mirror):
    root = mirror({"figures/1.jpg": b"", "figures/out/1.0.0/assets/2.jpg": b"", "figures/out/.state/lock": b""},
                  {"a.json": [nested(1), nested(2)]})
    (root / "metadata/out/.state").mkdir(parents=True)
    (root / "metadata/out/b.json").write_text("{")
    posts, rejected, source = read(root)
    assert sorted(posts) == ["1"] and rejected == {}
    assert (source.counts["output_folder"], source.counts["bad_lines"]) == (1, 0)


def test_flat_tags_are_deduplicated(mirror):
    posts, _, _ = read(mirror({"figures/1.jpg": b""}, {"a.json": [flat(1, tag_string_general="b a  b a")]}))
    assert posts["1"].general == ("b", "a")


@pytest.mark.parametrize(("value", "parent"), [
    ("0", ""), (0, ""), (None, ""), ("", ""), ("x", ""), ("12", "12"), (12, "12"), ("-4", ""), ("٣", "")])
def test_parent(mirror, value, parent):
    posts, _, _ = read(mirror({"figures/1.jpg": b""}, {"a.json": [nested(1, parent_id=value)]}))
    assert posts["1"].parent_id == parent


def test_status_and_md5(mirror):
    changes = {"is_deleted": True, "is_pending": "true", "is_flagged": 0, "is_banned": None, "md5": "A" * 32}
    posts, _, _ = read(mirror({"figures/1.jpg": b"", "figures/2.jpg": b""}, {
        "a.json": [nested(1, **changes), nested(2, md5="../etc", is_banned=True, is_flagged=1)]}))
    assert (posts["1"].status, posts["1"].md5) == (("deleted", "pending"), "a" * 32)
    assert (posts["2"].status, posts["2"].md5) == (("banned", "flagged"), "")


def test_damaged_archives_keep_what_came_before(mirror, monkeypatch):
    monkeypatch.setattr(lines, "BLOCK", 1000)
    root = mirror({"figures/1.jpg": b"", "figures/400.jpg": b""},
                  {"a.json.gz": [nested(i, source=os.urandom(40).hex()) for i in range(1, 401)],
                   "b.json.xz": ["x"], "c.json": []})
    data = (root / "metadata/a.json.gz").read_bytes()
    (root / "metadata/a.json.gz").write_bytes(data[: len(data) // 2])
    (root / "metadata/b.json.xz").write_bytes(b"no archive")
    posts, rejected, source = read(root)
    assert sorted(posts) == ["1"] and rejected == {"figures/400.jpg": "no_metadata"}
    assert source.counts["metadata_files_cut"] == 2
    assert source.counts["metadata_files"] == 3


def test_overlong_lines(mirror, monkeypatch):
    monkeypatch.setattr(lines, "BLOCK", 100)
    monkeypatch.setattr(lines, "MAX_LINE", 2000)
    root = mirror({f"figures/{i}.jpg": b"" for i in (1, 2, 3)}, {
        "a.json": [nested(1), nested(2, source="x" * 9000), nested(3), "y" * 5000]})
    posts, rejected, source = read(root)
    assert sorted(posts) == ["1", "3"]
    assert source.counts["bad_lines"] == 2
    assert rejected == {"figures/2.jpg": "no_metadata"}


def test_digest_speaks_of_the_content_alone(mirror, tmp_path):
    root = mirror({"figures/1.jpg": b"abc"}, {"a.json": [nested(1)]})
    source = Danbooru2019(root)
    with pytest.raises(BuildError, match="digest"):
        source.digest()

    def digest(where):
        reader = Danbooru2019(where)
        list(reader.posts())
        return reader.digest()
    first = digest(root)
    os.utime(root / "figures/1.jpg", (1, 1))
    moved = root.rename(tmp_path / "elsewhere")
    assert digest(moved) == first
    data = (moved / "metadata/a.json").read_bytes()
    (moved / "metadata/a.json").unlink()
    (moved / "metadata/a.json.gz").write_bytes(gzip.compress(data))
    assert digest(moved) == first
    (moved / "figures/1.jpg").write_bytes(b"abcd")
    assert digest(moved) != first
    (moved / "figures/1.jpg").write_bytes(b"abc")
    (moved / "metadata/a.json.gz").write_bytes(gzip.compress(data + b"\n"))
    assert digest(moved) != first


def test_reading_twice_gives_the_same(mirror):
    root = mirror({f"figures/{i}.jpg": b"" for i in range(30)}, {"a.json": [nested(i) for i in range(0, 40, 2)]})
    source = Danbooru2019(root)
    assert list(source.posts()) == list(source.posts())
    assert source.counts["metadata_records"] == 20


def test_usage_errors(mirror, tmp_path):
    with pytest.raises(UsageError, match="not a folder"):
        Danbooru2019(tmp_path / "gone")
    root = mirror({"pictures/1.jpg": b""}, {"a.json": [nested(1)]})
    with pytest.raises(UsageError, match="danbooru2019-figures/, figures/, original/, 512px/"):
        Danbooru2019(root)
    (root / "figures").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="no known tree"):
        Danbooru2019(root)
    (root / "512px").mkdir()
    assert list(Danbooru2019(root).posts()) == []
    (root / "metadata/a.json").rename(root / "metadata/metadata.json.tar.xz")
    with pytest.raises(UsageError, match="unpacked"):
        Danbooru2019(root)


def test_every_source_reason_is_known():
    assert {"bad_metadata", "no_metadata", "bad_name", "duplicate_file"} <= REASONS.keys()
