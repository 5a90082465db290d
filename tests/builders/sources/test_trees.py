import os

from builders.sources.trees import inside, is_picture, printable, walk


def test_order_is_files_first_then_folders(tmp_path):
    for path in ("b/2.jpg", "b/1.jpg", "a/z/1.jpg", "a/9.jpg", "10.jpg", "9.jpg", "b/a/1.jpg"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"abc")
    assert [tuple(listed) for listed in walk(tmp_path)] == [
        (path, 3, "") for path in ("10.jpg", "9.jpg", "a/9.jpg", "a/z/1.jpg", "b/1.jpg", "b/2.jpg", "b/a/1.jpg")]
    assert [listed.path for listed in walk(tmp_path, "a")] == ["a/9.jpg", "a/z/1.jpg"]


def test_a_folder_that_is_gone_is_said(tmp_path):
    assert [listed.verdict for listed in walk(tmp_path, "gone")] == ["unreadable_folders"]


def test_inside(tmp_path):
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (tmp_path / "root2").mkdir()
    (root / "out").symlink_to(tmp_path / "root2")
    (root / "loop").symlink_to("loop")
    (tmp_path / "alias").symlink_to(root)
    assert inside(root, root) and inside(root, root / "a" / "gone") and inside(root, root / "loop")
    assert inside(tmp_path / "alias", root / "a") and inside(root, tmp_path / "alias" / "a")
    assert not inside(root, root / "out" / "x") and not inside(root, tmp_path / "root2")
    assert not inside(root, root / "a" / ".." / ".." / "x")


def test_names():
    assert is_picture("a.JPG") and is_picture("a.b.webp")
    assert not is_picture("a.jpg.txt") and not is_picture("jpg") and not is_picture(".jpg")
    assert printable("a/é.jpg") == "a/é.jpg"
    assert printable("a\n" + os.fsdecode(b"\xff")) == "a\\n\\udcff"
