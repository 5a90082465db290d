"""FastComposer's folders: a picture, its segments and a caption that names them."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
from PIL import Image

from builders.exports.rows import Export, Row, jpeg
from schemas.tags import described

_FIGURE = 1
"""Label of the figure in a map of segments; 0 is the background."""


def fastcomposer(export: Export) -> None:
    """ROOT/<first five digits>/NUMBER.jpg, .json and .npy for each row, and the lists of numbers.

    Its ids are whole numbers, which a folder's rows lack: here they are the rows' own, counted from 0, nine digits.
    `row` and `similar` (numbers of the rows that may stand for the identity) are ours; the trainer ignores them.
    """
    numbers = {row["id"]: f"{number:09d}" for number, row in enumerate(export.rows(["id"]))}
    for row in export.rows():
        number = numbers[row["id"]]
        place = f"{number[:5]}/{number}"
        try:
            picture, segments = jpeg(row["image"]["bytes"]), _segments(row)
        except Exception as error:  # Pillow's decoders raise whatever their parsing stumbles on
            raise export.damaged(f"row {row['id']}: image or matte cannot be read: {error}") from None
        export.write(f"{place}.jpg", picture)
        noun, rest = described(row["prompts"], row["character"])
        found = _box(segments)
        said: dict[str, Any] = {"caption": noun + rest, "segments": [], "row": row["id"],
                                "similar": [numbers[one] for one in row["similar"]]}
        if found:
            said["segments"] = [{"id": _FIGURE, "bbox": found, "end": len(noun),
                                 "coco_label": "person" if row["prompts"] else "object"}]
        export.write(f"{place}.json", json.dumps(said, ensure_ascii=False).encode())
        made = io.BytesIO()
        np.save(made, segments)
        export.write(f"{place}.npy", made.getvalue())
    listed = "".join(f"{number}\n" for number in numbers.values()).encode()
    export.write("image_ids.txt", listed)
    export.write(f"image_ids_{'train' if export.split == 'train' else 'test'}.txt", listed)


def _segments(row: Row) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """H x W labels, upright as the picture is: the figure where its matte covers at least half."""
    with Image.open(io.BytesIO(row["mask"]["bytes"]), formats=("PNG",)) as matte:
        return np.where(np.asarray(matte.convert("L")) >= 128, np.uint8(_FIGURE), np.uint8(0))


def _box(segments: np.ndarray[Any, np.dtype[np.uint8]]) -> list[int] | None:
    """x0, y0, x1, y1 of the figure in pixels, the latter two beyond it; None when there is none.

    The trainer calls them h1, w1, h2, w2, but cuts columns from the first to the third and rows from the second to
    the fourth.
    """
    columns, rows = np.flatnonzero(segments.any(0)), np.flatnonzero(segments.any(1))
    if not len(columns):
        return None
    return [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]
