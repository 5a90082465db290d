"""The COTI recipe (paper, section 3.2): a pool of pictures of a concept, scored so that an embedding is trained on
those that were chosen actively.

Read it aloud: pictures are listed, fetched where they are only known by an address, and read; near copies of the seeds
and of each other leave; what is left is embedded and judged for its looks; S_con compares it with the seeds, S_int
weighs both scores; the budget's best are marked; all of it is published with an index by which to search it.

Choices where the paper is silent or its code differs: see `annotators.scores` for the scores, `builders.copies` for
near copies; the paper crawls "1000 web data according to keywords", so that many are taken of the open APIs by default.
"""

from __future__ import annotations

import hashlib
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Set
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version as version_of
from itertools import chain
from pathlib import Path
from typing import Any

from builders import publish, seeding, select
from builders.annotate import Look
from builders.copies import copies
from builders.coti_models import Models, open_models_for
from builders.coti_options import Coti
from builders.drawing import batched
from builders.fetching import Settings, Wanted
from builders.fetching.addresses import checked
from builders.fetching.fetch import Fetcher, host_of
from builders.fetching.opt_out import OptOut, read_opt_out
from builders.ledger import BATCH, Ledger, Row
from builders.near import USUAL
from builders.openings import open_engine
from builders.pool_rows import SEED, SPLITS, FillPool, rows_digest, shards
from builders.pools import open_pool
from builders.pools.base import Pool
from builders.published import shards as published_shards
from builders.release import Content, how_to_load, release
from builders.scoring import Scored, Weights, concept_of, score, weights_of
from builders.sources.trees import check_root
from builders.vector_index import FOLDER, POOL, build_index, stored
from builders.visits import Keeps, Limits, Link, Pixels
from builders.workspace import Workspace
from cards import coti as card
from schemas.errors import UsageError
from schemas.features import pool as columns
from schemas.locations import Location
from schemas.manifest import Manifest
from schemas.records import Drop, Post, Rejected, drop
from schemas.terminal.progress import Progress


def run(options: Coti) -> int:
    """Builds, or looks for candidates; prints where the dataset is or what comes next; returns the exit code."""
    progress = Progress(options.log)
    check_folders(options)
    chosen = seeding.picked(options) if options.pick else []
    opted = OptOut() if options.opt_out is None else read_opt_out(options.opt_out)
    if options.engine == "ray":
        options = options.absolute()
    with ExitStack() as stack:
        engine = stack.enter_context(open_engine(options, progress))
        models = open_models_for(engine, options)
        work = stack.enter_context(Workspace(options.out))
        pool = open_pool(options.pool, options.out, options.limit)
        roots = [pool.root, options.out, *([options.seeds] if options.seeds else [])]
        ledger = Ledger(work.scratch / "ledger.sqlite", *roots)
        look = Look(work, engine, ledger, progress, Limits(options.max_bytes, options.max_pixels))
        list_pictures(look, pool, options)
        fetch_pictures(look, options, opted)
        look_at_files(look, options, models, opted)
        seeds = keep_apart(look, good_seeds(look, chosen, options))
        if len(look.ledger) == len(seeds):
            raise nothing_left(look)
        look_closely(look, models)
        if not (seeds or options.pick):
            print(seeding.propose(look, options, models.embeddings))
            return 0
        concept = concept_of(look, options, models, seeds)
        weights = weights_of(look, options, models, concept)
        scored = score(look, options, concept, weights, seeds)
        source = {**source_of(look, pool, scored, opted), **concept.source, **weights.source}
        folder, manifest = publish_rows(look, models, scored, source, said(options, models, weights),
                                        {**pool.counts, **concept.counts, **weights.counts})
    print(farewell(folder, manifest))
    return 0


def check_folders(options: Coti) -> None:
    """Raises UsageError for a folder that cannot be read, before anything is fetched or written."""
    for name in ("seeds", "generated", "confusable"):
        if (folder := getattr(options, name)) is not None:
            check_root(folder, f"--{name}")


def list_pictures(look: Look, pool: Pool, options: Coti) -> None:
    """Stage "source": the seeds and the pool's pictures, or their addresses."""
    seeds = seeding.seeds_of(options.seeds, options.out) if options.seeds else ()
    found: Iterator[Post | Rejected] = chain(seeds, pool.posts())
    with look.progress.bar("source", None) as bar:
        rows_in = look.ledger.take(found, "", bar.advance)
    look.progress.step(look.ledger.close_stage("source", rows_in))


def fetch_pictures(look: Look, options: Coti, opted: OptOut) -> None:
    """Stage "fetch": pictures that are only known by an address."""
    rows_in = len(look.ledger)
    # What lies here may have come from those who want no part in it, too.
    for rows in look.ledger.rows() if opted.domains else ():
        named = ((row.post.id, opted.domain(host_of(checked(row.post.url)))) for row in rows
                 if row.post.path and row.post.url)
        look.ledger.drop((row, drop("opted_out", value=listed)) for row, listed in named if listed)
    far = sum(not row.post.path for rows in look.ledger.rows() for row in rows)
    wanted = (Wanted(row.post.id, row.post.url) for rows in look.ledger.rows() for row in rows if not row.post.path)
    settings = Settings(user_agent=options.user_agent or f"likeness/{version_of('likeness')}",
                        per_host=options.per_host, timeout=options.timeout,
                        retries=options.retries, allow_private=options.allow_private,
                        robots=not options.ignore_robots_tag, max_bytes=options.max_bytes,
                        max_pixels=options.max_pixels, resize=options.resize)
    with look.progress.bar("fetch", far) as bar:
        fetcher = Fetcher(options.out / ".annotations", settings, opted, options.workers)
        for some in batched(fetcher.fetch(wanted, bar.advance) if far else (), BATCH):
            look.ledger.place((one.id, one.path) for one in some if one.drop is None)
            look.ledger.drop((one.id, one.drop) for one in some if one.drop is not None)
    look.progress.step(look.ledger.close_stage("fetch", rows_in))


def look_at_files(look: Look, options: Coti, models: Models, opted: OptOut) -> None:
    """Stage "file": every picture is read and decoded once."""
    def judge(row: Row, md5: str) -> Drop | None:
        listed = opted.file(row.sha256, md5)
        return Drop("opted_out", "file", value=listed, threshold="not in --opt-out") if listed else None

    look.read_files(judge)
    pixels = Pixels(look.limits)
    decodes = Keeps(pixels.features.names, partial(select.whole_picture, min_side=options.min_side,
                                                   allowed=look.limits.told))
    look.visit([Link(pixels, "file", decodes), Link(models.hashes, "near")])
    look.measure()
    look.judge("file", decodes)


def good_seeds(look: Look, picked: list[str], options: Coti) -> Set[str]:
    """Ids of the seeds that were read. Raises UsageError when there should be some, but none is left."""
    alive = {row.post.id for rows in look.ledger.rows() for row in rows
             if row.post.id.startswith(seeding.MARK) or row.post.id in picked}
    if gone := sorted(set(picked) - alive):
        raise UsageError("a picked candidate is no longer there", seen=gone[0],
                         next_command="the same command without --pick, to look for candidates anew")
    if not alive and options.seeds:
        why = Counter(one.drop.reason for one in look.ledger.rejected() if one.id.startswith(seeding.MARK))
        told = ", ".join(f"{reason} {count}" for reason, count in why.most_common())
        raise UsageError(f"no picture of --seeds can be used ({told})", seen=str(options.seeds),
                         allowed="one good picture or more")
    return alive


def nothing_left(look: Look) -> UsageError:
    """What to raise when no picture of the pool can be used."""
    drops: Counter[str] = Counter()
    for step in look.ledger.funnel:
        drops.update(step.drops)
    told = ", ".join(f"{reason} {count:,}" for reason, count in drops.most_common(4)) or "it holds no picture"
    mine = "--allow-private, if those servers are yours" if drops["private_address"] else ""
    return UsageError(f"no picture of --pool is left to publish ({told})", allowed="one good picture or more",
                      next_command=mine or "build coti --help, or another --pool")


def keep_apart(look: Look, seeds: Set[str]) -> Set[str]:
    """Stage "near": of near copies one stays, a seed rather than another, a larger picture rather than a smaller.
    Returns the seeds that stay."""
    ids: list[str] = []
    pixels: list[int] = []
    hashes: dict[str, list[Any]] = {"phash": [], "phash_mirror": [], "thumb": []}
    for rows in look.ledger.rows():
        ids += [row.post.id for row in rows]
        pixels += [row.width * row.height for row in rows]
        for name, values in look.columns(rows, list(hashes)).items():
            hashes[name] += values
    found = copies(hashes["phash"], hashes["phash_mirror"], hashes["thumb"], [one in seeds for one in ids], pixels)
    allowed = f"over {USUAL.distance} of 64 bits, or under likeness {USUAL.likeness:g}"
    look.ledger.drop((ids[at], drop("near_copy", value=f"{copy.distance} bits from {ids[copy.of]}", threshold=allowed))
                     for at, copy in found.items())
    look.judge("near", None)
    return seeds - {ids[at] for at in found}


def look_closely(look: Look, models: Models) -> None:
    """Models see only what is left; those that cost no more than decoding do share a visit."""
    for link_chain in models.chains():
        look.visit(link_chain)


def publish_rows(look: Look, models: Models, scored: Scored, source: dict[str, str],
                 said: dict[str, object], counts: dict[str, int]) -> tuple[Location, Manifest]:
    """Publishes every row that is left as OUT/VERSION and returns that folder and its manifest. Raises UsageError when
    the version stands there with other rows."""
    named = models.named()
    width, column = models.embeddings.width, models.embeddings.features.names[0]
    draft = Manifest(
        recipe="coti", version=str(said["version"]), content_digest="", files={},
        rows_digest=rows_digest(look, scored, (models.embeddings.identity, str(said["concept"]))), source=source,
        counts=dict(sorted(counts.items())), options=said, models=named, funnel=look.ledger.funnel,
        splits={POOL: len(scored.at) - len(scored.seeds), SEED: len(scored.seeds)},
        near_copies=look.ledger.funnel[-1].drops.get("near_copy", 0), built_with=publish.built_with(named))
    content = Content(columns(width), FillPool(look.store_of(column).folder, column, look.limits),
                      lambda: shards(look, scored, column), len(look.ledger), look.ledger.rejected, card.pages,
                      write_index)
    return release(look.work, look.engine, look.progress, draft, content)


def said(options: Coti, models: Models, weights: Weights) -> dict[str, object]:
    """The resolved options in full, and what came of them."""
    return options.published() | {"embedding_width": models.embeddings.width, "gamma_aesthetic": weights.aesthetic,
                                  "gamma_concept": weights.concept}


def source_of(look: Look, pool: Pool, scored: Scored, opted: OptOut) -> dict[str, str]:
    """What the manifest says of where it all comes from: digests, no places. The --opt-out list names people, so it has
    only a digest, too."""
    seeds = (row.sha256 for rows in look.ledger.rows() for row in rows if row.post.id in scored.seeds)
    listed = opted.domains | opted.hashes
    return {"name": pool.said, "digest": pool.digest(), "licence": pool.licence, "seeds": digest_of(seeds),
            **({"opt_out": digest_of(listed)} if listed else {})}


def digest_of(words: Iterable[str]) -> str:
    """Digest of words in any order."""
    return hashlib.sha256("\n".join(sorted(words)).encode()).hexdigest()


def write_index(folder: Path, manifest: Manifest) -> Iterator[Path]:
    """The index over the split `pool`, whose row i is the split's row i."""
    files = published_shards(folder, POOL)
    build_index(lambda: stored(files), manifest.splits[POOL], int(str(manifest.options["embedding_width"])),
                folder / FOLDER, manifest.content_digest)
    return (folder / FOLDER).iterdir()


def farewell(folder: Location, manifest: Manifest) -> str:
    """What a person needs to know at the end."""
    rows = ", ".join(f"{split} {manifest.splits[split]:,}" for split in SPLITS)
    name = shlex.quote(str(folder))
    return "\n".join([
        f"published {folder} ({rows}; content {manifest.content_digest[:16]})",
        f"  load it:         {how_to_load(folder)}",
        f"  look at first:   {folder / 'assets' / 'best.png'}",
        f"  read:            {folder / 'README.md'}",
        f"  search it:       build search {name} --image FILE",
        f"  why not a row:   build explain {name} ID",
    ])
