"""A published pool of a few pictures by hand, with its index."""

from __future__ import annotations

import colorsys
import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from annotators.embeddings import open_embeddings
from builders.published import shards
from builders.vector_index import FOLDER, build_index, stored
from schemas import manifest as manifests
from schemas.features import arrow_schema, pool
from schemas.manifest import Manifest, Model

DIGEST = "ab" * 32
COUNT = 12

Row = dict[str, Any]


def painted(number: int, slope: float = 0.0, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """The number-th of COUNT hues in a dark square on white; a picture is most like those of the same number."""
    width, height = size
    pixels = np.full((height, width, 3), 250.0)
    hue = colorsys.hsv_to_rgb(number / COUNT, 0.9, 0.8)
    pixels[height // 5:-height // 5, width // 5:-width // 5] = np.multiply(hue, 255)
    pixels += np.linspace(-slope, slope, width)[None, :, None]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    made = io.BytesIO()
    image.save(made, kind, **options)
    return made.getvalue()


def row(name: str, data: bytes, embedding: Any, **other: Any) -> Row:
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
    return {"id": name, "image": {"bytes": data, "path": None}, "url": f"https://example.org/{name}.png",
            "text": f"picture {name}", "license": "cc-by", "attribution": "A. Painter",
            "sha256": hashlib.sha256(data).hexdigest(), "phash": "0" * 16, "width": width, "height": height,
            "embedding": np.asarray(embedding, np.float32).tolist(), "aesthetic_score": 5.0, "concept_score": 4.0,
            "integrated_score": 9.0, "status": "pool"} | other


def rows(embeddings: str = "light") -> list[Row]:
    """COUNT rows "p00", "p01" ..., their pictures in all kinds of files."""
    kinds: list[dict[str, Any]] = [{"kind": "PNG"}, {"kind": "JPEG", "quality": 95, "subsampling": 0},
                                   {"kind": "WEBP", "lossless": True}]
    files = [encoded(painted(number).convert("RGBA" if number == 3 else "RGB"), **kinds[number % 3])
             for number in range(COUNT)]
    opened = open_embeddings(embeddings)
    shown = [np.asarray(painted(number)) for number in range(COUNT)]
    vectors = opened({"image": shown})["embedding"]
    return [row(f"p{number:02d}", data, vector)
            for number, (data, vector) in enumerate(zip(files, vectors, strict=True))]


def write_rows(version: Path, made: list[Row]) -> None:
    """The data files: a pool in two files of small row groups; the last row is the seed."""
    schema = arrow_schema(pool(len(made[0]["embedding"])))
    parts = {"pool-00000-of-00002": made[:5], "pool-00001-of-00002": made[5:-1], "seed-00000-of-00001": made[-1:]}
    (version / "data").mkdir(parents=True, exist_ok=True)
    for name, some in parts.items():
        pq.write_table(pa.Table.from_pylist(some, schema=schema), version / "data" / f"{name}.parquet",
                       row_group_size=3)


def publish_pool(folder: Path, made: list[Row], embeddings: str = "light", named: str = "light") -> Path:
    """A version with an index. `named` is what the manifest says was asked for."""
    version, opened = folder / "coti" / "1.0.0", open_embeddings(embeddings)
    write_rows(version, made)
    manifest = Manifest(recipe="coti", version="1.0.0", content_digest=DIGEST, rows_digest="", counts={},
                        options={"embeddings": named, "embedding_width": opened.width}, source={"name": "folder"},
                        models=[Model("embeddings", opened.identity, opened.provenance)], funnel=[], near_copies=0,
                        built_with={}, files={}, splits={"pool": len(made) - 1, "seed": 1})
    (version / manifests.NAME).write_bytes(manifests.encode(manifest))
    files = shards(version, "pool")
    build_index(lambda: stored(files), len(made) - 1, opened.width, version / FOLDER, DIGEST)
    return version
