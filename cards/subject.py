"""The pages of a subject: dataset card, licence note and contact sheet."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import islice

from PIL import Image, ImageDraw, ImageOps

from cards import shards
from cards.front import written
from cards.pages import LICENCE, README, funnel, models, render, word
from cards.sheets import GAP, MARGIN, WIDTH, paste, png, thumbnail
from schemas.features import REJECTED, SUBJECT
from schemas.locations import Location
from schemas.manifest import Manifest
from schemas.style import INK, font
from schemas.text import Raw, label

PICTURES = "assets/pictures.png"
LICENCE_NAME = "rights-of-the-pictures-owners"
SHOWN = 12
"""Pictures on the contact sheet, at most."""
_ACROSS, _LINES, _LINE = 3, 3, 30


def pages(manifest: Manifest, data: shards.Data, rejected: Location,
          run: shards.Run = map) -> Iterator[tuple[str, bytes]]:
    """Relative path and bytes of every page, the same bytes for the same input.

    `data` maps the split to its Parquet shards in the schema `schemas.features.SUBJECT`; `rejected` is the Parquet
    file of the rows that left. A subject is too small to be worth running workers.
    """
    rows = sum(manifest.splits.values())
    [(_, first)] = islice(shards.rows(data, ("id", "subject", "text")), 1)
    yield PICTURES, sheet(data)
    yield LICENCE, render("subject_licence.md", source=manifest.source, models=models(manifest))
    yield README, render(
        "subject.md", m=manifest, title=f"{first['subject']}: {rows} pictures of one {manifest.options['class_name']}",
        front=Raw(_front(manifest, data, first["subject"]).rstrip()), rows=rows, first=first, sheet=Raw(PICTURES),
        shown=min(rows, SHOWN), left=shards.sizes([rejected])[0], funnel=funnel(manifest), models=models(manifest),
        columns=SUBJECT, rejected=REJECTED, command=Raw(command(manifest)),
        regularization=Raw(regularization(manifest, "path/to/this/folder")))


def _front(manifest: Manifest, data: shards.Data, subject: str) -> str:
    return written(
        manifest, data, SUBJECT,
        pretty_name=subject,
        license="other",
        license_name=LICENCE_NAME,
        license_link=LICENCE,
        task_categories=["text-to-image"],
        annotations_creators=["machine-generated" if manifest.models else "expert-generated"],
        source_datasets=["extended|other-dreambench" if manifest.source.get("name") == "dreambench" else "original"],
        tags=["subject-driven-generation", "personalization", "dreambooth", "likeness"],
    )


def sheet(data: shards.Data) -> bytes:
    """The first pictures, each over its training caption."""
    side = (WIDTH - 2 * MARGIN - (_ACROSS - 1) * GAP) // _ACROSS
    rows = [row for _, row in islice(shards.rows(data, ("image", "text"), batch=1), SHOWN)]
    step = side + _LINES * _LINE + 2 * GAP
    page = Image.new("RGB", (WIDTH, MARGIN + -(-len(rows) // _ACROSS) * step), "white")
    pen = ImageDraw.Draw(page)
    for number, row in enumerate(rows):
        x, y = MARGIN + number % _ACROSS * (side + GAP), MARGIN + number // _ACROSS * step
        small = ImageOps.contain(thumbnail(row["image"]["bytes"], side), (side, side), Image.Resampling.LANCZOS)
        paste(page, small, (x, y), (side, side))
        for line, text in enumerate(textwrap.wrap(label(row["text"], 132), 44)[:_LINES]):
            pen.text((x, y + side + 10 + line * _LINE), text, INK, font(20), anchor="la")
    return png(page)


def command(manifest: Manifest) -> str:
    """The command that builds this version again from the same folder, which stands as DIR."""
    said = manifest.options
    parts = ["build subject --images DIR", f"--class-name {word(said['class_name'])}", f"--kind {said['kind']}",
             f"--token {word(said['token'])}"]
    parts += [f"--captioner {word(said['captioner'])}"] if said["captioner"] else []
    return " \\\n  ".join([*parts, f"--out OUT --version {word(manifest.version)}"])


def regularization(manifest: Manifest, folder: str) -> str:
    """The command that makes the set to train beside this version; `folder` is where it lies."""
    said = manifest.options
    return (f"build regularization --class-name {word(said['class_name'])} --kind {said['kind']} "
            f"--subject {folder} --out OUT")
