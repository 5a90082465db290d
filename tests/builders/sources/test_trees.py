import os
from pathlib import Path

import pytest

from builders.engines import Local
from builders.sources.trees import check_root, inside, is_picture, printable, walk, walk_with
from schemas.errors import UsageError


def test_order_is_files_first_then_folders(tmp_path):
    for path in ("b/2.jpg", "b/1.jpg", "a/z/1.jpg", "a/9.jpg", "10.jpg", "9.jpg", "b/a/1.jpg"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"abc")
    assert [tuple(listed) for listed in walk(tmp_path)] == [
        (path, 3, "") for path in ("10.jpg", "9.jpg", "a/9.jpg", "a/z/1.jpg", "b/1.jpg", "b/2.jpg", "b/a/1.jpg")]
    assert [listed.path for listed in walk(tmp_path, "a")] == ["a/9.jpg", "a/z/1.jpg"]


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_list_folders_in_the_same_order(tmp_path, workers):
    top = tmp_path / "figures"
    for bucket in range(40):
        for name in ("z/1.jpg", "\udcff.png", "2.jpg"):
            (top / f"{bucket:04d}" / name).parent.mkdir(parents=True, exist_ok=True)
            (top / f"{bucket:04d}" / name).write_bytes(b"abc")
    (top / "7.jpg").write_bytes(b"")
    (top / "0003/out").symlink_to("/")
    (top / "0005/.state").touch()
    wanted = [("figures/7.jpg", 0, "")]
    for bucket in range(40):
        here = f"figures/{bucket:04d}"
        if bucket == 5:
            wanted.append((here, 0, "output_folder"))
            continue
        wanted += [(f"{here}/2.jpg", 3, ""), *[(f"{here}/out", 0, "outside_root")] * (bucket == 3),
                   (f"{here}/\udcff.png", 3, ""), (f"{here}/z/1.jpg", 3, "")]
    with Local(workers) as engine:
        assert list(map(tuple, walk_with(engine, tmp_path, "figures"))) == wanted
        assert list(walk_with(engine, tmp_path, "gone")) == [("gone", 0, "unreadable_folders")]


def test_a_folder_that_is_gone_is_said(tmp_path):
    assert [listed.verdict for listed in walk(tmp_path, "gone")] == ["unreadable_folders"]


@pytest.mark.parametrize("mode", [0o000, 0o111, 0o444, 0o200])
def test_a_folder_that_nobody_may_look_into_stays_shut_for_all(tmp_path, mode):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.jpg").write_bytes(b"")
    (tmp_path / "a").chmod(mode)
    try:
        assert [tuple(listed) for listed in walk(tmp_path)] == [("a", 0, "unreadable_folders")]
        with pytest.raises(UsageError, match="--root cannot be read"):
            check_root(tmp_path / "a")
    finally:
        (tmp_path / "a").chmod(0o700)
    assert [listed.path for listed in walk(tmp_path)] == ["a/1.jpg"]


def test_roots(tmp_path):
    check_root(tmp_path)
    (tmp_path / "1.jpg").write_bytes(b"")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("gone", "1.jpg", "1.jpg/2", "loop"):
        with pytest.raises(UsageError, match="--root is not a folder"):
            check_root(tmp_path / name)
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    odd.mkdir()
    with pytest.raises(UsageError, match="not UTF-8"):
        check_root(odd)


def test_verdicts(tmp_path):
    root = tmp_path / "root"
    (root / "a.jpg").mkdir(parents=True)
    (root / "b").mkdir()
    (tmp_path / "out.jpg").write_bytes(b"abc")
    (root / "1.jpg").write_bytes(b"abc")
    os.mkfifo(root / "2.jpg")
    for link, target in {"3.jpg": "1.jpg", "4.jpg": "../out.jpg", "5.jpg": "b", "6.jpg": "gone", "7.jpg": "7.jpg",
                         "8.jpg": "/gone/far", "out": "..", "again": "b", "lost": "gone", "loop": "loop"}.items():
        (root / link).symlink_to(target)
    assert {listed.path: (listed.size, listed.verdict) for listed in walk(root)} == {
        "1.jpg": (3, ""), "2.jpg": (0, "not_a_file"), "3.jpg": (3, ""), "4.jpg": (0, "outside_root"),
        "5.jpg": (0, "linked_folders"), "6.jpg": (0, "not_a_file"), "7.jpg": (0, "not_a_file"),
        "8.jpg": (0, "outside_root"), "a.jpg": (0, "not_a_file"), "out": (0, "outside_root"),
        "again": (0, "linked_folders"), "lost": (0, "other_files"), "loop": (0, "other_files")}


def test_folders_as_deep_as_a_path_can_say(tmp_path):
    here = os.open(tmp_path, os.O_RDONLY)
    name = "d" * 200
    for _ in range(40):  # 8,000 characters: longer than any system's limit for a path
        os.mkdir(name, dir_fd=here)
        deeper = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    assert [listed.verdict for listed in walk(tmp_path)] == ["other_files"], "counted, and no crash"


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
