"""Everything that `make bench` measures: speed, the sample's planted truth on a held-out seed, and real drawings.

    python -m benchmarks [--out DIR] [--peers PYTHON]

InstructBLIP is measured where there is a GPU. The real drawings come from Debian packages that `apt-get download`
fetches; where there is no apt-get that part is left out, and says so.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from builders.sources.sample import mirror_name

HELD_OUT_SEED = 9_104_227
"""Nothing was trained or chosen on it. Take another one when something has been."""


def build(*words: str) -> None:
    """`build retribooru` with the light models."""
    subprocess.run([sys.executable, "-m", "builders.cli", "retribooru", "--models", "light", *words], check=True)


def measure(module: str, *words: str) -> int:
    """Runs one benchmark and returns its exit code."""
    print(f"\n== {module}", flush=True)
    return subprocess.run([sys.executable, "-m", f"benchmarks.{module}", *words], check=False).returncode


def main(words: Sequence[str] | None = None) -> int:
    """Runs all of it; the exit code of the worst."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/bench"), metavar="DIR")
    parser.add_argument("--count", type=int, default=600, metavar="N", help="drawings of the sample")
    parser.add_argument("--peers", default=sys.executable, metavar="PYTHON", help="interpreter with the peers")
    found = parser.parse_args(words)
    return max(speed(found.out, found.peers), quality(found.out, found.count))


def speed(out: Path, peers: str) -> int:
    """What the machine takes; run nothing beside it."""
    worst = max(measure("metadata_scan", "--out", str(out / "metadata"), "--peers", peers),
                measure("grouping"),
                measure("planning"),
                measure("near_search"),
                measure("rescoring", "--out", str(out / "rescoring")),
                measure("light_generator"),
                measure("vector_index", "--out", str(out / "vector_index")),
                measure("build_speed", "--out", str(out / "build"), "--peers", peers))
    if find_spec("diffusers") is None:
        print("\ngeneration, training, scoring: left out, diffusers is not installed")
    else:
        worst = max(worst, measure("generation", "--out", str(out / "generation")),
                    measure("training", "--out", str(out / "training")),
                    measure("scoring", "--out", str(out / "scoring")))
    if not has_gpu():
        print("\ninstructblip_speed: left out, there is no GPU that torch sees")
        return worst
    return max(worst, measure("instructblip_speed", "--out", str(out / "instructblip")))


def has_gpu() -> bool:
    """Whether torch is installed and sees one."""
    try:
        import torch
    except ImportError:
        return False
    return bool(torch.cuda.is_available())


def quality(out: Path, count: int) -> int:
    """How good the light models are."""
    sample, real = out / "sample", out / "real"
    build("--source", "sample", "--count", str(count), "--seed", str(HELD_OUT_SEED), "--out", str(sample))
    mirror = sample / ".state" / mirror_name(count, HELD_OUT_SEED)
    worst = measure("sample_truth", str(sample / "1.0.0"), str(mirror))
    if shutil.which("apt-get") is None:
        print("real drawings: left out, there is no apt-get to fetch them with")
        return worst
    worst = max(worst, measure("real_drawings", "--package", "renpy-demo", "--rounds", "8"))
    worst = max(worst, measure("real_drawings", "--mirror", str(real / "mirror")))
    build("--source", "danbooru2019", "--root", str(real / "mirror"), "--out", str(real))
    return max(worst, measure("real_outfits", str(real / "1.0.0")))


if __name__ == "__main__":
    sys.exit(main())
