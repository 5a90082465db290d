"""Pictures that are looked at beside a pool's but are no rows of it: generated ones, and those of what a concept is
mistaken for."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from builders import select
from builders.annotate import Look
from builders.coti_models import Models
from builders.ledger import Ledger, Row
from builders.pools.folder import PictureFolder
from builders.visits import Keeps, Link, Pixels
from schemas.errors import UsageError


class Beside:
    """The good pictures of a folder, seen by the models of a pool that is built into `out`.

    `digest` is over their bytes, `counts` tells of the others. Raises UsageError when there is no good one; `flag`
    names the option that gave the folder.
    """

    def __init__(self, look: Look, models: Models, out: Path, folder: Path, flag: str) -> None:
        ledger = Ledger(look.work.scratch / f"{flag.strip('-')}.sqlite", folder)
        self.look = Look(look.work, look.engine, ledger, look.progress, look.limits)
        with look.progress.bar(flag.strip("-"), None) as bar:
            there = ledger.take(PictureFolder(folder, out).posts(), "", bar.advance)
        ledger.close_stage("source", there)
        self.look.read_files(lambda row, md5: None)
        pixels = Pixels(look.limits)
        decodes = Keeps(pixels.features.names, partial(select.whole_picture, min_side=1, allowed=look.limits.told))
        self.look.visit([Link(pixels, "file", decodes)])
        self.look.judge("file", decodes)
        for chain in models.chains():
            self.look.visit(chain)
        self.rows: list[Row] = [row for rows in ledger.rows() for row in rows]
        if not self.rows:
            raise UsageError(f"{flag} holds no picture that can be read", seen=str(folder),
                             allowed="one good picture or more")
        lost = there - len(self.rows)
        self.counts = {f"pictures of {flag} that cannot be used": lost} if lost else {}
        self.digest = hashlib.sha256("\n".join(sorted(row.sha256 for row in self.rows)).encode()).hexdigest()

    def vectors(self, column: str) -> npt.NDArray[np.float32]:
        """A column of embeddings, rows x width."""
        return self.look.vectors(self.rows, column)
