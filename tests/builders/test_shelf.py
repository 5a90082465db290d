"""Tars that only grow, by reading them with the standard library and by killing who writes them."""

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from builders.files import read
from builders.shelf import Shelf, on_shelf


def _contents(tar: Path) -> list[tuple[str, bytes]]:
    with tarfile.open(tar, "r:") as archive:
        return [(info.name, archive.extractfile(info).read()) for info in archive]  # type: ignore[union-attr]


def test_pictures_come_back_from_their_paths_and_as_a_plain_tar(tmp_path: Path) -> None:
    given = {"a.jpg": b"one", "deep/b.png": b"", f"{'n' * 150}é.gif": b"x" * 5000}
    with Shelf(tmp_path / "shelf") as shelf:
        paths = {name: shelf.put(name, data) for name, data in given.items()}
        assert read(paths["a.jpg"]) == b"one"  # before the tar is ended
    assert {name: read(path) for name, path in paths.items() if given[name]} == {
        name: data for name, data in given.items() if data}
    assert _contents(tmp_path / "shelf" / "00000.tar") == list(given.items())
    assert [(put.name, put.path) for put in on_shelf(tmp_path / "shelf")] == list(paths.items())
    # A header and a block of data; then a header, after which the empty file is.
    assert paths["a.jpg"].endswith("00000.tar//a.jpg@512+3") and "@1536+0" in paths["deep/b.png"]


def test_facts_stand_before_the_picture_under_its_name(tmp_path: Path) -> None:
    with Shelf(tmp_path) as shelf:
        path = shelf.put("12ab.jpg", b"picture", {"url": "https://example.org/ü", "width": 3})
    (facts, said), (name, data) = _contents(tmp_path / "00000.tar")
    assert (facts, name, data) == ("12ab.json", "12ab.jpg", b"picture")
    assert json.loads(said) == {"url": "https://example.org/ü", "width": 3}
    assert [put.path for put in on_shelf(tmp_path)] == [path]


def test_the_same_pictures_are_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        with Shelf(tmp_path / folder) as shelf:
            shelf.put("a.jpg", b"data", {"k": 1})
        time.sleep(0.01)
    assert (tmp_path / "one" / "00000.tar").read_bytes() == (tmp_path / "two" / "00000.tar").read_bytes()


def test_a_full_tar_is_ended_and_another_begun(tmp_path: Path) -> None:
    with Shelf(tmp_path, full=3000) as shelf:
        paths = [shelf.put(f"{number}.jpg", bytes([number]) * 1000) for number in range(1, 6)]  # 1,536 bytes each
    assert [len(_contents(tmp_path / name)) for name in ("00000.tar", "00001.tar", "00002.tar")] == [2, 2, 1]
    assert [read(path)[0] for path in paths] == [1, 2, 3, 4, 5]


def test_an_ended_tar_never_changes(tmp_path: Path) -> None:
    with Shelf(tmp_path) as shelf:
        first = shelf.put("a.jpg", b"first")
    before = (tmp_path / "00000.tar").read_bytes()
    with Shelf(tmp_path) as shelf:
        second = shelf.put("b.jpg", b"second")
    assert (tmp_path / "00000.tar").read_bytes() == before
    assert (read(first), read(second)) == (b"first", b"second")
    with Shelf(tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000.tar", "00001.tar"]


@pytest.mark.parametrize("left", [0, 1, 511, 512, 513, 600, 1535])
def test_what_is_not_whole_is_cut_off(tmp_path: Path, left: int) -> None:
    """The last put is facts (1,024 bytes) and a picture (1,024 bytes) of which `left` bytes came to the disk."""
    shelf = Shelf(tmp_path)
    first = shelf.put("a.jpg", b"first")
    shelf.put("b.jpg", b"second", {"url": "u"})
    tar = tmp_path / "00000.tar"
    os.truncate(tar, 1024 + left)
    with Shelf(tmp_path) as again:
        third = again.put("c.jpg", b"third")
    assert _contents(tar) == [("a.jpg", b"first"), ("c.jpg", b"third")]
    assert (read(first), read(third)) == (b"first", b"third")


def test_an_empty_or_damaged_last_tar_is_begun_anew(tmp_path: Path) -> None:
    for said in (b"", b"\0" * 100, b"no tar at all" * 100):
        (tmp_path / "00000.tar").write_bytes(said)
        with Shelf(tmp_path) as shelf:
            path = shelf.put("a.jpg", b"data")
        assert _contents(tmp_path / "00000.tar") == [("a.jpg", b"data")] and read(path) == b"data"


_WRITER = """
import sys
from pathlib import Path
from builders.shelf import Shelf
shelf = Shelf(Path(sys.argv[1]), full=200_000)
for number in range(int(sys.argv[2]), 10**9):
    path = shelf.put(f"{number}.jpg", b"%d." % number * 1000, {"number": number})
    print(path, flush=True)
"""


def test_a_killed_writer_loses_nothing_that_it_was_told_is_there(tmp_path: Path) -> None:
    told: list[str] = []
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path), str(len(told))],
                                   stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(50)]
        process.send_signal(signal.SIGKILL)
        lines += [line.strip() for line in process.stdout if line.endswith("\n")]
        process.wait()
        told += lines
    with Shelf(tmp_path) as shelf:
        last = shelf.put("last.jpg", b"last")
    assert len(told) >= 150
    assert all(read(path) == b"%d." % number * 1000 for number, path in enumerate(told))
    there = [put.path for put in on_shelf(tmp_path)]
    assert set(told) < set(there) and there[-1] == last
    # Each kill leaves at most one picture that was put and not told.
    assert len(there) <= len(told) + 4
    assert all(len(_contents(tar)) > 0 for tar in sorted(tmp_path.glob("*.tar")))
