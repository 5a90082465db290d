"""The RetriBooru recipe (paper, section 3): identity sets of anime figures.

Read it aloud: posts of a source are selected by their tags; their files are read; whole pictures are cut to the
figure; exactly one face is found; the figure is matted; questions about the clothes are answered; pictures of one
character, artist and outfit become each other's references; what has none leaves; the rest is published.

Choices where the paper is silent: the least face score is the detector's own recommendation; stages go from cheap to
costly; after each of them a row whose identity has fewer than two left is dropped, because it can never have a
reference.
"""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from annotators.base import Annotator
from annotators.weights import LIGHT
from builders import jobs, select
from builders.annotate import Look
from builders.compose import SPLITS, Build, publish_rows
from builders.figures import cut_figures
from builders.ledger import Ledger, Row
from builders.openings import Models, check_source, open_engine, open_models_for, open_source
from builders.options import Retribooru
from builders.outfits import group_outfits
from builders.release import how_to_load
from builders.sources import Source
from builders.sources.trees import inside
from builders.visits import Keeps, Limits, Link, Pixels
from builders.workspace import Workspace
from schemas.errors import UsageError
from schemas.locations import Location
from schemas.manifest import Manifest
from schemas.records import Drop, Post, Rejected
from schemas.terminal.progress import Progress


def run(options: Retribooru, agreed: jobs.Record | None = None) -> int:
    """Builds, or does one shard job of a build; prints where the dataset is or what comes next; returns the exit code.

    `agreed` is what the shard jobs did that come before: nothing may differ.
    """
    progress = Progress(options.log)
    wanted = selection(options)
    # Beyond --limit or the slice nothing is seen, so there nothing can be said of entries without a row.
    vain = set() if options.limit or options.slice else set(wanted.exclude.entries)
    with ExitStack() as stack:
        if options.dry_run:
            state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="likeness-")))
            ledger = select_posts(open_source(options, state, progress), options, wanted, state, progress, vain)
            say_vain({entry for entry in vain if not entry.startswith("md5:")}, progress)
            print(f"dry run: {len(ledger):,} rows would be looked at; nothing was written")
            return 0
        check_source(options)
        refuse_the_sources_folders(options)
        if options.engine == "ray":
            options = options.absolute()
        engine = stack.enter_context(open_engine(options, progress, options.root))
        models = open_models_for(engine, options)
        if options.face_score is None:
            options = replace(options, face_score=models.faces.default_score)
        roles: Mapping[str, Annotator] = vars(models)
        record = jobs.Record.of(options, wanted.exclude.digest, roles)
        if agreed is not None:
            jobs.check(record, agreed)
        work = stack.enter_context(Workspace(options.out, options.slice))
        if options.slice:
            jobs.begin(work.jobs, options.slice)
        source = open_source(options, work.state, progress)
        ledger = select_posts(source, options, wanted, work.scratch, progress, vain)
        look = Look(work, engine, ledger, progress, Limits(options.max_bytes, options.max_pixels),
                    seen=agreed is not None)
        read_files(look, wanted.exclude, vain)
        look_at_pictures(look, options, models)
        if options.slice:
            jobs.leave(work.jobs, replace(record, rows=len(ledger)), options.slice)
            print(f"shard {options.slice} is done: {len(ledger):,} rows are left of it; when all {options.slice.of} "
                  f"are: build publish {shlex.quote(str(options.out))}")
            return 0
        if agreed is not None:
            jobs.check_rows(len(ledger), agreed)
        places = group_outfits(look, options)
        build = Build(options, source, roles, wanted.exclude.digest)
        folder, manifest = publish_rows(look, places, build)
    print(farewell(folder, manifest))
    return 0


def publish(out: Location, workers: int, log: str) -> int:
    """Ends the build whose shard jobs are all done: looks at nothing again, groups and publishes."""
    agreed = jobs.agreed(out / ".state" / "shards")
    here = replace(agreed.options, engine="local", address="", gpus=0.0)
    return run(replace(here, out=out, workers=workers, log=log, shard=""), agreed)


def refuse_the_sources_folders(options: Retribooru) -> None:
    """Raises UsageError when --out is a folder of the source: what a build wrote into is not read again."""
    out = options.out
    if options.root is None or not isinstance(out, Path) or not out.is_dir() or not inside(options.root, out):
        return
    names = {path.name for path in out.iterdir()}
    if names and not names & {".state", ".annotations"}:
        raise UsageError("--out is a folder of the source", seen=str(out),
                         allowed="a new folder, an empty one, or one that a build wrote",
                         next_command=f"the same command with --out {out / 'out'}")


def selection(options: Retribooru) -> select.Selection:
    """What the tag filters want. Raises UsageError for an unknown rating or an unreadable --exclude file."""
    exclude = select.Exclude() if options.exclude is None else select.read_exclude(options.exclude)
    tagged = options.source != "folder"
    select.check_exclude(exclude, tagged)
    return select.Selection(exclude, select.read_ratings(options.ratings), tagged)


def select_posts(source: Source, options: Retribooru, wanted: select.Selection, state: Path,
                 progress: Progress, vain: set[str]) -> Ledger:
    """Stages "source" and "select": what is a row, and which rows their tags let pass. Takes from `vain` the entries
    of the --exclude file that named a post."""
    ledger = Ledger(state / "ledger.sqlite", source.root)
    found = source.posts()
    if options.limit:
        found = first_that_pass(found, wanted, options.limit)
    if options.slice:
        found = options.slice.rows(found, options.match)
    with progress.bar("source", None, "file") as bar:
        rows_in = ledger.take(found, options.match, bar.advance)
    progress.step(ledger.close_stage("source", rows_in))
    rows_in = len(ledger)
    with progress.bar("select", rows_in) as bar:
        for rows in ledger.rows():
            vain.difference_update(*(select.named(row.post, wanted.exclude) for row in rows))
            verdicts = ((row.post.id, select.select(row.post, wanted)) for row in rows)
            drops = [(row, why) for row, why in verdicts if why is not None]
            ledger.drop(drops)
            bar.advance(len(rows), len(rows) - len(drops))
    ledger.drop_singletons("select")
    progress.step(ledger.close_stage("select", rows_in))
    return ledger


def first_that_pass(found: Iterator[Post | Rejected], wanted: select.Selection,
                    limit: int) -> Iterator[Post | Rejected]:
    """What comes up to the `limit`-th post that the filters keep; reads the source to its end, for its digest."""
    for item in found:
        if limit > 0:
            yield item
            limit -= isinstance(item, Post) and select.select(item, wanted) is None


def read_files(look: Look, exclude: select.Exclude, vain: set[str]) -> None:
    """Begins stage "file". Takes from `vain` the entries that named a file, and tells of those that are left."""
    def judge(row: Row, md5: str) -> Drop | None:
        vain.discard(f"md5:{md5}")
        return select.excluded_file(md5, exclude)

    look.read_files(judge)
    say_vain(vain, look.progress)


def say_vain(vain: set[str], progress: Progress) -> None:
    """Tells of entries of the --exclude file that left out nothing: a slip of the pen would publish somebody."""
    if vain:
        more = f" and {len(vain) - 20} more" if len(vain) > 20 else ""
        progress.say(f"--exclude: no row was named by {', '.join(sorted(vain)[:20])}{more}")


def look_at_pictures(look: Look, options: Retribooru, models: Models) -> None:
    """Stages "file" to "answers": from cheap to costly, each only for rows that passed the one before."""
    first, *others = visits(look.limits, options, models)
    pixels = first[0]
    look.visit([pixels, Link(models.masks, "figure")], lambda row: row.post.needs_crop)
    look.visit(first, lambda row: not row.post.needs_crop)
    look.measure()
    look.judge(pixels.stage, pixels.keeps)
    cut_figures(look, models.masks, options.margin, options.min_side)
    for chain in (first[1:], *others):
        for at, link in enumerate(chain):
            look.visit(chain[at:])  # after the first, only what another threshold lets pass now is new
            if link.stage != "group":
                look.judge(link.stage, link.keeps)


def visits(limits: Limits, options: Retribooru, models: Models) -> list[list[Link]]:
    """Chains of annotators with their filters, one chain for each time that a picture is visited.

    Our light models cost less than it takes to decode a picture again, so they share a visit. Any other model begins
    a visit of its own, to which only those rows come whose identity still has two after the visit before.
    """
    least = models.faces.default_score if options.face_score is None else options.face_score
    low, high = options.matte
    pixels = Pixels(limits)
    faces, masks, answers = (f"{one.name}:{one.identity[:16]}" for one in (models.faces, models.masks, models.answers))
    decodes = Keeps(pixels.features.names, partial(select.whole_picture, min_side=options.min_side,
                                                   allowed=limits.told))
    one_face = Keeps(("scores",), partial(select.one_face, threshold=least, model=faces))
    covered = Keeps(("coverage",), partial(select.coverage_within, low=low, high=high, model=masks))
    known = Keeps(("answers", "outfit_hint"), partial(select.answers_known, model=answers))
    # Without a face there may be no clothes to ask about, and where answers are not compared nothing hangs on them.
    ask = options.needs_face and options.match_rule != "identity"
    chains = [[Link(pixels, "file", decodes)]]
    for role, link in (("faces", Link(models.faces, "faces", one_face if options.needs_face else None)),
                       ("masks", Link(models.masks, "masks", covered)),
                       ("answers", Link(models.answers, "answers", known if ask else None))):
        if options.weights(role) != LIGHT:
            chains.append([])
        chains[-1].append(link)
    chains[-1].append(Link(models.hashes, "group"))
    return chains


def farewell(folder: Location, manifest: Manifest) -> str:
    """What a person needs to know at the end."""
    rows = ", ".join(f"{split} {manifest.splits[split]:,}" for split in SPLITS if split in manifest.splits)
    return "\n".join([
        f"published {folder} ({rows}; content {manifest.content_digest[:16]})",
        f"  load it:         {how_to_load(folder)}",
        f"  look at first:   {folder / 'assets' / 'outfits.png'}",
        f"  read:            {folder / 'README.md'}",
        f"  why not a post:  build explain {shlex.quote(str(folder))} ID",
    ])
