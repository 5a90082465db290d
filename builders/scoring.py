"""The scores of a pool's rows (COTI, section 3.2), and who is selected. Here models have spoken already: numbers only.

S_con looks at the seeds, X_T, through the pool's embeddings, through the VAE of the text-to-image model, or through the
released code's classifier; `annotators.scores` holds the equations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from annotators import scores
from annotators.scores import Scores
from builders.annotate import Look
from builders.beside import Beside
from builders.coti_models import LATENT, Models
from builders.coti_options import Coti
from builders.ledger import Row

Vectors = npt.NDArray[np.float32]


class Concept(NamedTuple):
    """S_con of pictures, 0..10, by what a column tells of them."""

    column: str
    score: Callable[[Vectors], Scores]
    source: Mapping[str, str] = {}
    counts: Mapping[str, int] = {}
    """What the manifest says of other pictures that it was learnt from."""

    def of(self, look: Look, rows: Sequence[Row]) -> Scores:
        """S_con of some rows."""
        return self.score(look.vectors(rows, self.column))


class Weights(NamedTuple):
    """γ of Eqs. 9 and 10, 0..10; zeros make Eq. 11 a plain sum."""

    aesthetic: float = 0.0
    concept: float = 0.0
    source: Mapping[str, str] = {}
    counts: Mapping[str, int] = {}
    """What the manifest says of the pictures that gave them."""


@dataclass(frozen=True)
class Scored:
    """Every row's scores and status. `at` is a row's place in the arrays, by id; `selected` are places."""

    at: Mapping[str, int]
    aesthetic: Scores
    concept: Scores
    integrated: Scores
    selected: Set[int]
    seeds: Set[str]

    def split(self, row: str) -> str:
        """Which split a row stands in."""
        return "seed" if row in self.seeds else "pool"

    def columns(self, row: str) -> dict[str, Any]:
        """What is published of them."""
        at = self.at[row]
        return {"aesthetic_score": float(self.aesthetic[at]), "concept_score": float(self.concept[at]),
                "integrated_score": float(self.integrated[at]),
                "status": "seed" if row in self.seeds else "selected" if at in self.selected else "pool"}


def concept_of(look: Look, options: Coti, models: Models, seeds: Set[str]) -> Concept:
    """What --concept-rule asks for. A seed is compared with all seeds, itself among them."""
    column = LATENT if options.concept_rule == "paper" else models.embeddings.features.names[0]
    known = np.concatenate([look.vectors(rows, column) for batch in look.ledger.rows()
                            if (rows := [row for row in batch if row.post.id in seeds])])
    if options.concept_rule == "code" and options.confusable is not None:
        from annotators.concept_classifier import train  # it needs torch

        others = Beside(look, models, options.out, options.confusable, "--confusable")
        learnt = train(known, others.vectors(column), options.seed)
        return Concept(column, learnt.scores, {"confusable": others.digest}, others.counts)
    rule = "min" if options.concept_rule == "paper" else cast(scores.Rule, options.concept_rule)
    return Concept(column, partial(_near, known, rule))


def _near(seeds: Vectors, rule: scores.Rule, vectors: Vectors) -> Scores:
    concept = scores.Concept(vectors)
    concept.add(seeds)
    return concept.scores(rule)


def weights_of(look: Look, options: Coti, models: Models, concept: Concept) -> Weights:
    """γ by the pictures of --generated, of which the released code's rule has none: it sums plainly."""
    if options.generated is None:
        return Weights()
    made = Beside(look, models, options.out, options.generated, "--generated")
    aesthetic, matching = _aesthetic(made.look, made.rows), concept.of(made.look, made.rows)
    return Weights(scores.gamma(aesthetic), scores.gamma(matching), {"generated": made.digest}, made.counts)


def score(look: Look, options: Coti, concept: Concept, weights: Weights, seeds: Set[str]) -> Scored:
    """Scores all rows and selects among those that are no seeds."""
    ids: list[str] = []
    found: list[tuple[Scores, Scores]] = []
    for rows in look.ledger.rows():
        ids += [row.post.id for row in rows]
        found.append((_aesthetic(look, rows), concept.of(look, rows)))
    aesthetic, matching = (np.concatenate(one) for one in zip(*found, strict=True))
    integrated = scores.integrated(aesthetic, matching, weights.aesthetic, weights.concept)
    pool = np.asarray([at for at, row in enumerate(ids) if row not in seeds], np.int64)
    seen = scores.Scored([ids[at] for at in pool], aesthetic[pool], matching[pool], integrated[pool])
    chosen = scores.select(cast(scores.Strategy, options.select), seen, options.budget, options.seed)
    return Scored({row: at for at, row in enumerate(ids)}, aesthetic, matching, integrated,
                  frozenset(pool[chosen].tolist()), seeds)


def _aesthetic(look: Look, rows: Sequence[Row]) -> Scores:
    return scores.clipped(look.arrays(rows, ["aesthetic"])["aesthetic"].to_numpy())
