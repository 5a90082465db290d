"""What a build costs beyond its work: against the bare work, a plain script, its own rebuild, resume and memory.

    python -m benchmarks.build_speed [--count N] [--times K] [--out DIR] [--peers PYTHON]

Draws a mirror of N figures, then, all with the light models and two workers on the same files: the bare costs
(`benchmarks.bare_costs`), a build, the plain script (`benchmarks.plain_script`), a rebuild with a threshold tightened,
a build killed half-way and resumed; and build, rebuild and resume of K times as many figures, for memory and for what a
build's fixed costs hide. Files have been read before, so that the disk's cache is warm for all of them.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from benchmarks import bare_costs, plain_script
from benchmarks.multiply import multiply
from benchmarks.processes import Cost, run
from builders.sources.sample import draw_mirror, mirror_name

WORKERS = 2


def build(mirror: Path, out: Path, *words: str) -> list[str]:
    """The command of a build."""
    return [sys.executable, "-m", "builders.cli", "retribooru", "--source", "danbooru2019", "--root", str(mirror),
            "--models", "light", "--workers", str(WORKERS), "--out", str(out), *words]


def killed_and_resumed(mirror: Path, out: Path, whole: Cost) -> Cost:
    """What the second run costs of a build that was killed after half of the time that the whole takes."""
    run(build(mirror, out), stop=lambda seconds: seconds > whole.wall / 2)
    return run(build(mirror, out))


def report(spent: dict[str, float], costs: dict[str, Cost], times: int) -> None:
    """Prints the tables."""
    print("| Step | s, two workers |\n|---|---:|")
    for step, seconds in spent.items():
        print(f"| {step} | {seconds:.1f} |")
    bare, nets = sum(spent.values()), sum(spent[net] for net in bare_costs.NETS)
    print(f"| all | {bare:.1f} |\n")
    print("| Command | s | CPU s | peak MB, whole tree |\n|---|---:|---:|---:|")
    for name, cost in costs.items():
        print(f"| {name} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.peak:,.0f} |")
    ours, script = costs["build"], costs["plain script"]
    rows = [
        ("build / bare costs", ours.wall / bare, "at most 1.2"),
        ("plain script / build", script.wall / ours.wall, "at least 1.4"),
        ("the same without the models' time", (script.wall - nets) / (ours.wall - nets), "at least 4"),
        (f"memory, {times} times the figures / once", costs[f"{times} x build"].peak / ours.peak, "at most 1.10"),
    ]
    for size in ("", f"{times} x "):
        whole = costs[f"{size}build"].wall
        rows += [(f"{size}tightened / {size}build", costs[f"{size}tightened"].wall / whole, "under 0.10"),
                 (f"{size}resumed at one half / {size}build", costs[f"{size}resumed"].wall / whole, "under 0.55")]
    print("\n| Ratio | Reached | Asked |\n|---|---:|---:|")
    for name, reached, asked in rows:
        print(f"| {name} | {reached:.2f} | {asked} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=5000, metavar="N", help="figures to draw")
    parser.add_argument("--times", type=int, default=4, metavar="K", help="for memory")
    parser.add_argument("--out", type=Path, default=Path("out/bench/build"), metavar="DIR")
    parser.add_argument("--peers", default=sys.executable, metavar="PYTHON", help="interpreter of the plain script")
    found = parser.parse_args()
    mirror = found.out / mirror_name(found.count, 0)
    draw_mirror(mirror, found.count, 0, WORKERS)
    more = found.out / f"{mirror.name}-x{found.times}"
    multiply(mirror, found.times, more)
    work = found.out / "work"
    shutil.rmtree(work, ignore_errors=True)
    spent = bare_costs.measure(plain_script.listed(mirror), work / "bare", WORKERS)
    costs = {"plain script": run([found.peers, "-m", "benchmarks.plain_script", str(mirror), str(work / "plain")])}
    for size, files in (("", mirror), (f"{found.times} x ", more)):
        whole = costs[f"{size}build"] = run(build(files, work / "a"))
        costs[f"{size}tightened"] = run(build(files, work / "a", "--version", "1.0.1", "--matte-min", "0.15"))
        shutil.rmtree(work / "a")
        costs[f"{size}resumed"] = killed_and_resumed(files, work / "b", whole)
        shutil.rmtree(work / "b")
    report(spent, costs, found.times)


if __name__ == "__main__":
    main()
