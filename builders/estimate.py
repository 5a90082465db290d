"""`build estimate`: what a build would keep and cost, from a few hundred of its rows.

The source is read and filtered by its tags in full, as a build does. Of the rows that pass a sample, drawn by a hash of
their ids, goes through the annotators and filters of a build one after another in this process, timed; the rest is
multiplication. Rows that leave later because nobody else of their identity is left are not foreseen, so that what is
told is an upper bound.
"""

from __future__ import annotations

import hashlib
import heapq
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from annotators import images
from annotators.masks import Masks
from builders import files
from builders.annotate import POST_COLUMNS
from builders.figure_rows import png
from builders.figures import cut_figure
from builders.ledger import Ledger, Row
from builders.openings import Models, check_source, open_models, open_source
from builders.options import Retribooru
from builders.retribooru import select_posts, selection, visits
from builders.visits import BATCH, Limits, Link
from schemas.errors import RowError, UsageError
from schemas.terminal.progress import Progress

SAMPLE = 200
"""Rows that are looked at."""


@dataclass
class Cost:
    """What one stage did with the sample."""

    stage: str
    rows_in: int = 0
    rows_out: int = 0
    seconds: float = 0.0

    @property
    def per_row(self) -> float:
        """Seconds."""
        return self.seconds / self.rows_in if self.rows_in else 0.0

    @property
    def kept(self) -> float:
        """Share of the rows, 0..1."""
        return self.rows_out / self.rows_in if self.rows_in else 0.0


@dataclass
class Seen:
    """A row of the sample on its way, with its columns so far."""

    row: Row
    kept: bool = False
    """Whether it came to the end."""
    image: int = 0
    """Bytes of its picture as it is published."""
    matte: int = 0
    """Bytes of its matte as it is published."""
    stored: int = 0
    """Bytes of its mattes in the store, where a whole picture has two."""
    said: dict[str, Any] = field(default_factory=dict)


def run(options: Retribooru) -> int:
    """Prints the estimate and returns the exit code. Raises UsageError when no row passes the tag filters."""
    progress = Progress(options.log)
    wanted = selection(options)
    check_source(options)
    models = open_models(options)
    with tempfile.TemporaryDirectory(prefix="likeness-") as folder:
        state = Path(folder)
        source = open_source(options, state, progress)
        ledger = select_posts(source, options, wanted, state, progress, set())
        rows, whole = sample(ledger), len(ledger)
        if not rows:
            raise UsageError("no row passes the tag filters", seen=f"{options.source} {options.root or ''}".strip(),
                             allowed="a source with rows to look at", next_command="the same build with --dry-run")
        alone = ledger.funnel[-1].drops.get("singleton", 0)
        with progress.bar("estimate", len(rows)) as bar:
            costs, seen = look(rows, models, options, bar.advance)
        ledger.close()
    print("\n".join(report(costs, seen, whole, alone, options.workers)))
    return 0


def sample(ledger: Ledger, size: int = SAMPLE) -> list[Row]:
    """The `size` rows with the lowest sha256 of their ids: the same ones each time, wherever they lie."""
    rows = ((hashlib.sha256(row.post.id.encode()).hexdigest(), row) for batch in ledger.rows() for row in batch)
    return [row for _, row in heapq.nsmallest(size, rows, key=lambda pair: pair[0])]


def look(rows: Sequence[Row], models: Models, options: Retribooru,
         heard: Callable[[int], None]) -> tuple[list[Cost], list[Seen]]:
    """The cost of each stage, and what was seen. Models load before the clock starts."""
    limits = Limits(options.max_bytes, options.max_pixels)
    pixels, *others = [link for chain in visits(limits, options, models) for link in chain]
    costs = {name: Cost(name) for name in ("file", "figure", *(link.stage for link in others), "write")}
    looked: list[Seen] = []
    warm = False
    for start in range(0, len(rows), BATCH):
        batch = [Seen(row, said={name: given(row.post) for name, given in POST_COLUMNS.items()})
                 for row in rows[start : start + BATCH]]
        seen = _timed(costs["file"], batch, lambda some: _asked(pixels, [one for one in some if _read(one, limits)]))
        if seen and not warm:
            first = replace(seen[0], said=dict(seen[0].said))
            for link in others:
                _asked(link, [first])
            warm = True
        whole = [one for one in seen if one.row.post.needs_crop]
        cut = _timed(costs["figure"], whole, lambda some: [one for one in some if _cut(one, models.masks, options)])
        seen = [one for one in seen if not one.row.post.needs_crop] + cut
        for link in others:
            seen = _timed(costs[link.stage], seen, partial(_asked, link))
        _timed(costs["write"], [one for one in seen if one.row.box], _encoded)
        for one in seen:
            one.kept = True
        for one in batch:
            one.matte = len(one.said.get("mask", b""))
            one.stored += one.matte
            one.said.clear()  # the pictures most of all
        looked += batch
        heard(len(batch))
    return [cost for cost in costs.values() if cost.rows_in], looked


def _timed(cost: Cost, seen: list[Seen], step: Callable[[list[Seen]], list[Seen]]) -> list[Seen]:
    begun = time.perf_counter()
    left = step(seen) if seen else []
    cost.seconds += time.perf_counter() - begun
    cost.rows_in, cost.rows_out = cost.rows_in + len(seen), cost.rows_out + len(left)
    return left


def _read(one: Seen, limits: Limits) -> bool:
    try:
        data = files.read(one.row.post.path, limits.max_bytes)
    except RowError:
        return False
    one.image = len(data)
    try:
        decoded = one.said["decoded"] = images.decode(data, max_pixels=limits.max_pixels)
        one.said["image"] = decoded.picture
    except RowError as error:
        one.said["decoded"] = error
    return True


def _cut(one: Seen, masks: Masks, options: Retribooru) -> bool:
    said = masks({"image": [one.said["image"]]})
    one.stored = len(said["mask"][0])
    row = one.row._replace(width=one.said["width"], height=one.said["height"])
    cut = cut_figure(row, said["bounds"][0], options.margin, options.min_side, masks)
    if not isinstance(cut, Row) or cut.box is None:
        return False
    one.row, one.said["image"] = cut, images.crop(one.said["image"], cut.box)
    return True


def _asked(link: Link, seen: list[Seen]) -> list[Seen]:
    if not seen:
        return []
    batch = {name: [one.said[name] for one in seen] for name in link.annotator.needs}
    for name, values in link.annotator(batch).items():
        for one, value in zip(seen, values, strict=True):
            one.said[name] = value
    return [one for one in seen if link.keeps is None or link.keeps(one.said) is None]


def _encoded(seen: list[Seen]) -> list[Seen]:
    for one in seen:
        one.image = len(png(one.said["image"]))
    return seen


def report(costs: Sequence[Cost], seen: Sequence[Seen], whole: int, alone: int, workers: int) -> Iterator[str]:
    """The lines to print: stage by stage, then the whole."""
    looked, kept = costs[0].rows_in, [one for one in seen if one.kept]
    yield f"{whole:,} rows pass the tag filters; {looked} of them were looked at by one worker"
    yield f"{'stage':>8} {'rows':>12} {'kept':>6} {'ms a row':>9} {'time of one worker':>19}"
    for cost in costs:
        rows = whole * cost.rows_in / looked
        yield (f"{cost.stage:>8} {rows:>12,.0f} {cost.kept:>6.0%} {1000 * cost.per_row:>9.1f} "
               f"{duration(rows * cost.per_row):>19}")
    each = sum(cost.seconds for cost in costs) / looked / workers
    share, (low, high) = len(kept) / looked, interval(len(kept), looked)
    yield f"kept: {share:.0%} of them (95 %: {low:.0%} to {high:.0%}), about {whole * share:,.0f} rows"
    yield f"time: {duration(whole * each)} with {workers} worker{'s' if workers > 1 else ''} and as many cores"
    published, stored = sum(one.image + one.matte for one in kept), sum(one.stored for one in seen)
    yield (f"disk: {volume(published * whole / looked)} for the dataset, "
           f"{volume(stored * whole / looked)} for the mattes in the store of annotations")
    yield (f"singletons: {alone:,} rows left before any model saw them, which saves {duration(alone * each)}; "
           "more leave after each stage, so that all of this is an upper bound")


def interval(good: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927)."""
    z, share = 1.96, good / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def duration(seconds: float) -> str:
    """Seconds, minutes, hours or days, two digits or more."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def volume(size: float) -> str:
    """Bytes in decimal units."""
    for unit, step in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= step:
            return f"{size / step:.1f} {unit}"
    return f"{size / 1e3:.0f} kB"
