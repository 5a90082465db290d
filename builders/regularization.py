"""The regularization recipe (A Data Perspective, section 3): pictures of the class, whose prompts are structured as the
subject's own captions are, and diverse.

Read it aloud: pools of words and the scenes of the subject's captions make a balanced plan of prompts; a generator
draws a picture for each; what fits its prompt too little is drawn again with another seed; the rest is published, every
part of a prompt in a column of its own.

Choices where the paper is silent: sampler and guidance are the generator's own (`builders.generators.diffusion`); a
picture's seed follows from the build's seed, the row's number and the attempt.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from annotators.base import Annotator
from annotators.clip_t import ClipT
from builders import publish
from builders.attempts import Attempts, Rules
from builders.drawing import FillPictures
from builders.engines import Engine
from builders.generators import Generator
from builders.generators.diffusion import Diffusion, Sampling
from builders.generators.light import Light
from builders.openings import open_engine
from builders.prompting import planning
from builders.prompting.planning import Planned
from builders.prompting.pools import Pools, check_class, read_pools
from builders.published import Scenes, read_scenes
from builders.regularization_options import Regularization
from builders.release import Content, how_to_load, release
from builders.store import Place
from builders.workspace import Workspace
from builders.write import Shard, columns_digest, cut_shards
from cards import regularization as card
from schemas.errors import UsageError
from schemas.features import REGULARIZATION
from schemas.locations import Location
from schemas.manifest import Manifest, Model, Step
from schemas.prompts import Form, Kind
from schemas.records import Drop, Rejected
from schemas.terminal.progress import Progress

SPLIT = "train"
_LICENCE = "drawn by the generator that stands among the models; its licence governs the pictures"


@dataclass(frozen=True)
class Plan:
    """The rows to draw, their form, and what they were made of."""

    rows: list[Planned]
    form: Form
    pools: Pools
    scenes: Scenes

    def pool_sizes(self) -> dict[str, int]:
        """As the manifest counts them."""
        sizes = {part: len(words) for part, words in self.pools.words.items()}
        sizes |= {f"style, {family}": len(words) for family, words in self.pools.styles.items()}
        return {f"pool of {name}": size for name, size in sizes.items()}


@dataclass(frozen=True)
class Drawers:
    """What draws and what judges."""

    generator: Generator
    scorer: Annotator | None

    def models(self) -> list[Model]:
        """As the manifest names them."""
        roles = {"generator": self.generator, "clip_t": self.scorer}
        return [Model(role, one.identity, one.provenance) for role, one in roles.items() if one is not None]


def run(options: Regularization) -> int:
    """Builds; prints where the dataset is and what to look at; returns the exit code."""
    progress = Progress(options.log)
    plan = plan_of(options)
    if options.dry_run:
        print("\n".join(row.text for row in plan.rows))
        return 0
    if options.engine == "ray":
        options = options.absolute()
    with ExitStack() as stack:
        engine = stack.enter_context(open_engine(options, progress))
        drawers = open_drawers_for(engine, options)
        work = stack.enter_context(Workspace(options.out))
        least = -1.0 if options.min_clip_t is None else options.min_clip_t
        rules = Rules(options.attempts, drawers.scorer, least)
        attempts = Attempts(work, engine, progress, drawers.generator, rules)
        left = attempts.draw(plan.rows)
        funnel = _funnel(plan, left, progress)
        if not attempts.drawn:
            raise UsageError("no picture was good enough to publish", seen=f"{len(left):,} rows, {left[0][1].reason}",
                             next_command="lower --min-clip-t, or take another --generator")
        draft = _draft(options, plan, drawers, funnel, attempts)
        content = Content(REGULARIZATION[plan.form], FillPictures(attempts.pictures.folder),
                          lambda: _shards(plan, drawers.generator, attempts), len(attempts.drawn),
                          lambda: (Rejected(row.id, "", why) for row, why in left), card.pages)
        folder, manifest = release(work, engine, progress, draft, content)
    print(farewell(folder, manifest))
    return 0


def plan_of(options: Regularization) -> Plan:
    """The prompts. Raises UsageError for pools, a subject or a count from which none can be made."""
    wanted = planning.Wanted(kind=cast(Kind, options.kind), class_name=options.class_name, count=options.count,
                             shares=options.families(), arm=cast(planning.Arm, options.prompts),
                             test_prompts=options.include_test_prompts, seed=options.seed)
    pools = read_pools(wanted.kind, wanted.form, options.pools)
    if wanted.arm != "class-only":
        check_class(options.class_name, pools)
    scenes = Scenes() if options.subject is None else read_scenes(options.subject, options.class_name,
                                                                        options.kind)
    return Plan(planning.plan(wanted, pools.words, pools.styles, scenes.scenes), wanted.form, pools, scenes)


def open_drawers(options: Regularization) -> Drawers:
    """Generator and scorer; weights of the Hub are fetched. Raises UsageError when some are missing."""
    if options.generator == "light":
        generator: Generator = Light(options.size or 256)
    else:
        generator = Diffusion(options.generator, Sampling(options.size, options.steps or 50, options.guidance,
                                                          options.batch))
    return Drawers(generator, None if options.min_clip_t is None else ClipT(options.clip))


def open_drawers_for(engine: Engine, options: Regularization) -> Drawers:
    """The same, opened where they will run: the device class, which is in their identity, may differ there."""
    if options.engine == "local":
        return open_drawers(options)
    drawers: Drawers
    [drawers] = engine.run(open_drawers, [options])
    return drawers


def _funnel(plan: Plan, left: Sequence[tuple[Planned, Drop]], progress: Progress) -> list[Step]:
    rows, reasons = len(plan.rows), [why.reason for _, why in left]
    funnel = [Step("plan", rows, rows, {}),
              Step("generate", rows, rows - len(left), {one: reasons.count(one) for one in sorted(set(reasons))})]
    for step in funnel:
        progress.step(step)
    return funnel


def _draft(options: Regularization, plan: Plan, drawers: Drawers, funnel: list[Step], attempts: Attempts) -> Manifest:
    whole = hashlib.sha256(drawers.generator.identity.encode())
    for columns, _ in _planned(plan, drawers.generator, attempts):
        whole.update(columns_digest(columns).encode())
    told = json.dumps([row.text for row in plan.rows]).encode()
    source = {"name": "prompts", "digest": hashlib.sha256(told).hexdigest(), "licence": _LICENCE,
              "words": plan.pools.digest} | ({} if options.pools is None else {"pools": "a folder of their own"})
    tried = [drawn.attempts for drawn in attempts.drawn.values()]
    again = sum(tried) - len(tried) + (len(plan.rows) - len(tried)) * (options.attempts - 1)
    return Manifest(
        recipe="regularization", version=options.version, rows_digest=whole.hexdigest(), files={}, content_digest="",
        source=source | plan.scenes.source, counts={"pictures drawn again": again} | plan.pool_sizes(),
        options=options.published() | {"form": plan.form, "size": drawers.generator.size,
                                       "steps": drawers.generator.steps, "guidance": drawers.generator.guidance},
        models=drawers.models(), funnel=funnel, splits={SPLIT: len(attempts.drawn)}, near_copies=0,
        built_with=publish.built_with(drawers.models()))


def _planned(plan: Plan, generator: Generator, attempts: Attempts) -> Iterator[tuple[dict[str, Any], str]]:
    """The columns of each row but for the pixels, and the key of its picture."""
    for row in plan.rows:
        drawn = attempts.drawn.get(row.id)
        if drawn is not None:
            yield {
                "id": row.id, "text": row.text, **row.parts, "class_name": row.class_name, "family": row.family,
                "seed": drawn.seed, "generator": generator.label, "guidance": float(np.float32(generator.guidance)),
                "steps": generator.steps, "attempts": drawn.attempts,
                "clip_t": None if drawn.clip_t is None else float(np.float32(drawn.clip_t)),
                "sha256": drawn.sha256, "width": generator.size, "height": generator.size,
            }, drawn.key


def _shards(plan: Plan, generator: Generator, attempts: Attempts) -> Iterator[Shard]:
    rows = list(_planned(plan, generator, attempts))
    places: list[Place] = attempts.pictures.locate([key for _, key in rows])
    sizes = attempts.pictures.columns([key for _, key in rows], ["bytes"])["bytes"]
    return cut_shards(SPLIT, zip((columns for columns, _ in rows), places, strict=True), sizes)


def farewell(folder: Location, manifest: Manifest) -> str:
    """What a person needs to know at the end."""
    return "\n".join([
        f"published {folder} ({manifest.splits[SPLIT]:,} pictures; content {manifest.content_digest[:16]})",
        f"  load it:         {how_to_load(folder)}",
        f"  look at first:   {folder / 'assets' / 'families.png'}",
        f"  read:            {folder / 'README.md'}",
        f"  for a trainer:   build export {shlex.quote(str(folder))} --format kohya --out DIR",
    ])
