"""The FAISS index beside a pool: row i of the index is row i of the split `pool`.

Up to FLAT_ROWS vectors it holds them as they are and every answer is exact. Above, an inverted file of float16 codes:
of the kinds that were measured (benchmarks/README.md) it had the best recall at any speed; plain 8-bit codes stall near
0.97, and refining them costs more than it saves. Cells are trained on, and recall is measured on, rows that a hash of
their numbers chooses. Vectors have unit length, so that the inner product is the cosine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from schemas import atomic
from schemas.errors import UsageError
from schemas.locations import Location, readable

Vectors = npt.NDArray[np.float32]
"""N x width, of unit length."""

FOLDER, FILE, FACTS = "index", "pool.faiss", "index.json"
"""In a version's folder: the folder of the index, and in it the index and what is told of it."""

POOL = "pool"
"""The split that is indexed."""

FLAT_ROWS = 200_000
"""Vectors up to which the index is exact."""

_AIM = 0.99
"""Recall@10 that the number of searched cells is chosen for."""
_TRAINED = 40
"""Rows for each cell that cells are trained on; FAISS warns below 39."""
_ROUNDS = 6
"""Rounds of k-means; later ones move little."""
_QUERIES = 500
"""Rows that recall is measured on."""
_NEAREST, _DEEP = 10, 32
"""Neighbours that count, and those known of each query: some may be just as near as the last that counts."""
_BLOCK = 16_384
"""Vectors in memory at once, beside the index."""
_ALIKE = 1e-6
"""Cosines that differ by less are equal: rounding."""
_PLACE = re.compile(r".*\.(cpp|h):\d+: (Error: )?")
"""What FAISS says before what is wrong: a function of its own and a line of its source."""


class Facts(msgspec.Struct, frozen=True):
    """What `index.json` tells of an index."""

    metric: str
    factory: str
    """As `faiss.index_factory` reads it."""
    parameters: dict[str, int]
    """`nprobe`: cells that are searched."""
    rows: int
    width: int
    recall_at_10: float
    """Share of the ten nearest other rows that a search for a row finds, 0..1, over a sample of rows."""
    dataset: str
    """Content digest of the dataset that it is made of."""


def build_index(vectors: Callable[[], Iterable[Vectors]], rows: int, width: int, folder: Path, dataset: str) -> Facts:
    """Writes `folder`/pool.faiss and `folder`/index.json. `vectors` gives all of them in row order, in pieces of any
    length, each time it is called (twice at most); `dataset` is the content digest of the version. Raises ValueError
    when they are not `rows` in all."""
    import faiss

    parameters: dict[str, int] = {}
    if rows <= FLAT_ROWS:
        index, factory, recall = faiss.IndexFlatIP(width), "Flat", 1.0
        for block in _blocks(vectors()):
            index.add(block)
    else:
        index, factory, parameters, recall = _cells(vectors, rows, width)
    if index.ntotal != rows:
        raise ValueError(f"{index.ntotal} vectors for {rows} rows")
    facts = Facts("inner_product", factory, parameters, rows, width, round(recall, 4), dataset)
    with atomic.replacing(folder / FILE) as temporary, temporary.open("wb") as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))
    atomic.write(folder / FACTS, msgspec.json.format(msgspec.json.encode(facts)) + b"\n")
    return facts


def read_facts(folder: Location) -> Facts:
    """What is told of a version's index. Raises UsageError when it has none or that cannot be read."""
    path = folder / FOLDER / FACTS
    try:
        return msgspec.json.decode(path.read_bytes(), type=Facts)
    except FileNotFoundError:
        raise UsageError("this version has no index", seen=str(folder), allowed="a pool that `build coti` published",
                         next_command="build coti ... --out OUT") from None
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"{FOLDER}/{FACTS} cannot be read: {error}", seen=str(folder),
                         next_command=f"build verify {folder}") from None


def read_index(folder: Location) -> Any:
    """A version's FAISS index. Raises OSError or ValueError when it cannot be read."""
    import faiss

    handle: Any
    with (folder / FOLDER / FILE).open("rb") as handle:
        try:
            return faiss.read_index(faiss.BufferedIOReader(faiss.PyCallbackIOReader(handle.read)))
        except RuntimeError as error:  # of FAISS: a place in its source, then what is wrong
            raise ValueError(_PLACE.sub("", str(error).splitlines()[-1])) from None


def stored(paths: Sequence[Location], column: str = "embedding") -> Iterator[Vectors]:
    """The vectors of published shards, in order, in pieces. Raises OSError, ValueError or pa.ArrowException when they
    cannot be read or one is missing."""
    for path in paths:
        with pq.ParquetFile(readable(path), pre_buffer=False) as shard:
            if column not in shard.schema_arrow.names:
                raise ValueError(f"{path.name}: no column {column}")
            for batch in shard.iter_batches(_BLOCK, columns=[column]):
                found = batch.column(0)
                if found.null_count:
                    raise ValueError(f"{path.name}: a row has no {column}")
                yield found.flatten().to_numpy().reshape(len(found), -1)


def _cells(vectors: Callable[[], Iterable[Vectors]], rows: int,
           width: int) -> tuple[Any, str, dict[str, int], float]:
    """An inverted file: the index, its name, its parameters, its recall. Its bytes are the same with any number of
    threads."""
    import faiss

    cells = 1 << round(math.log2(2 * math.sqrt(rows)))
    order = np.argsort(_hashed(rows), kind="stable")
    asked = np.sort(order[:_QUERIES])
    learnt, queries = _taken(vectors(), [np.sort(order[:_TRAINED * cells]), asked], width)
    factory = f"IVF{cells},SQfp16"
    index = faiss.index_factory(width, factory, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter = _ROUNDS
    index.train(learnt)
    del learnt
    nearest = _Nearest(queries)
    for block in _blocks(vectors()):
        nearest.see(block, index.ntotal)
        index.add(block)
    for probed in (1 << power for power in range(cells.bit_length())):
        index.nprobe = probed
        recall = nearest.recall(index.search(queries, _NEAREST + 1)[1], asked)
        if recall >= _AIM:
            break
    return index, factory, {"nprobe": index.nprobe}, recall


class _Nearest:
    """The rows nearest to each query, found in blocks of rows that pass by."""

    def __init__(self, queries: Vectors) -> None:
        self._queries = queries
        self._cosines = np.empty((len(queries), 0), np.float32)
        self._rows = np.empty((len(queries), 0), np.int64)

    def see(self, block: Vectors, first: int) -> None:
        """A further block; `first` is the number of its first row."""
        import faiss

        cosines, rows = faiss.knn(self._queries, block, min(_DEEP, len(block)), metric=faiss.METRIC_INNER_PRODUCT)
        cosines, rows = np.hstack([self._cosines, cosines]), np.hstack([self._rows, rows + first])
        best = np.argsort(-cosines, axis=1, kind="stable")[:, :_DEEP]
        self._cosines, self._rows = (np.take_along_axis(one, best, 1) for one in (cosines, rows))

    def recall(self, found: npt.NDArray[np.int64], asked: npt.NDArray[np.int64]) -> float:
        """Share of the nearest that stand in `found` (rows, best first, -1 for none), the queries' own rows left out;
        of equally near ones any counts."""
        hits = 0
        for own, rows, cosines, answer in zip(asked, self._rows, self._cosines, found, strict=True):
            others = rows != own
            near = rows[others][cosines[others] >= cosines[others][_NEAREST - 1] - _ALIKE]
            hits += np.isin(answer[answer != own][:_NEAREST], near).sum()
        return float(hits) / (_NEAREST * len(asked))


def _hashed(rows: int) -> npt.NDArray[np.uint64]:
    """A number for each row, as good as drawn, the same for ever (the finalizer of splitmix64)."""
    found = np.arange(1, rows + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        found = (found ^ (found >> np.uint64(shift))) * np.uint64(factor)
    return found ^ (found >> np.uint64(31))


def _taken(pieces: Iterable[Vectors], wanted: Sequence[npt.NDArray[np.int64]], width: int) -> list[Vectors]:
    """The rows of those numbers (ascending), for each list of numbers."""
    found = [np.empty((len(numbers), width), np.float32) for numbers in wanted]
    start = 0
    for piece in pieces:
        for numbers, vectors in zip(wanted, found, strict=True):
            low, high = np.searchsorted(numbers, (start, start + len(piece)))
            vectors[low:high] = piece[numbers[low:high] - start]
        start += len(piece)
    return found


def _blocks(pieces: Iterable[Vectors]) -> Iterator[Vectors]:
    """The same vectors in blocks of _BLOCK or a little more, as fast matrix products need them."""
    held: list[Vectors] = []
    for piece in pieces:
        held.append(piece)
        if sum(map(len, held)) >= _BLOCK:
            yield np.ascontiguousarray(np.concatenate(held), np.float32)
            held = []
    if held:
        yield np.ascontiguousarray(np.concatenate(held), np.float32)
