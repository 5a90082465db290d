"""What img2dataset wrote: tars in the webdataset format, whose pictures are read in place, or Parquet with pictures.

Rows that it could not fetch or resize are rejected with what it said of them. Other tars of NAME.jpg, NAME.json and
NAME.txt, at any depth, are read alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from builders import files
from builders.pools.base import Pool, Rows, columns_of, fault, json_object, text_of
from builders.pools.cells import Cells
from builders.sources import folder, tars
from builders.sources.trees import COUNTED, OUTPUT, check_root, is_picture, printable, walk
from schemas.errors import RowError, UsageError
from schemas.records import Drop, Post, Rejected, drop

PICTURES = ("jpg", "jpeg", "png", "webp")
"""Columns of a table that hold pictures: img2dataset names them after the format."""

MAX_FACTS = 2**20
"""Longest text beside a picture that is read, bytes."""

ROWS = 256
"""Rows of a table, pictures included, that are read at a time."""

_DONE = "success"
_WHYS = (("x-robots-tag", "robots_tag"), ("http error", "http_status"), ("timed out", "timeout"),
         ("timeout", "timeout"), ("too large", "too_large"), ("too small", "too_small"))


class Img2Dataset(Pool):
    """The shards below `root`. Raises UsageError when there are none.

    `out` is the OUT folder: indexes of tars and copies of pictures lie there.
    """

    name = "img2dataset"

    def __init__(self, root: Path, out: Path, limit: int = 0) -> None:
        check_root(root, "--pool")
        super().__init__(f"img2dataset:{root.name}", root, limit)
        self._out = out
        if not any(listed.verdict == "" for listed in self._shards()):
            raise UsageError("--pool holds no shards", seen=str(root),
                             allowed="*.tar, or *.parquet with a column of pictures, as img2dataset writes them")

    def rows(self) -> Rows:
        """Pictures in the order of shards and keys, failures of a shard last; a row's id is SHARD#KEY."""
        with Cells(self._out / ".annotations" / "cells") as cells:
            tar, taken = "", set[str]()
            for path, _, verdict in self._shards():
                shard, _, ending = path.rpartition(".")
                if verdict:
                    if verdict not in (*COUNTED, OUTPUT):
                        yield _rejected(path, verdict)
                elif ending == "tar":
                    tar, taken = shard, set()
                    yield from self._tar(path, taken)
                else:  # a table comes after the tar of its name, and then tells what failed
                    yield from self._table(path, taken if shard == tar else set(), None if shard == tar else cells)

    def _shards(self) -> Iterator[Any]:
        def order(listed: Any) -> tuple[str, bool]:
            return listed.path.rpartition(".")[0], not listed.path.endswith(".tar")

        return iter(sorted(walk(self.root, wanted=is_shard, skip=self._out), key=order))

    def _tar(self, path: str, taken: set[str]) -> Rows:
        found = tars.index(self.root / path, self._out / ".state" / "tars" / "samples", _is_part)
        for what, number in found.counts.items():
            self.count(what, number)
        beside = {member.name: member for member in found.members if not is_picture(member.name)}
        keys = set[str]()
        for name, offset, size, verdict in found.members:
            if not is_picture(name):
                continue
            row = f"{path}/{name}"
            if verdict or not row.isprintable():
                yield _rejected(row, verdict or "bad_name")
                continue
            key = _key(name)
            said = self._facts(path, beside.get(f"{key}.json"), beside.get(f"{key}.txt"))
            place = files.member(str(self.root / path), name, offset, size)
            yield self._row(f"{_shard(path)}#{folder.row_id(name, keys)}", path, place, said)
            taken.add(f"{_shard(path)}#{quote(key, safe='/')}")
        if found.damage:
            yield _rejected(path, "bad_archive", found.damage)

    def _facts(self, tar: str, json: tars.Member | None, txt: tars.Member | None) -> dict[str, Any]:
        """What stands beside a picture."""
        said = json_object(self._beside(tar, json)) or {}
        if "caption" not in said and txt is not None:
            said["caption"] = self._beside(tar, txt).decode("utf-8", "replace")
        return said

    def _beside(self, tar: str, member: tars.Member | None) -> bytes:
        if member is None or member.verdict:
            return b""
        try:
            return files.read(files.member(str(self.root / tar), *member[:3]), MAX_FACTS)
        except RowError:
            self.count("bad_text_files")
            return b""

    def _table(self, path: str, taken: set[str], cells: Cells | None) -> Rows:
        """The rows of a table: all of one with pictures; those that failed, where the pictures are in a tar."""
        try:
            with pq.ParquetFile(self.root / path, pre_buffer=False) as table:
                names = table.schema_arrow.names
                pictures = picture_column(table.schema_arrow) if cells else ""
                if cells and not pictures:
                    self.count("tables_without_pictures")
                    return
                wanted = [*columns_of(names).values(), *({"key", "status", "error_message", "txt"} & set(names))]
                number = 0
                for batch in table.iter_batches(ROWS, columns=[*wanted, *([pictures] if pictures else [])]):
                    for said in batch.to_pylist():
                        key = text_of(said.get("key")) or f"row {number}"
                        number += 1
                        yield from self._told(path, key, said, taken, (cells, pictures))
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            yield _rejected(path, "bad_archive", str(error).partition("\n")[0])

    def _told(self, path: str, key: str, said: dict[str, Any], taken: set[str],
              where: tuple[Cells | None, str]) -> Iterator[Post | Rejected]:
        cells, pictures = where
        row, status = f"{_shard(path)}#{quote(key, safe='/')}", said.get("status", _DONE)
        if cells is None and status == _DONE:  # it came from the tar
            return
        if row in taken:
            self.count("repeated_rows")
            return
        taken.add(row)
        data = said.get(pictures) or b""
        if status == _DONE and not data:
            yield Rejected(row, path, Drop("empty", "source"))
        else:
            said.setdefault("caption", said.get("txt"))
            yield self._row(row, path, cells.path(data) if cells and status == _DONE else "", said)

    def _row(self, row: str, path: str, place: str, said: Mapping[str, Any]) -> Post | Rejected:
        if said.get("status", _DONE) != _DONE:
            return Rejected(row, path, why(text_of(said["status"]), text_of(said.get("error_message"))))
        values = {field: said[name] for field, name in columns_of(list(said)).items()}
        url = values.get("url")
        return Post(id=row, path=place, url=url if isinstance(url, str) and not fault(url) else "",
                    text=text_of(values.get("text")), license=text_of(values.get("license")),
                    attribution=text_of(values.get("attribution")))


def why(status: str, message: str) -> Drop:
    """What img2dataset said of a row, by our reasons."""
    said = message.lower()
    otherwise = "corrupt" if status == "failed_to_resize" else "unreachable"
    reason = next((reason for word, reason in _WHYS if word in said), otherwise)
    return Drop(reason, "source", f"img2dataset: {status}: {message}"[:300])


def picture_column(schema: pa.Schema) -> str:
    """The column with pictures of a table that img2dataset wrote, "" for none."""
    there = [name for name in PICTURES if name in schema.names and "key" in schema.names]
    return next((name for name in there if schema.field(name).type in (pa.binary(), pa.large_binary())), "")


def is_shard(name: str) -> bool:
    """Whether the name is that of a shard."""
    return name.endswith((".tar", ".parquet")) and not name.startswith(".")


def _is_part(name: str) -> bool:
    return is_picture(name) or name.endswith((".json", ".txt"))


def _key(name: str) -> str:
    """Key of a member: its path up to the first dot of its name."""
    where, slash, last = name.rpartition("/")
    return f"{where}{slash}{last.partition('.')[0]}"


def _shard(path: str) -> str:
    return quote(path.rpartition(".")[0], safe="/")


def _rejected(path: str, reason: str, value: str = "") -> Rejected:
    return Rejected(printable(path), printable(path), drop(reason, value=printable(value)))
