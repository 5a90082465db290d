"""The sidecar store of annotations: Parquet parts keyed by content, joined by key and never by row order.

`OUT/.annotations/NAME-IDENTITY/PART.parquet`, shared by all versions of an OUT. A part is named after its keys,
so a shard that is done again after a kill replaces the very same file.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from annotators.base import Annotator
from schemas import atomic
from schemas.errors import BuildError
from schemas.locations import Location, readable

KEY = "key"
_WIDTH = 64  # hex digits of a sha256
_AT_ONCE = 16  # parts that are read from an object store
_THREADS = min(4, os.cpu_count() or 1)  # that read from a disk


class Place(NamedTuple):
    """Where a row's answer lies: part file name and row within it."""

    part: str
    row: int


class Store:
    """Answers of one annotator. Opening it reads only the keys of its parts. Raises BuildError for a damaged part."""

    def __init__(self, root: Location, name: str, identity: str) -> None:
        self.folder = root / f"{name}-{identity[:16]}"
        self._parts: list[str] = []
        self._keys: npt.NDArray[np.bytes_] = np.empty(0, dtype=f"S{_WIDTH}")
        self._heads = _heads(self._keys)
        self._places: npt.NDArray[np.int64] = np.empty((0, 2), dtype=np.int64)
        self.refresh()

    @classmethod
    def of(cls, root: Location, annotator: Annotator) -> Store:
        """The store of an annotator below `root` (OUT/.annotations)."""
        return cls(root, annotator.name, annotator.identity)

    def refresh(self) -> None:
        """Reads the list of finished parts and their keys."""
        self._parts = sorted(path.name for path in self.folder.glob("*.parquet")
                             if not path.name.startswith(atomic.TEMPORARY))
        columns = [np.asarray(table[KEY]) for table in _read_parts(self.folder, dict.fromkeys(self._parts), [KEY])]
        sizes = [len(column) for column in columns]
        if not sizes:
            return
        keys = np.concatenate(columns).astype(f"S{_WIDTH}")
        places = np.stack([np.repeat(np.arange(len(sizes)), sizes),
                           np.concatenate([np.arange(size) for size in sizes])], axis=1)
        # The same key can stand in two parts when two runs drew other shard borders; the answers are equal.
        self._keys, first = np.unique(keys, return_index=True)
        self._heads = _heads(self._keys)
        self._places = places[first]

    def missing(self, keys: Sequence[str]) -> npt.NDArray[np.bool_]:
        """True where a key has no answer yet. Shape (len(keys),)."""
        if not len(self._keys):
            return np.ones(len(keys), dtype=bool)
        return self._find(keys)[1]

    def locate(self, keys: Sequence[str]) -> list[Place]:
        """Places of the keys, in their order. Raises KeyError for a key without an answer."""
        return [Place(self._parts[part], row) for part, row in self._located(keys).tolist()]

    def columns(self, keys: Sequence[str], names: Sequence[str]) -> dict[str, list[Any]]:
        """Values of the named columns for the keys, in their order."""
        return read(self.folder, self.locate(keys), names)

    def table(self, keys: Sequence[str], names: Sequence[str]) -> pa.Table:
        """The same as Arrow columns."""
        return _table(self.folder, self._parts, self._located(keys), names)

    def _located(self, keys: Sequence[str]) -> npt.NDArray[np.int64]:
        """Number of the part and row within it, M x 2."""
        if not keys:
            return self._places[:0]
        if not len(self._keys):
            raise KeyError(keys[0])
        at, missing = self._find(keys)
        if missing.any():
            raise KeyError(keys[int(np.argmax(missing))])
        return self._places[at]

    def _find(self, keys: Sequence[str]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        wanted, last = np.asarray(keys, dtype=f"S{_WIDTH}"), len(self._keys) - 1
        at = np.minimum(np.searchsorted(self._heads, _heads(wanted)), last)
        while (low := (self._keys[at] < wanted) & (at < last)).any():
            at += low
        return at, self._keys[at] != wanted


def _heads(keys: npt.NDArray[np.bytes_]) -> npt.NDArray[np.uint64]:
    """The first eight characters as a number, by which a key is found in a fraction of the time."""
    return keys.view(">u8")[::_WIDTH // 8].astype(np.uint64)


def read(folder: Location, places: Sequence[Place], names: Sequence[str]) -> dict[str, list[Any]]:
    """Columns at the given places, in their order; each part is opened once. Raises BuildError for a damaged part."""
    if not places:
        return {name: [] for name in names}
    parts = {part: number for number, part in enumerate(dict.fromkeys(place.part for place in places))}
    found = _table(folder, list(parts), np.asarray([(parts[place.part], place.row) for place in places]), names)
    return {name: found[name].to_pylist() for name in names}


def _table(folder: Location, parts: Sequence[str], places: npt.NDArray[np.int64], names: Sequence[str]) -> pa.Table:
    """`read`, as Arrow columns, of one place at least: its number among the parts, and the row."""
    distinct, order = np.unique(places @ (1 << 32, 1), return_inverse=True)
    part, row = np.divmod(distinct, 1 << 32)
    starts = np.flatnonzero(np.diff(part, prepend=-1))
    wanted = dict(zip((parts[number] for number in part[starts]), np.split(row, starts[1:]), strict=True))
    return pa.concat_tables(_read_parts(folder, wanted, names)).combine_chunks().take(pa.array(order))


def _read_parts(folder: Location, wanted: Mapping[str, npt.NDArray[np.int64] | None],
                names: Sequence[str]) -> list[pa.Table]:
    """The named columns of the wanted rows of each part, in ascending order, None for all; of several parts at once,
    of many below a URL, where each is a wait for the network."""
    def read_part(part: str) -> pa.Table:
        found, rows = _read_part(folder / part, names), wanted[part]
        return found if rows is None or len(rows) == len(found) else found.take(pa.array(rows))

    with ThreadPoolExecutor(_THREADS if isinstance(folder, Path) else _AT_ONCE) as pool:
        return list(pool.map(read_part, wanted))


def _read_part(path: Location, names: Sequence[str]) -> pa.Table:
    """The named columns of a part. Raises BuildError when it is damaged, OSError when it cannot be read at all."""
    try:
        with pq.ParquetFile(readable(path), page_checksum_verification=True) as file:
            return file.read(columns=list(names)).select(list(names))
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        if isinstance(error, OSError) and (error.errno is not None or type(error) is not OSError):
            raise  # the system's word: permissions, a failing disk, a network that is down
        raise BuildError(f"{path}: this part of the annotation store is damaged ({error}); delete the file, which is "
                         "safe (its rows are looked at again), and run the same command again") from None


def write_part(folder: Location, schema: pa.Schema, keys: Sequence[str], columns: dict[str, list[Any]]) -> None:
    """Writes one finished shard under a name derived from its keys."""
    name = hashlib.sha256("\n".join(keys).encode()).hexdigest()[:24]
    arrays = [pa.array(keys, pa.string()), *(pa.array(columns[field.name], field.type) for field in schema)]
    table = pa.Table.from_arrays(arrays, schema=pa.schema([pa.field(KEY, pa.string()), *schema]))
    with atomic.replacing(folder / f"{name}.parquet") as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)
