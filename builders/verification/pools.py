"""`build verify` of web pools: what a row's picture, embedding, scores and status must be."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from annotators.scores import RULES, STRATEGIES, Concept, Scored, select
from builders.published import shards
from builders.vector_index import stored
from builders.verification.rows import picture_faults
from schemas.features import Column, pool
from schemas.locations import Location, readable
from schemas.manifest import Manifest

_ROUNDING = 1e-4  # scores are sums and products of float32
_PHASH = re.compile("[0-9a-f]{16}")
_NUMBERS = ("min_side", "max_pixels", "budget", "seed", "embedding_width", "gamma_aesthetic", "gamma_concept")
"""Options that rows are judged by."""


class Pools:
    """Pictures that decode, embeddings of unit length, scores within their ranges and that add up, and the very
    selection that the options ask for."""

    splits: tuple[str, ...] = ("pool", "seed")

    def __init__(self, manifest: Manifest) -> None:
        said: dict[str, Any] = manifest.options
        bad = [name for name in _NUMBERS
               if isinstance(said.get(name), bool) or not isinstance(said.get(name), int | float)]
        self._said = said | dict.fromkeys(bad, 0)
        if said.get("select") not in STRATEGIES:
            bad.append("select")
        self._faults = [f"manifest.json: option {name} is {said.get(name)!r}" for name in bad]
        self.columns: tuple[Column, ...] = pool(int(self._said["embedding_width"]))
        self._ids: list[str] = []
        self._scores, self._selected = array("f"), array("b")
        """Of the rows of the split `pool`, in their order."""

    def row(self, row: Mapping[str, Any], split: str) -> Iterator[str]:
        """Picture, embedding, scores and status."""
        nulls = [column.name for column in self.columns if row[column.name] is None]
        if nulls or row["image"]["bytes"] is None:
            yield f"null: {', '.join(nulls) or 'image'}"
            return
        if not row["id"]:
            yield "id is empty"
        if not _PHASH.fullmatch(row["phash"]):
            yield f"phash is {row['phash']!r}"
        if min(row["width"], row["height"]) < self._said["min_side"]:
            yield f"its shorter side is under {self._said['min_side']}"
        yield from picture_faults(row, int(self._said["max_pixels"]))
        yield from self._numbers(row)
        yield from self._status(row, split)

    def _numbers(self, row: Mapping[str, Any]) -> Iterator[str]:
        if None in row["embedding"] or not abs(float(np.linalg.norm(row["embedding"])) - 1) <= _ROUNDING:
            yield "its embedding has no unit length"
        for name in ("aesthetic_score", "concept_score"):
            if not 0 <= row[name] <= 10:
                yield f"{name} {row[name]} is not within 0..10"
        weights = [1 - self._said[name] / 10 for name in ("gamma_aesthetic", "gamma_concept")]
        meant = weights[0] * row["aesthetic_score"] + weights[1] * row["concept_score"]
        if not abs(meant - row["integrated_score"]) <= _ROUNDING * 10:
            yield f"integrated_score is {row['integrated_score']:.4f}, its scores make {meant:.4f}"

    def _status(self, row: Mapping[str, Any], split: str) -> Iterator[str]:
        allowed = ("seed",) if split == "seed" else ("selected", "pool")
        if row["status"] not in allowed:
            yield f"status {row['status']!r} in split {split}"
        if split != "seed":
            self._ids.append(row["id"])
            self._scores.extend((row["aesthetic_score"], row["concept_score"], row["integrated_score"]))
            self._selected.append(row["status"] == "selected")

    def whole(self) -> Iterator[str]:
        """What the options say, and whether just those rows are selected that they ask for."""
        yield from self._faults
        if self._faults:
            return
        scores = np.asarray(self._scores).reshape(-1, 3).T
        meant = np.zeros(len(self._ids), bool)
        meant[select(self._said["select"], Scored(self._ids, *scores), int(self._said["budget"]),
                     int(self._said["seed"]))] = True
        for at in np.flatnonzero(meant != self._selected):
            seen, right = ("pool", "selected") if meant[at] else ("selected", "pool")
            yield f"row {self._ids[at]}: status is {seen!r}, by --select {self._said['select']} it is {right!r}"


def concept_faults(folder: Location, manifest: Manifest) -> Iterator[str]:
    """Rows whose concept score is not what the embeddings of the seeds make of theirs. Rules that look through other
    models, whose answers are not published, are taken at their word."""
    rule: Any = manifest.options.get("concept_rule")
    if rule not in RULES:
        return
    try:
        seeds = np.concatenate(list(stored(shards(folder, "seed"))))
        for path in (path for split in Pools.splits for path in shards(folder, split)):
            said = pq.read_table(readable(path), columns=["id", "concept_score"])
            start = 0
            for vectors in stored([path]):
                concept = Concept(vectors)
                concept.add(seeds)
                scores = said["concept_score"].slice(start, len(vectors)).to_numpy()
                for at in np.flatnonzero(~(np.abs(concept.scores(rule) - scores) <= _ROUNDING * 10)):
                    yield f"{path.name}: row {said['id'][start + at]}: concept_score is not what its embedding makes it"
                start += len(vectors)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        yield f"concept scores cannot be compared with the embeddings: {error}"
