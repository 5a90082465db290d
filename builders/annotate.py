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

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from annotators.base import Annotator
from builders.engines import Engine
from builders.files import fingerprint, plain
from builders.ledger import Brief, Ledger, Row
from builders.select import cloths
from builders.store import Place, Store
from builders.visits import FILE_FACTS, RETRYABLE, FileRow, Keeps, Limits, Link, PictureRow, ReadFiles, Visit
from builders.workspace import Workspace
from schemas.errors import UsageError
from schemas.records import Drop, Post, Stage, drop
from schemas.terminal.progress import Progress

SHARD_ROWS = 512
"""Rows of a shard: what a killed worker may have to do again."""

POST_COLUMNS: Mapping[str, Callable[[Post], Any]] = {"cloths": lambda post: list(cloths(post)),
                                                     "outfit_hint": lambda post: post.outfit_hint}
"""Columns of a post that a filter may need; of them an annotator may need `cloths` alone, see `key_for`."""

T = TypeVar("T")


@dataclass
class Look:
    """All that looking at pictures takes. `given_by` remembers the annotators that ran, by the column they give."""

    work: Workspace
    engine: Engine
    ledger: Ledger
    progress: Progress
    limits: Limits
    seen: bool = False
    """Whether shard jobs have looked at all of it: then nothing is looked at, and what they did not see is refused."""

    def __post_init__(self) -> None:
        self.given_by: dict[str, Annotator] = {}
        self._stores: dict[str, Store] = {}

    def read_files(self, judge: Callable[[Row, str], Drop | None]) -> None:
        """Reads and hashes every file once; what cannot be read is dropped with its reason.

        `judge` is asked of the rest, with the md5 of the file. The stage "file" stays open: `judge` closes it when the
        pictures have been decoded.
        """
        facts = Store(self.work.annotations, "files", _files_identity(self.limits))
        rows_in = len(self.ledger)
        self._fingerprint_files()
        failed: dict[str, tuple[str, str]] = {}
        task = ReadFiles(facts.folder, self.limits)
        with self.progress.bar("file", rows_in) as bar:
            unread = self._unread(facts, bar.advance)
            if self.seen:
                failed = _still_failing(unread, task)
            for done, lost in self.engine.run(task, _shards(unread, rows_in, self.engine.workers)):
                failed |= lost
                bar.advance(done)
        facts.refresh()
        for rows in self.ledger.rows():
            self._judge_files(rows, facts, failed, judge)

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
        facts_of = zip(*(columns[name] for name in FILE_FACTS.names), strict=True)
        for row, (sha, md5, size, reason, detail) in zip(read, facts_of, strict=True):
            filled.append(row._replace(sha256=sha, key=sha, bytes=size))
            allowed = self.limits.told if reason == "too_large" else ""
            why = drop(reason, value=detail, threshold=allowed) if reason else judge(filled[-1], md5)
            if why is not None:
                drops.append((row.post.id, why))
        self.ledger.fill(filled)
        self.ledger.drop(drops)

    def visit(self, chain: Sequence[Link], wanted: Callable[[Row], bool] = lambda row: True) -> None:
        """Shows every wanted row that the first annotator of the chain never saw to it and, as far as the filters let
        it pass, to the others too, in one visit of the picture. Their columns can be read afterwards.

        The filters only spare work and tell progress the keep rate: verdicts are given by `judge`.
        """
        stores = [self._opened(link.annotator) for link in chain]
        read = {name for link in chain for name in _read_by(link) if name in self._stores}
        task = Visit(tuple(chain), [answers.folder for answers in stores],
                     {name: self._stores[name].folder for name in sorted(read)}, self.limits)
        news = False
        with self.progress.bar(chain[0].stage, len(self.ledger)) as bar:
            unseen = self._unseen(chain, wanted, bar.advance)
            if self.seen and (new := next(unseen, None)) is not None:
                raise _never_seen(new.path)
            for done, kept in self.engine.run(task, _shards(unseen, len(self.ledger), self.engine.workers)):
                bar.advance(done, kept)
                news = True
        for answers in stores if news else ():
            answers.refresh()

    def _opened(self, annotator: Annotator) -> Store:
        """The annotator's store, whose columns can be read from now on."""
        first = annotator.features.names[0]
        if self.given_by.get(first) is not annotator:
            answers = Store.of(self.work.annotations, annotator)
            for name in annotator.features.names:
                self.given_by[name], self._stores[name] = annotator, answers
        return self._stores[first]

    def _unseen(self, chain: Sequence[Link], wanted: Callable[[Row], bool],
                known: Callable[[int], None]) -> Iterator[PictureRow]:
        asked: set[bytes] = set()  # two posts may hold the same bytes
        for batch in self.ledger.rows():
            rows = [row for row in batch if wanted(row)]
            rows = [row for row, lacks in zip(rows, self._lacking(chain[0], rows), strict=True) if lacks]
            known(len(batch) - len(rows))
            lacking = [self._lacking(link, rows) for link in chain]
            places = self._inputs(chain, rows, lacking)
            for at, row in enumerate(rows):
                keys = tuple(key_for(link.annotator, row) if lack[at] else ""
                             for link, lack in zip(chain, lacking, strict=True))
                if (mark := hashlib.sha256("".join(keys).encode()).digest()[:16]) not in asked:
                    asked.add(mark)
                    values = _values([name for link in chain for name in _read_by(link)], row.post)
                    yield PictureRow(keys, row.post.path, row.sha256, row.box, places[at], values)

    def _lacking(self, link: Link, rows: Sequence[Row]) -> list[bool]:
        """Whether the annotator never saw the row."""
        held = self._stores[link.annotator.features.names[0]]
        return [bool(lack) for lack in held.missing([key_for(link.annotator, row) for row in rows])]

    def _inputs(self, chain: Sequence[Link], rows: Sequence[Row],
                lacking: Sequence[Sequence[bool]]) -> list[dict[str, Place]]:
        """For each row the places of the stored columns that its visit reads."""
        found: list[dict[str, Place]] = [{} for _ in rows]
        made = {name: lacks for link, lacks in zip(chain, lacking, strict=True)
                for name in link.annotator.features.names}
        for link, lacks in zip(chain, lacking, strict=True):
            for name in (name for name in _read_by(link) if name in self._stores):
                new = made.get(name, [False] * len(rows))
                there = [at for at, lack in enumerate(lacks) if lack and not new[at]]
                for at, place in zip(there, self.places([rows[at] for at in there], name), strict=True):
                    found[at][name] = place
        return found

    def columns(self, rows: Sequence[Row], names: Sequence[str]) -> dict[str, list[Any]]:
        """What the annotators said of these rows."""
        found: dict[str, list[Any]] = {}
        for held, keys, some in self._asked(rows, names):
            found |= held.columns(keys, some)
        return found

    def arrays(self, rows: Sequence[Row | Brief], names: Sequence[str]) -> dict[str, pa.ChunkedArray]:
        """The same as Arrow columns, of one row at least."""
        found: dict[str, pa.ChunkedArray] = {}
        for held, keys, some in self._asked(rows, names):
            found |= zip(some, held.table(keys, some).columns, strict=True)
        return found

    def vectors(self, rows: Sequence[Row], name: str) -> npt.NDArray[np.float32]:
        """A column of embeddings as one array, rows x width, of one row at least."""
        found = self.arrays(rows, [name])[name].combine_chunks()
        return np.asarray(found.flatten().to_numpy().reshape(len(rows), -1), np.float32)

    def _asked(self, rows: Sequence[Row | Brief], names: Sequence[str]) -> Iterator[tuple[Store, list[str], list[str]]]:
        """Each store that holds some of the columns, the keys of the rows there, and those columns."""
        for annotator in {id(one): one for one in map(self.given_by.__getitem__, names)}.values():
            some = [name for name in names if self.given_by[name] is annotator]
            yield self._stores[some[0]], [key_for(annotator, row) for row in rows], some

    def places(self, rows: Sequence[Row], name: str) -> list[Place]:
        """Where one column's values of these rows lie in its store."""
        return self._stores[name].locate([key_for(self.given_by[name], row) for row in rows])

    def store_of(self, name: str) -> Store:
        """The store that holds a column."""
        return self._stores[name]

    def measure(self) -> None:
        """Notes width and height of every row's picture as it was decoded."""
        for rows in self.ledger.rows():
            said = self.columns(rows, ["width", "height"])
            self.ledger.fill(row._replace(width=width, height=height)
                             for row, width, height in zip(rows, said["width"], said["height"], strict=True))

    def judge(self, stage: Stage, keeps: Keeps | None) -> None:
        """Drops what the filter does not keep, then the singletons; closes the stage."""
        if keeps is not None:
            for rows in self.ledger.rows():
                said = self.columns(rows, [name for name in keeps.columns if name not in POST_COLUMNS])
                verdicts = ((row.post.id, keeps({name: values[at] for name, values in said.items()}
                                                | _values(keeps.columns, row.post))) for at, row in enumerate(rows))
                self.ledger.drop([(row, why) for row, why in verdicts if why is not None])
        self.ledger.drop_singletons(stage)
        self.progress.step(self.ledger.close_stage(stage, self.ledger.funnel[-1].rows_out))


def key_for(annotator: Annotator, row: Row | Brief) -> str:
    """Key of an annotator's answer on a row: the pixels, and what is told of the post where it reads that."""
    if "cloths" not in annotator.needs:
        return row.key
    return hashlib.sha256(f'["{row.key}",{row.told}]'.encode()).hexdigest()


def _values(names: Iterable[str], post: Post) -> dict[str, Any]:
    return {name: POST_COLUMNS[name](post) for name in names if name in POST_COLUMNS}


def _read_by(link: Link) -> tuple[str, ...]:
    """Columns that the annotator or its filter reads."""
    return (*link.annotator.needs, *(() if link.keeps is None else link.keeps.columns))


def _still_failing(unread: Iterable[FileRow], task: ReadFiles) -> dict[str, tuple[str, str]]:
    """Why each of the files cannot be read, as it could not when the shard jobs tried: such answers are not stored.
    Raises UsageError when one can."""
    failed = {}
    for row in unread:
        facts = task.facts(row.path)
        if facts["reason"] not in RETRYABLE:
            raise _never_seen(row.path)
        failed[row.key] = facts["reason"], facts["detail"]
    return failed


def _never_seen(path: str) -> UsageError:
    return UsageError("the shard jobs never saw this picture as it is now", seen=plain(path),
                      allowed="the files that they read, and OUT/.annotations as they left it",
                      next_command="run the shard jobs again, then build publish")


def _shards(rows: Iterable[T], total: int, workers: int) -> Iterator[list[T]]:
    # Small jobs are cut finer, so that every worker has something to do and a kill costs little of the whole.
    size = max(16, min(SHARD_ROWS, math.ceil(total / (16 * workers))))
    left = iter(rows)
    while shard := list(islice(left, size)):
        yield shard


def _files_identity(limits: Limits) -> str:
    said = {"facts": FILE_FACTS.names, "max_bytes": limits.max_bytes}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
