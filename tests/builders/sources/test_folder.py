import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.sources.folder import MAX_TAG_FILE, Folder, row_id
from schemas.errors import BuildError, UsageError
from schemas.records import Post, Rating, Rejected


def write(root, **files):
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


def read(root, skip=None):
    source = Folder(root, skip)
    rows = list(source.posts())
    posts = {row.id: row for row in rows if isinstance(row, Post)}
    rejected = {row.path: row.drop.reason for row in rows if isinstance(row, Rejected)}
    assert len(posts) + len(rejected) == len(rows)
    return posts, rejected, source


def test_identities_outfits_and_tags(tmp_path):
    write(tmp_path, **{
        "mia/1.jpg": b"", "mia/red/2.PNG": b"", "mia/red/deep/3.webp": b"",
        "mia/red/2.txt": "Long hair, skirt,\n skirt ,, bad\x07tag, café\n".encode(),
        "tom/1.jpg": b"", "tom/notes.md": b"", "tom/.hidden.jpg": b"", ".git/x.jpg": b"", "loose.jpg": b"",
    })
    posts, rejected, source = read(tmp_path)
    assert posts["mia/1"] == Post(id="mia/1", path=str(tmp_path / "mia/1.jpg"), characters=("mia",))
    assert posts["mia/red/2"].general == ("Long_hair", "skirt", "café")
    assert posts["mia/red/2"].outfit_hint == posts["mia/red/deep/3"].outfit_hint == "red"
    assert posts["tom/1"].artists == () and posts["tom/1"].rating is Rating.UNKNOWN
    assert not posts["tom/1"].needs_crop and posts["tom/1"].post_url == ""
    assert sorted(posts) == ["mia/1", "mia/red/2", "mia/red/deep/3", "tom/1"]
    assert rejected == {"loose.jpg": "bad_name"}
    assert source.counts == {"pictures_with_tags": 1, "bad_tag_files": 0, "bad_tags": 1, "duplicate_tags": 1,
                             "hidden_files": 2, "other_files": 2, "linked_folders": 0, "unreadable_folders": 0,
                             "output_folder": 0}


def test_ids_are_safe_and_unique(tmp_path):
    write(tmp_path, **{f"m ö/{name}": b"" for name in ("a.jpg", "a.png", "a.JPG", "a.png.jpg", "a!png.jpg", "b c.jpg")})
    posts, _, _ = read(tmp_path)
    assert {row: Path(post.path).name for row, post in posts.items()} == {
        "m%20%C3%B6/a!jpg": "a.jpg", "m%20%C3%B6/a!png": "a.png", "m%20%C3%B6/a": "a.JPG",
        "m%20%C3%B6/a.png": "a.png.jpg", "m%20%C3%B6/a%21png": "a!png.jpg", "m%20%C3%B6/b%20c": "b c.jpg"}
    assert posts["m%20%C3%B6/a"].characters == ("m ö",)


@given(st.lists(st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=6)
                .map(lambda stem: stem.lstrip(".") or "x"), max_size=6),
       st.lists(st.sampled_from([".jpg", ".png", ".JPG"]), min_size=6, max_size=6))
def test_row_ids_never_collide(stems, suffixes):
    names = {stem + suffix for stem, suffix in zip(stems, suffixes, strict=False)}
    taken: set[str] = set()
    ids = [row_id(f"who/{name}", taken) for name in sorted(names)]
    assert len(set(ids)) == len(names)
    assert all(one.isascii() and one.isprintable() and " " not in one for one in ids)


def test_hostile_files(tmp_path):
    root = tmp_path / "root"
    write(root, **{"mia/1.jpg": b"", "mia/2.jpg": b"", "mia/2.txt": b"\xff\xfe", "mia/3.jpg": b"",
                   "mia/3.txt": b"a," * MAX_TAG_FILE, "mia/4.jpg": b"", "mia/5.jpg": b"", "mia/6.jpg": b""})
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "secret.jpg").write_bytes(b"")
    (root / "mia/1.txt").symlink_to(tmp_path / "secret.txt")
    (root / "mia/4.txt").mkdir()
    os.mkfifo(root / "mia/5.txt")
    (root / "mia/6.txt").symlink_to("6.txt")
    (root / "mia/out.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "mia/dir.jpg").mkdir()
    (root / "out").symlink_to(tmp_path)
    (root / "again").symlink_to(root / "mia")
    (Path(os.fsdecode(os.fsencode(root) + b"/\xff"))).mkdir()
    (Path(os.fsdecode(os.fsencode(root) + b"/\xff/1.jpg"))).write_bytes(b"")
    (Path(os.fsdecode(os.fsencode(root) + b"/mia/\xfe.jpg"))).write_bytes(b"")
    (root / "mia/7.jpg").write_bytes(b"")
    (root / "mia/7.txt").write_text("skirt")
    (root / "mia/7.txt").chmod(0)
    posts, rejected, source = read(root)
    assert sorted(posts) == [f"mia/{i}" for i in range(1, 8)]
    assert all(post.general == () for post in posts.values())
    assert rejected == {"mia/out.jpg": "outside_root", "mia/dir.jpg": "not_a_file", "out": "outside_root",
                        "\\udcff/1.jpg": "bad_name", "mia/\\udcfe.jpg": "bad_name"}
    assert source.counts["bad_tag_files"] == 7
    assert source.counts["linked_folders"] == 1


def test_digest(tmp_path):
    root = tmp_path / "root"
    write(root, **{"mia/1.jpg": b"abc", "mia/1.txt": b"a, b"})
    with pytest.raises(BuildError):
        Folder(root).digest()
    first = read(root)[2].digest()
    os.utime(root / "mia/1.jpg", (1, 1))
    assert read(root.rename(tmp_path / "moved"))[2].digest() == first
    write(tmp_path / "moved", **{"mia/1.txt": b"a, c"})
    second = read(tmp_path / "moved")[2].digest()
    write(tmp_path / "moved", **{"mia/1.jpg": b"abcd"})
    assert len({first, second, read(tmp_path / "moved")[2].digest()}) == 3


def test_the_folder_built_into_is_not_read(tmp_path):
    root = tmp_path / "root"
    write(root, **{"mia/1.jpg": b"", "mia/out/1.0.0/assets/outfits.png": b"", "out/2.jpg": b"", "outer/3.jpg": b""})
    (tmp_path / "alias").symlink_to(root)
    for skip in (root / "mia/out", root / "outer/../mia/out", tmp_path / "alias/mia/out"):
        posts, rejected, source = read(root, skip)
        assert sorted(posts) == ["mia/1", "out/2", "outer/3"] and rejected == {}
        assert source.counts["output_folder"] == 1
    assert sorted(read(tmp_path / "alias", root / "out")[0]) == ["mia/1", "mia/out/1.0.0/assets/outfits", "outer/3"]
    posts, _, source = read(root, tmp_path / "out")
    assert len(posts) == 4 and source.counts["output_folder"] == 0
    with pytest.raises(UsageError, match="--out is --root"):
        Folder(root, tmp_path / "alias")


def test_what_other_builds_wrote_below_the_root_is_no_identity(tmp_path):
    root = tmp_path / "root"
    write(root, **{"mia/1.jpg": b"", "old/1.0.0/contact.png": b"", "old/.state/lock": b"", "plain/.cache/x.jpg": b"",
                   "swept/1.0.0/contact.png": b"", "swept/.annotations/x": b"", "moved/assets/contact.png": b"",
                   "moved/manifest.json": b"", "moved/rejected.parquet": b""})
    posts, rejected, source = read(root, tmp_path / "out")
    assert sorted(posts) == ["mia/1"] and rejected == {}
    assert source.counts["output_folder"] == 3


def test_usage_errors(tmp_path):
    with pytest.raises(UsageError, match="not a folder"):
        Folder(tmp_path / "gone")
    (tmp_path / "1.jpg").write_bytes(b"")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match="one folder per identity"):
        Folder(tmp_path)
