"""COTI (arXiv 2304.05265), Algorithm 1: textual inversion on pictures that are chosen from a pool, cycle by cycle.

Read it aloud: cycle 0 trains a token on the seeds. Every cycle trains through the learning rates in blocks; after
each block the token draws previews on fixed seeds, whose scores tell whether to stay at the rate
(`trainers.coti.cycles`). After the last rate, the best embedding's previews say what is lacking (Eqs. 9 and 10), the
best of the pool join X_T, and the next cycle begins anew. The embedding of the best cycle is published.

Where the paper is silent or its code differs:

- The scores of a cycle look at X_T as the cycle has it, and choose what joins it in the next one.
- S_con follows X_T, so cycles are compared by one yardstick: at the end of each, the previews of all cycles so far are
  scored again, by this cycle's scores. Three cycles (--patience) without a gain end the run.
- With --rule code progress is the plain sum of both mean scores, by which the released code chooses embeddings; with
  --rule paper it is phi (Eq. 12).
- Both schedules keep the best embedding of the cycle, as the released code does; `fixed` only never leaves a rate
  early. Its optimizer begins anew at each rate.
- The released code's captions and negative prompts are of a web interface; ours are those of `trainers inversion`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, cast

import msgspec
import numpy as np
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from annotators import images, scores
from annotators.recalled import aesthetics_of, embeddings_of
from schemas import atomic
from schemas.errors import RowError, UsageError
from trainers.bases import Base, open_base
from trainers.captions import from_templates
from trainers.coti import curves, previews, scorers, selected
from trainers.coti.choices import Asked, Pool, Strategy, choose, measured, open_pool
from trainers.coti.coti_options import Coti
from trainers.coti.cycles import Block, Choice, Compared, Plan, Record, State, best_cycle, ended
from trainers.coti.scorers import Eyes, Lesson, Scorer, Seen
from trainers.inversion import TEMPLATES, Inversion
from trainers.training.checkpoints import save_tensors
from trainers.training.loop import Loop
from trainers.training.record import Run
from trainers.views.decks import Deck, Frame
from trainers.views.pairs import Pairs

_LOOKED_AT = 8
"""Pictures of a folder that are decoded at a time."""


class Confusable(NamedTuple):
    """--confusable, as a run's record names it, and what the pool's models see in it."""

    name: str
    digest: str
    seen: Seen
    recipe: str = ""
    version: str = ""


def run(options: Coti) -> int:
    """Trains, chooses and publishes; returns the exit code."""
    pool = open_pool(options.pool)
    eyes = eyes_of(pool, options)
    options = named(options, pool)
    others = None if options.confusable is None else confusable(options.confusable, eyes)
    base = open_base(options.base, options.out / "base")
    method = Inversion(base, options.token, options.vectors, options.initial or None, options.seed)
    data = {"pool": pool.data} | ({} if others is None else {"confusable": others})
    record = Run(method="coti", options=options, data=data, base=base.provenance())
    begun = {name: one.clone() for name, one in method.weights().items()}
    loop = Loop(method, view(pool, pool.ids[:pool.seeds], base, options), options.training(), record)
    if not loop.finished:
        Cycles(loop, pool, eyes, options, begun, others).run()
        loop.finish()
    return 0


def eyes_of(pool: Pool, options: Coti) -> Eyes:
    """The models that the pool was seen through. Raises UsageError when they are not to be had."""
    manifest = pool.data.manifest
    if manifest is None:
        raise UsageError("--pool has no manifest, so nobody knows which models embedded it", seen=options.pool,
                         allowed="what `build coti` published")
    embeddings = embeddings_of(manifest, options.embeddings, pool.seen.vectors.shape[1])
    return Eyes(embeddings, aesthetics_of(manifest, embeddings, options.aesthetics))


def named(options: Coti, pool: Pool) -> Coti:
    """With the concept and the token, which follow from the pool by default."""
    told = pool.data.manifest.options.get("concept") if pool.data.manifest else None
    concept = options.concept or str(told or "concept")
    token = options.token or f"<{re.sub(r'[^a-z0-9]+', '-', concept.lower()).strip('-') or 'it'}>"
    return replace(options, concept=concept, token=token)


def confusable(folder: Path, eyes: Eyes) -> Confusable:
    """What is in the pictures of a folder; files that are none are passed over. Raises UsageError when all are."""
    parts: list[Seen] = []
    waiting: list[np.ndarray] = []
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            data = images.read(path)
            waiting.append(images.decode(data).picture)
        except RowError:
            continue
        whole.update(hashlib.sha256(data).digest())
        if len(waiting) == _LOOKED_AT:
            parts.append(eyes(waiting))
            waiting = []
    parts.append(eyes(waiting))
    seen = Seen(np.concatenate([one.vectors for one in parts]), np.concatenate([one.looks for one in parts]))
    if not len(seen.looks):
        raise UsageError("--confusable holds no picture", seen=str(folder), allowed="files such as 01.jpg in it")
    return Confusable(folder.resolve().name, whole.hexdigest(), seen)


def view(pool: Pool, chosen: list[str], base: Base, options: Coti) -> Pairs:
    """X_T as training sees it: squares, every other one mirrored, with captions by templates."""
    side = options.resolution or base.resolution
    frame = Frame(side=side, latent=base.latent_shape(side), timesteps=base.scheduler.config.num_train_timesteps,
                  low=1.0, flip=True)
    rows = pool.rows.select_columns(["id", "image", "text"]).select(pool.at(chosen))
    return Pairs(Deck(rows, frame, from_templates(TEMPLATES, options.token)))


class Cycles:
    """A run's cycles: what happens between two blocks of the loop. Its state travels in the loop's checkpoints, so that
    a run that was killed goes on with the block it was in."""

    def __init__(self, loop: Loop, pool: Pool, eyes: Eyes, options: Coti, begun: dict[str, Tensor],
                 others: Confusable | None) -> None:
        self.loop, self.pool, self.eyes, self.options, self.begun, self.others = loop, pool, eyes, options, begun, \
            others
        self.plan = Plan(options.rates(), options.steps_per_rate // options.block, options.schedule == "dynamic",
                         options.cycles, options.patience)
        self.home = options.out / "cycles"
        seeds = [Choice(name) for name in pool.ids[:pool.seeds]]
        self.state = msgspec.convert(loop.extra, State) if loop.extra else State([Record(0, pool.seeds, seeds)])
        self.single = measured(cast(Strategy, options.select), pool, loop.method.base.vae,
                               loop.method.base.resolution, options.seed)
        self.before: list[Seen] = []
        """The best previews of the cycles that are over."""

    def run(self) -> None:
        """Trains to the end, and leaves the best embedding in the method."""
        state, options = self.state, self.options
        self.scorer = self._scorer()
        self.before = [self._seen(cycle) for cycle in range(len(state.records) - (not state.over))]
        while not state.over:
            self.loop.view = view(self.pool, state.chosen, self.loop.method.base, options)
            self.loop.train((state.done + 1) * options.block)
            self._settle()
        if self._main:
            selected.write(options.out / "selected", self.pool, state.records, options.concept)
            found = [previews.kept(self._folder(record.cycle), min(options.previews, 6)) for record in state.records]
            atomic.write(options.out / "cycles.png", curves.cycles_png(found))
            atomic.write(options.out / "curves.png", curves.curves_png(state.records))

    def _settle(self) -> None:
        """What follows a block."""
        state, loop = self.state, self.loop
        drawn = self._draw(f"a photo of {self.options.token}", range(self.options.previews))
        aesthetic, concept = self.scorer.gammas(self._look(drawn))
        rate = self.plan.rates[state.rate]
        turn = state.settle(Block(rate, loop.step, aesthetic, concept, scores.phi(aesthetic, concept),
                                  self._indicator(aesthetic, concept), False), self.plan)
        block = state.record.blocks[-1]
        name = "phi" if self.options.rule == "paper" else "sum"
        self.loop.say(f"cycle {state.record.cycle}, rate {rate:g}: aesthetic {aesthetic:.2f}, concept {concept:.2f}, "
                  f"{name} {block.indicator:.3f}{', the best so far' if block.better else ''}")
        if self._main and block.better:
            previews.keep(drawn, self._folder(state.record.cycle))
            with atomic.replacing(self._embedding(state.record.cycle)) as path:
                save_tensors(loop.method.weights(), path)
        loop.accelerator.wait_for_everyone()
        if turn != "block":
            loop.method.load(load_file(self._embedding(state.record.cycle)))
        if turn == "cycle":
            self._end_cycle()
        if turn != "block" and not state.over:
            loop.begin(self.plan.rates[state.rate])
        self._write(state.record)
        loop.extra = msgspec.to_builtins(state)
        loop.checkpoint()

    def _end_cycle(self) -> None:
        """Compares the cycle with those before, and begins the next one or ends the run."""
        state, record, options = self.state, self.state.record, self.options
        self.before.append(self._seen(record.cycle))
        gammas = [self.scorer.gammas(seen) for seen in self.before]
        record.compared = [Compared(*both, self._indicator(*both)) for both in gammas]
        indicators = [one.indicator for one in record.compared]
        left = len(self.pool.left(state.chosen))
        state.over = ended(indicators, left, self.plan)
        if not state.over and self.loop.step >= options.steps:
            state.over = f"{options.steps:,} steps are done"
        if state.over:
            best = best_cycle(indicators)
            self.loop.say(f"{state.over}; the best embedding is that of cycle {best}")
            self.loop.method.load(load_file(self._embedding(best)))
            return
        self._write(record)
        aesthetic, concept = gammas[-1]
        weighed = options.rule == "paper"
        asked = Asked(cast(Strategy, options.select), options.budget, options.seed,
                      (aesthetic, concept) if weighed else (0.0, 0.0), self.single)
        chosen = choose(self.pool, state.chosen, self.scorer, asked)
        state.follow(Record(record.cycle + 1, len(state.chosen) + len(chosen), chosen, aesthetic, concept,
                            1 - asked.gammas[0] / scores.TOP, 1 - asked.gammas[1] / scores.TOP))
        self.loop.say(f"cycle {record.cycle + 1}: {len(chosen)} pictures join, {len(state.chosen)} in all")
        self.scorer = self._scorer()
        if options.reinit:
            self.loop.method.load(self.begun)

    def _scorer(self) -> Scorer:
        """The scores of the cycle that runs."""
        at, options = self.pool.at(self.state.chosen), self.options
        if options.scorer == "fixed":
            return scorers.fixed(self.pool.seen.vectors[at], cast(scores.Rule, options.concept_rule))
        seen = self.pool.seen.some(at)
        when = [record.cycle for record in self.state.records for _ in record.chosen]
        targets = np.asarray([scorers.target(cycle, options.cycles, float(look))
                              for cycle, look in zip(when, seen.looks, strict=True)], np.float32)
        others = {"generated": self._generated()}
        if self.others is not None:
            others["confusable"] = self.others.seen
        return scorers.refreshed(Lesson(seen, targets, others), options.seed)

    def _generated(self) -> Seen:
        """What the base makes of the concept's own words, as many pictures as X_T has: drawn once, and kept."""
        folder, drawn = self.home / "base", 0
        for record in self.state.records:
            if not (folder / f"{record.pool - 1}.png").exists():  # the last one that is written
                more = self._draw(f"a photo of {self.options.concept}", range(drawn, record.pool))
                self.loop.accelerator.wait_for_everyone()  # so that all have looked before one of them writes
                if self._main:
                    previews.keep(more, folder, drawn)
                self.loop.accelerator.wait_for_everyone()
            drawn = record.pool
        return self._look(previews.kept(folder, drawn))

    def _indicator(self, aesthetic: float, concept: float) -> float:
        return scores.phi(aesthetic, concept) if self.options.rule == "paper" else aesthetic + concept

    def _draw(self, prompt: str, numbers: range) -> list[Image.Image]:
        return list(previews.drawn(self.loop, prompt, numbers, self.options.preview_steps,
                                   self.options.preview_guidance))

    def _look(self, pictures: list[Image.Image]) -> Seen:
        return self.eyes([np.asarray(picture) for picture in pictures])

    def _seen(self, cycle: int) -> Seen:
        return self._look(previews.kept(self._folder(cycle), self.options.previews))

    def _folder(self, cycle: int) -> Path:
        return self.home / f"{cycle:02d}"

    def _embedding(self, cycle: int) -> Path:
        return self._folder(cycle) / "embedding.safetensors"

    def _write(self, record: Record) -> None:
        if self._main:
            atomic.write(self.home / f"{record.cycle:02d}.json",
                         msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")

    @property
    def _main(self) -> bool:
        return bool(self.loop.accelerator.is_main_process)
