"""How fast the prompts of a regularization set are planned, and how well pairs of words are spread.

    python -m benchmarks.planning [--kind object|animal|person] [--count N]

The packaged word pools, five scenes of a subject, the paper's shares; pools are read, too. The first plan of a process,
which finds nothing in any cache, is told apart.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from math import ceil

from builders.prompting.planning import FAMILIES, Planned, Wanted, plan
from builders.prompting.pools import read_pools
from schemas.prompts import FORM, Kind

ROUNDS = 5
SCENES = tuple(f"on rock {number}" for number in range(5))


def planned(kind: Kind, count: int) -> list[Planned]:
    pools = read_pools(kind, FORM[kind])
    return plan(Wanted(kind, "backpack", count), pools.words, pools.styles, SCENES)


def excess(rows: list[Planned]) -> Iterator[int]:
    """For each pair of words that meet in a family, how many times more than the fullest pair must."""
    for family in FAMILIES:
        parts = [row.parts for row in rows if row.family == family]
        for one, other in combinations([name for name, word in parts[0].items() if word], 2):
            met = Counter((of[one], of[other]) for of in parts)
            least = ceil(len(parts) / len({of[one] for of in parts}) / len({of[other] for of in parts}))
            yield from (max(0, times - least) for times in met.values())


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kind", choices=list(FORM), default="object")
    arguments.add_argument("--count", type=int, default=2000)
    asked = arguments.parse_args()
    took = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter(), time.process_time()
        rows = planned(asked.kind, asked.count)
        took.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    wall, cpu = (statistics.median(figures) for figures in zip(*took[1:], strict=True))
    over = Counter(excess(rows))
    print(f"{len(rows):,} prompts, {asked.kind}: first {took[0][0]:.2f} s ({took[0][1]:.2f} of CPU), then {wall:.2f} s "
          f"({cpu:.2f}); of {over.total():,} pairs of words {over.total() - over[0]} meet oftener than they must, by "
          f"{max(over)} at most")


if __name__ == "__main__":
    main()
