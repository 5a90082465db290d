"""Lists of web addresses, with what is said of the pictures there: text, CSV, JSON Lines or Parquet, plain or gzip.

Only a block of a list is in memory at a time. An entry that cannot be used costs its own row.
"""

from __future__ import annotations

import csv
import gzip
import shutil
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from builders.pools.base import COLUMNS, Addresses, Pool, Rows, columns_of, json_object
from builders.sources.lines import Lines
from schemas.errors import UsageError

ROWS = 2048
"""Rows of a Parquet file that are read at a time."""

Entry = tuple[int, Mapping[str, Any] | str]
"""An entry's number in the list, from 1, and its values by the fields of COLUMNS, or what is wrong with it."""


class UrlList(Pool):
    """The addresses of the list `path`. Raises UsageError when it is no list that can be read."""

    name = "urls"

    def __init__(self, path: Path, limit: int = 0) -> None:
        super().__init__(f"urls:{path.name}", path.parent, limit)
        self.path = path
        if not is_list(path):
            raise UsageError("--pool is no list of addresses", seen=path.name,
                             allowed=f"a file {', '.join(_READERS)}, plain or .gz")
        if not path.is_file():  # a pipe would hang
            raise UsageError("--pool is no file", seen=str(path), allowed="a list of addresses")
        self._read = _READERS[_kind(path)]

    def rows(self) -> Rows:
        """The entries in the order of the list, each address once."""
        addresses = Addresses(self.path.name)
        for number, said in self._read(self):
            if isinstance(said, str):
                yield addresses.refused(number, "bad_url", said)
            else:
                yield addresses.row(number, said)

    def _text(self) -> Iterator[Entry]:
        for number, line in self._lines():
            if (url := line.strip()) and not url.startswith("#"):
                yield number, {"url": url}
            else:
                self.count("blank_lines")

    def _commas(self) -> Iterator[Entry]:
        return self._separated(",")

    def _tabs(self) -> Iterator[Entry]:
        return self._separated("\t")

    def _separated(self, delimiter: str) -> Iterator[Entry]:
        reader = csv.reader((line + "\n" for _, line in self._lines()), delimiter=delimiter, strict=True)
        try:
            names = next(reader, [])
        except csv.Error as error:
            raise self._unread(f"its header: {error}") from None
        held = self._columns(names)
        at = {field: names.index(name) for field, name in held.items()}
        while True:
            first = reader.line_num + 1
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield first, f"lines {first} to {reader.line_num}: {error}"
                continue
            if not values:
                self.count("blank_lines")
            elif len(values) != len(names):
                yield first, f"{len(values)} values, not {len(names)}"
            else:
                yield first, {field: values[column] for field, column in at.items()}

    def _json(self) -> Iterator[Entry]:
        for number, line in self._lines():
            if not line.strip():
                self.count("blank_lines")
                continue
            said = json_object(line)
            fields = {} if said is None else columns_of(list(said))
            yield number, "no JSON object" if said is None else {field: said[name] for field, name in fields.items()}

    def _parquet(self) -> Iterator[Entry]:
        try:
            with _unpacked(self.path) as file, pq.ParquetFile(file, pre_buffer=False) as table:
                single = [name for name, count in Counter(table.schema_arrow.names).items() if count == 1]
                names = self._columns(single)
                number = 0
                for batch in table.iter_batches(ROWS, columns=list(names.values())):
                    for said in _values(batch, names):
                        number += 1
                        yield number, said
        except (pa.ArrowException, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise self._unread(str(error).partition("\n")[0]) from None

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Lines with their numbers, from 1. A line too long to be read becomes one that is no entry."""
        lines, number = Lines(self.path), 0
        for block in lines.blocks():
            for line in block:
                number += 1
                yield number, line.removesuffix(b"\r").decode("utf-8", "surrogateescape")
        if not lines.whole:
            raise self._unread(f"damaged or cut off after line {number}")

    def _columns(self, names: list[str]) -> dict[str, str]:
        found = columns_of(names)
        if "url" not in found:
            raise UsageError("--pool lists no addresses: it has no column for them", seen=", ".join(names)[:200],
                             allowed=f"a column {' or '.join(COLUMNS['url'])}")
        return found

    def _unread(self, why: str | None) -> UsageError:
        return UsageError(f"--pool cannot be read: {why}", seen=self.path.name,
                          allowed="a whole file that may be read")


_READERS: Mapping[str, Callable[[UrlList], Iterator[Entry]]] = {
    ".txt": UrlList._text, ".csv": UrlList._commas, ".tsv": UrlList._tabs, ".jsonl": UrlList._json,
    ".ndjson": UrlList._json, ".parquet": UrlList._parquet}


def is_list(path: Path) -> bool:
    """Whether the name is that of a list."""
    return _kind(path) in _READERS


def _kind(path: Path) -> str:
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower()


@contextmanager
def _unpacked(path: Path) -> Iterator[Any]:
    """What pyarrow reads: the file, or where it is packed a scratch file, as Parquet is not read from front to back."""
    if path.suffix != ".gz":
        yield path
        return
    with gzip.open(path) as packed, tempfile.TemporaryFile() as scratch:
        shutil.copyfileobj(packed, scratch)
        yield scratch


def _values(batch: pa.RecordBatch, names: Mapping[str, str]) -> Iterator[Mapping[str, Any] | str]:
    """Each row's values. A text that is no UTF-8 costs its own row only."""
    try:
        # Some writers do not say that a column is text.
        columns = {field: [value.decode() if isinstance(value, bytes) else value
                           for value in batch.column(name).to_pylist()] for field, name in names.items()}
    except UnicodeDecodeError:
        for at in range(batch.num_rows):
            yield from _values(batch.slice(at, 1), names) if batch.num_rows > 1 else ["no UTF-8"]
        return
    for at in range(batch.num_rows):
        yield {field: values[at] for field, values in columns.items()}
