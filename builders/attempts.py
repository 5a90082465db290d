"""Draws a picture for every row of a plan, and draws again what the generator refused or what fits its prompt too
little, until it is good enough or --attempts are used up.

Which attempt stands follows from stored pictures and scores alone: another --min-clip-t draws only what was never
drawn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from annotators.base import Annotator
from builders.drawing import DrawPictures, Scored, ScorePictures, Wanted, batched, key_of, shards
from builders.engines import Engine
from builders.generators import Generator, Request
from builders.prompting.planning import Planned
from builders.store import Store
from builders.workspace import Workspace
from schemas.records import Drop, drop
from schemas.terminal.progress import Progress

_SCORED = 64  # pictures of a shard of scores


class Drawn(NamedTuple):
    """A row's picture: its key in the generator's store, the seed, how many were drawn, and the score if asked for."""

    key: str
    sha256: str
    seed: int
    attempts: int
    clip_t: float | None


@dataclass(frozen=True)
class Rules:
    """Which picture is good enough. Without a `scorer` every one is that the generator did not refuse."""

    attempts: int
    scorer: Annotator | None = None
    least: float = -1.0


class Attempts:
    """Rows of a plan and the pictures that stand for them."""

    def __init__(self, work: Workspace, engine: Engine, progress: Progress, generator: Generator, rules: Rules) -> None:
        self._engine, self._progress, self._generator, self._rules = engine, progress, generator, rules
        self.pictures = Store(work.annotations, generator.name, generator.identity)
        self._scores = None if rules.scorer is None else Store.of(work.annotations, rules.scorer)
        self.drawn: dict[str, Drawn] = {}
        """The picture that stands, by row id."""
        self._best: dict[str, float] = {}

    def draw(self, plan: Sequence[Planned]) -> list[tuple[Planned, Drop]]:
        """Draws and scores what never was. Returns the rows for which no picture was good enough, and why."""
        left = list(plan)
        for attempt in range(1, self._rules.attempts + 1):
            self._try(left, attempt)
            left = [row for row in left if row.id not in self.drawn]
            if not left:
                break
        return [(row, self._why(row)) for row in left]

    def _try(self, rows: Sequence[Planned], attempt: int) -> None:
        wanted = [self._wanted(row, attempt) for row in rows]
        self._draw(wanted)
        keys = [one.key for one in wanted]
        found = self.pictures.columns(keys, ["refused", "sha256"])
        shown = [at for at, refused in enumerate(found["refused"]) if not refused]
        fits = self._score([wanted[at] for at in shown], [found["sha256"][at] for at in shown])
        for at, fit in zip(shown, fits, strict=True):
            name = rows[at].id
            if fit is not None:
                self._best[name] = max(fit, self._best.get(name, fit))
            if fit is None or fit >= self._rules.least:
                self.drawn[name] = Drawn(keys[at], found["sha256"][at], wanted[at].request.seed, attempt, fit)

    def _wanted(self, row: Planned, attempt: int) -> Wanted:
        request = Request(row.parts, row.class_name, row.text, seed_at(row.seed, attempt))
        return Wanted(key_of(request), request)

    def _draw(self, wanted: Sequence[Wanted]) -> None:
        missing = self.pictures.missing([one.key for one in wanted])
        if not missing.any():
            return
        # A batch holds the rows of the same numbers whichever of them are there already, as in a build never stopped.
        new = [[one for one, lacks in some if lacks]
               for some in batched(zip(wanted, missing, strict=True), self._generator.batch)]
        task = DrawPictures(self._generator, self.pictures.folder)
        with self._progress.bar("generate", int(missing.sum()), "picture") as bar:
            for done in self._engine.run(task, shards(filter(None, new))):
                bar.advance(done)
        self.pictures.refresh()

    def _score(self, shown: Sequence[Wanted], digests: Sequence[str]) -> list[float | None]:
        """Scores of drawn pictures, None where nobody asks for them."""
        scores = self._scores
        if self._rules.scorer is None or scores is None:
            return [None] * len(shown)
        keys = [hashlib.sha256(f"{sha} {one.request.text}".encode()).hexdigest()
                for one, sha in zip(shown, digests, strict=True)]
        places = self.pictures.locate([one.key for one in shown])
        new = {key: Scored(key, place, one.request.text) for key, place, one, lacks in
               zip(keys, places, shown, scores.missing(keys), strict=True) if lacks}
        if new:
            task = ScorePictures(self._rules.scorer, self.pictures.folder, scores.folder)
            with self._progress.bar("score", len(new), "picture") as bar:
                for done in self._engine.run(task, batched(new.values(), _SCORED)):
                    bar.advance(done)
            scores.refresh()
        return [float(score) for score in scores.columns(keys, ["clip_t"])["clip_t"]]

    def _why(self, row: Planned) -> Drop:
        scorer = self._rules.scorer
        if scorer is not None and row.id in self._best:
            return drop("low_clip_t", value=f"{self._best[row.id]:.4f}", threshold=f"{self._rules.least:g}",
                        model=f"{scorer.name}:{scorer.identity[:16]}")
        return drop("refused", value=f"{self._rules.attempts} pictures",
                    model=f"{self._generator.name}:{self._generator.identity[:16]}")


def seed_at(seed: int, attempt: int) -> int:
    """The seed, 63 bits, of a row's picture at an attempt, counted from 1: the row's own `seed`, then others."""
    if attempt == 1:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}/{attempt}".encode()).digest()[:8], "big") >> 1
