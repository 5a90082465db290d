"""How fast the metadata of a mirror is read: our scan against a `json.loads` loop and `datasets.load_dataset("json")`.

    python -m benchmarks.metadata_scan [--records N] [--workers N] [--rounds N] [--peers PYTHON] [--out DIR]

Records are generated in the style of 2017-2020, about 2.3 kB each, of which 23 % have a figure, as in Danbooru2019.
Every contender runs in a process of its own, on the same files, which were just written or read and so lie in memory,
and gives the number of records that it saw. In a round comes one contender after the other; of several rounds the
fastest counts.

- Ours lists the figures, digests every byte and gives a post with its tags for each figure.
- The loop does what a script would: it lists the figures, parses every line and keeps the tags of those with a figure.
- `datasets` neither looks for figures nor picks records; it writes all of them to its Arrow cache, empty at first, also
  with as many processes as ours. `--peers` names the Python of the environment that it is installed in.
- "bytes and stats" is what ours cannot do without in one process: it reads and digests every byte and stats every
  figure.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

SHARE = 0.23
"""Of the posts, those that have a figure: 855,880 of 3.7 million."""
_FILES = 10


def generate(root: Path, records: int, seed: int = 0) -> None:
    """A mirror of empty figure files with full metadata."""
    rng = np.random.default_rng(seed)
    kinds = ("long", "short", "blue", "red", "white", "black", "school", "frilled", "pleated", "open")
    things = ("hair", "skirt", "dress", "shirt", "eyes", "ribbon", "hat", "gloves", "jacket", "bow")
    words = [f"{kind}_{thing}" for kind in kinds for thing in things]
    (root / "metadata").mkdir(parents=True)
    figures = root / "danbooru2019-figures"
    for bucket in range(1000):
        (figures / f"{bucket:04d}").mkdir(parents=True)
    has = rng.random(records) < SHARE
    per_file = -(-records // _FILES)
    for number in range(_FILES):
        with (root / "metadata" / f"2019{number:012d}").open("w", encoding="utf-8") as file:
            for post in range(1 + number * per_file, 1 + min((number + 1) * per_file, records)):
                file.write(_record(post, words, rng) + "\n")
                if has[post - 1]:
                    (figures / f"{post % 1000:04d}" / f"{post}.jpg").touch()


def _record(post: int, words: list[str], rng: np.random.Generator) -> str:
    picked = rng.integers(0, len(words), 36).tolist()
    tags = [{"id": str(100_000 + at), "name": words[at], "category": "0"} for at in dict.fromkeys(picked)]
    tags += [{"id": str(post % 977), "name": f"artist_{post % 977}", "category": "1"},
             {"id": str(2000 + post % 4999), "name": f"character_{post % 4999}", "category": "4"}]
    return json.dumps({
        "id": str(post), "created_at": "2013-04-17 09:28:08.27094 UTC", "uploader_id": str(post % 9999), "score": "3",
        "source": f"http://img.example/{post}/{'x' * 60}.jpg", "md5": f"{post:032x}", "rating": "s",
        "image_width": "900", "image_height": "1200", "is_note_locked": False,
        "file_ext": "jpg", "file_size": "345678", "is_pending": False,
        "is_deleted": False, "is_banned": False, "is_flagged": False, "parent_id": "0", "has_children": False,
        "pixiv_id": "0", "up_score": "3", "down_score": "0", "favs": [str(post % k) for k in range(3, 9)],
        "pools": [], "tags": tags,
    }, separators=(",", ":"))  # fmt: skip


def scan(root: Path, workers: int) -> int:
    """Ours: every record seen, every figure joined to its post."""
    from builders.sources.danbooru2019 import Danbooru2019

    source = Danbooru2019(root, workers)
    for _ in source.posts():
        pass
    return source.counts["metadata_records"]


def loop(root: Path, workers: int) -> int:
    """A script's: a set of ids, and `json.loads` for every line."""
    have = {path.stem for path in (root / "danbooru2019-figures").rglob("*.jpg")}
    seen, kept = 0, []
    for path in sorted((root / "metadata").iterdir()):
        with path.open("rb") as file:
            for line in file:
                record = json.loads(line)
                seen += 1
                if record["id"] in have:
                    kept.append([tag["name"] for tag in record["tags"]])
    return seen


def hub(root: Path, workers: int) -> int:
    """`datasets` as one calls it, into an Arrow cache."""
    return hub_with(root, None)


def hub_with(root: Path, processes: int | None) -> int:
    """`datasets` with `num_proc`."""
    import datasets

    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory(dir=root) as cache:
        files = [str(path) for path in sorted((root / "metadata").iterdir())]
        return len(datasets.load_dataset("json", data_files=files, split="train", cache_dir=cache, num_proc=processes))


def floor(root: Path, workers: int) -> int:
    """Bytes and stats, nothing else; lines are counted to be comparable."""
    for bucket in (root / "danbooru2019-figures").iterdir():
        for name in os.listdir(bucket):  # noqa: PTH208 - what is fastest
            os.lstat(f"{bucket}/{name}")
    whole, seen = hashlib.sha256(), 0
    for path in sorted((root / "metadata").iterdir()):
        with path.open("rb", buffering=0) as file:
            while block := file.read(4 * 2**20):
                whole.update(block)
                seen += block.count(b"\n")
    return seen


CONTENDERS: dict[str, Callable[[Path, int], int]] = {
    "likeness": scan, "`json.loads` loop": loop, "`datasets` json": hub, "`datasets` json, as many processes": hub_with,
    "bytes and stats": floor}


class Measured(NamedTuple):
    """Of a process with its children: seconds, CPU seconds, records, MB (children are taken to peak together)."""

    seconds: float
    cpu: float
    seen: int
    peak: float


def measure(name: str, root: Path, workers: int, python: str) -> Measured:
    """One contender in a fresh process of the given Python."""
    found = subprocess.run([python, "-m", "benchmarks.metadata_scan", "--only", name, "--workers", str(workers),
                            "--out", str(root.resolve())],
                           check=True, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1])
    return Measured(*json.loads(found.stdout.splitlines()[-1]))


def measure_here(contender: Callable[[Path, int], int], root: Path, workers: int) -> Measured:
    """One contender in this very process."""
    begun = time.perf_counter()
    seen = contender(root, workers)
    seconds = time.perf_counter() - begun
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    return Measured(seconds, cpu, seen, (own.ru_maxrss + workers * children.ru_maxrss) / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--peers", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--out", type=Path, default=Path("out/bench/metadata"), metavar="DIR",
                        help="where the mirror is generated; deleted first")
    parser.add_argument("--only", choices=CONTENDERS, help="measure one, in this process, on the mirror that is there")
    found = parser.parse_args()
    if found.only:
        print(json.dumps(measure_here(CONTENDERS[found.only], found.out, found.workers)))
        return
    shutil.rmtree(found.out, ignore_errors=True)
    generate(found.out, found.records)
    size = sum(path.stat().st_size for path in (found.out / "metadata").iterdir())
    print(f"{found.records:,} records, {size / 1e9:.2f} GB, {found.workers} workers\n", file=sys.stderr)
    rounds = [{name: measure(name, found.out, found.workers, found.peers if "datasets" in name else sys.executable)
               for name in CONTENDERS} for _ in range(found.rounds)]
    best = {name: min(one[name] for one in rounds) for name in CONTENDERS}
    ours = best["likeness"]
    print("| Reader | s | CPU s | records/s | peak MB | times ours | times our CPU |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, (seconds, cpu, seen, peak) in best.items():
        assert seen == found.records, (name, seen)
        print(f"| {name} | {seconds:.1f} | {cpu:.1f} | {seen / seconds:,.0f} | {peak:,.0f} |"
              f" {seconds / ours.seconds:.1f} | {cpu / ours.cpu:.1f} |")


if __name__ == "__main__":
    main()
