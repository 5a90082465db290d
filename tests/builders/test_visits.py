"""What is learnt of a file by reading it."""

import hashlib
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image

from builders.visits import FILE_FACTS, FileRow, Limits, ReadFiles


def test_files_are_known_by_their_bytes_whatever_they_hold(tmp_path: Path) -> None:
    Image.new("RGB", (6, 4)).save(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(b"hello")
    done, failed = ReadFiles(tmp_path / "store", Limits(10_000, 10_000))(
        [FileRow(name[0], str(tmp_path / name)) for name in ("a.png", "b.jpg", "c.jpg")])
    assert (done, failed) == (3, {"c": ("missing_file", "")})
    (part,) = (tmp_path / "store").iterdir()
    good, bad = pq.read_table(part).to_pylist()
    data = (tmp_path / "a.png").read_bytes()
    assert good == {"key": "a", "sha256": hashlib.sha256(data).hexdigest(), "width": 6, "height": 4,
                    "bytes": len(data), "reason": "", "detail": "", "md5": hashlib.md5(data).hexdigest()}
    assert (bad["reason"], bad["md5"]) == ("not_an_image", "5d41402abc4b2a76b9719d911017c592")  # of "hello"
    assert set(good) == {"key", *FILE_FACTS.names}
