"""A dataset small enough to work out by hand: drawn pictures, rectangles for mattes, known lists."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from schemas.features import REGULARIZATION, REJECTED, RETRIBOORU, arrow_schema, pool
from schemas.manifest import Manifest, Model, Step

SIZE = (64, 80)

Rows = list[dict[str, Any]]
Write = Callable[[dict[str, Rows]], dict[str, list[Path]]]


def encoded(picture: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()


def draw_matte(box: tuple[int, int, int, int], size: tuple[int, int] = SIZE) -> bytes:
    picture = Image.new("L", size)
    picture.paste(255, box)
    return encoded(picture, "PNG")


@pytest.fixture
def matte() -> Callable[..., bytes]:
    """Draws a PNG matte: a white rectangle on black, 64 x 80 unless told."""
    return draw_matte


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    """A row with plain values; keywords replace them. The picture is one colour."""

    def make(name: str, similar: Sequence[str] = (), colour: str = "teal", **words: Any) -> dict[str, Any]:
        plain: dict[str, Any] = {
            "id": name, "image": {"bytes": encoded(Image.new("RGB", SIZE, colour), "PNG"), "path": f"{name}.png"},
            "mask": {"bytes": draw_matte((16, 0, 48, 80)), "path": f"{name}.png"}, "bbox": [0.5, 0.25, 0.25, 0.2],
            "character": "alice", "artists": "bob", "copyright": ["wonder"], "cloths": ["blue dress"],
            "prompts": "1girl, blue_dress", "similar": list(similar), "outfit": "o1",
            "answers": [{"question": "colours", "answer": "blue"}], "face_score": 0.9, "rating": "general",
            "rating_raw": "s", "post_url": "", "sha256": "0" * 64, "phash": "0000000000000000", "width": SIZE[0],
            "height": SIZE[1]}
        return plain | words

    return make


@pytest.fixture
def trio(row: Callable[..., dict[str, Any]]) -> dict[str, Rows]:
    """Outfit o1: 1, 2, 3 in train, where 3 lists only 1; outfit o2 of another character: 4 and 5, held out."""
    other = {"character": "carol", "artists": "dan", "outfit": "o2", "cloths": ["red hat", "blue dress"]}
    return {"train": [row("1", ["2", "3"]), row("2", ["1"]), row("3", ["1"])],
            "test_seen": [], "test_unseen": [row("4", ["5"], **other), row("5", ["4"], **other)]}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes splits as `data/SPLIT-00000-of-00001.parquet` below tmp_path, two rows a row group."""

    def put(splits: dict[str, Rows]) -> dict[str, list[Path]]:
        schema = arrow_schema(RETRIBOORU)
        (tmp_path / "data").mkdir(exist_ok=True)
        data: dict[str, list[Path]] = {}
        for split, rows in splits.items():
            data[split] = []
            if rows:
                path = tmp_path / "data" / f"{split}-00000-of-00001.parquet"
                pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, row_group_size=2)
                data[split] = [path]
        return data

    return put


@pytest.fixture
def drawn(tmp_path: Path) -> Callable[..., dict[str, list[Path]]]:
    """Writes rows of a regularization set of cups, three a row group; keywords of each replace plain values, and
    `colour` is that of its picture. A row of no words is of the family training."""

    def put(*rows: dict[str, Any]) -> dict[str, list[Path]]:
        made = []
        for number, words in enumerate(rows):
            words = dict(words)
            picture = encoded(Image.new("RGB", (64, 64), words.pop("colour", "teal")), "PNG")
            made.append({"id": f"{number:05d}", "image": {"bytes": picture, "path": None}, "text": f"a cup {number}",
                         "style": "", "shape": "", "color": "", "texture": "", "class_name": "cup", "background": "",
                         "family": "training", "seed": number, "generator": "light", "guidance": 0.0, "steps": 0,
                         "attempts": 1, "clip_t": None, "sha256": "0" * 64, "width": 64, "height": 64} | words)
        path = tmp_path / "train-00000-of-00001.parquet"
        schema = arrow_schema(REGULARIZATION["static"])
        pq.write_table(pa.Table.from_pylist(made, schema=schema), path, row_group_size=3)
        return {"train": [path]}

    return put


@pytest.fixture
def rejected(tmp_path: Path) -> Path:
    """Seven rows that left."""
    path = tmp_path / "rejected.parquet"
    rows = [{column.name: str(n) for column in REJECTED} for n in range(7)]
    pq.write_table(pa.Table.from_pylist(rows, schema=arrow_schema(REJECTED)), path)
    return path


@pytest.fixture
def manifest() -> Callable[..., Manifest]:
    """A manifest whose funnel takes 12 rows to 5; keywords replace its parts."""

    def make(**words: Any) -> Manifest:
        plain: dict[str, Any] = {
            "recipe": "retribooru", "version": "1.0.0", "content_digest": "c" * 64, "rows_digest": "d" * 64,
            "source": {"name": "danbooru2019", "digest": "a" * 64, "licence": "pictures belong to their artists"},
            "counts": {"bad_lines": 3}, "options": {"source": "danbooru2019", "models": "paper", "seed": 7},
            "models": [Model("faces", "f" * 64, {"backend": "paper", "weights": "face.onnx", "revision": "r9",
                                                 "sha256": "b" * 64, "licence": "MIT"})],
            "funnel": [Step("select", 12, 9, {"rating": 1, "no_garment": 2}),
                       Step("group", 9, 5, {"no_reference": 4})],
            "splits": {"train": 3, "test_unseen": 2}, "near_copies": 1, "built_with": {"likeness": "0.1.0"},
            "files": {}}
        return Manifest(**(plain | words))

    return make


@pytest.fixture
def pooled(tmp_path: Path) -> Callable[..., dict[str, list[Path]]]:
    """Writes rows as a pool with embeddings of four numbers, two a row group, four a shard. A row is its id, concept
    and aesthetic score, and what differs from plain values; `colour` is that of its picture. S_int is their sum."""

    def put(rows: Sequence[tuple[Any, ...]], seeds: Sequence[tuple[Any, ...]] = ()) -> dict[str, list[Path]]:
        (tmp_path / "data").mkdir(exist_ok=True)
        data: dict[str, list[Path]] = {"pool": [], "seed": []}
        for split, lot in (("pool", rows), ("seed", seeds)):
            shards = [lot[at : at + 4] for at in range(0, len(lot), 4)]
            for number, some in enumerate(shards):
                path = tmp_path / "data" / f"{split}-{number:05d}-of-{len(shards):05d}.parquet"
                table = pa.Table.from_pylist([_pooled(split, *row) for row in some], schema=arrow_schema(pool(4)))
                pq.write_table(table, path, row_group_size=2)
                data[split].append(path)
        return data

    return put


def _pooled(split: str, name: str, concept: float, aesthetic: float, words: dict[str, Any] | None = None
            ) -> dict[str, Any]:
    words = dict(words or {})
    picture = encoded(Image.new("RGB", (64, 64), words.pop("colour", "teal")), "PNG")
    plain = {"id": name, "image": {"bytes": picture, "path": None}, "url": "", "text": "", "license": "",
             "attribution": "", "sha256": "0" * 64, "phash": "0" * 16, "width": 64, "height": 64,
             "embedding": [1.0, 0.0, 0.0, 0.0], "concept_score": concept, "aesthetic_score": aesthetic,
             "integrated_score": concept + aesthetic, "status": split}
    return plain | words
