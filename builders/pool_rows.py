"""The rows of a pool's version: their columns, shards and digest, and how a worker fills them with pixels."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np

from builders import store
from builders.annotate import Look
from builders.ledger import Row
from builders.scoring import Scored
from builders.vector_index import POOL
from builders.visits import Limits, contents
from builders.write import Filled, Shard, columns_digest, cut_shards, numbers_digest
from schemas.locations import Location

SEED = "seed"
SPLITS = POOL, SEED


class Planned(NamedTuple):
    """A row to publish: its columns but for pixels and embedding, and where those lie."""

    columns: bytes
    """As MessagePack, in which thousands of rows wait for their shard in a tenth of the memory."""
    path: str
    sha256: str
    embedding: store.Place


@dataclass(frozen=True)
class FillPool:
    """Gives planned rows their pictures, the file's own bytes, and their embeddings."""

    embeddings: Location
    column: str
    limits: Limits

    def __call__(self, planned: Sequence[Planned]) -> list[Filled]:
        """Raises BuildError when a file has changed since it was read."""
        said = store.read(self.embeddings, [one.embedding for one in planned], [self.column])[self.column]
        rows = []
        for one, numbers in zip(planned, said, strict=True):
            image, embedding = contents(one.path, one.sha256, self.limits), np.asarray(numbers, np.float32)
            columns = msgspec.msgpack.decode(one.columns)
            rows.append(Filled({**columns, "image": {"bytes": image, "path": None}, "embedding": embedding},
                               columns_digest({**columns, "image": one.sha256,
                                               "embedding": numbers_digest(embedding)})))
        return rows


def rows_digest(look: Look, scored: Scored, told: Sequence[str]) -> str:
    """Digest of all that will be published; `told` is what no column says: whose embeddings they are, of what."""
    whole = hashlib.sha256("\0".join(told).encode())
    for rows in look.ledger.rows():
        for columns in _columns(look, rows, scored):
            whole.update(columns_digest(columns).encode())
    return whole.hexdigest()


def shards(look: Look, scored: Scored, column: str) -> Iterator[Shard]:
    """The files to write: of each split its rows in id order."""
    sizes = {split: array("q") for split in SPLITS}
    for rows in look.ledger.rows():
        for row in rows:
            sizes[scored.split(row.post.id)].append(row.bytes)
    for split in SPLITS:
        yield from cut_shards(split, _planned(look, scored, column, split), sizes[split])


def _planned(look: Look, scored: Scored, column: str, split: str) -> Iterator[Planned]:
    for batch in look.ledger.rows():
        rows = [row for row in batch if scored.split(row.post.id) == split]
        places = look.places(rows, column)
        for row, place, columns in zip(rows, places, _columns(look, rows, scored), strict=True):
            yield Planned(msgspec.msgpack.encode(columns), row.post.path, row.sha256, place)


def _columns(look: Look, rows: Sequence[Row], scored: Scored) -> Iterator[dict[str, Any]]:
    """The published columns of each row but for pixels and embedding."""
    hashes = look.columns(rows, ["phash"])["phash"]
    for row, phash in zip(rows, hashes, strict=True):
        post = row.post
        yield {
            "id": post.id,
            "url": post.url,
            "text": post.text,
            "license": post.license,
            "attribution": post.attribution,
            "sha256": row.sha256,
            "phash": phash,
            "width": row.width,
            "height": row.height,
            **scored.columns(post.id),
        }
