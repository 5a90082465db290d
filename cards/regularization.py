"""The pages of a regularization set: dataset card and contact sheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image, ImageDraw

from cards import shards
from cards.front import written
from cards.pages import README, funnel, models, render, word
from cards.prompts import Prompts, survey, used
from cards.sheets import MARGIN, WIDTH, paste, png, thumbnail, wrap
from schemas.features import REGULARIZATION, REJECTED
from schemas.locations import Location
from schemas.manifest import Manifest
from schemas.prompts import PARTS, Form
from schemas.style import INK, MUTED, font
from schemas.text import Raw

FAMILIES_PAGE, SCORES_PAGE = "assets/families.png", "assets/scores.png"
_CELL, _GAP, _LINE, _LINES = 368, 16, 24, 4


def pages(manifest: Manifest, data: shards.Data, rejected: Location,
          run: shards.Run = map) -> Iterator[tuple[str, bytes]]:
    """Relative path and bytes of every page, the same bytes for the same input.

    `data` maps the split to its Parquet shards in the schema `schemas.features.REGULARIZATION`; `rejected` is the
    Parquet file of the rows that left.
    """
    form: Form = "living" if manifest.options.get("form") == "living" else "static"
    seen = survey(data, PARTS[form])
    yield FAMILIES_PAGE, sheet(data, seen, meant(manifest))
    if seen.scores:
        from cards import plots  # here, because only who draws has to wait for matplotlib

        yield SCORES_PAGE, plots.scores(seen.scores, float(str(manifest.options["min_clip_t"])))
    rows = sum(manifest.splits.values())
    name = f"Regularization set for {manifest.options.get('class_name', 'a class')}"
    yield README, render(
        "regularization.md", m=manifest, title=name, front=Raw(_front(manifest, data, form, name).rstrip()), rows=rows,
        left=shards.sizes([rejected])[0], funnel=funnel(manifest), models=models(manifest), rejected=REJECTED,
        columns=REGULARIZATION[form], seen=seen, used=used(seen, PARTS[form]), meant=meant(manifest),
        distinct=len(seen.texts),
        light=manifest.options.get("generator") == "light", command=Raw(command(manifest)), parts=PARTS[form],
        sheet=Raw(FAMILIES_PAGE), scores=Raw(SCORES_PAGE) if seen.scores else None)


def meant(manifest: Manifest) -> dict[str, str]:
    """What each family is, in words."""
    scenes = "the scenes of the subject's own captions" if "subject" in manifest.source else "scenes of the pools"
    return {
        "training": f"no style, {scenes}",
        "photographic": "styles of photographs, scenes of the pools",
        "styled": "other styles, scenes of the pools",
        "test": "the prompts of DreamBench's evaluation",
        "class": "the class alone in every row, a control arm",
    }


def _front(manifest: Manifest, data: shards.Data, form: Form, name: str) -> str:
    return written(
        manifest, data, REGULARIZATION[form], pretty_name=name,
        license="apache-2.0" if manifest.options.get("generator") == "light" else "other",
        license_name=None if manifest.options.get("generator") == "light" else "of-the-generator",
        task_categories=["text-to-image"], annotations_creators=["machine-generated"], source_datasets=["original"],
        tags=["identity-preserving-generation", "subject-driven-generation", "personalization", "dreambooth",
              "regularization-images", "prior-preservation", "synthetic", "likeness"])


def command(manifest: Manifest) -> str:
    """The command that builds this version again, one option a line, without options that change nothing here. Paths
    stand as DIR and OUT."""
    said = {name: value for name, value in manifest.options.items() if name not in {"version", *_idle(manifest)}}
    parts = ["build regularization"]
    for name in ("class_name", "kind", "generator"):
        parts.append(f"--{name.replace('_', '-')} {word(said.pop(name, ''))}")
    parts += [f"--{name} DIR" for name in ("subject", "pools") if name in manifest.source]
    parts += ["--out OUT", f"--version {word(manifest.version)}"]
    for name, value in sorted(said.items()):
        flag = "--" + name.replace("_", "-")
        if value is True:
            parts.append(flag)
        elif value is not None and value is not False and value != "":  # 0 is a value, though it equals False
            parts.append(f"{flag} {word(value)}")
    return " \\\n  ".join(parts)


def _idle(manifest: Manifest) -> set[str]:
    """What the manifest tells but is no option, or is one that changed nothing in this build."""
    options, idle = manifest.options, {"form"}
    if options.get("generator") == "light":
        idle |= {"steps", "guidance"}
        if options.get("min_clip_t") is None:
            idle.add("attempts")  # a model may refuse to draw and is asked again, the light one never does
    if options.get("prompts") == "class-only":
        idle.add("shares")
    return idle


def sheet(data: shards.Data, seen: Prompts, meaning: Mapping[str, str]) -> bytes:
    """The picture to look at first: a row of pictures for each family, each with its prompt below, chosen by a hash of
    their ids. `meaning` tells of the families."""
    ids = {name for lot in seen.shown.values() for _, name in lot}
    shown = {row["id"]: row for hit in shards.hits(data, ids) for row in shards.read(hit, ("id", "image", "text"))}
    step = 44 + _CELL + 14 + _LINES * _LINE + 26
    page = Image.new("RGB", (WIDTH, MARGIN + step * max(1, len(seen.families))), "white")
    pen = ImageDraw.Draw(page)
    for number, family in enumerate(seen.families):
        y = MARGIN + number * step
        pen.text((MARGIN, y), family, INK, font(24, bold=True), anchor="la")
        told = f"{seen.rows[family]:,} picture{'s' if seen.rows[family] != 1 else ''}: {meaning[family]}"
        pen.text((MARGIN + 190, y + 4), told, MUTED, font(19), anchor="la")
        for place, (_, name) in enumerate(seen.shown[family]):
            x = MARGIN + place * (_CELL + _GAP)
            _cell(page, pen, shown[name], (x, y + 44))
    return png(page)


def _cell(page: Image.Image, pen: ImageDraw.ImageDraw, row: dict[str, Any], at: tuple[int, int]) -> None:
    """A picture with its prompt, as many lines of it as there is room for."""
    small = thumbnail(row["image"]["bytes"], _CELL)
    if max(small.size) < _CELL:
        small = small.resize((_CELL * small.width // max(small.size), _CELL * small.height // max(small.size)),
                             Image.Resampling.BICUBIC)
    paste(page, small, at, (_CELL, _CELL))
    for number, line in enumerate(wrap(row["text"], 38, _LINES)):
        pen.text((at[0], at[1] + _CELL + 14 + number * _LINE), line, INK, font(18),
                 anchor="la")
