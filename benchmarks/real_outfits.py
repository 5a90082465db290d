"""Are outfits of real drawings ever mixed? Reads a dataset built from the mirror of `benchmarks.real_drawings`.

    python -m benchmarks.real_outfits DATASET_DIR

Each sprite's garment tags were planted by the mirror, so two references with other garments are a mistake.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pyarrow.parquet as pq


def pairs(rows: Sequence[dict[str, object]]) -> tuple[int, int, int]:
    """Pairs of references, those of them with other garments, and pairs with the same garments in all."""
    worn = {row["id"]: tuple(sorted(row["cloths"])) for row in rows}
    linked = {tuple(sorted((row["id"], other))) for row in rows for other in row["similar"]}
    mixed = sum(worn[first] != worn[second] for first, second in linked)
    same = sum(first == second for first, second in combinations(worn.values(), 2))
    return len(linked), mixed, same


def main(words: Sequence[str] | None = None) -> int:
    """Prints the figures; 1 when outfits were mixed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real_outfits", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, metavar="DATASET_DIR")
    folder = parser.parse_args(words).dataset / "data"
    linked, mixed, same = pairs(pq.read_table(folder, columns=["id", "cloths", "similar"]).to_pylist())
    print(f"reference pairs {linked}, of other outfits {mixed}; pairs of one outfit in all {same}")
    return 1 if mixed else 0


if __name__ == "__main__":
    sys.exit(main())
