"""The RetriBooru recipe (paper, section 3): identity sets of anime figures.

Read it aloud: posts of a source are selected by their tags; files are read; whole pictures are cut to the figure;
exactly one face is found; the figure is matted; questions about the clothes are answered; pictures of one
character, artist and outfit become each other's references; what has none leaves; the rest is published.

Choices where the paper is silent: the face score is the detector's own recommendation, the order of stages goes
from cheap to costly, and after each of them a row whose identity has fewer than two left is dropped, because it
can never have a reference.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from builders.annotate import Look
from builders.compose import publish_rows
from builders.engines import Local
from builders.options import Retribooru
from builders.outfits import group_outfits
from builders.progress import Progress
from builders.visits import Limits
from builders.workspace import Workspace


def run(options: Retribooru) -> int:
    """Builds, prints where the dataset is, and returns the exit code."""
    progress = Progress(options.log)
    models = _models(options)
    options = _resolved(options, models)
    with ExitStack() as stack:
        if options.dry_run:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="likeness-")))
            ledger, _ = _select(options, scratch, progress, stack)
            print(f"dry run: {len(ledger):,} rows would be read and looked at; nothing was written")
            return 0
        work = stack.enter_context(Workspace(options.out))
        ledger, source = _select(options, work.state, progress, stack)
        look = Look(work, Local(options.workers), ledger, progress, source.root,
                    Limits(options.max_bytes, options.max_pixels))
        _look(look, options, models)
        groups = group_outfits(look, options)
        folder = publish_rows(look, groups, options, source, models)
    print(_farewell(folder))
    return 0
