"""The contact sheet of an evaluation: references left, what was drawn after them right. Works in the core."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from PIL import Image, ImageDraw, ImageOps

from annotators import images
from schemas.errors import RowError, UsageError
from schemas.style import INK, MUTED, font
from schemas.text import label
from trainers.evaluation.plans import REAL, Job

ROWS, COLUMNS, REFERENCES = 8, 5, 2
"""Subjects on the sheet, drawn pictures of each, references of each, at most."""
CELL, GAP, GUTTER, NAME, WORDS, LINES = 168, 10, 34, 24, 11, 3
"""Pixels: side of a picture, space around it, space between references and drawn ones, height of a subject's name and
of a line of a prompt; and its lines."""
BACKDROP = "#f4f5f7"
Item = TypeVar("Item")


def path(folder: Path, job: Job) -> Path:
    """Where a drawn picture lies below OUT."""
    return folder / "pictures" / f"{job.key}.png"


def sheet(folder: Path, jobs: Sequence[Job], references: Mapping[str, bytes]) -> bytes | None:
    """PNG of subjects and prompts spread over the plan's, the first picture of each; None where nothing was drawn.
    Raises UsageError for a picture that is missing or damaged."""
    by_subject: dict[tuple[str, str], dict[str, Job]] = {}
    for job in jobs:
        if job.group != REAL:
            by_subject.setdefault((job.group, job.subject), {}).setdefault(f"{job.prompt}\0{job.scale}", job)
    if not by_subject:
        return None
    chosen = [(" · ".join(filter(None, name)), spread(list(some.values()), COLUMNS))
              for name, some in spread(list(by_subject.items()), ROWS)]
    given = [list(dict.fromkeys([*(one.picture for one in some[0].shown), *some[0].like]))[:REFERENCES]
             for _, some in chosen]
    left = max(map(len, given)) * (CELL + GAP) + GUTTER
    right = max(len(some) for _, some in chosen) * (CELL + GAP)
    height = NAME + CELL + LINES * (WORDS + 3) + 2 * GAP
    page = Image.new("RGB", (GAP + left + right, GAP + len(chosen) * height), "white")
    pen = ImageDraw.Draw(page)
    for row, ((name, some), ids) in enumerate(zip(chosen, given, strict=True)):
        top = GAP + row * height
        pen.text((GAP, top + NAME / 2), label(name, 90), INK, font(14, bold=True), anchor="lm")
        for column, one in enumerate(ids):
            page.paste(_cell(references[one]), (GAP + column * (CELL + GAP), top + NAME))
        for column, job in enumerate(some):
            place = (GAP + left + column * (CELL + GAP), top + NAME)
            page.paste(_cell(_read(path(folder, job))), place)
            _prompt(pen, job, place)
    out = io.BytesIO()
    page.save(out, "PNG")
    return out.getvalue()


def spread(some: Sequence[Item], most: int) -> list[Item]:
    """At most so many of them, evenly over all, the first and the last among them."""
    if len(some) <= most:
        return list(some)
    return [some[round(at * (len(some) - 1) / (most - 1))] for at in range(most)]


def _prompt(pen: ImageDraw.ImageDraw, job: Job, place: tuple[int, int]) -> None:
    letters = font(WORDS)
    words = label(job.prompt if job.scale is None else f"{job.scale:g}: {job.prompt}", 200)
    lines = textwrap.wrap(words, int(CELL / (0.6 * WORDS)), max_lines=LINES, placeholder=" …")
    for number, line in enumerate(lines):
        pen.text((place[0], place[1] + CELL + 3 + number * (WORDS + 3)), line, MUTED, letters, anchor="lt")


def _read(path: Path) -> bytes:
    try:
        return images.read(path)
    except RowError as error:
        raise UsageError(f"a drawn picture cannot be read: {error}", seen=str(path),
                         next_command="the same trainers evaluate again, which draws what is missing") from None


def _cell(data: bytes) -> Image.Image:
    """The picture, whole, on a square."""
    try:
        picture = images.upright(data)
    except RowError as error:
        raise UsageError(f"a picture cannot be read: {error}", allowed="pictures that were scored") from None
    return ImageOps.pad(picture, (CELL, CELL), Image.Resampling.LANCZOS, color=BACKDROP)
