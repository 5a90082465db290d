"""`build verify` of web pools: what a row's picture, embedding, scores and status must be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from builders.verification.rows import picture_faults
from schemas.features import Column, pool
from schemas.manifest import Manifest

_ROUNDING = 1e-4  # scores are sums and products of float32
_PHASH = re.compile("[0-9a-f]{16}")
_SCORE = {"coti": "integrated_score", "aesthetic": "aesthetic_score", "concept": "concept_score"}
"""What a strategy selects by."""


class Pools:
    """Pictures that decode, embeddings of unit length, scores within their ranges and that add up, and a selection
    that is the budget's best."""

    splits: tuple[str, ...] = ("pool", "seed")

    def __init__(self, manifest: Manifest) -> None:
        self._said: dict[str, Any] = manifest.options
        width: Any = self._said.get("embedding_width")
        self.columns: tuple[Column, ...] = pool(width if isinstance(width, int) else 0)
        self._rows, self._selected = 0, 0
        self._least, self._best = float("inf"), float("-inf")
        """The least score of a selected row, and the best of one that is not."""

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
        if min(row["width"], row["height"]) < int(self._said.get("min_side") or 0):
            yield f"its shorter side is under {self._said.get('min_side')}"
        yield from picture_faults(row, int(self._said.get("max_pixels") or 0))
        yield from self._numbers(row)
        yield from self._status(row, split)

    def _numbers(self, row: Mapping[str, Any]) -> Iterator[str]:
        if None in row["embedding"] or not abs(float(np.linalg.norm(row["embedding"])) - 1) <= _ROUNDING:
            yield "its embedding has no unit length"
        for name in ("aesthetic_score", "concept_score"):
            if not 0 <= row[name] <= 10:
                yield f"{name} {row[name]} is not within 0..10"
        weights = [1 - float(self._said.get(name) or 0) / 10 for name in ("gamma_aesthetic", "gamma_concept")]
        meant = weights[0] * row["aesthetic_score"] + weights[1] * row["concept_score"]
        if not abs(meant - row["integrated_score"]) <= _ROUNDING * 10:
            yield f"integrated_score is {row['integrated_score']:.4f}, its scores make {meant:.4f}"

    def _status(self, row: Mapping[str, Any], split: str) -> Iterator[str]:
        allowed = ("seed",) if split == "seed" else ("selected", "pool")
        if row["status"] not in allowed:
            yield f"status {row['status']!r} in split {split}"
        if split == "seed":
            return
        self._rows += 1
        by = _SCORE.get(str(self._said.get("select")))
        if row["status"] == "selected":
            self._selected += 1
            self._least = min(self._least, row[by] if by else 0)
        else:
            self._best = max(self._best, row[by] if by else 0)

    def whole(self) -> Iterator[str]:
        """How many are selected, and that no other row is better."""
        everything = self._said.get("select") == "full"
        meant = self._rows if everything else min(self._rows, int(self._said.get("budget") or 0))
        if self._selected != meant:
            yield f"{self._selected} rows are selected, not {meant}"
        if self._best > self._least:
            yield f"a row with score {self._best:.4f} is not selected, one with {self._least:.4f} is"
