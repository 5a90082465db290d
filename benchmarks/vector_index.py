"""The index of a pool against exact search and against autofaiss, on the same vectors.

    python -m benchmarks.vector_index [--rows N] [--peers PYTHON] [--out DIR]

Vectors: `clustered`, unit vectors around as many drawn centres as a hundredth of the rows; the noise has a spectrum
that falls as a power law, as that of learnt embeddings does, so that rows have neighbours within their cluster, and not
just a distance from its centre. Queries are further vectors of the same kind, none of them in the index. What builds is
a process of its own, from vectors in a file to an index in a file, imports included. PYTHON is the interpreter of an
environment with autofaiss, which needs pyarrow < 20; without it that line is left out.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from benchmarks.processes import Cost, run
from builders.vector_index import FILE, FLAT_ROWS, Vectors, build_index, read_facts

QUERIES, NEAREST, WIDTH = 1_000, 10, 512
_PIECE = 20_000
"""Vectors drawn at once."""


def clustered(rows: int, width: int, seed: int = 7) -> Vectors:
    """rows x width, of unit length."""
    drawn = np.random.default_rng(seed)
    centres = drawn.standard_normal((max(1, rows // 100), width), dtype=np.float32)
    spectrum = np.arange(1, width + 1, dtype=np.float32) ** -0.5
    spectrum *= 0.6 * np.sqrt(width / np.square(spectrum).sum())  # noise has 0.6 of a centre's length
    found = np.empty((rows, width), np.float32)
    for start in range(0, rows, _PIECE):
        count = min(_PIECE, rows - start)
        vectors = centres[drawn.integers(0, len(centres), count)]
        vectors += spectrum * drawn.standard_normal((count, width), dtype=np.float32)
        found[start:start + count] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


def build(folder: Path) -> None:
    """Our index of the vectors in the folder."""
    vectors = np.load(folder / "img_emb" / "img_emb_0.npy", mmap_mode="r")

    def pieces() -> Iterator[Vectors]:
        yield from (vectors[start:start + _PIECE] for start in range(0, len(vectors), _PIECE))

    build_index(pieces, len(vectors), vectors.shape[1], folder / "ours" / "index", "")


def asked(index: Any, queries: Vectors, rounds: int) -> tuple[float, Any]:
    """Milliseconds a query, the least of the rounds; and the rows found."""
    took = []
    for _ in range(rounds):
        begun = time.perf_counter()
        found = index.search(queries, NEAREST)[1]
        took.append((time.perf_counter() - begun) * 1000 / len(queries))
    return min(took), found


def recall(found: Any, true: Any) -> float:
    """Share of the nearest that were found."""
    return float(np.mean([len(set(mine) & set(exact)) / NEAREST for mine, exact in zip(found, true, strict=True)]))


def row(name: str, cost: Cost | None, said: tuple[float, float, float, Path | None]) -> None:
    """Prints a line of the table: `said` are ms a query, recall, Flat's ms, and the index's file."""
    ms, share, flat, file = said
    spent = f"{cost.wall:.1f} | {cost.cpu:.1f} | {cost.peak:,.0f}" if cost else " |  | "
    size = f"{file.stat().st_size / 1e6:,.0f}" if file else ""
    print(f"| {name} | {spent} | {size} | {ms:.3f} | {flat / ms:.1f} | {share:.4f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=FLAT_ROWS + 1, metavar="N", help="vectors; one more than are kept "
                        "exactly")
    parser.add_argument("--peers", default="", metavar="PYTHON", help="interpreter with autofaiss beside it")
    parser.add_argument("--out", type=Path, default=Path("out/bench/vector_index"), metavar="DIR")
    parser.add_argument("--build", action="store_true", help=argparse.SUPPRESS)
    found = parser.parse_args()
    if found.build:
        build(found.out)
        return
    shutil.rmtree(found.out, ignore_errors=True)
    (found.out / "img_emb").mkdir(parents=True)
    vectors = clustered(found.rows + QUERIES, WIDTH)
    vectors, queries = vectors[:-QUERIES], vectors[-QUERIES:]
    np.save(found.out / "img_emb" / "img_emb_0.npy", vectors)
    exact = faiss.IndexFlatIP(WIDTH)
    exact.add(vectors)
    flat, true = asked(exact, queries, 3)
    del exact, vectors
    print(f"{found.rows:,} vectors of {WIDTH}, {QUERIES:,} queries in one batch, {faiss.omp_get_max_threads()} "
          "threads\n\n| Index | built in s | CPU s | peak MB | MB | ms a query | times Flat's speed | "
          f"recall@{NEAREST} |\n"
          "|---|---:|---:|---:|---:|---:|---:|---:|")
    row("Flat", None, (flat, 1.0, flat, None))
    ours = run([sys.executable, "-m", "benchmarks.vector_index", "--build", "--out", str(found.out)])
    place = found.out / "ours" / "index" / FILE
    ms, rows = asked(faiss.read_index(str(place)), queries, 5)
    row(f"likeness, {read_facts(found.out / 'ours').factory}", ours, (ms, recall(rows, true), flat, place))
    if found.peers:
        place = found.out / "knn.index"
        theirs = run([str(Path(found.peers).with_name("autofaiss")), "build_index", str(found.out / "img_emb"),
                      f"--index_path={place}", f"--index_infos_path={found.out / 'infos.json'}"])
        ms, rows = asked(faiss.read_index(str(place)), queries, 1)
        row("autofaiss", theirs, (ms, recall(rows, true), flat, place))
        print(f"\nautofaiss builds {theirs.wall / ours.wall:.1f} times as long as likeness, and takes "
              f"{theirs.cpu / ours.cpu:.1f} times its CPU")
    shutil.rmtree(found.out)


if __name__ == "__main__":
    main()
