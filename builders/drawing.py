"""Draws what a plan asks for, in batches that a killed build never draws twice, and scores pictures by their prompts.

A picture is keyed by all that it depends on, so it is found again whatever the number of workers, the engine, the order
of the batches or the point at which a build was stopped. Every batch is a part of the store as soon as it is whole.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from PIL import Image

from annotators.base import Annotator, Picture
from builders import store
from builders.generators import Generator, Request
from builders.store import Place
from builders.write import Filled, columns_digest
from schemas.locations import Location

T = TypeVar("T")

PICTURES = pa.schema([("image", pa.binary()), ("sha256", pa.string()), ("bytes", pa.int64()),
                      ("refused", pa.bool_())])
"""A picture as PNG with digest and number of its bytes; empty when the generator's own filter refused it."""

_BATCHES = 4
"""Batches of a shard, within which encoding and writing go on beside drawing."""


class Wanted(NamedTuple):
    """A picture to draw, and its key in the store."""

    key: str
    request: Request


def key_of(request: Request) -> str:
    """Digest of all of a request that its picture may depend on."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class DrawPictures:
    """Draws batches into the generator's store. Returns how many pictures."""

    generator: Generator
    folder: Location

    def __call__(self, shard: Sequence[Sequence[Wanted]]) -> int:
        with ThreadPoolExecutor(1) as pool:
            waiting: Future[None] | None = None
            for batch in shard:
                drawn = self.generator([one.request for one in batch])
                if waiting is not None:
                    waiting.result()
                waiting = pool.submit(self._keep, [one.key for one in batch], drawn)
            if waiting is not None:
                waiting.result()
        return sum(map(len, shard))

    def _keep(self, keys: Sequence[str], drawn: Sequence[Picture | None]) -> None:
        images = [b"" if picture is None else _png(picture) for picture in drawn]
        store.write_part(self.folder, PICTURES, keys, {
            "image": images, "sha256": [hashlib.sha256(image).hexdigest() if image else "" for image in images],
            "bytes": [len(image) for image in images], "refused": [not image for image in images]})


class Scored(NamedTuple):
    """A picture to score: the key of the score, where the picture lies, and its prompt."""

    key: str
    place: Place
    text: str


@dataclass(frozen=True)
class ScorePictures:
    """Scores drawn pictures by their prompts into the scorer's store. Returns how many."""

    scorer: Annotator
    pictures: Location
    folder: Location

    def __call__(self, shard: Sequence[Scored]) -> int:
        said = store.read(self.pictures, [one.place for one in shard], ["image"])
        found = self.scorer({"image": [_pixels(image) for image in said["image"]], "text": [one.text for one in shard]})
        store.write_part(self.folder, self.scorer.features, [one.key for one in shard], found)
        return len(shard)


def shards(batches: Iterable[list[Wanted]]) -> Iterator[list[list[Wanted]]]:
    """What workers are given at a time: some batches."""
    return batched(batches, _BATCHES)


@dataclass(frozen=True)
class FillPictures:
    """Gives planned rows, (columns, place of the picture) pairs, their pictures."""

    folder: Location

    def __call__(self, planned: Sequence[tuple[dict[str, Any], Place]]) -> list[Filled]:
        """The columns hold the picture's sha256 already, so nothing is hashed again."""
        said = store.read(self.folder, [place for _, place in planned], ["image"])
        return [Filled({**columns, "image": {"bytes": image, "path": None}},
                       columns_digest({**columns, "image": columns["sha256"]}))
                for (columns, _), image in zip(planned, said["image"], strict=True)]


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of `size`, the last one shorter."""
    left = iter(items)
    while some := list(islice(left, size)):
        yield some


def _png(picture: Picture) -> bytes:
    made = io.BytesIO()
    Image.fromarray(picture).save(made, "PNG", compress_level=6)
    return made.getvalue()


def _pixels(data: bytes) -> Picture:
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        return np.asarray(image.convert("RGB"))
