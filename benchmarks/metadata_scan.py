"""How fast the metadata of a mirror is read: our scan against a `json.loads` loop and `datasets.load_dataset("json")`.

    python -m benchmarks.metadata_scan [--records N] [--out DIR]

Records are generated in the style of 2017-2020, about 2.3 kB each, of which 23 % have a figure, as in Danbooru2019.
Every contender runs in a process of its own, on the same files, and gives the number of records that it saw. The loop
does what a script would: it parses every line and keeps those whose id has a figure.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import multiprocessing.connection
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

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


def scan(root: Path) -> int:
    """Ours: every record seen, every figure joined to its post."""
    from builders.sources.danbooru2019 import Danbooru2019

    source = Danbooru2019(root)
    for _ in source.posts():
        pass
    return source.counts["metadata_records"]


def loop(root: Path) -> int:
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


def hub(root: Path) -> int:
    """`datasets`, into an Arrow cache."""
    import datasets

    with tempfile.TemporaryDirectory(dir=root) as cache:
        files = [str(path) for path in sorted((root / "metadata").iterdir())]
        return len(datasets.load_dataset("json", data_files=files, split="train", cache_dir=cache))


CONTENDERS: dict[str, Callable[[Path], int]] = {"likeness": scan, "json.loads loop": loop, "datasets json": hub}


def measure(contender: Callable[[Path], int], root: Path) -> tuple[float, float, int]:
    """Seconds, peak memory in MB and records, in a fresh process."""
    context = multiprocessing.get_context("spawn")
    inbox, outbox = context.Pipe(duplex=False)
    process = context.Process(target=_measured, args=(contender, root, outbox))
    process.start()
    seconds, peak, seen = inbox.recv()
    process.join()
    return seconds, peak, seen


def _measured(contender: Callable[[Path], int], root: Path, outbox: multiprocessing.connection.Connection) -> None:
    begun = time.perf_counter()
    seen = contender(root)
    seconds = time.perf_counter() - begun
    outbox.send((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, seen))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--out", type=Path, default=Path("out/bench/metadata"), metavar="DIR",
                        help="where the mirror is generated; deleted first")
    found = parser.parse_args()
    shutil.rmtree(found.out, ignore_errors=True)
    generate(found.out, found.records)
    size = sum(path.stat().st_size for path in (found.out / "metadata").iterdir())
    print(f"{found.records:,} records, {size / 1e9:.2f} GB", file=sys.stderr)
    ours = 0.0
    print("| Reader | s | records/s | peak MB | times ours |\n|---|---:|---:|---:|---:|")
    for name, contender in CONTENDERS.items():
        seconds, peak, seen = measure(contender, found.out)
        ours = ours or seconds
        assert seen == found.records, (name, seen)
        print(f"| {name} | {seconds:.1f} | {seen / seconds:,.0f} | {peak:,.0f} | {seconds / ours:.1f} |", flush=True)


if __name__ == "__main__":
    main()
