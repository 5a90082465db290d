"""What every format needs: the rows one after the other, names that are safe, captions, pictures as files."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import ExifTags, Image

from annotators import images
from builders.figure_rows import png
from builders.published import shards
from schemas.errors import UsageError
from schemas.locations import Location, readable
from schemas.manifest import Manifest
from schemas.tags import prompt

Row = Mapping[str, Any]

_AT_ONCE = 16
"""Rows in memory as Python objects."""

_EXTENSIONS = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp"}
"""Formats that all trainers read. An MPO is a JPEG with more pictures behind it."""

_PLAIN = re.compile(r"[0-9a-f]{1,100}(_crop_[0-9]{1,9})?", re.ASCII)

_NULLABLE = {"bbox", "face_score", "clip_t"}


@dataclass(frozen=True)
class Export:
    """One export: what to read, and where to write."""

    source: Location
    """The version's folder."""
    manifest: Manifest
    split: str
    folder: Path
    """Where to write."""
    home: Path
    """Where that will stand, as a whole path."""

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """The split's rows in order, with `id` and those columns, a row group in memory at a time. Raises UsageError
        when they cannot be read, have nulls or one id, or are more or fewer than the manifest says."""
        ids: set[str] = set()
        for path in shards(self.source, self.split):
            try:
                with pq.ParquetFile(readable(path), pre_buffer=False) as shard:  # a buffer would hold the whole file
                    for batch in shard.iter_batches(_AT_ONCE, columns=columns):
                        yield from (self._whole(row, ids) for row in batch.to_pylist())
            except (OSError, pa.ArrowException) as error:
                raise self.damaged(f"{path.name} cannot be read: {error}") from None
        if len(ids) != (said := self.manifest.splits[self.split]):
            raise self.damaged(f"split {self.split} has {len(ids)} rows, the manifest says {said}")

    def damaged(self, what: str) -> UsageError:
        """What to raise when the version is not what its manifest says, or a row not what its columns promise."""
        return UsageError(f"this version is damaged: {what}", seen=str(self.source),
                          next_command=f"build verify {self.source}")

    def _whole(self, row: Row, ids: set[str]) -> Row:
        if nulls := [name for name, value in row.items() if value is None and name not in _NULLABLE]:
            raise self.damaged(f"row {row['id']}: null: {', '.join(nulls)}")
        if row["id"] in ids:
            raise self.damaged(f"two rows {row['id']}")
        ids.add(row["id"])
        return row

    def picture(self, row: Row, folder: str = "images") -> str:
        """Writes a row's picture. Returns its place below OUT."""
        try:
            extension, data = _trainable(row["image"]["bytes"])
        except Exception as error:  # Pillow's decoders raise whatever their parsing stumbles on
            raise self.damaged(f"row {row['id']}: image cannot be read: {error}") from None
        return self.write(f"{folder}/{name(row['id'])}{extension}", data)

    def write(self, place: str, data: bytes) -> str:
        """Writes a new file below OUT. Returns its place."""
        path = self.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(data)
        return place


def name(identifier: str) -> str:
    """A file name, without extension, for a row's id or an outfit: numbers as they are, 16 hex digits for others.

    Such names leave no folder, are equal on no file system that forgets case, and hold no word ("test") from which
    `datasets` would guess a split.
    """
    if _PLAIN.fullmatch(identifier):
        return identifier
    return hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def caption(row: Row) -> str:
    """A row's caption, one line, never empty: kohya stops at an empty file.

    RetriBooru's is its tags in words, or the identity's name where a picture has none.
    """
    text = row["text"] if "text" in row else prompt(row["prompts"], row["character"])
    return " ".join(text.split())


def jpeg(data: bytes) -> bytes:
    """Bytes of an upright JPEG, for those who ask for one: untouched if they are one, else of high quality."""
    with Image.open(io.BytesIO(data), formats=images.FORMATS) as found:
        if found.format == "JPEG" and found.mode in ("L", "RGB") and found.getexif().get(0x0112, 1) == 1:
            return data
    made = io.BytesIO()
    Image.fromarray(images.decode(data).picture).save(made, "JPEG", quality=95, subsampling=0)
    return made.getvalue()


def _trainable(data: bytes) -> tuple[str, bytes]:
    """A picture's extension and bytes: untouched if every trainer reads them as they are meant, else as PNG.

    Few trainers turn a picture as its EXIF says, and some know no GIF or BMP.
    """
    with Image.open(io.BytesIO(data), formats=images.FORMATS) as found:
        extension = _EXTENSIONS.get(str(found.format))
        turned = found.getexif().get(ExifTags.Base.Orientation, 1) != 1
    if extension and not turned:
        return extension, data
    return ".png", png(images.decode(data).picture)
