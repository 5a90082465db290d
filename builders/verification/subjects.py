"""`build verify` of subjects: what a row's caption and picture must be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from builders.sources.shots import LIMITS
from builders.splits import TRAIN
from builders.verification.rows import picture_faults
from schemas.features import SUBJECT, Column
from schemas.manifest import Manifest
from schemas.prompts import compose

_SAME = ("class_name", "kind", "token")
"""Columns that are options of the build, the same in every row."""


class Subjects:
    """Captions that their scenes make, with and without the token; pictures of one subject, each once."""

    columns: tuple[Column, ...] = SUBJECT
    splits: tuple[str, ...] = (TRAIN,)

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._subjects: set[str] = set()
        self._pictures: dict[str, str] = {}

    def row(self, row: Mapping[str, Any], split: str) -> Iterator[str]:
        """Columns, captions and picture."""
        nulls = [column.name for column in SUBJECT if row[column.name] is None]
        if nulls or row["image"]["bytes"] is None:
            yield f"null: {', '.join(nulls) or 'image'}"
            return
        if empty := [column.name for column in SUBJECT if row[column.name] == "" and column.name != "scene"]:
            yield f"empty: {', '.join(empty)}"
            return
        said = self._manifest.options
        yield from (f"{name} is {row[name]!r}, the build's {said.get(name)!r}" for name in _SAME
                    if row[name] != said.get(name))
        for name, token in (("caption", ""), ("text", row["token"])):
            meant = compose({"background": row["scene"]}, row["class_name"], token)
            if row[name] != meant:
                yield f"its {name} is {row[name]!r}, its scene makes {meant!r}"
        if row["image"]["path"]:
            yield f"image names the file {row['image']['path']!r}"
        if self._pictures.setdefault(row["sha256"], row["id"]) != row["id"]:
            yield f"row {self._pictures[row['sha256']]} has the same picture"
        self._subjects.add(row["subject"])
        yield from picture_faults(row, LIMITS.max_pixels)

    def whole(self) -> Iterator[str]:
        """One subject; a model is named where it wrote the captions."""
        if len(self._subjects) > 1:
            yield f"rows of {len(self._subjects)} subjects: {', '.join(sorted(self._subjects))}"
        wrote = any(model.role == "captions" for model in self._manifest.models)
        if wrote != bool(self._manifest.options.get("captioner")):
            yield "manifest.json: its captioner and its models disagree on who wrote the captions"
