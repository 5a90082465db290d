"""How many pictures a second the light generator draws.

    python -m benchmarks.light_generator [--count N] [--processes P] [--size PIXELS]

A planned set of the packaged pools, for an object, an animal and a person in turn, drawn in batches by processes that
each hold one core; the time runs from the first batch handed out to the last picture returned.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Sequence

from builders.generators import Request
from builders.generators.light import Light
from builders.prompting.planning import Wanted, plan
from builders.prompting.pools import read_pools
from schemas.prompts import FORM

CLASSES = {"object": "backpack", "animal": "dog", "person": "person"}


def requests(count: int) -> list[Request]:
    """`count` prompts for each kind."""
    out = []
    for kind, class_name in CLASSES.items():
        pools = read_pools(kind, FORM[kind])
        rows = plan(Wanted(kind, class_name, count), pools.words, pools.styles)
        out += [Request(row.parts, row.class_name, row.text, row.seed) for row in rows]
    return out


def draw(task: tuple[int, Sequence[Request]]) -> tuple[int, float]:
    """Draws a batch; how many pictures, and the seconds of CPU they took."""
    size, batch = task
    began = time.process_time()
    return len(Light(size)(batch)), time.process_time() - began


def main() -> None:
    """Prints pictures a second, of wall time and of CPU."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=400)
    arguments.add_argument("--processes", type=int, default=2)
    arguments.add_argument("--size", type=int, default=256)
    asked = arguments.parse_args()
    wanted = requests(asked.count)
    batches = [(asked.size, wanted[at:at + Light.batch]) for at in range(0, len(wanted), Light.batch)]
    with multiprocessing.get_context("spawn").Pool(asked.processes) as pool:
        pool.map(draw, [(64, wanted[:1])] * 4 * asked.processes, 1)
        began = time.perf_counter()
        drawn = pool.map(draw, batches, 1)
        wall = time.perf_counter() - began
    count, cpu = (sum(figures) for figures in zip(*drawn, strict=True))
    print(f"{count:,} pictures of {asked.size} px, {asked.processes} processes: {count / wall:.0f}/s; "
          f"{cpu / count * 1000:.1f} ms of CPU each")


if __name__ == "__main__":
    main()
