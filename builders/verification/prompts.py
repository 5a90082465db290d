"""`build verify` of regularization sets: what a row's prompt, picture and score must be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from builders.attempts import seed_at
from builders.prompting.planning import FAMILIES, seed_of
from builders.verification.rows import picture_faults
from schemas.features import REGULARIZATION, Column
from schemas.manifest import Manifest
from schemas.prompts import PARTS, Form, compose

_MAX_PIXELS = 4096 * 4096  # what --size allows
_ROUNDING = 1e-6  # scores are stored as float32


class Prompts:
    """Prompts that say what their parts say, each once; pictures of the asked size; scores that are good enough."""

    splits: tuple[str, ...] = ("train",)

    def __init__(self, manifest: Manifest) -> None:
        self._said: dict[str, Any] = manifest.options
        self._form: Form = "living" if self._said.get("form") == "living" else "static"
        self.columns: tuple[Column, ...] = REGULARIZATION[self._form]
        self._texts: dict[str, str] = {}

    def row(self, row: Mapping[str, Any], split: str) -> Iterator[str]:
        """Prompt, family, seed, score and picture."""
        nulls = [column.name for column in self.columns if row[column.name] is None and column.name != "clip_t"]
        if nulls or row["image"]["bytes"] is None:
            yield f"null: {', '.join(nulls) or 'image'}"
            return
        yield from self._prompt(row)
        yield from self._drawn(row)
        yield from picture_faults(row, _MAX_PIXELS)

    def _prompt(self, row: Mapping[str, Any]) -> Iterator[str]:
        meant = compose({part: row[part] for part in PARTS[self._form]}, row["class_name"])
        if row["text"] != meant:
            yield f"its text is {row['text']!r}, its parts make {meant!r}"
        if row["class_name"] != self._said.get("class_name"):
            yield f"its class is {row['class_name']}, the build's {self._said.get('class_name')}"
        only = self._said.get("prompts") == "class-only"
        if row["family"] not in (("class",) if only else (*FAMILIES, "test")):
            yield f"no family is named {row['family']!r}"
        if row["family"] == "test" and not self._said.get("include_test_prompts"):
            yield "it has a test prompt, which this build was to leave out"
        if not only and self._texts.setdefault(row["text"], row["id"]) != row["id"]:
            yield f"row {self._texts[row['text']]} has the same prompt"

    def _drawn(self, row: Mapping[str, Any]) -> Iterator[str]:
        if not 1 <= row["attempts"] <= self._said.get("attempts", 1):
            yield f"{row['attempts']} attempts, allowed 1 to {self._said.get('attempts')}"
        elif not row["id"].isdecimal() or row["seed"] != seed_at(
                seed_of(self._said.get("seed", 0), int(row["id"])), row["attempts"]):
            yield "its seed is not that of its number and attempt"
        size = self._said.get("size")
        if (row["width"], row["height"]) != (size, size):
            yield f"it is {row['width']}x{row['height']}, the build drew {size}x{size}"
        least = self._said.get("min_clip_t")
        if (row["clip_t"] is None) != (least is None):
            yield "it has no score" if least is not None else "it has a score that nobody asked for"
        elif least is not None and not least - _ROUNDING <= row["clip_t"] <= 1 + _ROUNDING:
            yield f"its score {row['clip_t']:.4f} is not within {least:g}..1"

    def whole(self) -> Iterator[str]:
        """Nothing more: every promise is a row's own."""
        yield from ()
