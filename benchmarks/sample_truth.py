"""How a build of the sample mirror compares with what was planted in it.

    python -m benchmarks.sample_truth DATASET_DIR MIRROR_DIR

DATASET_DIR is a published version (OUT/1.0.0), MIRROR_DIR the mirror it was built from. Rows meet by the sha256 of
the file's bytes, drops by path. Prints the figures below, one a line.
"""

from __future__ import annotations

import argparse
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from PIL import Image

Box = tuple[float, ...]
"""x0, y0, x1, y1, any unit."""

Pair = tuple[str, str]
"""Two row names in sorted order."""

def box_iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0 when both are empty."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    union = _area(a) + _area(b) - shared
    return shared / union if union > 0 else 0.0


def soft_iou(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> float:
    """Sum of minima over sum of maxima of two mattes of one shape; 1 when both are empty."""
    largest = float(np.maximum(a, b).sum(dtype=np.float64))
    return float(np.minimum(a, b).sum(dtype=np.float64)) / largest if largest else 1.0


def same_outfit(truth: Mapping[str, Mapping[str, Any]]) -> set[Pair]:
    """Pairs of rows by one artist of one character in one outfit."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, row in truth.items():
        groups.setdefault((row["artist"], row["outfit"]), []).append(name)
    return {pair(a, b) for group in groups.values() for i, a in enumerate(group) for b in group[i + 1:]}


def near_pairs(truth: Mapping[str, Mapping[str, Any]]) -> set[Pair]:
    """Pairs of a near copy and its original."""
    # A near copy's original is never a defective row, so a post id names one row here.
    posts = {row["post_id"]: name for name, row in truth.items() if row["defect"] != "second_file"}
    return {pair(name, posts[row["near_of"]]) for name, row in truth.items() if row["near_of"] in posts}


def pair(a: str, b: str) -> Pair:
    """The unordered pair."""
    return (a, b) if a < b else (b, a)


def ratio(part: int, whole: int) -> float:
    """part / whole, NaN for an empty whole: what was never tried is neither good nor bad."""
    return part / whole if whole else float("nan")


@dataclass(frozen=True)
class Faces:
    """Counts over the pictures that reached the detector; one planted face unless said otherwise."""

    right: int
    """Published boxes with IoU >= 0.5 on the one planted face."""
    wrong: int
    """Published boxes elsewhere on such pictures."""
    false: int
    """Published boxes on pictures that show no face, or two."""
    missed: int
    """Pictures with one planted face dropped as no_face."""
    extra: int
    """Pictures with one planted face dropped as many_faces: at least one false box each."""

    @property
    def recall(self) -> float:
        """Faces found at IoU 0.5; a picture lost to extra boxes is not found."""
        return ratio(self.right, self.right + self.wrong + self.missed + self.extra)

    @property
    def precision(self) -> float:
        """Right boxes among all boxes known of."""
        return ratio(self.right, self.right + self.wrong + self.false + self.extra)


def faces(truth: Mapping[str, Mapping[str, Any]], boxes: Mapping[str, Box], drops: Mapping[str, str]) -> Faces:
    """`boxes`: published box by row; `drops`: reason by row."""
    judged = [box_iou(box, tuple(truth[name]["face"])) >= 0.5 for name, box in boxes.items() if truth[name]["face"]]
    right = sum(judged)
    lost = Counter(reason for name, reason in drops.items()
                   if name in truth and truth[name]["face"] and reason in ("no_face", "many_faces"))
    return Faces(right, len(judged) - right, len(boxes) - len(judged), lost["no_face"], lost["many_faces"])


@dataclass(frozen=True)
class Report:
    """Everything compared. Shares are 0..1, NaN where there was nothing to compare."""

    faces: Faces
    matte_iou: float
    """Mean soft IoU over published rows."""
    pair_precision: float
    """Pairs of `similar` that wear one planted outfit by one hand."""
    pair_recall: float
    """Planted pairs between rows that must survive, found in `similar`; a lost row loses its pairs."""
    pair_recall_published: float
    """The same among published rows alone."""
    near_apart: float
    """Near-copy pairs, both published, that are not in each other's `similar`."""
    near_seen: int
    defects: dict[str, tuple[int, int]]
    """Defect: (rows that met their expected fate, rows planted)."""
    lost: dict[str, int]
    """Reasons under which rows left that should have survived."""


def compare(dataset: Path, mirror: Path) -> Report:
    """The report for a published version and its mirror."""
    table = pq.read_table(mirror / "truth" / "truth.parquet").to_pylist()
    truth = {row["path"]: row for row in table}
    by_digest = {row["sha256"]: row["path"] for row in table if row["sha256"]}
    drops = {row["path"]: row["reason"]
             for row in pq.read_table(dataset / "rejected.parquet", columns=["path", "reason"]).to_pylist()}
    ids: dict[str, str] = {}
    boxes: dict[str, Box] = {}
    similar: dict[str, list[str]] = {}
    mattes = []
    for row in published(dataset):
        name = by_digest[row["sha256"]]
        ids[row["id"]] = name
        cx, cy, w, h = row["bbox"]
        boxes[name] = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
        similar[name] = row["similar"]
        planted = np.asarray(Image.open(mirror / truth[name]["matte"]))
        found = np.asarray(Image.open(io.BytesIO(row["mask"]["bytes"])))
        mattes.append(soft_iou(found, planted) if found.shape == planted.shape else 0.0)
    linked = {pair(name, ids[other]) for name, others in similar.items() for other in others}
    near = near_pairs(truth)
    wanted = same_outfit({name: row for name, row in truth.items() if not row["expected"]}) - near
    seen = {p for p in near if p[0] in boxes and p[1] in boxes}
    among = {p for p in wanted if p[0] in boxes and p[1] in boxes}
    judged = linked - near
    return Report(
        faces(truth, boxes, drops), float(np.mean(mattes)) if mattes else float("nan"),
        ratio(len(judged & same_outfit(truth)), len(judged)), ratio(len(linked & wanted), len(wanted)),
        ratio(len(linked & among), len(among)), ratio(len(seen - linked), len(seen)), len(seen),
        fates(table, set(boxes), drops), lost(table, drops))


def published(dataset: Path) -> Iterator[dict[str, Any]]:
    """Rows of every split without their pictures, a row group at a time."""
    for shard in sorted((dataset / "data").glob("*.parquet")):
        for batch in pq.ParquetFile(shard).iter_batches(64, columns=["id", "sha256", "bbox", "similar", "mask"]):
            yield from batch.to_pylist()


def fates(table: Iterable[Mapping[str, Any]], kept: set[str], drops: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """Rows of each defect, and how many were dropped for the expected reason, or kept where none is expected."""
    counts: dict[str, tuple[int, int]] = {}
    for row in table:
        defect = row["defect"] or row["near_kind"]
        if not defect:
            continue
        met = drops.get(row["path"]) == row["expected"] if row["expected"] else row["path"] in kept
        before = counts.get(defect, (0, 0))
        counts[defect] = (before[0] + met, before[1] + 1)
    return dict(sorted(counts.items()))


def lost(table: Iterable[Mapping[str, Any]], drops: Mapping[str, str]) -> dict[str, int]:
    """Reasons, with counts, under which rows left that should have survived."""
    reasons = Counter(drops[row["path"]] for row in table if not row["expected"] and row["path"] in drops)
    return dict(sorted(reasons.items()))


def lines(report: Report) -> Iterator[str]:
    """The report for a terminal."""
    one = report.faces
    yield f"face recall @0.5      {one.recall:.4f}   right {one.right}, wrong {one.wrong}, false {one.false}, " \
          f"missed {one.missed}, with extra boxes {one.extra}"
    yield f"face precision @0.5   {one.precision:.4f}"
    yield f"matte soft IoU        {report.matte_iou:.4f}"
    yield f"pair precision        {report.pair_precision:.4f}"
    yield f"pair recall           {report.pair_recall:.4f}   among published rows {report.pair_recall_published:.4f}"
    yield f"near copies apart     {report.near_apart:.4f}   of {report.near_seen}"
    met, planted = (sum(column) for column in zip(*report.defects.values(), strict=True)) if report.defects else (0, 0)
    yield f"defects as expected   {ratio(met, planted):.4f}   {met} of {planted}"
    yield from (f"  {name:<18}  {part} of {whole}" for name, (part, whole) in report.defects.items() if part < whole)
    yield "should have survived  " + (", ".join(f"{reason} {n}" for reason, n in report.lost.items()) or "all did")


def main() -> None:
    """Prints the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sample_truth", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, metavar="DATASET_DIR")
    parser.add_argument("mirror", type=Path, metavar="MIRROR_DIR")
    told = parser.parse_args()
    print("\n".join(lines(compare(told.dataset, told.mirror))))


def _area(box: Box) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


if __name__ == "__main__":
    main()
