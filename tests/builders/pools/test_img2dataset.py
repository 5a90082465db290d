"""What img2dataset writes, as its 1.47 lays it out: tars read in place, tables copied once, failures told."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from builders import files
from builders.pools import open_pool
from builders.pools.img2dataset import Img2Dataset
from schemas.errors import UsageError
from schemas.records import Post, Rejected

SCHEMA = pa.schema({"url": pa.string(), "caption": pa.string(), "key": pa.string(), "status": pa.string(),
                    "error_message": pa.string(), "width": pa.int32()})


def picture(shade: int) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 0, 0)).save(data, "JPEG")
    return data.getvalue()


def facts(key: str, **others: Any) -> dict[str, Any]:
    return {"url": f"http://a/{key}", "caption": f"caption {key}", "key": key, "status": "success",
            "error_message": None, "width": 8, **others}


FAILED = [facts("000000002", status="failed_to_download", error_message="HTTP Error 404: Not Found", width=None),
          facts("000000003", status="failed_to_resize", error_message="image decoding error", width=None)]


def write_tar(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def sample(key: str, shade: int) -> list[tuple[str, bytes]]:
    """The members of a picture."""
    said = facts(key, width=float("nan") if shade == 1 else 8)
    return [(f"{key}.jpg", picture(shade)), (f"{key}.json", json.dumps(said, indent=4).encode()),
            (f"{key}.txt", said["caption"].encode())]


def write_table(path: Path, rows: list[dict[str, Any]], pictures: dict[str, bytes] | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows, SCHEMA)
    if pictures is not None:
        table = table.append_column("jpg", pa.array([pictures.get(row["key"]) for row in rows], pa.binary()))
    pq.write_table(table, path)


def reasons(rows: list[Post | Rejected]) -> list[tuple[str, str, str, str]]:
    return [(row.id, row.path, row.drop.stage, row.drop.reason) for row in rows if isinstance(row, Rejected)]


def test_tars_are_read_in_place(tmp_path: Path) -> None:
    root = tmp_path / "pool"
    write_tar(root / "00000.tar", [*sample("000000001", 1), *sample("000000000", 0)])
    write_table(root / "00000.parquet", [facts("000000000"), facts("000000001"), *FAILED])
    write_tar(root / "00001.tar", sample("000010000", 7))
    pool = open_pool(str(root), tmp_path / "out")
    assert (pool.name, pool.said) == ("img2dataset", "img2dataset:pool")
    rows = list(pool.posts())
    posts = [row for row in rows if isinstance(row, Post)]
    assert [(post.id, post.url, post.text) for post in posts] == [
        (f"{key[:5]}#{key}", f"http://a/{key}", f"caption {key}") for key in ("000000000", "000000001")] + [
        ("00001#000010000", "http://a/000010000", "caption 000010000")]
    assert [files.read(post.path) for post in posts] == [picture(0), picture(1), picture(7)]
    assert all(post.path.startswith(str(root)) for post in posts)
    assert reasons(rows) == [("00000#000000002", "00000.parquet", "source", "http_status"),
                             ("00000#000000003", "00000.parquet", "source", "corrupt")]
    assert [row.drop.value for row in rows if isinstance(row, Rejected)] == [
        "img2dataset: failed_to_download: HTTP Error 404: Not Found",
        "img2dataset: failed_to_resize: image decoding error"]
    digest = pool.digest()
    assert list(pool.posts()) == rows and pool.digest() == digest


@pytest.mark.parametrize(("message", "reason"), [
    ("Use of image disallowed by X-Robots-Tag directive", "robots_tag"), ("HTTP Error 403: Forbidden", "http_status"),
    ("<urlopen error timed out>", "timeout"), ("The read operation timed out", "timeout"),
    ("<urlopen error [Errno -2] Name or service not known>", "unreachable"), ("image area too large", "too_large"),
    ("image too small", "too_small"), ("", "unreachable"),
])
def test_failures_by_our_reasons(tmp_path: Path, message: str, reason: str) -> None:
    write_tar(tmp_path / "0.tar", [])
    write_table(tmp_path / "0.parquet", [facts("1", status="failed_to_download", error_message=message)])
    [row] = Img2Dataset(tmp_path, tmp_path / "out").posts()
    assert isinstance(row, Rejected) and (row.drop.stage, row.drop.reason) == ("source", reason)


def test_tables_are_copied_once(tmp_path: Path) -> None:
    root, out = tmp_path / "pool", tmp_path / "out"
    pictures = {"000000000": picture(0), "000000001": picture(1), "000000004": b""}
    rows = [facts("000000000"), facts("000000001"), *FAILED, facts("000000004"), facts("000000005")]
    write_table(root / "00000.parquet", rows, pictures)
    first = list(open_pool(str(root), out).posts())
    posts = [row for row in first if isinstance(row, Post)]
    assert [(post.id, post.text) for post in posts] == [("00000#000000000", "caption 000000000"),
                                                        ("00000#000000001", "caption 000000001")]
    assert [files.read(post.path) for post in posts] == [picture(0), picture(1)]
    assert [why for _, _, _, why in reasons(first)] == ["http_status", "corrupt", "empty", "empty"]
    [tar] = (out / ".annotations" / "cells").iterdir()
    before = hashlib.sha256(tar.read_bytes()).hexdigest()
    # Another row first: what was copied stays where it is, and only the new picture is added.
    write_table(root / "00000.parquet", [facts("000000009"), *rows], {**pictures, "000000009": picture(9)})
    again = [row for row in Img2Dataset(root, out).posts() if isinstance(row, Post)]
    assert [files.read(post.path) for post in again] == [picture(9), picture(0), picture(1)]
    assert again[1:] == posts and hashlib.sha256(tar.read_bytes()).hexdigest() == before
    assert len(list((out / ".annotations" / "cells").iterdir())) == 2


def test_other_tars_of_samples(tmp_path: Path) -> None:
    write_tar(tmp_path / "pool" / "deep" / "a.tar", [
        ("x/1.png", b"1"), ("x/1.txt", "ein \xe9 caf\xe9\n".encode()), ("x/1.jpg", b"2"), ("x/2.mask.png", b"3"),
        ("y.jpg", b"4"), ("y.json", b"[1, 2]"), ("../z.jpg", b"5"), ("w.cls", b"5"), ("big.jpg", b"6"),
        ("big.txt", b"x" * (2**20 + 1)), ("failed.jpg", b"7"), ("failed.json", b'{"status": "failed_to_resize"}')])
    pool = open_pool(str(tmp_path / "pool" / "deep"), tmp_path / "out")
    rows = list(pool.posts())
    assert [(row.id, row.text) for row in rows if isinstance(row, Post)] == [
        ("a#big", ""), ("a#x/1", "ein \xe9 caf\xe9"), ("a#x/1!png", "ein \xe9 caf\xe9"), ("a#x/2.mask", ""),
        ("a#y", "")]
    assert [(row, why) for row, _, _, why in reasons(rows)] == [("a.tar/../z.jpg", "bad_name"),
                                                                ("a#failed", "corrupt")]
    assert pool.counts == {"other_files": 1, "bad_text_files": 1}


def test_damage_costs_its_own_rows(tmp_path: Path) -> None:
    root = tmp_path / "pool"
    write_tar(root / "0.tar", sample("1", 1) + sample("2", 2))
    data = (root / "0.tar").read_bytes()
    (root / "0.tar").write_bytes(data[:2200])  # ends inside the second picture's members or before them
    (root / "1.tar").write_bytes(b"no tar")
    (root / "2.tar").symlink_to(tmp_path / "outside.tar")
    write_tar(tmp_path / "outside.tar", sample("3", 3))
    (root / "3.parquet").write_bytes(b"no table")
    write_table(root / "4.parquet", [facts("9")])
    write_table(root / "5.parquet", [facts("1"), facts("1")], {"1": picture(1)})
    pool = Img2Dataset(root, tmp_path / "out")
    rows = list(pool.posts())
    assert [row.id for row in rows if isinstance(row, Post)] == ["0#1", "5#1"]
    assert [(row, why) for row, _, _, why in reasons(rows)] == [
        ("0.tar", "bad_archive"), ("1.tar", "bad_archive"), ("2.tar", "outside_root"), ("3.parquet", "bad_archive")]
    assert pool.counts["tables_without_pictures"] == 1 and pool.counts["repeated_rows"] == 1


def test_a_folder_and_a_tar_of_one_name_share_no_ids(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", [("b/c.jpg", b"1")])
    write_tar(tmp_path / "a" / "b.tar", [("c.jpg", b"2")])
    assert [row.id for row in Img2Dataset(tmp_path, tmp_path / "out").posts()] == ["a#b/c", "a/b#c"]


def test_first_rows_only(tmp_path: Path) -> None:
    write_table(tmp_path / "pool" / "0.parquet", [facts(str(key)) for key in range(9)],
                {str(key): picture(key) for key in range(9)})
    rows = list(open_pool(f"img2dataset:{tmp_path / 'pool'}", tmp_path / "out", 2).posts())
    assert [row.id for row in rows] == ["0#0", "0#1"]


def test_a_folder_without_shards_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(picture(1))
    with pytest.raises(UsageError, match="holds no shards"):
        open_pool(f"img2dataset:{tmp_path}", tmp_path / "out")
    with pytest.raises(UsageError, match="not a folder"):
        open_pool("img2dataset:no-such", tmp_path / "out")
    # The files output of img2dataset has its pictures in folders, beside tables without any.
    write_table(tmp_path / "00000.parquet", [facts("1")])
    assert open_pool(str(tmp_path), tmp_path / "out").name == "folder"
