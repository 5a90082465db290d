"""What the work itself costs, without anything round it: read, hash, decode, look, write, in the same worker processes.

One loop a process, no store, no ledger, no resume: the limit that a build is held against.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from annotators import images
from annotators.answers import LightAnswers
from annotators.faces import Faces
from annotators.hashes import Hashes
from annotators.masks import Masks
from schemas.errors import RowError

NETS = ("faces", "masks", "answers")
"""The models of a build: each from decoded pixels to its answer, the matte's PNG included."""
_GROUP = 100


def measure(rows: Sequence[dict[str, Any]], out: Path, workers: int) -> dict[str, float]:
    """Seconds of each step, summed over all rows and divided by `workers`, which run at the same time.

    `rows` have `image`, a path, and `cloths`. Models load, and see one picture, before the clock starts.
    """
    out.mkdir(parents=True, exist_ok=True)
    parts = [(rows[at::workers], out / f"{at}.parquet") for at in range(workers)]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        spent = pool.starmap(_work, parts, chunksize=1)
    return {step: sum(one[step] for one in spent) / workers for step in spent[0]}


def _work(rows: Sequence[dict[str, Any]], path: Path) -> dict[str, float]:
    faces, masks, answers, hashes = Faces(), Masks(), LightAnswers(), Hashes()
    spent: Counter[str] = Counter()

    @contextmanager
    def clock(step: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        spent[step] += time.perf_counter() - begun

    written: list[dict[str, Any]] = []
    groups, warm = _Groups(path), False
    for row in rows:
        with clock("read"):
            try:
                data = images.read(row["image"])
            except RowError:
                continue
        with clock("hash"):
            said: dict[str, Any] = {"sha256": hashlib.sha256(data).hexdigest(), "md5": hashlib.md5(data).hexdigest()}
        with clock("decode"):
            try:
                picture = images.decode(data).picture
            except RowError:
                continue
        batch: dict[str, Any] = {"image": [picture], "cloths": [row["cloths"]]}
        for one in () if warm else (faces, masks, answers):
            batch |= one(batch)
        warm = True
        for step, one in (("faces", faces), ("masks", masks), ("answers", answers), ("hash", hashes)):
            with clock(step):
                batch |= one(batch)
            if step == "faces" and sum(score >= faces.default_score for score in batch["scores"][0]) != 1:
                break
        else:
            written.append(said | {"image": data, **{name: batch[name][0] for name in (
                "boxes", "scores", "mask", "coverage", "answers", "phash", "phash_mirror", "thumb", "cloths")}})
        if len(written) == _GROUP:
            with clock("parquet"):
                groups.put(written)
                written.clear()
    with clock("parquet"):
        groups.put(written)
        groups.close()
    return dict(spent)


class _Groups:
    """A Parquet file, row group by row group."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None

    def put(self, rows: Sequence[dict[str, Any]]) -> None:
        if rows:
            table = pa.Table.from_pylist(rows)
            self._writer = self._writer or pq.ParquetWriter(self._path, table.schema)
            self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
