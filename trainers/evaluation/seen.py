"""What models saw: a picture is read once, decoded once and shown once to each model, whatever the number of metrics.

Answers are kept as OUT/seen/MODEL/PART.parquet, by sha256 of the picture and identity of the model: a killed scoring
goes on, and another one of the same pictures or with one more model asks for no more than what is new.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from annotators import images
from annotators.base import Annotator, Picture
from schemas import atomic
from schemas.errors import RowError, UsageError
from schemas.terminal.progress import Progress

PART = 64
"""Pictures that are held at once, and the most answers in a file."""


class Ask(NamedTuple):
    """What is asked of a model about a picture."""

    eye: Annotator
    picture: str
    """its name"""
    about: tuple[str, ...] = ()
    """the value of the column that the model reads beside the picture, its second need"""


class Sight:
    """Answers of models about named pictures. `load` gives a picture's bytes and raises RowError."""

    def __init__(self, folder: Path, load: Callable[[str], bytes], progress: Progress) -> None:
        self._folder, self._load, self._progress = folder, load, progress
        self._digests: dict[str, str] = {}
        self._known: dict[str, dict[str, dict[str, Any]]] = {}
        self._answers: dict[tuple[str, str, tuple[str, ...]], dict[str, Any]] = {}

    def __getitem__(self, ask: Ask) -> dict[str, Any]:
        """The answer, by the model's columns, to what was asked before."""
        return self._answers[ask.eye.identity, ask.picture, ask.about]

    def digest(self, picture: str) -> str:
        """Sha256 of a picture's bytes. Raises RowError."""
        if picture not in self._digests:
            self._digests[picture] = hashlib.sha256(self._load(picture)).hexdigest()
        return self._digests[picture]

    def see(self, asks: Iterable[Ask]) -> None:
        """Asks what is not known yet. Raises UsageError when pictures are missing or damaged, after all others were
        seen."""
        by_picture: dict[str, list[Ask]] = {}
        for ask in dict.fromkeys(asks):
            by_picture.setdefault(ask.picture, []).append(ask)
            if ask.eye.identity not in self._known:
                self._known[ask.eye.identity] = _read(self._place(ask.eye), _schema(ask.eye))
        bad: list[str] = []
        with self._progress.bar("score", len(by_picture), "picture") as bar:
            rows = list(by_picture.items())
            for start in range(0, len(rows), PART):
                self._part(some := rows[start:start + PART], bad)
                bar.advance(len(some))
        if bad:
            raise UsageError(f"{len(bad):,} of {len(by_picture):,} pictures are missing or damaged, first {bad[0]}",
                             next_command="the same command again, which draws what is missing; mend others")

    def _part(self, some: Sequence[tuple[str, list[Ask]]], bad: list[str]) -> None:
        waiting: dict[str, list[tuple[Ask, str, Picture]]] = {}
        keyed: list[tuple[Ask, str]] = []
        for name, asks in some:
            try:
                data = self._load(name)
                self._digests[name] = hashlib.sha256(data).hexdigest()
                mine = [(ask, _key(self._digests[name], ask.about)) for ask in asks]
                lacking = [(ask, key) for ask, key in mine if key not in self._known[ask.eye.identity]]
                picture = images.decode(data).picture if lacking else None
            except RowError as error:
                bad.append(f"{name}: {error}")
                continue
            keyed += mine
            for ask, key in lacking:
                assert picture is not None
                waiting.setdefault(ask.eye.identity, []).append((ask, key, picture))
        for rows in waiting.values():
            self._look(rows[0][0].eye, {key: (ask, picture) for ask, key, picture in rows})
        for ask, key in keyed:
            self._answers[ask.eye.identity, ask.picture, ask.about] = self._known[ask.eye.identity][key]

    def _look(self, eye: Annotator, rows: Mapping[str, tuple[Ask, Picture]]) -> None:
        """Shows pictures, by key, to a model and keeps what it says."""
        batch: dict[str, Sequence[Any]] = {"image": [picture for _, picture in rows.values()]}
        if len(eye.needs) > 1:
            batch[eye.needs[1]] = [ask.about for ask, _ in rows.values()]
        made = eye(batch)
        for name in eye.features.names:
            _check(eye, made[name], [ask for ask, _ in rows.values()])
        table = pa.table({"key": list(rows), **made}, _schema(eye))
        part = hashlib.sha256("".join(rows).encode()).hexdigest()[:16]
        with atomic.replacing(self._place(eye) / f"{part}.parquet") as temporary:
            pq.write_table(table, temporary)
        self._known[eye.identity] |= _rows(table)

    def _place(self, eye: Annotator) -> Path:
        return self._folder / f"{eye.name}-{eye.identity[:16]}"


def _key(digest: str, about: Sequence[str]) -> str:
    more = hashlib.sha256("\0".join(about).encode()).hexdigest()[:16] if about else ""
    return f"{digest}-{more}" if more else digest


def _schema(eye: Annotator) -> pa.Schema:
    return pa.schema([("key", pa.string()), *eye.features])


def _check(eye: Annotator, answers: Sequence[Any], asks: Sequence[Ask]) -> None:
    """Raises UsageError for numbers that are none: nothing can be scored by them, and they must not be kept."""
    for answer, ask in zip(answers, asks, strict=True):
        numbers = np.asarray(answer)
        if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
            raise UsageError(f"what {eye.name} sees holds NaN or infinity: its weights are broken",
                             seen=f"{eye.provenance.get('weights', '')}: {ask.picture}", allowed="numbers",
                             next_command="another model: see --clip, --dino, --blip, --inception, --lpips")


def _read(folder: Path, schema: pa.Schema) -> dict[str, dict[str, Any]]:
    """Answers by key in all parts of a folder; what cannot be read is asked again."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.parquet")):
        try:
            table = pq.read_table(path)
            if table.schema.equals(schema):
                found |= _rows(table)
                continue
        except (pa.ArrowException, OSError):
            pass
        path.unlink(missing_ok=True)
    return found


def _rows(table: pa.Table) -> dict[str, dict[str, Any]]:
    names = [name for name in table.column_names if name != "key"]
    columns = [list(_values(table.column(name).combine_chunks())) for name in names]
    return {key: dict(zip(names, row, strict=True))
            for key, *row in zip(table.column("key").to_pylist(), *columns, strict=True)}


def _values(column: pa.Array) -> Iterator[Any]:
    """Vectors as arrays, anything else as Python has it."""
    if pa.types.is_fixed_size_list(column.type):
        yield from np.asarray(column.flatten()).reshape(len(column), -1)
    else:
        yield from column.to_pylist()
