"""How fast rows are grouped: ours against a pandas script, and against reading alone.

    python -m benchmarks.grouping [--rows N] [--pairs N] [--out DIR]

Rows with answers, tags and hashes are planted in a real ledger and annotation store, as they stand there when a build
comes to its stage "group". Pairs of artist and character are skewed as in Danbooru (one of 2,900 rows, half of them of
two or three), outfits as in the paper's Figure 2: three of four that recur do so once. Some pictures show the upper
half only, some are near copies or children of others. Every contender runs in a process of its own:

- likeness: `builders.outfits.group_outfits`, which reads ledger and store, finds near copies, compares answers by the
  rule `visible`, rejects what has no reference, and draws the splits;
- pandas: equal answers alone, from one Parquet table: no near copies, no ledger, no rejects, no splits;
- reading: the store's parts, their columns in the order of their keys, nothing else; what no grouping can go below.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import multiprocessing.connection
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from annotators.answers import LightAnswers
from annotators.hashes import THUMB_SIDE, Hashes
from builders import store
from builders.annotate import SHARD_ROWS, Look, key_for
from builders.engines import Local
from builders.ledger import Ledger, Row
from builders.options import Retribooru
from builders.outfits import group_outfits
from builders.visits import Limits, Link
from builders.workspace import Workspace
from schemas.colours import NAMES
from schemas.records import Post, Rating
from schemas.terminal.progress import Progress
from schemas.wardrobe import HEAD, LEGS, LOWER, UPPER

Whole = npt.NDArray[np.int64]

SIZES = {1: 78_000, 2: 32_797, 3: 6_545, 4: 2_281, 5: 1_045, 6: 572, 9: 950, 20: 200}
"""Rows of an outfit, and how many outfits have that many: those of Figure 2, and rows alone, two of five."""
COPIES, CHILDREN, PARTIAL = 0.04, 0.1, 0.5
"""Shares: of outfits whose second picture is a near copy of the first, of rows with a parent, of partial views."""

_KINDS = [list(table) for table in (UPPER, LOWER, LEGS, HEAD)]
_FILLER = [f"{kind}_{thing}" for kind in ("long", "short", "blue", "green", "open", "closed", "looking_at")
           for thing in ("hair", "eyes", "mouth", "sky", "viewer", "background")]


class Plan(NamedTuple):
    """What is planted, by row in id order."""

    ids: Whole
    pair: Whole
    outfit: Whole
    shown: Whole
    """How much a picture shows: 0 all, 1 not the legs, 2 the upper half."""
    copy_of: Whole
    """The row of which it is a near copy, or itself."""
    parent: Whole
    """Row of the parent, or -1."""


def plan(rows: int, pairs: int, seed: int = 0) -> Plan:
    """Sizes of pairs fall off as 1 / (1 + rank / 100)^1.5, never below two."""
    rng = np.random.default_rng(seed)
    weight = (1 + np.arange(pairs) / 100) ** -1.5
    ends = np.rint(np.cumsum(2 + (rows - 2 * pairs) * weight / weight.sum())).astype(np.int64)
    pair = np.repeat(np.arange(pairs), np.diff(ends, prepend=0))
    kinds = rng.choice(list(SIZES), rows, p=np.array(list(SIZES.values())) / sum(SIZES.values()))
    # Outfits are laid end to end; one that would reach into the next pair ends with its own.
    starts = np.zeros(rows, dtype=bool)
    starts[np.cumsum(kinds)[np.cumsum(kinds) < rows]] = True
    starts |= np.diff(pair, prepend=-1) > 0
    outfit = np.cumsum(starts) - 1
    first = np.flatnonzero(starts)
    copies = np.arange(rows)
    second = np.flatnonzero((np.diff(outfit, prepend=-1) == 0) & np.roll(starts, 1))
    second = second[rng.random(len(second)) < COPIES]
    copies[second] = second - 1
    parent = np.where((rng.random(rows) < CHILDREN) & ~starts, first[outfit], -1)
    shown = np.where(rng.random(rows) < PARTIAL, rng.integers(1, 3, rows), 0)
    # As in a mirror, the rows of a pair are strewn over the ids.
    order = rng.permutation(rows)
    place = np.argsort(order)
    ids = np.sort(rng.choice(4_000_000, rows, replace=False)) + 1_000_000
    return Plan(ids, pair[order], outfit[order], shown[order], place[copies[order]],
                np.where(parent[order] < 0, -1, place[parent[order]]))


def wear(outfit: int, shown: int) -> tuple[list[str], list[str]]:
    """Answers about an outfit and its garment tags. What a picture does not show is not answered."""
    chance = np.frombuffer(hashlib.sha256(b"%d" % outfit).digest(), np.uint32).tolist()
    upper, lower, legs, head = (kinds[draw % len(kinds)] for kinds, draw in zip(_KINDS, chance, strict=False))
    top, bottom, stockings = (NAMES[draw % len(NAMES)] for draw in chance[4:7])
    said = [f"{top}, {bottom}" if top != bottom else top, upper, top, lower, bottom, legs, stockings, head]
    tags = [f"{top} {upper}", upper, head]
    if shown < 2:
        tags += [f"{bottom} {lower}", lower]
    if shown < 1:
        tags += [legs, f"{stockings} legwear"]
    return [answer if at < (8, 5, 3)[shown] or at == 7 else "" for at, answer in enumerate(said)], tags


def posts(planned: Plan) -> Iterator[Post]:
    """The posts, in id order."""
    for row, (post, pair, outfit, shown, parent) in enumerate(zip(*(planned[at].tolist() for at in (0, 1, 2, 3, 5)),
                                                                  strict=True)):
        tags = [tag.replace(" ", "_") for tag in wear(outfit, shown)[1]]
        filler = [_FILLER[(row * 7 + at * (1 + row % 5)) % len(_FILLER)] for at in range(18)]
        yield Post(id=str(post), path=f"/mirror/{post % 1000:04d}/{post}.jpg", post_id=str(post),
                   characters=(f"character_{pair // 3}",), artists=(f"artist_{pair}",), rating=Rating.GENERAL,
                   general=tuple(dict.fromkeys(tags + filler)), md5=f"{post:032x}", rating_raw="s",
                   parent_id="" if parent < 0 else str(planned.ids[parent]))


def hashes(planned: Plan, rows: npt.NDArray[np.int64]) -> dict[str, list[Any]]:
    """Noise for each row; of a near copy that of its original, three bits and every grey level changed by one."""
    copy = planned.copy_of[rows] != rows
    noise = np.stack([_noise(planned.copy_of[rows] * 34 + at) for at in range(34)], axis=1)
    flips = np.where(copy, np.uint64(0b1001 << 30 | 1), np.uint64(0))
    thumbs = noise[:, 2:].astype("<u8").view(np.uint8).reshape(len(rows), THUMB_SIDE**2) ^ copy[:, None]
    return {"phash": [f"{word:016x}" for word in (noise[:, 0] ^ flips).tolist()],
            "phash_mirror": [f"{word:016x}" for word in (noise[:, 1] ^ flips).tolist()],
            "thumb": [thumb.tobytes() for thumb in thumbs]}


def _noise(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """64 well-mixed bits for each number (splitmix64)."""
    word = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ word >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ word >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return np.asarray(word ^ word >> np.uint64(31))


def fill_ledger(path: Path, planned: Plan) -> Ledger:
    """A ledger as it is before the stage "group"."""
    ledger = Ledger(path, Path("/mirror"))
    ledger.take(posts(planned), "artist", lambda rows, kept: None)
    for rows in ledger.rows():
        keys = [hashlib.sha256(row.post.id.encode()).hexdigest() for row in rows]
        ledger.fill(row._replace(sha256=key, key=key, width=512, height=724, bytes=200_000)
                    for row, key in zip(rows, keys, strict=True))
    return ledger


def plant(out: Path, planned: Plan) -> None:
    """The annotation store, shard by shard as a build leaves it, and one plain table for the script."""
    answers, looks, table = LightAnswers(), Hashes(), []
    places = iter(range(len(planned.ids)))
    with Workspace(out) as work:
        ledger = fill_ledger(work.state / "planting.sqlite", planned)
        folders = [store.Store.of(work.annotations, one).folder for one in (answers, looks)]
        for batch in ledger.rows():
            for start in range(0, len(batch), SHARD_ROWS):
                shard = batch[start:start + SHARD_ROWS]
                at = [place for _, place in zip(shard, places, strict=False)]
                said = [wear(int(planned.outfit[row]), int(planned.shown[row]))[0] for row in at]
                store.write_part(folders[0], answers.features, [key_for(answers, row) for row in shard],
                                 {"answers": said})
                store.write_part(folders[1], looks.features, [row.key for row in shard],
                                 hashes(planned, np.asarray(at)))
                table.append(_plain(shard, said))
        ledger.close()
    pq.write_table(pa.concat_tables(table), out / "plain.parquet")


def _plain(shard: list[Row], said: list[list[str]]) -> pa.Table:
    return pa.table({"id": [row.post.id for row in shard], "character": [row.post.characters[0] for row in shard],
                     "artist": [row.post.artists[0] for row in shard], "answers": ["\n".join(one) for one in said]})


Timed = tuple[float, float, int]
"""Seconds, seconds of CPU, rows with a reference."""


def timed(work: Callable[[], int]) -> Timed:
    wall, cpu = time.perf_counter(), time.process_time()
    kept = work()
    return time.perf_counter() - wall, time.process_time() - cpu, kept


def ours(out: Path, rows: int, pairs: int) -> Timed:
    """The stage as a build runs it; filling the ledger is not counted."""
    with Workspace(out) as work:
        ledger = fill_ledger(work.state / "ledger.sqlite", plan(rows, pairs))
        look = Look(work, Local(1), ledger, Progress("text"), Limits(1 << 30, 1 << 30))
        look.visit([Link(LightAnswers(), "answers")])
        look.visit([Link(Hashes(), "group")])
        options = Retribooru(source="sample", out=out)
        return timed(lambda: len(group_outfits(look, options).by_id))


def script(out: Path, rows: int, pairs: int) -> Timed:
    """What one would write: `groupby` of everything that must be equal, and each row's others."""
    import pandas as pd

    def work() -> int:
        table = pd.read_parquet(out / "plain.parquet")
        similar: dict[str, list[str]] = {}
        for ids in table.groupby(["character", "artist", "answers"], sort=False)["id"].agg(list):
            similar |= {row: [other for other in ids if other != row] for row in ids if len(ids) > 1}
        return len(similar)

    return timed(work)


def reading(out: Path, rows: int, pairs: int) -> Timed:
    """Every part of the store, sorted by key."""
    def work() -> int:
        seen = 0
        for folder in sorted((out / ".annotations").iterdir()):
            table = pq.read_table(folder)
            seen = table.sort_by(store.KEY).num_rows
        return seen

    return timed(work)


CONTENDERS: dict[str, Callable[[Path, int, int], Timed]] = {
    "likeness": ours, "pandas, equal answers alone": script, "reading and sorting the store": reading}


def measure(contender: Callable[[Path, int, int], Timed], *words: Any) -> tuple[Timed, float]:
    """What it took, and peak memory in MB, in a fresh process."""
    context = multiprocessing.get_context("spawn")
    inbox, outbox = context.Pipe(duplex=False)
    process = context.Process(target=_measured, args=(contender, words, outbox))
    process.start()
    outbox.close()
    found: tuple[Timed, float] = inbox.recv()
    process.join()
    return found


def _measured(contender: Callable[[Path, int, int], Timed], words: tuple[Any, ...],
              outbox: multiprocessing.connection.Connection) -> None:
    found = contender(*words)
    outbox.send((found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=600_000, metavar="N")
    parser.add_argument("--pairs", type=int, default=30_000, metavar="N")
    parser.add_argument("--out", type=Path, default=Path("out/bench/grouping"), metavar="DIR",
                        help="where the rows are planted; deleted first")
    found = parser.parse_args()
    shutil.rmtree(found.out, ignore_errors=True)
    plant(found.out, plan(found.rows, found.pairs))
    print(f"{found.rows:,} rows in {found.pairs:,} pairs of artist and character", file=sys.stderr)
    print("| Who | s | CPU s | peak MB | rows with a reference |\n|---|---:|---:|---:|---:|")
    for name, contender in CONTENDERS.items():
        (wall, cpu, kept), peak = measure(contender, found.out, found.rows, found.pairs)
        print(f"| {name} | {wall:.1f} | {cpu:.1f} | {peak:,.0f} | {kept:,} |", flush=True)


if __name__ == "__main__":
    main()
