"""A folder as a pool: pictures at any depth, texts beside them, nothing out of it."""

from pathlib import Path

import pytest
from PIL import Image

from builders.pools import open_pool
from builders.pools.folder import PictureFolder
from schemas.errors import UsageError
from schemas.records import Post, Rejected


def draw(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), "grey").save(path)


def test_pictures_at_any_depth_with_their_texts(tmp_path: Path) -> None:
    root = tmp_path / "pool"
    for name in ("b.jpg", "a/1.png", "a/1.jpg", "a/deep/er/2 x.webp"):
        draw(root / name)
    (root / "b.txt").write_text("\ufeffa grey\n\x07 square \n", encoding="utf-8")
    (root / "a" / "deep" / "er" / "2 x.txt").write_bytes(b"\xff\xfe")
    pool = open_pool(str(root), tmp_path / "out")
    assert list(pool.posts()) == [
        Post(id="b", path=str(root / "b.jpg"), text="a grey square"),
        Post(id="a/1", path=str(root / "a" / "1.jpg")), Post(id="a/1!png", path=str(root / "a" / "1.png")),
        Post(id="a/deep/er/2%20x", path=str(root / "a" / "deep" / "er" / "2 x.webp"))]
    assert pool.counts == {"other_files": 2, "pictures_with_text": 1, "bad_text_files": 1}
    assert (pool.said, pool.root, pool.name) == ("folder:pool", root, "folder")


def test_the_digest_does_not_know_the_place(tmp_path: Path) -> None:
    digests = []
    for place, text in (("one", "a"), ("two", "a"), ("three", "b")):
        draw(tmp_path / place / "pool" / "1.jpg")
        (tmp_path / place / "pool" / "1.txt").write_text(text)
        pool = PictureFolder(tmp_path / place / "pool", tmp_path / "out")
        assert len(list(pool.posts())) == 1
        digests.append(pool.digest())
    assert digests[0] == digests[1] != digests[2]


def test_what_is_no_picture_of_the_pool(tmp_path: Path) -> None:
    root, other = tmp_path / "pool", tmp_path / "other.jpg"
    draw(other)
    for name in ("1.jpg", "out/2.jpg", "built/.annotations/3.jpg", ".hidden.jpg", "b\x07d.jpg"):
        draw(root / name)
    (root / "link.jpg").symlink_to(other)
    (root / "1.txt").symlink_to(tmp_path / "secret")
    (tmp_path / "secret").write_text("not for the pool")
    (root / "folder.jpg").mkdir()
    pool = PictureFolder(root, root / "out")
    rows = list(pool.posts())
    assert [row for row in rows if isinstance(row, Post)] == [Post(id="1", path=str(root / "1.jpg"))]
    assert [(row.id, row.drop.reason) for row in rows if isinstance(row, Rejected)] == [
        ("b\\x07d.jpg", "bad_name"), ("folder.jpg", "not_a_file"), ("link.jpg", "outside_root")]
    assert pool.counts == {"hidden_files": 1, "output_folder": 2, "other_files": 1, "bad_text_files": 1}


def test_first_rows_only(tmp_path: Path) -> None:
    for number in range(5):
        draw(tmp_path / "pool" / f"{number}.png")
    rows = list(open_pool(f"folder:{tmp_path / 'pool'}", tmp_path / "out", 2).posts())
    assert [row.id for row in rows] == ["0", "1"]


@pytest.mark.parametrize("said", ["folder:", "", "no-such-folder", "folder:no-such-folder", "urls:no-such.txt",
                                  "no-such.csv", "urls:", "floder:x"])
def test_what_is_no_pool_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"^--pool") as raised:
        open_pool(said, tmp_path / "out")
    assert "\n" not in str(raised.value)
