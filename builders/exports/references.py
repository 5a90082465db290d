"""A target and what it is drawn after: IP-Adapter and ControlNet."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

from PIL import Image, ImageOps

from annotators import images
from builders.exports.rows import Export, Row, caption, name
from schemas.errors import RowError

_COLUMNS = ["id", "similar", "prompts", "character"]
_SIDE = 512
"""Width and height of ControlNet's pictures in pixels, those of its tutorial."""


def ip_adapter(export: Export) -> None:
    """images/ and data.json, a list of image_file and text, with paths below OUT.

    `ref_files` are the pictures that may stand for the identity; the trainer as it is ignores them.
    """
    places = {row["id"]: export.picture(row) for row in export.rows(["id", "image"])}
    with (export.folder / "data.json").open("x", encoding="utf-8", newline="\n") as file:
        before = "[\n"
        for row, similar in _referred(export, places):
            entry = {"image_file": places[row["id"]], "text": caption(row), "ref_files": similar}
            file.write(before + json.dumps(entry, ensure_ascii=False))
            before = ",\n"
        file.write("\n]\n")


def controlnet(export: Export) -> None:
    """images/, squares of 512 pixels, and prompt.json, a line for each target: source, target and prompt.

    The reader has one source for a target and resizes nothing. References take turns by the row's number;
    `sources` holds them all. metadata.jsonl says the same to `datasets` and so to the script of diffusers.
    """
    places = {row["id"]: _square(export, row) for row in export.rows(["id", "image"])}
    with ((export.folder / "prompt.json").open("x", encoding="utf-8", newline="\n") as prompts,
          (export.folder / "metadata.jsonl").open("x", encoding="utf-8", newline="\n") as metadata):
        for number, (row, similar) in enumerate(_referred(export, places)):
            target, source = places[row["id"]], similar[number % len(similar)]
            pair = {"source": source, "target": target, "prompt": caption(row), "sources": similar}
            prompts.write(json.dumps(pair, ensure_ascii=False) + "\n")
            names = {"image_file_name": target, "conditioning_image_file_name": source, "text": pair["prompt"]}
            metadata.write(json.dumps(names, ensure_ascii=False) + "\n")


def _referred(export: Export, places: dict[str, str]) -> Iterator[tuple[Row, list[str]]]:
    """Rows with the places of their references. Raises UsageError for one that has none in its own split."""
    for row in export.rows(_COLUMNS):
        missing = [one for one in row["similar"] if one not in places]
        if missing or not row["similar"]:
            raise export.damaged(f"row {row['id']}: " + (
                f"its reference {missing[0]} is not in split {export.split}" if missing else "it has no references"))
        yield row, [places[one] for one in row["similar"]]


def _square(export: Export, row: Row) -> str:
    """Writes the whole picture amid a white square."""
    try:
        figure = Image.fromarray(images.decode(row["image"]["bytes"]).picture)
    except RowError as error:
        raise export.damaged(f"row {row['id']}: image cannot be read: {error}") from None
    made = io.BytesIO()
    ImageOps.pad(figure, (_SIDE, _SIDE), Image.Resampling.LANCZOS, color="white").save(made, "PNG", compress_level=6)
    return export.write(f"images/{name(row['id'])}.png", made.getvalue())
