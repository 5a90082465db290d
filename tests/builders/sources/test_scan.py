import hashlib
import json
import multiprocessing

import msgspec
import numpy as np
import pytest

from builders.engines import Local
from builders.sources import danbooru2019, lines, scan
from builders.sources.danbooru2019 import Danbooru2019
from builders.sources.lines import Lines, Piece
from schemas.records import Post, Rejected


def record(post_id, *tags, **more):
    return {"id": str(post_id), "tags": [{"name": name, "category": "0"} for name in tags], **more}


def written(path, *records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in records))
    return path


def seen(scanned):
    return [msgspec.msgpack.decode(one, type=scan.Seen) for one in scanned.seen]


@pytest.mark.parametrize("workers", [1, 2])
def test_pieces_come_in_their_order(tmp_path, workers):
    path = written(tmp_path / "a.json", *(record(number, f"tag_{number}") for number in range(400)))
    known = np.arange(1, 400, 2)
    pieces = [Piece(path, start, 1000) for start in range(0, path.stat().st_size, 1000)]
    with Local(workers) as engine:
        found = list(scan.scan(pieces, known, engine))
    assert [one.post.general for scanned in found for one in seen(scanned)] == [
        (f"tag_{number}",) for number in range(1, 400, 2)]
    assert [one.position for scanned in found for one in seen(scanned)] == list(range(200))
    data = path.read_bytes()
    assert [one.digest for one in found] == [
        hashlib.sha256(data[piece.start:piece.start + 1000]).digest() for piece in pieces]
    assert sum(one.counts["metadata_records"] for one in found) == 400
    assert sum(one.counts["metadata_without_figure"] for one in found) == 200


def test_a_piece_that_cannot_be_read(tmp_path):
    path = written(tmp_path / "a.json", record(1))
    gone = Piece(tmp_path / "gone.json", 0, 100)
    first, second = scan.scan([gone, Piece(path, 0, 100)], np.array([1]), Local(1))
    assert (first.digest, first.seen) == (None, [])
    assert [one.position for one in seen(second)] == [0]


def test_what_a_line_holds(tmp_path):
    path = written(tmp_path / "a.json", record(2), "", " ", "{", '{"id": "3"}', '{"id": 4, "tags": [], "id": 3}',
                   '{"id": 2, "tags": [], "id": 9}', '{"tags": [], "id": 2}', '{', '"id": 4, "tags": []}',
                   record(3_734_661), '{"id": "9", "x": 1}')
    (found,) = scan.scan([Piece(path, 0, 10_000)], np.array([2, 3, 4]), Local(1))
    assert [(one.position, one.post and one.post.post_id) for one in seen(found)] == [
        (0, "2"), (1, None), (1, "3"), (0, "2")]
    assert found.counts == {
        "metadata_records": 8, "metadata_without_figure": 3, "metadata_past_last_image": 1, "bad_lines": 2,
        "bad_values": 1, "missing_keys": 1}


def test_only_what_a_post_has_is_counted_with_it(tmp_path):
    path = written(tmp_path / "a.json", record(1, "a", "a", "b c"), record(2, "a", "b"))
    (found,) = scan.scan([Piece(path, 0, 10_000)], np.array([1, 2]), Local(1))
    assert [one.counts for one in seen(found)] == [{"duplicate_tags": 1, "bad_tags": 1}, {}]


@pytest.fixture
def mirror(tmp_path):
    """Three files of metadata, with records twice and in vain, and what they are about."""
    root = tmp_path / "mirror"
    (root / "figures").mkdir(parents=True)
    for number in range(0, 300, 3):
        bucket = root / "figures" / f"{number % 100:04d}"
        bucket.mkdir(exist_ok=True)
        (bucket / f"{number}.jpg").touch()
    for name, last in (("a.json", 100), ("b.json", 250), ("c.json", 250)):
        written(root / "metadata" / name, *(record(one, name, "x y") for one in range(last)), "bad", '{"id": "270"}')
    return root


def read(root, workers):
    source = Danbooru2019(root, workers)
    return list(source.posts()), source.counts, source.digest()


def test_workers_change_nothing(mirror, monkeypatch):
    monkeypatch.setattr(lines, "PIECE", 700)
    alone = read(mirror, 1)
    monkeypatch.setattr(danbooru2019, "_PAYS", 0)
    assert read(mirror, 2) == alone
    rows, counts, _ = alone
    assert [row.general for row in rows if isinstance(row, Post)] == [("a.json",)] * 34 + [("b.json",)] * 50
    assert [row.drop.reason for row in rows if isinstance(row, Rejected)] == [
        "bad_metadata" if number == 270 else "no_metadata" for number in range(252, 300, 3)]
    assert counts["duplicate_records"] == 34 + 84
    assert (counts["bad_lines"], counts["missing_keys"]) == (3, 3)
    assert counts["bad_tags"] == 84, "of the records that were used"
    assert counts["metadata_records"] == 600 + 3


def test_a_reader_that_stops_leaves_no_process(mirror, monkeypatch):
    monkeypatch.setattr(lines, "PIECE", 700)
    monkeypatch.setattr(danbooru2019, "_PAYS", 0)
    posts = Danbooru2019(mirror, 2).posts()
    next(posts)
    posts.close()
    assert multiprocessing.active_children() == []


def test_a_piece_in_the_middle_that_cannot_be_read(mirror, monkeypatch):
    monkeypatch.setattr(lines, "PIECE", 4000)
    real = Lines.pieces

    def with_a_gap(self):
        for number, piece in enumerate(real(self)):
            yield piece._replace(path=self.path.with_name("gone")) if number == 1 else piece

    monkeypatch.setattr(Lines, "pieces", with_a_gap)
    rows, counts, _ = read(mirror, 1)
    assert counts["metadata_files_cut"] == 3
    assert 0 < sum(isinstance(row, Post) for row in rows) < 84
