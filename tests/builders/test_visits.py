"""What is learnt of a file by reading it."""

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from annotators.base import Batch
from builders.visits import FILE_FACTS, Annotate, FileRow, Keeps, Limits, PictureRow, ReadFiles
from schemas.records import drop


def test_files_are_known_by_their_bytes_whatever_they_hold(tmp_path: Path) -> None:
    Image.new("RGB", (6, 4)).save(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(b"hello")
    done, kept, failed = ReadFiles(tmp_path / "store", Limits(10_000, 10_000))(
        [FileRow(name[0], str(tmp_path / name)) for name in ("a.png", "b.jpg", "c.jpg")])
    assert (done, kept, failed) == (3, 1, {"c": ("missing_file", "")})
    (part,) = (tmp_path / "store").iterdir()
    good, bad = pq.read_table(part).to_pylist()
    data = (tmp_path / "a.png").read_bytes()
    assert good == {"key": "a", "sha256": hashlib.sha256(data).hexdigest(), "width": 6, "height": 4,
                    "bytes": len(data), "reason": "", "detail": "", "md5": hashlib.md5(data).hexdigest()}
    assert (bad["reason"], bad["md5"]) == ("not_an_image", "5d41402abc4b2a76b9719d911017c592")  # of "hello"
    assert set(good) == {"key", *FILE_FACTS.names}


class Widths:
    """Annotator of the pictures' widths."""

    name, needs, identity, provenance = "widths", ("image",), "w", {"backend": "test"}
    features = pa.schema([("width", pa.int32())])

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        return {"width": [picture.shape[1] for picture in batch["image"]]}


def test_an_annotator_may_be_told_what_will_be_kept(tmp_path: Path) -> None:
    rows = []
    for width in (6, 7, 8):
        path = tmp_path / f"{width}.png"
        Image.new("RGB", (width, 4)).save(path)
        sha = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append(PictureRow(sha, str(path), sha, None, {}, {}))
    keeps = Keeps("width", lambda width: None if width > 6 else drop("too_small"))
    limits = Limits(10_000, 10_000)
    assert Annotate(Widths(), tmp_path / "a", {}, limits, keeps)(rows) == (3, 2)
    assert Annotate(Widths(), tmp_path / "b", {}, limits)(rows) == (3, None)
    (part,) = (tmp_path / "a").iterdir()
    assert pq.read_table(part)["width"].to_pylist() == [6, 7, 8]  # kept or not, what was seen is stored
