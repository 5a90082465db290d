"""`build verify`: what a recipe promises of its rows beside what the manifest says of every dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from builders.splits import SEEN, TRAIN, UNSEEN
from builders.verification.places import Stand, place_faults
from builders.verification.pools import Pools
from builders.verification.prompts import Prompts
from builders.verification.rows import promised, row_faults
from builders.verification.subjects import Subjects
from schemas.features import RETRIBOORU, Column
from schemas.manifest import Manifest


class Recipe(Protocol):
    """Checks of the rows of one version, to which they come one by one. Every fault is told in words."""

    columns: tuple[Column, ...]
    splits: tuple[str, ...]
    """Those that there may be."""

    def row(self, row: Mapping[str, Any], split: str) -> Iterator[str]:
        """What is wrong with a row taken alone, anything of which may be null."""

    def whole(self) -> Iterator[str]:
        """What is wrong with the rows taken together, once all that have an id were seen."""


class Figures:
    """RetriBooru's rows: boxes, mattes, references, splits by identity."""

    columns: tuple[Column, ...] = RETRIBOORU
    splits: tuple[str, ...] = (TRAIN, SEEN, UNSEEN)

    def __init__(self, manifest: Manifest) -> None:
        self._promise, self._faults = promised(manifest)
        self._stands: dict[str, Stand] = {}
        self._questions: set[tuple[str, ...]] = set()

    def row(self, row: Mapping[str, Any], split: str) -> Iterator[str]:
        """Boxes, matte, picture and columns."""
        yield from row_faults(row, self._promise)
        if row["id"]:  # without one nothing can refer to it
            self._stands[row["id"]] = Stand.of(row, split)
            self._questions.add(tuple(one["question"] for one in row["answers"] or [] if one))

    def whole(self) -> Iterator[str]:
        """Options, references, outfits and splits."""
        yield from self._faults
        if len(self._questions) > 1:
            yield f"rows differ in what was asked: {len(self._questions)} lists of questions"
        yield from place_faults(self._stands, self._promise.match)


def recipe_of(manifest: Manifest) -> Recipe | None:
    """The checks for what built this version, None for a recipe that this program does not know."""
    known: dict[str, Callable[[Manifest], Recipe]] = {"retribooru": Figures, "subject": Subjects,
                                                      "regularization": Prompts, "coti": Pools}
    return known[manifest.recipe](manifest) if manifest.recipe in known else None
