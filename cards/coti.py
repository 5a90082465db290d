"""The pages of a web pool: dataset card, contact sheets, a map of the pool, and what strategies would select."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from PIL import Image

from cards import pool_map, shards
from cards.front import written
from cards.pages import README, funnel, models, render, word
from cards.pool import SCORES, Pool, best, choices, grid, refused, rows_at, survey
from cards.results import ABREAST, Strip, Tile, sheet, strips
from cards.sheets import thumbnail
from schemas import features
from schemas.locations import Location, readable
from schemas.manifest import Manifest
from schemas.text import Raw

PAGES = {name: f"assets/{name}.png" for name in ("map", "seeds", "best", "worst", "scores", "strategies")}
SHOWN = 10
"""Pictures on each sheet; of seeds twice as many."""
_TOLD = {"coti": "by the integrated score", "aesthetic": "by the aesthetic score alone",
         "concept": "by the concept score alone", "random": "by chance"}
_SAID = ("id", "image", "url", "text", "license", "attribution")
_LISTED = 20
_FOUND = {"embedding_width", "gamma_aesthetic", "gamma_concept"}
"""What the options of a manifest tell that is no option, but what came of them."""

LICENCES = frozenset(["cc0-1.0", "cc"] + [f"cc-by{kind}-{version}" for kind, versions in {
    "": "2.0 2.5 3.0 4.0", "-sa": "3.0 4.0", "-nc": "2.0 3.0 4.0", "-nd": "4.0", "-nc-nd": "3.0 4.0",
    "-nc-sa": "2.0 3.0 4.0"}.items() for version in versions.split()])
"""Open licences of pictures that the Hub knows, by its names."""


class Shown(NamedTuple):
    """A row on a sheet."""

    small: Image.Image
    said: dict[str, Any]
    """Its columns _SAID but the image."""


def pages(manifest: Manifest, data: shards.Data, rejected: Location,
          run: shards.Run = map) -> Iterator[tuple[str, bytes]]:
    """Relative path and bytes of every page, the same bytes for the same input.

    `data` maps the splits `pool` and `seed` to their Parquet shards in the schema `schemas.features.pool(width)`;
    `rejected` is the Parquet file of the rows that left, beside which `index/index.json` lies where there is an index.
    """
    pool = survey(data, int(str(manifest.options.get("seed", 0))))
    plane = grid(pool, pool_map.ACROSS, pool_map.DOWN)
    ends = best(pool, "coti", pool.rows).tolist()
    lots = {name: best(pool, name, min(budget(manifest), ABREAST)).tolist() for name in _TOLD}
    shown = _load(data.get("pool", ()), chain(ends[:SHOWN], ends[-SHOWN:], plane.cells.values(), *lots.values()))
    seeds = _load(data.get("seed", ()), range(2 * SHOWN))
    yield PAGES["seeds"], sheet([Tile(one.small, text=one.said["id"].removeprefix("seed:")) for one in seeds.values()])
    if pool.rows:
        yield PAGES["best"], sheet([_tile(pool, number, shown) for number in ends[:SHOWN]])
        if pool.rows > SHOWN:
            yield PAGES["worst"], sheet([_tile(pool, number, shown) for number in reversed(ends[-SHOWN:])])
        yield PAGES["strategies"], strips(_strips(pool, lots, shown, budget(manifest)))
        yield PAGES["map"], pool_map.draw(plane, {number: one.small for number, one in shown.items()}, pool.selected)
        from cards import plots  # here, because only who draws has to wait for matplotlib

        yield PAGES["scores"], plots.pool_scores(pool)
    credited = [*seeds.values(), *(one for _, one in sorted(shown.items()))]
    yield README, _card(manifest, data, rejected, pool, credited)


def _card(manifest: Manifest, data: shards.Data, rejected: Location, pool: Pool, credited: list[Shown]) -> bytes:
    options = manifest.options
    columns = features.pool(_width(data))
    away = refused(rejected)
    drops = sum((Counter(step.drops) for step in manifest.funnel), Counter())
    return render(
        "coti.md", m=manifest, title=title(manifest), front=Raw(_front(manifest, data, columns, pool).rstrip()),
        rows=pool.rows, seeds=len(pool.seeds["concept"]), shown=SHOWN, pages=PAGES,
        selected=int(pool.selected.sum()), choices=choices(pool, budget(manifest)), rule=rule(manifest),
        gammas=gammas(manifest), light=[name for name in ("embeddings", "aesthetics") if options.get(name) == "light"],
        left=shards.sizes([rejected])[0], funnel=funnel(manifest), drops=drops, hosts=_hosts(pool, away),
        more_hosts=max(0, len({*pool.hosts, *away}) - _LISTED), models=models(manifest), columns=columns,
        index=_index(rejected), licences=_licences(pool), command=Raw(command(manifest)),
        credits=[one.said for one in credited if one.said["url"] or one.said["license"] or one.said["attribution"]])


def _load(paths: Sequence[Location], numbers: Iterable[int]) -> dict[int, Shown]:
    """The rows with these numbers, as small as the largest place that shows them."""
    return {number: Shown(thumbnail(row.pop("image")["bytes"], 292), row)
            for number, row in rows_at(paths, numbers, _SAID)}


def _tile(pool: Pool, number: int, shown: dict[int, Shown]) -> Tile:
    integrated, concept, aesthetic = (float(pool.scores[name][number]) for name in SCORES)
    return Tile(shown[number].small, f"{integrated:.2f}", parts=(concept, aesthetic),
                marked=bool(pool.selected[number]))


def _strips(pool: Pool, lots: dict[str, list[int]], shown: dict[int, Shown], most: int) -> list[Strip]:
    ours = set(best(pool, "coti", most).tolist())
    return [Strip(name, _TOLD[name], [Tile(shown[number].small, marked=number in ours) for number in numbers])
            for name, numbers in lots.items()]


def budget(manifest: Manifest) -> int:
    """How many rows a strategy selects."""
    return int(str(manifest.options["budget"]))


def title(manifest: Manifest) -> str:
    """What the dataset is called where it has no other name yet."""
    return f"Web pool for {manifest.options.get('concept', 'a concept')}"


def rule(manifest: Manifest) -> str:
    """How the concept score came about, in words."""
    said = str(manifest.options.get("concept_rule", "mean"))
    if said == "code":
        return ("the probability, times 10, that a classifier gives it which learned to tell the seeds from "
                "pictures of something else, as in the released code")
    if said == "paper":
        return "its least cosine to a seed, times 10, between latents of the text-to-image model's VAE (Eq. 8)"
    kinds = {"mean": "its mean cosine to the seeds", "min": "its least cosine to a seed",
             "max": "its cosine to the nearest seed"}
    return f"{kinds[said]}, times 10"


def gammas(manifest: Manifest) -> tuple[float, float]:
    """The weights' gammas of Eqs. 9 and 10: aesthetic, concept; 0 and 0 for a plain sum."""
    aesthetic, concept = (float(str(manifest.options.get(f"gamma_{name}") or 0)) for name in ("aesthetic", "concept"))
    return aesthetic, concept


def _width(data: shards.Data) -> int:
    """Numbers of an embedding."""
    for path in chain.from_iterable(data.values()):
        return int(pq.read_schema(readable(path)).field("embedding").type.list_size)
    return 1


def _front(manifest: Manifest, data: shards.Data, columns: tuple[features.Column, ...], pool: Pool) -> str:
    named = sorted(name.strip().lower().replace(" ", "-") for name in pool.licences)
    known = bool(named) and set(named) <= LICENCES
    return written(
        manifest, data, columns, pretty_name=title(manifest), license=named if known else "other",
        license_name=None if known else "of-each-picture", source_datasets=["original"],
        task_categories=["text-to-image", "image-feature-extraction"], annotations_creators=["machine-generated"],
        tags=["text-to-image", "textual-inversion", "personalization", "active-learning", "data-selection", "faiss",
              "aesthetic-score", "likeness"])


def _hosts(pool: Pool, away: dict[str, Counter[str]]) -> list[dict[str, Any]]:
    """The hosts that were asked for most pictures: what each gave, what was refused and why."""
    asked = Counter(pool.hosts)
    for name, reasons in away.items():
        asked[name] += reasons.total()
    return [{"name": name, "given": pool.hosts[name], "refused": asked[name] - pool.hosts[name],
             "why": sorted(away.get(name, Counter()).items(), key=lambda item: (-item[1], item[0]))}
            for name in sorted(asked, key=lambda name: (-asked[name], name))[:_LISTED]]


def _licences(pool: Pool) -> list[tuple[str, int, int]]:
    """(licence, rows, rows that say whom to name), the commonest first; those that are not listed as one."""
    order = sorted(pool.licences, key=lambda name: (-pool.licences[name], name))
    rows = [(name, pool.licences[name], pool.attributed[name]) for name in order[:_LISTED]]
    rest = order[_LISTED:]
    if rest:
        rows.append((f"{len(rest):,} others", sum(pool.licences[name] for name in rest),
                     sum(pool.attributed[name] for name in rest)))
    return rows


def _index(rejected: Location) -> dict[str, Any] | None:
    """What `index/index.json` tells of the index; None without one."""
    path = rejected.parent / "index" / "index.json"
    return dict(json.loads(path.read_bytes())) if path.exists() else None


def command(manifest: Manifest) -> str:
    """The command that builds this version again, one option a line. Paths stand as DIR, FILE and OUT."""
    said, source = dict(manifest.options), manifest.source
    kind, _, what = source.get("name", "").partition(":")
    if kind not in ("openverse", "inaturalist") and "/" not in what:  # it lies on a disk
        what = "FILE" if kind == "urls" else "DIR"
    parts = ["build coti", f"--concept {word(said.pop('concept', ''))}", f"--pool {word(f'{kind}:{what}')}"]
    if not said.get("seeds_from"):
        parts.append("--seeds DIR")
    parts += [f"--{flag} DIR" for flag in ("confusable", "generated") if flag in source]
    parts += ["--opt-out FILE"] if "opt_out" in source else []
    parts += ["--out OUT", f"--version {word(said.pop('version', manifest.version))}"]
    for name, value in sorted(said.items()):
        flag = ("--" if len(name) > 1 else "-") + name.replace("_", "-")
        if value is True:
            parts.append(flag)
        elif name not in _FOUND and value is not None and value is not False and value != "":
            parts.append(f"{flag} {word(value)}")
    return " \\\n  ".join(parts)
