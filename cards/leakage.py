"""The leakage meter: how alike references and targets are in layout.

A reference that shows the target's own layout hands a model the answer. Three measures, each on pairs
(row, row of its `similar`), beside the same measures on pictures of different characters.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from cards import shards
from cards.survey import MAX_PIXELS, Survey

GRID = 16
"""Mattes are compared on a grid of this many cells a side."""

MOST_ALIKE = 20

Floats = npt.NDArray[np.float64]
_COLUMNS = ("id", "phash", "bbox", "mask", "character", "rating", "width", "height")


class _Layout(NamedTuple):
    """What is kept of a row, as a worker gives it."""

    id: str
    phash: int
    box: list[float]
    matte: bytes
    character: str
    rating: str
    large: bool


@dataclass(frozen=True)
class Layouts:
    """What is kept of each row: 64-bit hash, face box (cx, cy, w, h in 0..1), packed matte, who it is."""

    index: dict[str, int]
    phash: npt.NDArray[np.uint64]
    box: Floats
    """N x 4, nan where a row has no face box."""
    matte: npt.NDArray[np.uint8]
    """N x GRID*GRID/8 bits, all zero where a matte was not measured."""
    character: npt.NDArray[np.int64]
    """A number for each character."""
    shown: npt.NDArray[np.bool_]


def pack_matte(png: bytes) -> npt.NDArray[np.uint8]:
    """A matte as GRID x GRID bits (packed): a cell is set when the figure covers half of it."""
    with Image.open(io.BytesIO(png)) as picture:
        small = picture.convert("L").resize((GRID, GRID), Image.Resampling.BOX)
    return np.packbits(np.asarray(small) >= 128)


def hash_distance(layouts: Layouts, one: npt.NDArray[np.intp], other: npt.NDArray[np.intp]) -> Floats:
    """Bits of 64 in which the perceptual hashes differ."""
    bits: Floats = np.bitwise_count(layouts.phash[one] ^ layouts.phash[other]).astype(np.float64)
    return bits


def matte_overlap(layouts: Layouts, one: npt.NDArray[np.intp], other: npt.NDArray[np.intp]) -> Floats:
    """Intersection over union of the two mattes, each stretched over the grid, 0..1; nan when one is empty."""
    a, b = layouts.matte[one], layouts.matte[other]
    both = np.bitwise_count(a & b).sum(axis=1, dtype=np.int64)
    union = np.bitwise_count(a | b).sum(axis=1, dtype=np.int64)
    return _ratio(both, np.where(a.any(axis=1) & b.any(axis=1), union, 0))


def face_offset(layouts: Layouts, one: npt.NDArray[np.intp], other: npt.NDArray[np.intp]) -> Floats:
    """Distance of the face boxes' centres over their mean size (root of w*h), all in shares of the picture."""
    a, b = layouts.box[one], layouts.box[other]
    size = (np.sqrt(a[:, 2] * a[:, 3]) + np.sqrt(b[:, 2] * b[:, 3])) / 2
    apart = np.hypot(a[:, 0] - b[:, 0], a[:, 1] - b[:, 1])
    return _ratio(apart, size)


def _ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> Floats:
    """part / whole, nan where the whole is nothing."""
    out: Floats = np.full(len(whole), np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out


@dataclass(frozen=True)
class Measure:
    """One measure of layout. A pair counts as alike under `limit` where `low`, else from `limit` upwards."""

    name: str
    unit: str
    of: Callable[[Layouts, npt.NDArray[np.intp], npt.NDArray[np.intp]], Floats]
    limit: float
    low: bool
    """True when small values mean alike."""
    ticks: tuple[float, ...]
    """Histogram: ticks from the first edge to the last."""
    bins: int
    open: bool = False
    """True when values can lie beyond the last edge; they fall into the last bin."""

    def alike(self, values: Floats) -> npt.NDArray[np.bool_]:
        """Which values count as alike; nan never does."""
        return values < self.limit if self.low else values >= self.limit

    @property
    def zone(self) -> str:
        """The limit in words."""
        return f"under {self.limit:g}" if self.low else f"{self.limit:g} or more"


MEASURES = (
    Measure("Hash distance", "bits of 64 that differ", hash_distance, 12, True, (0, 16, 32, 48, 64), 32),
    Measure("Matte overlap", "intersection over union", matte_overlap, 0.8, False, (0, 0.25, 0.5, 0.75, 1), 20),
    Measure("Face-box offset", "distance of centres / box size", face_offset, 0.25, True, (0, 0.5, 1, 1.5, 2), 24,
            open=True),
)


@dataclass(frozen=True)
class AlikePair:
    """One of the most alike pairs, with its three measures."""

    ids: tuple[str, str]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Leakage:
    """The meter's readings, in the order of MEASURES."""

    references: tuple[Floats, ...]
    others: tuple[Floats, ...]
    """The same measures between pictures of different characters: what chance gives."""
    most_alike: tuple[AlikePair, ...]
    whole: bool
    """True when every pair was measured, False for a sample."""

    @property
    def alike_in_all(self) -> int:
        """Pairs that are alike by every measure at once."""
        hits = [measure.alike(values) for measure, values in zip(MEASURES, self.references, strict=True)]
        return int(np.logical_and.reduce(hits).sum())


def measure(data: shards.Data, seen: Survey, run: shards.Run = map) -> Leakage:
    """Reads the layout of every row that stands in a sampled pair, then compares. A dangling id is left out."""
    pairs = seen.pairs.sample()
    layouts = read_layouts(data, {row for pair in pairs for row in pair}, seen, run)
    pairs = [pair for pair in pairs if pair[0] in layouts.index and pair[1] in layouts.index]
    one = np.array([layouts.index[a] for a, _ in pairs], np.intp)
    other = np.array([layouts.index[b] for _, b in pairs], np.intp)
    references = tuple(kind.of(layouts, one, other) for kind in MEASURES)
    # Partners half the list away: as good as drawn, since the list is in the order of a hash.
    stranger = np.roll(other, len(other) // 2)
    differ = layouts.character[one] != layouts.character[stranger]
    others = tuple(kind.of(layouts, one[differ], stranger[differ]) for kind in MEASURES)
    shown = layouts.shown[one] & layouts.shown[other]
    return Leakage(references, others, most_alike(pairs, references, shown), seen.pairs.whole)


def most_alike(pairs: list[tuple[str, str]], values: tuple[Floats, ...], shown: npt.NDArray[np.bool_],
               count: int = MOST_ALIKE) -> tuple[AlikePair, ...]:
    """The pairs with the nearest hashes, ties by overlap, then by id; only pairs that may be shown."""
    distance, overlap = values[0], np.nan_to_num(values[1])
    order = sorted(np.flatnonzero(shown).tolist(), key=lambda n: (distance[n], -overlap[n], pairs[n]))
    return tuple(AlikePair(pairs[n], tuple(float(kind[n]) for kind in values)) for n in order[:count])


def read_layouts(data: shards.Data, ids: Set[str], seen: Survey, run: shards.Run) -> Layouts:
    """Keeps some 100 bytes of each row in `ids`; workers decode the mattes, which is nearly all of it."""
    numbers = {name: n for n, name in enumerate(sorted(seen.characters))}
    found = sorted((one for some in run(_layouts, shards.hits(data, ids)) for one in some), key=lambda one: one.id)
    size = len(found)
    return Layouts(
        index={item.id: n for n, item in enumerate(found)},
        phash=np.array([item.phash for item in found], np.uint64),
        box=np.array([item.box for item in found], np.float64).reshape(size, 4),
        matte=np.frombuffer(b"".join(item.matte for item in found), np.uint8).reshape(size, GRID * GRID // 8),
        character=np.array([numbers[item.character] for item in found], np.int64),
        shown=np.array([seen.may_show(item.rating) and not item.large for item in found], np.bool_),
    )


def _layouts(hit: shards.Hit) -> list[_Layout]:
    """What is kept of the wanted rows of a row group."""
    return [_layout(row, row["width"] * row["height"] > MAX_PIXELS) for row in shards.read(hit, _COLUMNS)]


def _layout(row: dict[str, Any], large: bool) -> _Layout:
    png = None if large or not row["mask"] else row["mask"]["bytes"]
    matte = pack_matte(png).tobytes() if png else bytes(GRID * GRID // 8)
    return _Layout(row["id"], int(row["phash"], 16), row["bbox"] or [np.nan] * 4, matte, row["character"],
                   row["rating"], large)


def alike_share(values: Floats, kind: Measure) -> float:
    """Share of the measured values that count as alike, 0 when none was measured."""
    known = values[~np.isnan(values)]
    return float(kind.alike(known).mean()) if len(known) else 0.0
