"""A miniature Danbooru2019 mirror, drawn: the layout, records and defects of the real one, with the truth beside.

    ROOT/danbooru2019-figures/%04d/ID.ext   figure files, defects among them
    ROOT/metadata/                          records in both styles, plain, .gz and .xz
    ROOT/truth/truth.parquet, mattes/       what was planted; read by benchmarks and tests, never by a build
    ROOT/complete.json                      written last

The mirror is read by the same reader as the real one (`builders.sources.danbooru2019`); `Sample` is that reader,
which says whose the pictures are.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from builders.engines import Local
from builders.sources import drawing, sample_records
from builders.sources.danbooru2019 import Danbooru2019
from builders.sources.sample_picture import Painted, paint
from builders.sources.sample_plan import Figure, plan
from schemas import atomic
from schemas.errors import UsageError
from schemas.records import Post, Rejected

VERSION = 3
"""Raised by hand when the same count and seed give other bytes; drawings have a version of their own."""

TREE = "danbooru2019-figures"
_CHUNK = 16
_OUTSIDE = "/etc/passwd"
"""Where the planted link leads: a file that exists on every POSIX machine and that nobody should publish."""

TRUTH = pa.schema([
    ("path", pa.string()),            # below the root
    ("sha256", pa.string()),          # of the file's bytes; "" for a directory or link
    ("post_id", pa.string()),
    ("character", pa.string()),
    ("artist", pa.string()),
    ("outfit", pa.string()),          # equal for one character in one outfit, whoever draws it
    ("garments", pa.list_(pa.string())),  # innermost first
    ("colours", pa.list_(pa.string())),   # of the garments, same order
    ("face", pa.list_(pa.float32())),  # x0, y0, x1, y1 over the upright picture's size; [] without one face
    ("defect", pa.string()),          # "" when nothing is odd about the row
    ("expected", pa.string()),        # reason under which a build must drop it, "" when it must survive
    ("near_of", pa.string()),         # post id of the original of a near copy, ""
    ("near_kind", pa.string()),
    ("matte", pa.string()),           # below the root; 8-bit, size of the upright picture
])
"""Columns of truth.parquet, one row a figure file, ordered by path."""


class Sample(Danbooru2019):
    """Reader of a mirror that `draw_mirror` has drawn. Its post ids are invented, so no post has a page."""

    name = "sample"
    licence = "Drawings made by a program that is part of Likeness, under Apache-2.0; names and tags are invented."

    def posts(self) -> Iterator[Post | Rejected]:
        """Every picture file once, as a Post or with the reason why not; fills `counts`."""
        for item in super().posts():
            yield msgspec.structs.replace(item, post_url="") if isinstance(item, Post) else item


def mirror_name(count: int, seed: int) -> str:
    """Name of the mirror's folder: another version of the drawings gets another folder, not an error."""
    return f"sample-{count}-{seed}-v{VERSION}.{drawing.VERSION}"


def draw_mirror(root: Path, count: int = 400, seed: int = 0, workers: int = 2,
                progress: Callable[[int], None] | None = None) -> None:
    """Draws the mirror with `count` figure files into `root`; does nothing when it stands there already.

    Equal count and seed give equal bytes at any number of workers. After a kill the same call goes on where it
    stopped. `progress` hears the number of figures that were finished since the last time.

    Raises UsageError when `root` holds a mirror of another count, seed or version, or something that is no mirror.
    """
    told = {"sample": VERSION, "drawing": drawing.VERSION, "count": count, "seed": seed}
    claimed = _claim(root, told)
    parts = root / "truth" / "parts"
    if not claimed:
        figures = plan(count, seed)
        chunks = [Chunk(root, seed, number, tuple(figures[first: first + _CHUNK]))
                  for number, first in enumerate(range(0, count, _CHUNK))]
        waiting = [chunk for chunk in chunks if not chunk.part.exists()]
        if progress is not None:
            progress(count - sum(len(chunk.figures) for chunk in waiting))
        with Local[Chunk, int](workers) as engine:
            for done in engine.run(draw_chunk, waiting):
                if progress is not None:
                    progress(done)
        _finish(root, figures, [row for chunk in chunks for row in json.loads(chunk.part.read_bytes())], seed)
        atomic.write(root / "complete.json", json.dumps(told).encode())
    shutil.rmtree(parts, ignore_errors=True)


@dataclass(frozen=True)
class Chunk:
    """A few figures that one worker draws; done when its part file stands."""

    root: Path
    seed: int
    number: int
    figures: tuple[Figure, ...]

    @property
    def part(self) -> Path:
        """What was drawn, as JSON: the truth and the tags of each figure."""
        return self.root / "truth" / "parts" / f"{self.number:06d}.json"


def draw_chunk(chunk: Chunk) -> int:
    """Draws the figures of a chunk and writes their files; returns how many there were."""
    rows = [_place(chunk.root, figure, paint(figure, chunk.seed)) for figure in chunk.figures]
    atomic.write(chunk.part, json.dumps(rows).encode())
    return len(rows)


def _claim(root: Path, told: dict[str, int]) -> bool:
    """Whether the mirror is complete; else the root is marked as this mirror's own and swept."""
    for name in ("complete.json", "begun.json"):
        mark = root / name
        if mark.exists():
            if json.loads(mark.read_bytes()) != told:
                raise UsageError("another sample mirror stands there", seen=str(root),
                                 allowed="one count, seed and version of the drawings in a folder",
                                 next_command="another --out")
            atomic.sweep(root)
            return name == "complete.json"
    atomic.sweep(root)
    if root.exists() and any(root.iterdir()):
        raise UsageError("the folder for the sample mirror is not empty", seen=str(root), allowed="an empty folder")
    atomic.write(root / "begun.json", json.dumps(told).encode())
    return False


def _place(root: Path, figure: Figure, painted: Painted) -> dict[str, Any]:
    """Writes a figure's file and matte; gives its row of truth with the drawing's tags."""
    path = f"{TREE}/{figure.post_id % 1000:04d}/{_name(figure, painted.extension)}"
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if figure.defect == "directory":
        target.mkdir(exist_ok=True)
    elif figure.defect == "symlink":
        target.unlink(missing_ok=True)
        target.symlink_to(_OUTSIDE)
    else:
        target.unlink(missing_ok=True)  # a file that an earlier, killed run left without permissions
        target.write_bytes(painted.data)
        target.chmod(0o000 if figure.defect == "unreadable" else 0o644)
    matte = f"truth/mattes/{Path(path).stem}{'_second' if figure.defect == 'second_file' else ''}.png"
    (root / matte).parent.mkdir(parents=True, exist_ok=True)
    (root / matte).write_bytes(painted.matte)
    garments = figure.look.outfit.garments
    return {
        "path": path, "sha256": painted.sha256 if figure.defect not in ("directory", "symlink") else "",
        "post_id": str(figure.post_id), "character": figure.look.character, "artist": figure.look.artist,
        "outfit": figure.look.outfit_id, "garments": [garment.tag for garment in garments],
        "colours": [garment.colour for garment in garments], "face": list(painted.face), "defect": figure.defect,
        "expected": figure.expected, "near_of": str(figure.near_of or ""), "near_kind": figure.near_kind,
        "matte": matte, "tags": painted.tags,
    }


def _name(figure: Figure, extension: str) -> str:
    if figure.defect == "bad_name":
        return f"cover-{figure.index}.{extension}"
    crop = "_crop_0" if figure.defect == "crop_suffix" else ""
    return f"{figure.post_id}{crop}.{extension}"


def _finish(root: Path, figures: list[Figure], rows: list[dict[str, Any]], seed: int) -> None:
    """Metadata and truth, from what the chunks left."""
    parents = {figure.near_of for figure in figures if figure.near_kind.startswith("child_")}
    characters = sorted({figure.look.character for figure in figures} | {"someone_else_(elsewhere)"})
    posts = [sample_records.described(figure, row["tags"], characters, figure.post_id in parents, seed)
             for figure, row in zip(figures, rows, strict=True) if figure.defect != "second_file"]
    posts += sample_records.bystanders(len(figures) // 4 + 1, seed)
    for name, data in sample_records.files(posts, seed):
        atomic.write(root / "metadata" / name, data)
    rows = sorted(rows, key=lambda row: str(row["path"]))
    table = pa.table({field.name: pa.array([row[field.name] for row in rows], field.type) for field in TRUTH},
                     schema=TRUTH)
    with atomic.replacing(root / "truth" / "truth.parquet") as temporary:
        pq.write_table(table, temporary)
