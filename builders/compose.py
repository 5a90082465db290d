"""From grouped rows to a published version: columns, shards, rejects, pages, manifest."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from annotators.base import Annotator
from builders import publish
from builders.annotate import Look
from builders.figure_rows import FillFigures, Planned
from builders.ledger import Row
from builders.options import Retribooru
from builders.outfits import Place, Places
from builders.release import Content, release
from builders.select import cloths
from builders.sources import Source
from builders.write import Shard, columns_digest, cut_shards
from cards import retribooru as card
from schemas.answers import QUESTIONS
from schemas.errors import UsageError
from schemas.features import RETRIBOORU
from schemas.locations import Location
from schemas.manifest import Manifest, Model


@dataclass(frozen=True)
class Build:
    """What the manifest tells of a build beside its rows."""

    options: Retribooru
    source: Source
    models: Mapping[str, Annotator]
    """Annotators by role."""
    exclude_digest: str
    """Digest of the --exclude file's entries, "" without one."""

    @property
    def face_score(self) -> float:
        """Least score of a face box, which the recipe has resolved."""
        return self.options.face_score or 0.0

    def said(self) -> dict[str, object]:
        """The resolved options in full; the --exclude file by its digest, because it names people."""
        return self.options.published() | {"exclude": self.exclude_digest}


SPLITS = ("train", "test_seen", "test_unseen")
_SAID = ["boxes", "scores", "coverage", "answers", "phash"]


def publish_rows(look: Look, places: Places, build: Build) -> tuple[Location, Manifest]:
    """Publishes every row that is left as OUT/VERSION and returns that folder and its manifest.

    Raises UsageError when no row is left, or when the version stands there with other rows.
    """
    if not places.by_id:
        raise _nothing_left(look)
    options, source = build.options, build.source
    models = [Model(role, annotator.identity, annotator.provenance) for role, annotator in build.models.items()]
    draft = Manifest(
        recipe="retribooru", version=options.version, rows_digest=_rows_digest(look, places, build), files={},
        content_digest="",
        source={"name": source.name, "digest": source.digest(), "licence": source.licence},
        counts=dict(sorted(source.counts.items())), options=build.said(),
        models=models, funnel=look.ledger.funnel,
        splits={split: places.rows_in[split] for split in SPLITS if places.rows_in[split]},
        near_copies=places.near_copies, built_with=publish.built_with(models))
    content = Content(RETRIBOORU, FillFigures(look.store_of("mask").folder, look.limits),
                      lambda: _shards(look, places, build), len(look.ledger), look.ledger.rejected, card.pages)
    return release(look.work, look.engine, look.progress, draft, content)


def _nothing_left(look: Look) -> UsageError:
    drops: Counter[str] = Counter()
    for step in look.ledger.funnel:
        drops.update(step.drops)
    told = ", ".join(f"{reason} {count:,}" for reason, count in drops.most_common(4)) or "the source has no picture"
    return UsageError(f"no row is left to publish ({told})", allowed="at least two pictures of one identity and outfit",
                      next_command="loosen a threshold or --match-rule, see build retribooru --help")


def _face(said: Mapping[str, Any], least: float) -> tuple[list[float] | None, float | None]:
    """The one face box as cx, cy, w, h and its score; None where there is not just one.

    Rounded to float32, which is what the file holds: the digest is taken of what a reader will see.
    """
    good = [(box, score) for box, score in zip(said["boxes"], said["scores"], strict=True) if score >= least]
    if len(good) != 1:
        return None, None
    (x0, y0, x1, y1), score = good[0]
    return [float(np.float32(value)) for value in ((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0)], float(score)


def _columns(row: Row, said: Mapping[str, Any], place: Place,
             face_score: float) -> dict[str, Any]:
    """The published columns of a row but for the pixels."""
    box, score = _face(said, face_score)
    post = row.post
    return {
        "id": post.id,
        "bbox": box,
        "character": post.characters[0],
        "artists": post.artists[0] if post.artists else "",
        "copyright": list(post.copyrights),
        "cloths": list(cloths(post)),
        "prompts": ", ".join(sorted(post.general)),
        "similar": place.similar,
        "outfit": place.outfit,
        "answers": [{"question": question, "answer": answer}
                    for question, answer in zip(QUESTIONS, said["answers"], strict=True)],
        "face_score": score,
        "coverage": float(np.float32(said["coverage"])),
        "rating": post.rating.value,
        "rating_raw": post.rating_raw,
        "post_url": post.post_url,
        "sha256": row.sha256,
        "phash": said["phash"],
        "width": row.width,
        "height": row.height,
    }


def _told(look: Look, rows: Sequence[Row], places: Places, build: Build) -> Iterator[dict[str, Any]]:
    """The columns of each row."""
    said = look.columns(rows, _SAID)
    for at, row in enumerate(rows):
        yield _columns(row, {name: said[name][at] for name in _SAID}, places.by_id[row.post.id], build.face_score)


def _planned(look: Look, places: Places, build: Build, split: str) -> Iterator[Planned]:
    """A split's rows in id order."""
    for batch in look.ledger.rows():
        rows = [row for row in batch if places.by_id[row.post.id].split == split]
        mattes = look.places(rows, "mask")
        for row, matte, columns in zip(rows, mattes, _told(look, rows, places, build), strict=True):
            yield Planned(msgspec.msgpack.encode(columns), row.post.path, row.sha256, row.box, matte)


def _rows_digest(look: Look, places: Places, build: Build) -> str:
    whole = hashlib.sha256(build.models["masks"].identity.encode())
    for rows in look.ledger.rows():
        for row, columns in zip(rows, _told(look, rows, places, build), strict=True):
            split = places.by_id[row.post.id].split
            whole.update(columns_digest({**columns, "box": row.box, "split": split}).encode())
    return whole.hexdigest()


def image_bytes(row: Row) -> int:
    """Of the published picture: the file's, or about those of the PNG that a figure cut out of it becomes, which takes
    half of what its pixels do.
    """
    return row.bytes if row.box is None else row.width * row.height * 3 // 2


def _shards(look: Look, places: Places, build: Build) -> Iterator[Shard]:
    sizes: dict[str, array[int]] = {split: array("q") for split in SPLITS}
    for rows in look.ledger.rows():
        for row in rows:
            sizes[places.by_id[row.post.id].split].append(image_bytes(row))
    for split in SPLITS:
        if places.rows_in[split]:
            yield from cut_shards(split, _planned(look, places, build, split), sizes[split])
