"""`build estimate`: what a build would keep and cost, from a few hundred of its rows.

The source is read and filtered by its tags in full, as a build does. Of the rows that pass a sample, drawn by a hash of
their ids, goes through the stages one after another in this process, timed; the rest is multiplication. Rows that leave
later because nobody else of their identity is left are not foreseen, so that what is told is an upper bound.
"""

from __future__ import annotations

import hashlib
import heapq
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from annotators import images
from annotators.base import Annotator, Picture
from builders import files, select
from builders.annotate import POST_COLUMNS
from builders.figures import crop_box
from builders.ledger import Ledger, Row
from builders.openings import Models, open_models, open_source
from builders.options import Retribooru
from builders.progress import Progress
from builders.retribooru import select_posts, selection
from builders.visits import BATCH
from schemas.errors import RowError, UsageError
from schemas.records import Drop

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
    """A row of the sample on its way: its pixels, and what was said of it."""

    row: Row
    size: int = 0
    picture: Picture | None = None
    said: dict[str, Any] = field(default_factory=dict)


def run(options: Retribooru) -> int:
    """Prints the estimate and returns the exit code. Raises UsageError when no row passes the tag filters."""
    progress = Progress(options.log)
    models = open_models(options)
    with tempfile.TemporaryDirectory(prefix="likeness-") as folder:
        state = Path(folder)
        source = open_source(options, state, progress)
        ledger = select_posts(source, options, selection(options), state, progress, set())
        rows, whole = sample(ledger), len(ledger)
        if not rows:
            raise UsageError("no row passes the tag filters", seen=f"{options.source} {options.root or ''}".strip(),
                             allowed="a source with rows to look at", next_command="the same build with --dry-run")
        alone = ledger.funnel[-1].drops.get("singleton", 0)
        with progress.bar("estimate", len(rows)) as bar:
            costs, kept = look(rows, models, options, bar.advance)
        ledger.close()
    print("\n".join(report(costs, kept, whole, alone, options.workers)))
    return 0


def sample(ledger: Ledger, size: int = SAMPLE) -> list[Row]:
    """The `size` rows with the lowest sha256 of their ids: the same ones each time, wherever they lie."""
    rows = ((hashlib.sha256(row.post.id.encode()).hexdigest(), row) for batch in ledger.rows() for row in batch)
    return [row for _, row in heapq.nsmallest(size, rows, key=lambda pair: pair[0])]


def look(rows: Sequence[Row], models: Models, options: Retribooru,
         heard: Callable[[int], None]) -> tuple[list[Cost], list[Seen]]:
    """The cost of each stage, and the rows that passed all of them. Models load before the clock starts."""
    least = models.faces.default_score if options.face_score is None else options.face_score
    checks: dict[str, Callable[[dict[str, Any]], Drop | None]] = {"masks": lambda said: select.coverage_within(
        said["coverage"], *options.matte)}
    if options.needs_face:
        checks["faces"] = lambda said: select.one_face(said["scores"], least)
        checks["answers"] = lambda said: select.answers_known(said["answers"])
    stages: list[tuple[str, Annotator]] = [("faces", models.faces), ("masks", models.masks),
                                           ("answers", models.answers), ("group", models.hashes)]
    costs = {name: Cost(name) for name in ("file", "figure", *(name for name, _ in stages))}
    kept: list[Seen] = []
    warm = False
    for start in range(0, len(rows), BATCH):
        seen = [Seen(row) for row in rows[start : start + BATCH]]
        seen = _timed(costs["file"], seen, lambda some: [one for one in some if _read(one, options)])
        whole = [one for one in seen if one.row.post.needs_crop]
        if seen and not warm:
            warm = all(_asked(annotator, seen[:1]) for _, annotator in stages)
        if whole:
            cut = _timed(costs["figure"], whole, lambda some: [one for one in some if _cut(one, models, options)])
            seen = [one for one in seen if not one.row.post.needs_crop] + cut
        for name, annotator in stages:
            seen = _timed(costs[name], seen, partial(_asked, annotator, check=checks.get(name)))
        kept += seen
        heard(min(BATCH, len(rows) - start))
    return [cost for cost in costs.values() if cost.rows_in], kept


def _timed(cost: Cost, seen: list[Seen], step: Callable[[list[Seen]], list[Seen]]) -> list[Seen]:
    begun = time.perf_counter()
    left = step(seen) if seen else []
    cost.seconds += time.perf_counter() - begun
    cost.rows_in, cost.rows_out = cost.rows_in + len(seen), cost.rows_out + len(left)
    return left


def _read(one: Seen, options: Retribooru) -> bool:
    try:
        data = files.read(one.row.post.path, options.max_bytes)
        decoded = images.decode(data, max_pixels=options.max_pixels)
    except RowError:
        return False
    one.size, one.picture = len(data), decoded.picture
    return select.side_at_least(decoded.width, decoded.height, options.min_side) is None


def _cut(one: Seen, models: Models, options: Retribooru) -> bool:
    assert one.picture is not None
    bounds = models.masks({"image": [one.picture]})["bounds"][0]
    if not bounds:
        return False
    height, width = one.picture.shape[:2]
    one.picture = images.crop(one.picture, crop_box(bounds, width, height, options.margin))
    return select.side_at_least(one.picture.shape[1], one.picture.shape[0], options.min_side) is None


def _asked(annotator: Annotator, seen: list[Seen],
           check: Callable[[dict[str, Any]], Drop | None] | None = None) -> list[Seen]:
    batch = {name: [_given(one, name) for one in seen] for name in annotator.needs}
    for name, values in annotator(batch).items():
        for one, value in zip(seen, values, strict=True):
            one.said[name] = value
    return [one for one in seen if check is None or check(one.said) is None]


def _given(one: Seen, name: str) -> Any:
    if name == "image":
        return one.picture
    return POST_COLUMNS[name](one.row.post) if name in POST_COLUMNS else one.said[name]


def report(costs: Sequence[Cost], kept: Sequence[Seen], whole: int, alone: int, workers: int) -> Iterator[str]:
    """The lines to print: stage by stage, then the whole."""
    looked = costs[0].rows_in
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
    files, mattes = sum(one.size for one in kept), sum(len(one.said["mask"]) for one in kept)
    yield (f"disk: {volume((files + mattes) * whole / looked)} for the dataset, "
           f"{volume(mattes * whole / looked)} for the mattes in the store of annotations")
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
