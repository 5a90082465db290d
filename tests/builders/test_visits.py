"""What is learnt of a file by reading it, and of its picture by one visit."""

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from annotators.base import Batch
from builders.visits import FILE_FACTS, FileRow, Keeps, Limits, Link, PictureRow, Pixels, ReadFiles, Visit
from schemas.records import drop

LIMITS = Limits(10_000, 10_000)


def test_files_are_known_by_their_bytes_whatever_they_hold(tmp_path: Path) -> None:
    Image.new("RGB", (6, 4)).save(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(b"hello")
    (tmp_path / "d.jpg").touch()
    done, failed = ReadFiles(tmp_path / "store", LIMITS)(
        [FileRow(name[0], str(tmp_path / name)) for name in ("a.png", "b.jpg", "c.jpg", "d.jpg")])
    assert (done, failed) == (4, {"c": ("missing_file", "")})
    (part,) = (tmp_path / "store").iterdir()
    good, text, empty = pq.read_table(part).to_pylist()
    data = (tmp_path / "a.png").read_bytes()
    assert good == {"key": "a", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "reason": "",
                    "detail": "", "md5": hashlib.md5(data).hexdigest()}
    assert (text["reason"], text["md5"]) == ("", "5d41402abc4b2a76b9719d911017c592")  # of "hello"
    assert (empty["reason"], empty["sha256"]) == ("empty", "")
    assert set(good) == {"key", *FILE_FACTS.names}


class Widths:
    """Annotator of the pictures' widths."""

    name, needs, identity, provenance = "widths", ("image",), "w", {"backend": "test"}
    features = pa.schema([("shown", pa.int32())])

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        return {"shown": [picture.shape[1] for picture in batch["image"]]}


def rows(folder: Path, *files: tuple[str, tuple[str, ...]]) -> list[PictureRow]:
    """Rows of pictures named after their widths, 4 pixels high, and of one file that is none."""
    found = []
    for name, keys in files:
        path = folder / f"{name}.png"
        if name.isdigit():
            Image.new("RGB", (int(name), 4)).save(path)
        else:
            path.write_bytes(b"hello")
        found.append(PictureRow(keys, str(path), hashlib.sha256(path.read_bytes()).hexdigest(), None, {}, {}))
    return found


def test_one_visit_decodes_and_asks_all_that_have_not_seen_the_picture(tmp_path: Path) -> None:
    chain = [Link(Pixels(LIMITS), "file", Keeps(("reason",), lambda reason: drop(reason) if reason else None)),
             Link(Widths(), "faces", Keeps(("shown",), lambda width: None if width > 6 else drop("too_small")))]
    shard = rows(tmp_path, ("6", ("a6", "b6")), ("7", ("a7", "b7")), ("bad", ("ax", "bx")), ("8", ("a8", "")))
    folders = [tmp_path / "pixels", tmp_path / "widths"]
    assert Visit(chain, folders, {}, LIMITS)(shard) == (4, 2)
    (pixels,), (widths,) = (list(folder.iterdir()) for folder in folders)
    assert pq.read_table(pixels).to_pylist() == [
        {"key": "a6", "width": 6, "height": 4, "reason": "", "detail": ""},
        {"key": "a7", "width": 7, "height": 4, "reason": "", "detail": ""},
        {"key": "ax", "width": 0, "height": 0, "reason": "not_an_image", "detail": ""},
        {"key": "a8", "width": 8, "height": 4, "reason": "", "detail": ""}]
    # Kept or not, what was seen is stored; what was answered before (8) is not asked again, what is no picture never.
    assert pq.read_table(widths).to_pylist() == [{"key": "b6", "shown": 6}, {"key": "b7", "shown": 7}]
