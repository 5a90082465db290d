"""Metadata as later copies hold it: JSON Lines, one JSON array, or Parquet. All of it comes as lines of JSON, block by
block, so that memory stays flat and one reader joins them all.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from builders.sources.lines import MAX_LINE, OVERLONG, Lines, Piece, is_metadata

ROWS = 2048
"""Rows of a Parquet file that are read at a time."""

KINDS = ("general", "artist", "copyright", "character", "meta")
_PLAIN = ("id", "rating", "md5", "parent_id", "is_deleted", "is_banned", "is_pending", "is_flagged")
_DATES = ("created_at", "updated_at")

_ARRAY = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[\s*(?:[{\]]|$)")
_BETWEEN = re.compile(r"[\s,\[\]]*")


def is_export(name: str) -> bool:
    """Whether a file's name is one of metadata: as `is_metadata`, or Parquet."""
    return is_metadata(name) or name.endswith(".parquet")


def open_export(path: Path) -> Lines | None:
    """Reader of a file of metadata; None for Parquet without columns of posts, such as a list of tags."""
    if path.suffix == ".parquet":
        table = Table(path)
        return table if table.columns or not table.whole else None
    return Array(path) if _ARRAY.match(Lines(path).head()) else Lines(path)


class Told(Lines):
    """A file of another form, which is told as lines: no other process could read a piece of it."""

    def pieces(self) -> Iterator[Piece]:
        """All lines in pieces that carry them."""
        return (Piece(self.path, data=b"\n".join(lines)) for lines in self.blocks())


class Array(Told):
    """One JSON array, its elements as the lines."""

    def blocks(self) -> Iterator[list[bytes]]:
        """Lists of lines. A damaged array ends where the damage begins: nobody knows where the next element starts."""
        decoder, utf8 = json.JSONDecoder(), codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        text = ""
        for chunk in chain(self._chunks(), [b""]):
            # After damage the rest is read for its digest only.
            text = text + utf8.decode(chunk) if self.whole or text else ""
            found, at = list[bytes](), 0
            while (at := _end(_BETWEEN, text, at)) < len(text):
                try:
                    _, end = decoder.raw_decode(text, at)
                except (ValueError, RecursionError):  # most often cut by the block's end
                    break
                found.append(text[at:end].replace("\n", " ").encode("utf-8", "surrogateescape"))
                at = end
            text = text[at:]
            if len(text) > MAX_LINE or (text and not chunk):
                found, text, self.whole = [*found, OVERLONG], "", False
            yield found


class Table(Told):
    """A Parquet file, a row as a line with the keys of a record. Raises nothing over what the file holds."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.columns: dict[str, str] = {}
        try:
            self.columns = _columns(pq.read_schema(path))
        except (pa.ArrowException, OSError, UnicodeDecodeError):  # the last for a column's name
            self.whole = False

    def blocks(self) -> Iterator[list[bytes]]:
        """Lists of lines of ROWS rows."""
        for _ in self._chunks():  # for the digest
            pass
        if not self.whole:
            return
        names = list(self.columns.values())
        try:
            with pq.ParquetFile(self.path, pre_buffer=False) as table:
                for batch in table.iter_batches(ROWS, columns=names):
                    yield list(_lines(batch.select(names).rename_columns(list(self.columns))))
        except (pa.ArrowException, OSError):
            self.whole = False


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _columns(schema: pa.Schema) -> dict[str, str]:
    """Column by key of a record, "id" first; {} when these are no posts.

    Tags of a kind stand in `tag_string_KIND`, `tags_KIND` or `tag_list_KIND`, as text or as a list, or all of them in
    `tags` as in the 2017-2020 style. Of columns that share a name nobody knows which is meant, so none is taken.
    """
    names = _single(schema.names)
    found = {name: name for name in _PLAIN if name in names}
    # Dates only tell 2017-2020 from later, so only text as it was written then is looked at.
    text = (pa.string(), pa.large_string())
    found |= {name: name for name in _DATES if name in names and schema.field(name).type in text}
    for kind in KINDS:
        here = [name for name in (f"tag_string_{kind}", f"tags_{kind}", f"tag_list_{kind}") if name in names]
        if here:
            found[f"tag_string_{kind}"] = here[0]
    # Lists of any kind, large ones and views too, have a `value_type`.
    nested = getattr(schema.field("tags").type, "value_type", pa.null()) if "tags" in names else pa.null()
    if pa.types.is_struct(nested) and len(_single([field.name for field in nested])) == nested.num_fields:
        found["tags"] = "tags"
    return found if "id" in found and found.keys() & {"tags", "tag_string_general"} else {}


def _single(names: Sequence[str]) -> set[str]:
    """Names that stand once."""
    return {name for name, count in Counter(names).items() if count == 1}


def _lines(batch: pa.RecordBatch) -> Iterator[bytes]:
    try:
        rows = batch.to_pylist()
        if "binary" in str(batch.schema):
            rows = _text(rows)
    except UnicodeDecodeError:  # a text that is no UTF-8 costs its own row only
        for at in range(batch.num_rows):
            yield from _lines(batch.slice(at, 1)) if batch.num_rows > 1 else [OVERLONG]
        return
    for row in rows:
        yield msgspec.json.encode({name: _value(name, value) for name, value in row.items()})


def _text(value: Any) -> Any:
    """The value with text for bytes: some writers do not say that a column is text. Raises UnicodeDecodeError."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return [_text(one) for one in value]
    return {name: _text(one) for name, one in value.items()} if isinstance(value, dict) else value


def _value(name: str, value: Any) -> Any:
    if isinstance(value, list) and name != "tags":
        return " ".join(str(tag).strip().replace(" ", "_") for tag in value if tag is not None)
    if isinstance(value, float):  # integers beside nulls, as pandas writes them
        return int(value) if value.is_integer() else None
    return value
