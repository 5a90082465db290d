"""What the rows of a web pool say without their pixels: scores as arrays, what each strategy would select, licences,
and which hosts gave and refused pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from cards import shards
from schemas.draws import draw
from schemas.locations import Location, readable

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
"""Row numbers of the split `pool`."""

SCORES = ("integrated", "concept", "aesthetic")
"""Each is the column of that name with _score behind it."""

STRATEGIES = {"coti": "integrated", "aesthetic": "aesthetic", "concept": "concept", "random": "", "full": ""}
"""Ways to select, and the score by which the best are taken."""


@dataclass
class Pool:
    """Numbers in row order; a million rows take 25 MB."""

    scores: dict[str, Floats]
    selected: Bools
    draws: npt.NDArray[np.uint64]
    """By which --select random takes the lowest."""
    seeds: dict[str, Floats]
    """The scores of the split `seed`."""
    licences: Counter[str] = field(default_factory=Counter)
    """Rows of both splits by licence."""
    attributed: Counter[str] = field(default_factory=Counter)
    """Those of them that say whom to name."""
    hosts: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.selected)


def survey(data: shards.Data, seed: int) -> Pool:
    """Reads every row but its pixels and its embedding. `seed` is that of the random selection."""
    whole: dict[str, list[Any]] = {name: [] for name in (*SCORES, "selected", "draws")}
    seeds: dict[str, list[float]] = {name: [] for name in SCORES}
    found = Pool({}, np.zeros(0, bool), np.zeros(0, np.uint64), {})
    columns = [*(f"{name}_score" for name in SCORES), "id", "url", "license", "attribution", "status"]
    for split in ("pool", "seed"):
        for batch in _batches(data.get(split, ()), columns):
            said = {name: batch[name].to_pylist() for name in ("id", "url", "license", "attribution", "status")}
            found.licences.update(said["license"])
            found.attributed.update(name for name, whom in zip(said["license"], said["attribution"], strict=True)
                                    if whom)
            if split == "seed":
                for name in SCORES:
                    seeds[name] += batch[f"{name}_score"].to_pylist()
                continue
            found.hosts.update(filter(None, map(host, said["url"])))
            for name in SCORES:
                whole[name].append(batch[f"{name}_score"].to_numpy(zero_copy_only=False))
            whole["selected"].append(np.array([status == "selected" for status in said["status"]], bool))
            whole["draws"].append(np.array([draw(str(seed), name) for name in said["id"]], np.uint64))
    found.scores = {name: _joined(whole[name], np.float32) for name in SCORES}
    found.selected, found.draws = _joined(whole["selected"], bool), _joined(whole["draws"], np.uint64)
    found.seeds = {name: np.array(values, np.float32) for name, values in seeds.items()}
    return found


def _batches(paths: Sequence[Location], columns: list[str]) -> Iterator[Any]:
    for path in paths:
        with pq.ParquetFile(readable(path)) as file:
            yield from file.iter_batches(16_384, columns=columns, use_threads=False)


def _joined(parts: list[Any], kind: Any) -> Any:
    return np.concatenate([np.zeros(0, kind), *parts])


def host(address: str) -> str:
    """The host of a web address in small letters, without user and port; "" for what is none."""
    try:
        read = urlsplit(address)
        return (read.hostname or "").rstrip(".") if read.scheme in ("http", "https") else ""
    except ValueError:
        return ""


class Choice(NamedTuple):
    """What a strategy selects: how many, their mean scores, and how many of them coti's selection has, too."""

    strategy: str
    rows: int
    means: dict[str, float]
    shared: int


def best(pool: Pool, strategy: str, budget: int) -> Numbers:
    """The rows that a strategy selects, best first; equal ones in row order."""
    if strategy == "full":
        return np.arange(pool.rows)
    order = pool.draws if strategy == "random" else -pool.scores[STRATEGIES[strategy]]
    return np.argsort(order, kind="stable")[:budget]


def choices(pool: Pool, budget: int) -> list[Choice]:
    """The selection table."""
    ours = np.zeros(pool.rows, bool)
    ours[best(pool, "coti", budget)] = True
    rows = []
    for strategy in STRATEGIES:
        taken = best(pool, strategy, budget)
        means = {name: float(values[taken].mean(dtype=np.float64)) if len(taken) else 0.0
                 for name, values in pool.scores.items()}
        rows.append(Choice(strategy, len(taken), means, int(ours[taken].sum())))
    return rows


class Grid(NamedTuple):
    """The plane of concept (x) and aesthetic (y) score in cells, each with one of the rows that lie in it."""

    x: tuple[float, float]
    y: tuple[float, float]
    """Least and highest score shown; what lies beyond stands at the edge."""
    cells: dict[tuple[int, int], int]
    """(column from the left, row from the bottom): row number."""


def grid(pool: Pool, across: int, down: int) -> Grid:
    """Of each cell the row with the lowest draw; but selected ones before others, that none is hidden by its crowd."""
    x, y = (_range(pool.scores[name], pool.selected) for name in ("concept", "aesthetic"))
    places = [np.clip(((values - low) / (high - low) * count).astype(np.int64), 0, count - 1)
              for values, (low, high), count in ((pool.scores["concept"], x, across),
                                                 (pool.scores["aesthetic"], y, down))]
    order = np.lexsort((pool.draws, ~pool.selected))
    cell = (places[1] * across + places[0])[order]
    names, first = np.unique(cell, return_index=True)
    return Grid(x, y, {(int(name) % across, int(name) // across): int(order[at])
                       for name, at in zip(names, first, strict=True)})


def _range(values: Floats, selected: Bools) -> tuple[float, float]:
    """Most values, and most of the selected ones: all but the lowest and the highest fiftieth of the former, tenth of
    the latter. Widened a little."""
    if not len(values):
        return 0.0, 10.0
    bounds = np.quantile(values, (0.02, 0.98))
    if selected.any():
        bounds = np.concatenate([bounds, np.quantile(values[selected], (0.1, 0.9))])
    return float(bounds.min()) - 0.05, float(bounds.max()) + 0.05


def rows_at(paths: Sequence[Location], numbers: Iterable[int], columns: Sequence[str]
            ) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number, row) for the rows with these numbers, in row order; one row group at a time."""
    wanted = sorted(set(numbers))
    start = 0
    for path in paths:
        with pq.ParquetFile(readable(path)) as file:
            for group in range(file.num_row_groups):
                end = start + file.metadata.row_group(group).num_rows
                mine = [number for number in wanted if start <= number < end]
                if mine:
                    whole = file.read_row_group(group, columns=list(columns), use_threads=False)
                    for number in mine:
                        [row] = whole.slice(number - start, 1).to_pylist()
                        yield number, row
                start = end


def refused(rejected: Location) -> dict[str, Counter[str]]:
    """For each host the pictures that it did not give, or that might not be taken from it, by reason."""
    found: dict[str, Counter[str]] = {}
    for batch in _batches([rejected], ["path", "stage", "reason"]):
        for row in batch.to_pylist():
            if row["stage"] == "fetch" and (name := host(row["path"])):
                found.setdefault(name, Counter())[row["reason"]] += 1
    return found
