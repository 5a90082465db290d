"""Runs annotators over the rows that are left, and reads back what they said.

Nothing is asked twice: an answer is keyed by what was looked at and by the annotator's identity, so tightening a
threshold runs no model and loosening one shows models only the rows that they never saw.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from annotators.base import Annotator
from builders.engines import Local
from builders.files import fingerprint
from builders.ledger import Ledger, Row
from builders.progress import Progress
from builders.select import cloths
from builders.store import Place, Store
from builders.visits import FILE_FACTS, Annotate, FileRow, Keeps, Limits, PictureRow, ReadFiles
from builders.workspace import Workspace
from schemas.records import Drop, Post, Stage, drop

SHARD_ROWS = 512
"""Rows of a shard: what a killed worker may have to do again."""

POST_COLUMNS: Mapping[str, Callable[[Post], Any]] = {"cloths": cloths}
"""Columns of a post that an annotator may need."""

T = TypeVar("T")
Judge = Callable[[Row, Mapping[str, Any]], Drop | None]
"""A filter after a model: the row and the annotator's columns, to keep (None) or Drop."""


@dataclass
class Look:
    """All that looking at pictures takes. `given_by` remembers the annotators that ran, by the column they give."""

    work: Workspace
    engine: Local[Any, Any]
    ledger: Ledger
    progress: Progress
    limits: Limits

    def __post_init__(self) -> None:
        self.given_by: dict[str, Annotator] = {}
        self._stores: dict[str, Store] = {}

    def read_files(self, judge: Callable[[Row, str], Drop | None]) -> None:
        """Stage "file": reads and decodes every file once; what cannot be decoded is dropped with its reason.

        `judge` is asked of the rest, with the md5 of the file.
        """
        facts = Store(self.work.annotations, "files", _files_identity(self.limits))
        rows_in = len(self.ledger)
        self._fingerprint_files()
        failed: dict[str, tuple[str, str]] = {}
        with self.progress.bar("file", rows_in) as bar:
            shards = _shards(self._unread(facts, bar.advance), rows_in, self.engine.workers)
            for done, kept, lost in self.engine.run(ReadFiles(facts.folder, self.limits), shards):
                failed |= lost
                bar.advance(done, kept)
        facts.refresh()
        for rows in self.ledger.rows():
            self._judge_files(rows, facts, failed, judge)
        self.ledger.drop_singletons("file")
        self.progress.step(self.ledger.close_stage("file", rows_in))

    def _fingerprint_files(self) -> None:
        for rows in self.ledger.rows():
            stamped, gone = [], []
            for row in rows:
                try:
                    stamped.append(row._replace(key=fingerprint(row.post.path)))
                except OSError as error:
                    reason = "missing_file" if isinstance(error, FileNotFoundError) else "unreadable"
                    gone.append((row.post.id, drop(reason, value=error.strerror)))
            self.ledger.fill(stamped)
            self.ledger.drop(gone)

    def _unread(self, facts: Store, known: Callable[[int], None]) -> Iterator[FileRow]:
        for rows in self.ledger.rows():
            missing = facts.missing([row.key for row in rows])
            known(len(rows) - int(missing.sum()))
            yield from (FileRow(row.key, row.post.path) for row, lacks in zip(rows, missing, strict=True) if lacks)

    def _judge_files(self, rows: Sequence[Row], facts: Store, failed: Mapping[str, tuple[str, str]],
                     judge: Callable[[Row, str], Drop | None]) -> None:
        read = [row for row in rows if row.key not in failed]
        drops = [(row.post.id, drop(reason, value=detail)) for row in rows if row.key in failed
                 for reason, detail in [failed[row.key]]]
        columns = facts.columns([row.key for row in read], FILE_FACTS.names)
        filled = []
        for row, sha, md5, width, height, size, reason, detail in zip(
                read, *(columns[name] for name in FILE_FACTS.names), strict=True):
            filled.append(row._replace(sha256=sha, key=sha, width=width, height=height, bytes=size))
            allowed = (f"{self.limits.max_pixels} pixels, {self.limits.max_bytes} bytes" if reason == "too_large"
                       else "")
            why = drop(reason, value=detail, threshold=allowed) if reason else judge(filled[-1], md5)
            if why is not None:
                drops.append((row.post.id, why))
        self.ledger.fill(filled)
        self.ledger.drop(drops)

    def ask(self, annotator: Annotator, stage: Stage, wanted: Callable[[Row], bool] = lambda row: True,
            keeps: Keeps | None = None) -> None:
        """Shows the annotator every wanted row that it never saw. Its columns can be read afterwards.

        `keeps`, which workers can be sent, lets progress tell the keep rate of what is seen for the first time.
        """
        answers = Store.of(self.work.annotations, annotator)
        inputs = {name: self._stores[name] for name in annotator.needs if name in self._stores}
        folders = {name: held.folder for name, held in inputs.items()}
        task = Annotate(annotator, answers.folder, folders, self.limits, keeps)
        with self.progress.bar(stage, len(self.ledger)) as bar:
            unseen = self._unseen(annotator, answers, inputs, wanted, bar.advance)
            for done, kept in self.engine.run(task, _shards(unseen, len(self.ledger), self.engine.workers)):
                bar.advance(done, kept)
        answers.refresh()
        for name in annotator.features.names:
            self.given_by[name], self._stores[name] = annotator, answers

    def _unseen(self, annotator: Annotator, answers: Store, inputs: Mapping[str, Store],
                wanted: Callable[[Row], bool], known: Callable[[int], None]) -> Iterator[PictureRow]:
        asked: set[str] = set()  # two posts may hold the same bytes
        for batch in self.ledger.rows():
            rows = [row for row in batch if wanted(row)]
            keys = [key_for(annotator, row) for row in rows]
            missing: Iterable[bool] = answers.missing(keys) if keys else []
            known(len(batch) - int(sum(missing)))
            lacking = [row for row, lacks in zip(rows, missing, strict=True) if lacks]
            places = {name: held.locate([key_for(self.given_by[name], row) for row in lacking])
                      for name, held in inputs.items()}
            for at, row in enumerate(lacking):
                if (key := key_for(annotator, row)) not in asked:
                    asked.add(key)
                    yield PictureRow(key, row.post.path, row.sha256, row.box,
                                     {name: found[at] for name, found in places.items()},
                                     _values(annotator, row.post))

    def columns(self, rows: Sequence[Row], names: Sequence[str]) -> dict[str, list[Any]]:
        """What the annotators said of these rows."""
        return {name: self._stores[name].columns([key_for(self.given_by[name], row) for row in rows], [name])[name]
                for name in names}

    def places(self, rows: Sequence[Row], name: str) -> list[Place]:
        """Where one column's values of these rows lie in its store."""
        return self._stores[name].locate([key_for(self.given_by[name], row) for row in rows])

    def store_of(self, name: str) -> Store:
        """The store that holds a column."""
        return self._stores[name]

    def judge(self, stage: Stage, names: Sequence[str], decide: Judge) -> None:
        """Drops what `decide` does not keep, then the singletons; closes the stage."""
        rows_in = len(self.ledger)
        for rows in self.ledger.rows():
            said = self.columns(rows, names)
            verdicts = ((row.post.id, decide(row, {name: said[name][at] for name in names}))
                        for at, row in enumerate(rows))
            self.ledger.drop([(row, why) for row, why in verdicts if why is not None])
        self.ledger.drop_singletons(stage)
        self.progress.step(self.ledger.close_stage(stage, rows_in))


def key_for(annotator: Annotator, row: Row) -> str:
    """Key of an annotator's answer on a row: the pixels, and the post's columns where it reads them."""
    values = _values(annotator, row.post)
    if not values:
        return row.key
    said = json.dumps([row.key, values], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()


def _values(annotator: Annotator, post: Post) -> dict[str, Any]:
    return {name: list(POST_COLUMNS[name](post)) for name in annotator.needs if name in POST_COLUMNS}


def _shards(rows: Iterable[T], total: int, workers: int) -> Iterator[list[T]]:
    # Small jobs are cut finer, so that every worker has something to do.
    size = max(16, min(SHARD_ROWS, math.ceil(total / (4 * workers))))
    left = iter(rows)
    while shard := list(islice(left, size)):
        yield shard


def _files_identity(limits: Limits) -> str:
    said = {"decoder": 1, "facts": FILE_FACTS.names, "max_bytes": limits.max_bytes, "max_pixels": limits.max_pixels}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
