"""The mirror on disk: layout, truth, determinism, resuming, and what the real reader makes of it."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from annotators.images import decode
from builders import select
from builders.sources import drawing, sample
from builders.sources.danbooru2019 import Danbooru2019
from builders.sources.lines import Lines
from builders.sources.sample import Sample, draw_chunk, draw_mirror, mirror_name
from schemas.errors import UsageError
from schemas.records import Post, Rejected

SOURCE_REASONS = {"not_a_file", "outside_root", "no_metadata", "bad_metadata", "bad_name", "duplicate_file"}
SELECT_REASONS = {"status", "banned_artist", "rating", "character_count", "artist_count", "no_garment"}


def _tree(root: Path) -> dict[str, str]:
    """Digest of everything below a root: bytes of files, targets of links, permissions."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = "link " + str(path.readlink())
        elif path.is_dir():
            found[name] = "folder"
        else:
            mode = path.stat().st_mode & 0o777
            path.chmod(0o600)
            found[name] = f"{mode:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"
            path.chmod(mode)
    return found


def _truth(root: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(root / "truth" / "truth.parquet").to_pylist()
    return rows


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("small") / "mirror"
    draw_mirror(root, count=24, seed=3, workers=1)
    return root


def test_same_bytes_with_two_workers(small: Path, tmp_path: Path) -> None:
    heard: list[int] = []
    draw_mirror(tmp_path / "mirror", count=24, seed=3, workers=2, progress=heard.append)
    assert _tree(tmp_path / "mirror") == _tree(small)
    assert sum(heard) == 24


def test_goes_on_after_a_kill_and_gives_the_same_bytes(small: Path, tmp_path: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "mirror"
    done: list[int] = []

    def dying(chunk: sample.Chunk) -> int:
        if done:
            (root / "truth" / ".tmp-1-left.json").write_bytes(b"half")
            raise KeyboardInterrupt
        done.append(chunk.number)
        return draw_chunk(chunk)

    with monkeypatch.context() as patched:
        patched.setattr(sample, "draw_chunk", dying)
        with pytest.raises(KeyboardInterrupt):
            draw_mirror(root, count=24, seed=3, workers=1)
    heard: list[int] = []
    draw_mirror(root, count=24, seed=3, workers=1, progress=heard.append)
    assert heard == [16, 8]  # what stood already, then the rest
    assert _tree(root) == _tree(small)


def test_a_complete_mirror_is_left_alone_and_a_foreign_folder_refused(small: Path, tmp_path: Path) -> None:
    before = (small / "complete.json").stat().st_mtime_ns
    draw_mirror(small, count=24, seed=3)
    assert (small / "complete.json").stat().st_mtime_ns == before
    with pytest.raises(UsageError):
        draw_mirror(small, count=25, seed=3)
    (tmp_path / "holiday.txt").write_text("mine")
    with pytest.raises(UsageError):
        draw_mirror(tmp_path, count=24, seed=3)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.txt"]


PINNED = (3, "b39e89e484c193a7")
"""Version and digest of what a mirror of 24 figures says: truth but for pixels, and the unpacked metadata."""


def test_a_changed_mirror_has_another_version(small: Path) -> None:
    told = hashlib.sha256()
    for row in _truth(small):
        told.update(repr([row[name] for name in sorted(row) if name not in ("sha256", "face")]).encode())
    for path in sorted((small / "metadata").rglob("*")):
        if path.is_file():
            told.update(b"".join(line for lot in Lines(path).blocks() for line in lot))
    found = (sample.VERSION, told.hexdigest()[:16])
    assert found == PINNED, f"the mirror changed: raise VERSION in builders/sources/sample.py, then pin {found}"


def test_a_mirror_of_other_drawings_is_refused(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sample, drawing):
        with monkeypatch.context() as patch:
            patch.setattr(module, "VERSION", 99)
            with pytest.raises(UsageError, match="version of the drawings"):
                draw_mirror(small, count=24, seed=3)


def test_another_version_of_the_drawings_has_another_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {mirror_name(24, 3), mirror_name(24, 4), mirror_name(25, 3)}
    for module in (sample, drawing):
        with monkeypatch.context() as patch:
            patch.setattr(module, "VERSION", 99)
            names.add(mirror_name(24, 3))
    assert len(names) == 5


def test_the_sample_says_whose_the_pictures_are_and_links_no_page(small: Path) -> None:
    source, real = Sample(small), Danbooru2019(small)
    rows, same = list(source.posts()), list(real.posts())
    assert source.name == "sample" and "Apache-2.0" in source.licence and "program" in source.licence
    assert (source.digest(), source.counts) == (real.digest(), real.counts)
    assert [row.id for row in rows] == [row.id for row in same]
    posts = [row for row in rows if isinstance(row, Post)]
    assert posts and all(post.post_url == "" and post.post_id for post in posts)
    assert [row for row in rows if isinstance(row, Rejected)] == [row for row in same if isinstance(row, Rejected)]


def test_the_reader_and_the_tag_filters_meet_what_was_planted(mirror: Path) -> None:
    expected = {row["path"]: row["expected"] for row in _truth(mirror)}
    source = Danbooru2019(mirror)
    met = {}
    for item in source.posts():
        if isinstance(item, Rejected):
            met[item.path] = item.drop.reason
        else:
            why = select.select(item, select.Selection())
            met[str(Path(item.path).relative_to(mirror))] = why.reason if why else ""
    assert met.keys() == expected.keys()
    for path, reason in expected.items():
        assert met[path] == (reason if reason in SOURCE_REASONS | SELECT_REASONS else ""), path
    counts = source.counts
    assert counts["metadata_past_last_image"] == 5
    assert counts["duplicate_records"] == 1
    assert min(counts[name] for name in ("bad_lines", "bad_values", "missing_keys", "duplicate_tags")) > 0
    assert counts["metadata_without_figure"] > 30


def test_truth_fits_the_pictures(mirror: Path) -> None:
    checked = Counter[str]()
    for row in _truth(mirror):
        if row["expected"] not in ("", "no_face", "many_faces", "no_reference"):
            continue
        data = (mirror / row["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
        seen = decode(data)
        matte = np.asarray(Image.open(mirror / row["matte"]))
        assert matte.shape == (seen.height, seen.width)
        assert 0.03 < matte.mean() / 255 < 0.95
        assert len(row["face"]) == (0 if row["expected"] in ("no_face", "many_faces") else 4)
        if row["face"]:
            x0, y0, x1, y1 = row["face"]
            assert 0 <= x0 < x1 <= 1
            assert 0 <= y0 < y1 <= 1
            ys, xs = (slice(int(a * n), int(b * n) + 1) for a, b, n in ((y0, y1, seen.height), (x0, x1, seen.width)))
            assert matte[ys, xs].mean() > 150, "the face box lies off the figure"
        assert len(row["garments"]) == len(row["colours"]) > 0
        checked[row["defect"] or row["near_kind"]] += 1
    assert len(checked) >= 15


def test_layout(mirror: Path) -> None:
    assert len({row["path"] for row in _truth(mirror)}) == 120 == len(_truth(mirror))
    assert len({row["matte"] for row in _truth(mirror)}) == 120
    for row in _truth(mirror):
        path = mirror / row["path"]
        assert path.parts[-3:-1] == ("danbooru2019-figures", f"{int(row['post_id']) % 1000:04d}")
        assert path.is_symlink() == (row["defect"] == "symlink")
        assert path.is_dir() == (row["defect"] == "directory")
        if row["defect"] == "unreadable":
            assert path.stat().st_mode & 0o777 == 0
        if row["defect"] == "symlink":
            assert not Path(os.path.realpath(path)).is_relative_to(mirror)
    assert not (mirror / "truth" / "parts").exists()
    names = {str(path.relative_to(mirror / "metadata")) for path in (mirror / "metadata").rglob("*") if path.is_file()}
    assert {"2017/2017000000000000", "2018/2018000000000000.json.gz", "2019/2019000000000001.json.xz"} <= names


def test_a_build_of_the_mirror_does_not_need_the_truth(mirror: Path, tmp_path: Path) -> None:
    def read() -> list[str]:
        source = Danbooru2019(mirror)
        return [item.id for item in source.posts()] + [source.digest()]

    with_truth = read()
    (mirror / "truth").rename(tmp_path / "truth")
    try:
        assert read() == with_truth
    finally:
        (tmp_path / "truth").rename(mirror / "truth")
