"""Pieces of metadata to posts, in as many processes as there are workers.

A line is passed over when its id has no picture, and decoded when it has one or may have.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from builders.engines import Engine, in_order
from builders.sources import lines, records
from builders.sources.figures import positions_of
from builders.sources.lines import OVERLONG, Piece
from schemas.records import Post

LAST_IMAGE = 3_734_660
"""Last post id whose picture Danbooru2019 holds; its metadata goes on. Only counted: mirrors differ."""

COUNTS = ("metadata_records", "metadata_without_figure", "metadata_past_last_image", "bad_lines", "bad_values",
          "missing_keys")
"""What `Scan` counts."""

# The id of a record that starts with it, as both exports do: enough to pass over posts without a picture.
_HEAD = re.compile(rb'[ \t\r]*\{[ \t\r]*"id"[ \t\r]*:[ \t\r]*"?([0-9]{1,18})"?[ \t\r]*[,}]')

class Seen(msgspec.Struct, array_like=True):
    """A record of a post that has pictures."""

    position: int
    """Of the post among those that have pictures."""
    post: Post | None = None
    """None when the record cannot be used."""
    counts: dict[str, int] = {}
    """Of `records.COUNTS`, those that are not 0."""


class Scanned(msgspec.Struct, array_like=True):
    """What a piece held."""

    digest: bytes | None
    """Of the piece; None when it could not be read."""
    counts: dict[str, int] = {}
    seen: list[msgspec.Raw] = []
    """A `Seen` each, in the order of the lines: one after the other lives, not thousands at once."""


def scan(pieces: Iterable[Piece], known: npt.NDArray[np.int64], engine: Engine) -> Iterator[Scanned]:
    """What each piece held, in the order of the pieces. `known` are the ids of posts that have pictures, sorted."""
    decoder = msgspec.msgpack.Decoder(Scanned)
    with tempfile.TemporaryDirectory(prefix="likeness-") as folder:
        path = Path(folder, "known.npy")  # a task travels with each of its shards, so it must be small
        np.save(path, known)
        yield from map(decoder.decode, in_order(engine, Scan(path), pieces))


class Scan:
    """Task of an engine, its known ids in a file: a piece to its `Scanned`.

    What is found travels as MessagePack: pickling every tag would take longer than reading it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _known(self) -> npt.NDArray[np.int64]:
        known: npt.NDArray[np.int64] = np.load(self._path)
        return known

    def __call__(self, piece: Piece) -> bytes:
        """Never raises because of what the piece holds."""
        try:
            data, begin, stop, digest = piece.read()
        except OSError:
            return msgspec.msgpack.encode(Scanned(None))
        scanned = Scanned(digest, dict.fromkeys(COUNTS, 0))
        scanned.seen.extend(msgspec.Raw(msgspec.msgpack.encode(seen))
                            for seen in self._join(data, begin, stop, scanned.counts))
        return msgspec.msgpack.encode(scanned)

    def _join(self, data: bytes, begin: int, stop: int, counts: dict[str, int]) -> Iterator[Seen]:
        starts, heads = _heads(data, begin, stop)
        ids = np.array(heads, np.int64)
        positions = positions_of(ids, self._known)
        passed = (ids >= 0) & (positions < 0)
        counts["metadata_records"] += int(np.count_nonzero(passed))
        counts["metadata_without_figure"] += int(np.count_nonzero(passed))
        counts["metadata_past_last_image"] += int(np.count_nonzero(ids[passed] > LAST_IMAGE))
        for index in np.flatnonzero(~passed).tolist():
            start, end = starts[index], starts[index + 1] - 1
            line = data[start:end] if end - start <= lines.MAX_LINE else OVERLONG
            if line and not line.isspace():
                seen = self._seen(line, heads[index], int(positions[index]), counts)
                if seen.position >= 0:
                    yield seen

    def _seen(self, line: bytes, head: int, position: int, counts: dict[str, int]) -> Seen:
        """The record of a line that starts with the id `head`, -1 for none, of the post at `position`."""
        record = records.parse(line)
        if isinstance(record, str):
            counts[record] += 1
            counts["metadata_records"] += record != "bad_lines"
            return Seen(position)
        counts["metadata_records"] += 1
        number = record.number
        post_id = number if number is not None and 0 <= number < 2**62 else -1
        counts["metadata_past_last_image"] += post_id > LAST_IMAGE
        if post_id != head:  # a key can stand twice in a line, and then the last one counts, not the one at its head
            position = int(positions_of(np.array([post_id]), self._known)[0])
        if position < 0:
            counts["metadata_without_figure"] += 1
            return Seen(position)
        odd = dict.fromkeys(records.COUNTS, 0)
        post = records.post_of(record, odd)
        return Seen(position, post, {name: count for name, count in odd.items() if count})


def _heads(data: bytes, begin: int, stop: int) -> tuple[list[int], list[int]]:
    """Where each line starts, and where one more would; the id at the head of each line, -1 for none."""
    starts, ids = [], []
    at = begin
    while at < stop:
        starts.append(at)
        head = _HEAD.match(data, at)
        end = data.find(b"\n", at, stop)
        end = stop if end < 0 else end
        ids.append(int(head[1]) if head and end - at <= lines.MAX_LINE else -1)
        at = end + 1
    return [*starts, at], ids
