"""The pages of a RetriBooru build: dataset card, licence note and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from cards import shards, sheets
from cards.crosscheck import check
from cards.front import front
from cards.leakage import MEASURES, Floats, Leakage, alike_share, measure
from cards.pages import LICENCE, README, funnel, models, render, word
from cards.survey import PAIRS, Pairs, Survey, length_bars, survey, top
from schemas.features import REJECTED, RETRIBOORU
from schemas.locations import Location
from schemas.manifest import Manifest
from schemas.text import Raw

FIGURE2, OUTFITS, LEAKAGE, ALIKE = (f"assets/{name}.png" for name in ("figure2", "outfits", "leakage", "alike"))


def pages(manifest: Manifest, data: shards.Data, rejected: Location,
          run: shards.Run = map) -> Iterator[tuple[str, bytes]]:
    """Relative path and bytes of every page, the same bytes for the same input.

    `data` maps each split to its Parquet shards in the schema `schemas.features.RETRIBOORU`; `rejected` is the
    Parquet file of the rows that left; `manifest.files` is not read, so the pages may be added to it afterwards.
    """
    seen = survey(data)
    meter = measure(data, seen, run)
    drawn = dict(run(_made, [
        ("plots", partial(_plots, replace(seen, pairs=Pairs(), outfits={}), meter)),
        (OUTFITS, partial(sheets.outfits, data, sheets.choose(seen))),
        (ALIKE, partial(sheets.alike, data, meter.most_alike)),
        ("answers", partial(check, data))]))
    yield OUTFITS, drawn[OUTFITS]
    yield from drawn["plots"]
    yield ALIKE, drawn[ALIKE]
    left = shards.sizes([rejected])[0]
    yield LICENCE, render("licence.md", source=manifest.source, models=models(manifest))
    yield README, render(
        "retribooru.md", m=manifest, seen=seen, meter=meter, left=left, title=title(manifest),
        front=Raw(front(manifest, data, seen, title(manifest)).rstrip()), light=is_light(manifest),
        funnel=funnel(manifest), models=models(manifest), columns=RETRIBOORU, rejected=REJECTED, reading=reading(meter),
        splits=[(name, manifest.splits.get(name, 0)) for name in shards.splits(manifest.splits)],
        first=next((name for name in shards.splits(manifest.splits) if manifest.splits[name]), None),
        characters=top(seen.characters, 15), cloths=top(seen.cloths, 30),
        bars=length_bars(seen.lengths), command=Raw(command(manifest)), rows=sum(manifest.splits.values()),
        measures=MEASURES, limit=PAIRS, outfits_page=Raw(OUTFITS), figure2_page=Raw(FIGURE2),
        leakage_page=Raw(LEAKAGE), alike_page=Raw(ALIKE), few=few(seen),
        cross=drawn["answers"], by_construction=by_construction(manifest),
        by_artist=manifest.options.get("match", "artist") == "artist" and any(seen.artists),
    )


def _made(asked: tuple[str, Callable[[], Any]]) -> tuple[str, Any]:
    """A part of the card, made where there is time for it."""
    name, make = asked
    return name, make()


def _plots(seen: Survey, meter: Leakage) -> list[tuple[str, bytes]]:
    from cards import plots  # here, because only who draws has to wait for matplotlib

    return [(FIGURE2, plots.figure2(seen)), (LEAKAGE, plots.leakage(meter))]


def title(manifest: Manifest) -> str:
    """What the dataset is called where it has no other name yet."""
    source = manifest.source.get("name", "")
    known = {"sample": "RetriBooru in miniature, drawn by a program",
             "danbooru": "RetriBooru, rebuilt from a later copy of Danbooru",
             "danbooru2019": "RetriBooru, rebuilt from Danbooru2019"}
    return known.get(source, "Identity sets by the RetriBooru recipe")


def is_light(manifest: Manifest) -> bool:
    """True when any annotator was one of the packaged light ones."""
    return manifest.options.get("models") == "light" or any(
        model.provenance.get("backend") == "light" or model.provenance.get("weights", "").startswith("packaged ")
        for model in manifest.models)


def by_construction(manifest: Manifest) -> frozenset[str]:
    """Questions whose answers were read from the cloth tags, so that their agreement with tags says nothing."""
    return frozenset(question for model in manifest.models
                     for question in model.provenance.get("from_tags", "").split("; ") if question)


def reading(meter: Leakage) -> list[dict[str, Any]]:
    """Each measure in numbers: pairs measured, medians, share counted as alike; None where nothing was measured."""
    return [{"measure": kind, "pairs": int((~np.isnan(pairs)).sum()), "median": _median(pairs),
             "chance": _median(chance), "alike": alike_share(pairs, kind),
             "alike_by_chance": alike_share(chance, kind)}
            for kind, pairs, chance in zip(MEASURES, meter.references, meter.others, strict=True)]


def _median(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else None


def few(seen: Survey) -> tuple[float, float]:
    """Shares of the rows with exactly one reference and with fewer than four."""
    rows = max(sum(seen.lengths.values()), 1)
    return seen.lengths[1] / rows, sum(count for length, count in seen.lengths.items() if length < 4) / rows


def command(manifest: Manifest) -> str:
    """The command that builds this version again from the same source, one option a line.

    Paths are never in a manifest, so they stand as DIR, OUT and FILE. The words are quoted for a shell.
    """
    options = dict(manifest.options)
    source = str(options.pop("source", manifest.source.get("name", "")))
    parts = [f"build {manifest.recipe} --source {word(source)}"]
    if source != "sample":
        parts.append("--root DIR")
        options.pop("count", None)
    if options.pop("exclude", None) or "exclude" in manifest.source:
        parts.append("--exclude FILE")
    parts += ["--out OUT", f"--version {word(options.pop('version', manifest.version))}"]
    for name, value in sorted(options.items()):
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            parts += [flag] if value else []
        elif isinstance(value, list | tuple):
            parts += [f"{flag} {word(','.join(str(item) for item in value))}"] if value else []
        elif value is not None and value != "":
            parts.append(f"{flag} {word(value)}")
    return " \\\n  ".join(parts)
