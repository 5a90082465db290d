"""Pairs of one of the subject's pictures and one that regularizes, each with its own caption (DreamBooth's batches)."""

from __future__ import annotations

from trainers.training.draws import At
from trainers.training.feeding import Row
from trainers.views.decks import Deck


class Pairs:
    """A view of two decks, or of the subject's alone: textual inversion, and training without regularization."""

    def __init__(self, instances: Deck, regularizers: Deck | None = None) -> None:
        self._decks = [instances] if regularizers is None else [instances, regularizers]

    def rows(self, at: At) -> list[Row]:
        """One row of each deck."""
        return [deck.row(at) for deck in self._decks]
