"""A RetriBooru split by row: of each its references, its face, its prompt, and on demand its pixels.

`similar` is used as it stands: it may be neither transitive nor symmetric, and the build keeps near copies out of it,
so nothing is added to it. All else stays on the disk until it is asked for, so memory hardly grows with the dataset: by
24 bytes a row and 4 for each reference.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import datasets
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from annotators import images
from schemas.errors import BuildError, RowError, UsageError
from schemas.tags import prompt
from trainers import pictures
from trainers.views.letterbox import Box

COLUMNS = ("bbox", "character", "mask", "prompts", "sha256", "similar")
"""What `data.open_data` is to look for, besides `id` and `image`."""
_NAMED = 3
"""Rows that an error names."""


class Identities:
    """The rows of `data.open_data`. A row's references are those of its `similar` that stand in the split and are not
    the very file of the row. Raises UsageError when rows have none."""

    def __init__(self, rows: datasets.Dataset, flag: str = "--data",
                 written: Callable[[str, str], str] = prompt) -> None:
        """`written` makes a row's text of its columns `prompts` and `character`."""
        self._written = written
        known = rows.select_columns(["id", *sorted({*COLUMNS} - {"mask"})]).with_format("arrow")[:]  # still on the disk
        self._names, self._prompts, self._characters = known["id"], known["prompts"], known["character"]
        self._pictures = rows.select_columns("image")
        self._mattes = rows.select_columns("mask").cast_column("mask", datasets.Image(decode=False))
        self._ends, self._references, self.absent = _references(known)
        self._boxes = _boxes(known["bbox"])
        counts = np.diff(self._ends, prepend=0)
        if not counts.all():
            lone = np.flatnonzero(counts == 0)
            first = [self.name(int(row)) for row in lone[:_NAMED]] + ["..."] * (len(lone) > _NAMED)
            raise UsageError(f"{flag} has rows without a reference", allowed="in each row's column similar one row of "
                             "the same split, of another file", next_command="build verify DIR",
                             seen=f"{', '.join(first)} ({len(lone):,} in all)")

    def __len__(self) -> int:
        return len(self._ends)

    def told(self, count: int, majority: float) -> str:
        """One line for a person: how many references rows have, and where concepts cannot be cut."""
        counts, boxes = np.diff(self._ends, prepend=0), self._boxes
        close = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) > majority
        return (f"{counts.mean():.1f} references a row, fewer than {count} for {(counts < count).sum():,} of "
                f"{len(self):,}; {self.absent:,} named in similar are not in the split; "
                f"{np.isnan(boxes[:, 0]).sum():,} rows without a face box, {close.sum():,} with one over more than "
                f"{majority:g} of the picture")

    def references(self, row: int) -> npt.NDArray[np.int32]:
        """Numbers of the rows that may be shown for this one; at least one."""
        return self._references[self._ends[row - 1] if row else 0 : self._ends[row]]

    def box(self, row: int) -> Box | None:
        """The face, 0 .. 1 of the picture's width and height."""
        left, top, right, bottom = map(float, self._boxes[row])
        return None if np.isnan(left) else (left, top, right, bottom)

    def name(self, row: int) -> str:
        """The row's id."""
        return str(self._names[row])

    def prompt(self, row: int) -> str:
        """The row's text; by default its general tags in words."""
        return self._written(str(self._prompts[row]), str(self._characters[row]))

    def picture(self, row: int) -> Image.Image:
        """The picture, RGB. Raises BuildError, which names the row, for one that cannot be read."""
        try:
            return pictures.decoded(self._pictures[row]["image"])
        except RowError as error:
            raise BuildError(f"the picture of row {self.name(row)} cannot be used: {error}") from None

    def matte(self, row: int, size: tuple[int, int]) -> Image.Image:
        """The figure's matte, L. Raises BuildError, which names the row, for one that cannot be read or has not the
        picture's size."""
        cell: dict[str, Any] = self._mattes[row]["mask"]
        try:
            with Image.open(io.BytesIO(cell["bytes"]), formats=images.FORMATS) as found:
                matte = found.convert("L")
        except Exception as error:  # Pillow's decoders raise whatever their parsing stumbles on
            raise BuildError(f"the matte of row {self.name(row)} cannot be used: {error}") from None
        if matte.size != size:
            raise BuildError(f"the matte of row {self.name(row)} is of {matte.width} x {matte.height} pixels, its "
                             f"picture of {size[0]} x {size[1]}")
        return matte


def _references(rows: pa.Table) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], int]:
    """Where each row's references end, their numbers, and how many that are named are not there."""
    similar, files = rows["similar"].combine_chunks(), rows["sha256"].combine_chunks().dictionary_encode().indices
    of = pc.list_parent_indices(similar)
    found = pc.index_in(pc.list_flatten(similar), value_set=rows["id"].combine_chunks())
    there = found.is_valid()
    target, other = (np.asarray(numbers.filter(there), dtype=np.int32) for numbers in (of, found))
    file = np.asarray(files)
    keep = file[target] != file[other]
    counts = np.bincount(target[keep], minlength=rows.num_rows)
    return np.cumsum(counts), other[keep], found.null_count


def _boxes(column: pa.ChunkedArray) -> npt.NDArray[np.float32]:
    """left, top, right, bottom of the faces, cut to 0 .. 1; nan where there is none, or none within the picture."""
    told = np.array([box or [np.nan] * 4 for box in column.to_pylist()], np.float32).reshape(-1, 4)
    half = told[:, 2:] / 2
    boxes = np.clip(np.hstack([told[:, :2] - half, told[:, :2] + half]), 0, 1)
    boxes[~((boxes[:, 0] < boxes[:, 2]) & (boxes[:, 1] < boxes[:, 3]))] = np.nan
    return boxes
