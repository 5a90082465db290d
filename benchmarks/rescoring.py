"""How fast a pool is scored anew when pictures join those that show the concept, and what it holds in memory.

    python -m benchmarks.rescoring [--rows N] [--width D] [--chosen N] [--new N] [--out DIR]

Random unit vectors in a file, as float32 and as float16, mapped and read before. `annotators.scores.Concept` has scored
the pool against the pictures chosen so far; then the new ones are added and all three rules are asked. The other way
is to score against all chosen ones again, with the same function. Memory is what Python and numpy hold, at its peak,
beside the mapped file.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from annotators.scores import RULES, Concept, Vectors

ROUNDS = 3
_PART = 50_000


def plant(path: Path, rows: int, width: int) -> None:
    """Random unit vectors of the type that the file's name begins with."""
    chance = np.random.default_rng(0)
    out = np.lib.format.open_memmap(path, "w+", path.stem, (rows, width))
    for start in range(0, rows, _PART):
        drawn = chance.standard_normal((min(_PART, rows - start), width), dtype=np.float32)
        out[start:start + _PART] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    out.flush()


def score(concept: Concept, chosen: Vectors) -> None:
    concept.add(chosen)
    for rule in RULES:
        concept.scores(rule)


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds and CPU seconds, the fastest of some rounds."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter(), time.process_time()
        work()
        took.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    return min(took)


def peak(work: Callable[[], None]) -> float:
    """MB that were held beyond what was there before."""
    tracemalloc.start()
    work()
    held = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return held


def compared(pool: Vectors, chosen: int, count: int) -> Iterator[str]:
    """The rest of the table's lines: against the last `count` pictures alone, and against the `chosen` ones too."""
    old, new = np.asarray(pool[:chosen]), np.asarray(pool[-count:])
    both = np.concatenate([old, new])
    held = peak(lambda: score(Concept(pool), both))  # reads the file, too
    concept = Concept(pool)
    concept.add(old)
    for said, work in ((f"{count} new", lambda: score(concept, new)),
                       (f"all {len(both)}", lambda: score(Concept(pool), both))):
        wall, cpu = timed(work)
        yield f"{said} | {wall:.2f} | {cpu:.2f} | {held:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--width", type=int, default=768, metavar="D")
    parser.add_argument("--chosen", type=int, default=50, metavar="N", help="pictures scored against before")
    parser.add_argument("--new", type=int, default=10, metavar="N")
    parser.add_argument("--out", type=Path, default=Path("out/bench/rescoring"), metavar="DIR")
    found = parser.parse_args()
    found.out.mkdir(parents=True, exist_ok=True)
    print("| Embeddings | Scored against | s | CPU s | MB beside the file |\n|---|---|---:|---:|---:|", flush=True)
    for kind in ("float32", "float16"):
        path = found.out / f"{kind}.npy"
        if not path.exists() or np.load(path, mmap_mode="r").shape != (found.rows, found.width):
            plant(path, found.rows, found.width)
        for line in compared(np.load(path, mmap_mode="r"), found.chosen, found.new):
            print(f"| {kind} | {line}", flush=True)


if __name__ == "__main__":
    main()
