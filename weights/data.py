"""The bank: drawings, distractors and backgrounds rendered once, in chunks that memory maps can read.

    python -m weights.data --cache .cache/bank --chunks 57 --workers 2

A chunk is a function of (seed, chunk number) alone; a chunk whose index exists is finished, so a killed run is
continued by the same command and a bank grows by a higher --chunks.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from builders.sources import drawing
from builders.sources.drawing.distractors import random_distractor
from weights.scenery import scenery
from weights.spaces import space

Pixels = NDArray[np.uint8]

FIGURES = 250  # per chunk
SCENES = 70
DISTRACTORS = 40
SPACES = 40
TALLEST = 352  # longest side of a stored figure, pixels
SCENE_SIDE = 320
SPACE_SIDE = 384
WILD = 0.8  # the rest are drawings as the sample mirror draws them


@dataclass(frozen=True)
class Stored:
    """A cut-out of the bank: straight RGBA, and where its face is, in its own pixels.

    `seen` is the share of the face that the drawing shows, 0 for backs; `cut` says which edges (left, top, right,
    bottom) the drawing's frame cut through the figure, so that a composition can keep them outside.
    """

    pixels: Pixels
    face: tuple[float, float, float, float]
    seen: float
    cut: tuple[bool, bool, bool, bool]


def _figure(rng: Generator) -> tuple[Stored, Pixels] | None:
    """One drawing cut to its matte, and its background; None when the frame holds nothing of the figure."""
    wild = bool(rng.random() < WILD)
    who, wears = drawing.random_character(rng, wild=wild), drawing.random_outfit(rng, wild=wild)
    made = drawing.draw(who, wears, drawing.random_style(rng, wild=wild), drawing.random_scene(rng, wild=wild))
    height, width = made.figure.shape[:2]
    rows, columns = np.nonzero(made.figure[..., 3].max(1) > 24)[0], np.nonzero(made.figure[..., 3].max(0) > 24)[0]
    if rows.size < 24 or columns.size < 24:
        return None
    x0, x1, y0, y1 = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    cut = (x0 <= 1, y0 <= 1, x1 >= width - 1, y1 >= height - 1)
    image = Image.fromarray(made.figure[y0:y1, x0:x1])
    scale = min(1.0, TALLEST / max(image.size))
    size = (max(8, round(image.width * scale)), max(8, round(image.height * scale)))
    small = image.resize(size, Image.Resampling.BOX)
    sx, sy = small.width / image.width, small.height / image.height
    fx0, fy0, fx1, fy1 = made.face
    face = ((fx0 - x0) * sx, (fy0 - y0) * sy, (fx1 - x0) * sx, (fy1 - y0) * sy)
    scene = Image.fromarray(made.background).convert("RGB")
    scene.thumbnail((SCENE_SIDE, SCENE_SIDE), Image.Resampling.BOX)
    return Stored(np.asarray(small), face, float(made.face_visible), cut), np.asarray(scene)


def _pack(items: list[Pixels], path: Path) -> list[tuple[int, int, int, int]]:
    """All pixels in one flat .npy file; per item (offset, height, width, channels)."""
    index, offset = [], 0
    for item in items:
        index.append((offset, *item.shape))
        offset += item.size
    np.save(path, np.concatenate([np.ascontiguousarray(item).reshape(-1) for item in items]))
    return index


def render_chunk(cache: Path, seed: int, number: int) -> None:
    """Write chunk `number` of the bank: `NNNN.figures.npy`, `.scenes.npy`, `.distractors.npy`, and the index last."""
    rng = np.random.default_rng([seed, number])
    figures: list[Stored] = []
    scenes: list[Pixels] = []
    while len(figures) < FIGURES:
        made = _figure(rng)
        if made is None:
            continue
        figures.append(made[0])
        if len(scenes) < SCENES:
            scenes.append(made[1])
    scenes += [scenery(rng, SCENE_SIDE) for _ in range(SCENES)]
    things = [random_distractor(rng, int(rng.integers(64, 192))) for _ in range(DISTRACTORS)]
    stem = f"{number:04d}"
    index: dict[str, Any] = {
        "figures": _pack([f.pixels for f in figures], cache / f"{stem}.figures.npy"),
        "truth": [(f.face, f.seen, f.cut) for f in figures],
        "scenes": _pack(scenes, cache / f"{stem}.scenes.npy"),
        "distractors": _pack(things, cache / f"{stem}.distractors.npy"),
    }
    _finish(index, cache / f"{stem}.json")


def render_spaces(cache: Path, seed: int, number: int) -> None:
    """Write the places in perspective of chunk `number`: `NNNN.spaces.npy`, and their index last."""
    rng = np.random.default_rng([seed, number, 1])
    made = [space(rng, SPACE_SIDE) for _ in range(SPACES)]
    _finish({"spaces": _pack(made, cache / f"{number:04d}.spaces.npy")}, cache / f"{number:04d}.spaces.json")


def _finish(index: dict[str, Any], path: Path) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(index, default=lambda value: value.item()))
    part.rename(path)


class Bank:
    """Finished chunks of a cache, memory-mapped. `held_out` takes the first chunk alone, else all but the first."""

    def __init__(self, cache: Path, *, held_out: bool) -> None:
        found = [path.with_suffix("").with_suffix(".json") for path in sorted(cache.glob("*.spaces.json"))]
        found = found[:1] if held_out else found[1:]
        if not found:
            raise SystemExit(f"no finished chunk in {cache}: run `python -m weights.data --cache {cache}` first")
        self._flat: list[Pixels] = []
        self._where: dict[str, list[tuple[int, tuple[int, int, int, int]]]] = {}
        self._truth: list[Any] = []
        for path in found:
            index = json.loads(path.read_text()) | json.loads(path.with_suffix(".spaces.json").read_text())
            self._truth += index["truth"]
            for kind in ("figures", "scenes", "distractors", "spaces"):
                self._where.setdefault(kind, []).extend((len(self._flat), tuple(row)) for row in index[kind])
                self._flat.append(np.load(path.with_suffix(f".{kind}.npy"), mmap_mode="r"))

    def count(self, kind: str) -> int:
        return len(self._where[kind])

    def pixels(self, kind: str, at: int) -> Pixels:
        """A read-only view of one item, H x W x channels."""
        flat, (offset, height, width, channels) = self._where[kind][at]
        return self._flat[flat][offset : offset + height * width * channels].reshape(height, width, channels)

    def figure(self, at: int) -> Stored:
        face, seen, cut = self._truth[at]
        return Stored(self.pixels("figures", at), tuple(face), seen, tuple(cut))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path(".cache/bank"))
    parser.add_argument("--seed", type=int, default=20191231)
    parser.add_argument("--chunks", type=int, default=57)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    with multiprocessing.Pool(options.workers) as pool:
        for render, suffix in ((render_chunk, ".json"), (render_spaces, ".spaces.json")):
            missing = [n for n in range(options.chunks) if not (options.cache / f"{n:04d}{suffix}").exists()]
            pool.starmap(render, [(options.cache, options.seed, n) for n in missing], chunksize=1)


if __name__ == "__main__":
    main()
