"""How fast RetriNet's examples are fed, beside decoding and resizing the same pictures; and in what memory.

    python -m benchmarks.views DIR [--examples N] [--times K] [--threads N] [--out DIR]

DIR is a published RetriBooru version. An example is a target with four references at 384 px, with its masks, noise and
prompt, as the training loop gets it. Bare is Pillow alone in as many threads: each picture and matte that an example
uses is decoded once, and resized as often as it is used, with the same (bicubic) filter, nothing made of it. Memory is
that of a process which feeds as many examples from the dataset, and from one in which every row stands `times` times
under other ids.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from PIL import Image

from trainers.training.feeding import Share, batches
from trainers.views.concepts import CLOTHES
from trainers.views.identities import Identities
from trainers.views.references import Asked, References, Sheet

SIDE = 384
TASKS = {"reconstruct": Asked(count=4), "compose": Asked(count=4, compose=1)}
ROUNDS = 4
Job = tuple[list[tuple[bytes, str]], list[int]]
"""Files with their modes, and how often each is resized."""


def multiplied(version: Path, times: int, out: Path) -> Path:
    """The training split `times` over, in a folder below `out`; each copy's ids end in its number."""
    folder = out / f"times{times}"
    if not folder.exists():
        unfinished = folder.with_suffix(".part")
        unfinished.mkdir(parents=True, exist_ok=True)
        for number, shard in enumerate(sorted((version / "data").glob("train-*.parquet"))):
            rows = pq.read_table(shard)
            for copy in range(times):
                pq.write_table(_renamed(rows, f"-{copy}"), unfinished / f"{copy:04d}-{number:04d}.parquet")
        unfinished.rename(folder)
    return folder


def _renamed(rows: pa.Table, ending: str) -> pa.Table:
    similar = rows["similar"].combine_chunks()
    values = pc.binary_join_element_wise(similar.values, ending, "")
    lists = pa.ListArray.from_arrays(similar.offsets, values)
    ids = pc.binary_join_element_wise(rows["id"], ending, "")
    for name, column in (("id", ids), ("similar", lists)):
        rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), column)
    return rows


def opened(folder: Path) -> datasets.Dataset:
    """Undecoded, from the folder's own cache."""
    rows = datasets.load_dataset("parquet", data_files=str(folder / "*.parquet"), split="train",
                                 cache_dir=str(folder.parent / "cache"))
    return rows.cast_column("image", datasets.Image(decode=False)).cast_column("mask", datasets.Image(decode=False))


def view(rows: datasets.Dataset, task: str) -> References:
    return References(Identities(rows), Sheet(side=SIDE, latent=(4, SIDE // 8, SIDE // 8), timesteps=1000), TASKS[task])


def fed(feed: References, examples: int, threads: int) -> Iterator[Any]:
    return (batch for step in batches(feed, 0, range(examples), Share(), threads) for batch in step)


def job(batch: Any, rows: datasets.Dataset, at: dict[str, int]) -> Job:
    """What must be decoded and resized for a batch of one example."""
    used = [*batch["ids"], *batch["reference_ids"][0]]
    dressed = [name for name, word in zip(used[1:], batch["concepts"][0], strict=True) if word == CLOTHES]
    files, often = [], []
    for names, column, mode in ((used, "image", "RGB"), (dressed, "mask", "L")):
        for name in dict.fromkeys(names):
            files.append((rows[at[name]][column]["bytes"], mode))
            often.append(names.count(name))
    return files, often


def bare(work: Job) -> None:
    for (data, mode), often in zip(*work, strict=True):
        picture = Image.open(io.BytesIO(data)).convert(mode)
        scale = SIDE / max(picture.size)
        for _ in range(often):
            picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and seconds of CPU in all threads."""
    began = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began[0], time.process_time() - began[1]


def compared(rows: datasets.Dataset, task: str, examples: int, threads: int) -> Iterator[str]:
    """The table's lines of a task; rounds take turns, and of each the fastest counts."""
    feed, at = view(rows, task), {name: row for row, name in enumerate(rows["id"])}
    jobs = [job(batch, rows, at) for batch in fed(feed, examples, threads)]

    def plain() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(bare, jobs))

    rounds = [(timed(lambda: list(map(len, fed(feed, examples, threads)))), timed(plain)) for _ in range(ROUNDS)]
    (ours, ours_cpu), (theirs, theirs_cpu) = (map(min, zip(*told, strict=True)) for told in zip(*rounds, strict=True))
    for who, wall, cpu in (("view", ours, ours_cpu), ("bare", theirs, theirs_cpu)):
        yield (f"| {task} | {who} | {examples / wall:.1f} | {cpu / examples * 1e3:.1f} | {theirs / wall:.2f} | "
               f"{theirs_cpu / cpu:.2f} |")


def held(folder: Path, examples: int, threads: int) -> str:
    """Peak memory of this process as it feeds: its own, and with what it has mapped of files."""
    rows = opened(folder)
    own = whole = 0.0
    for _ in fed(view(rows, "compose"), examples, threads):
        said = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
        own, whole = max(own, int(said["RssAnon"].split()[0]) / 1024), max(whole, int(said["VmRSS"].split()[0]) / 1024)
    return f"| {len(rows):,} | {own:.0f} | {whole:.0f} |"


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", type=Path, metavar="DIR")
    parser.add_argument("--examples", type=int, default=200, metavar="N")
    parser.add_argument("--times", type=int, default=20, metavar="K")
    parser.add_argument("--threads", type=int, default=2, metavar="N")
    parser.add_argument("--out", type=Path, default=Path("out/bench/views"), metavar="DIR")
    parser.add_argument("--held", action="store_true", help="DIR is a folder of rows: print its line of the memory")
    found = parser.parse_args(words)
    torch.set_num_threads(1)
    datasets.disable_progress_bars()
    if found.held:
        print(held(found.version, found.examples, found.threads))
        return
    once, more = (multiplied(found.version, times, found.out) for times in (1, found.times))
    print("| Task | Who | examples/s | CPU ms | rate to bare | CPU to bare |\n|---|---|---:|---:|---:|---:|")
    rows = opened(once)
    for task in TASKS:
        for line in compared(rows, task, found.examples, found.threads):
            print(line, flush=True)
    print("\n| Rows | own MB | with mapped files |\n|---:|---:|---:|", flush=True)
    for folder in (once, more):
        opened(folder)  # the cache is written before, elsewhere
        subprocess.run([sys.executable, "-m", "benchmarks.views", str(folder), "--held", "--examples",
                        str(found.examples), "--threads", str(found.threads)], check=True)


if __name__ == "__main__":
    main()
