"""clip-retrieval's folder: embeddings, metadata and an index that `clip-retrieval back` serves.

Embeddings, rows of metadata and the index go together by their order alone.
"""

from __future__ import annotations

import itertools
import json
import shutil
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from builders.exports.rows import Export, Row, jpeg, name
from builders.published import shards
from builders.vector_index import FILE, FOLDER, POOL, read_facts, stored
from schemas.errors import UsageError

_AT_ONCE = 10_000
"""Rows of a row group of metadata."""
_COLUMNS = ["id", "image", "url", "text", "license", "attribution", "sha256", "phash", "width", "height",
            "aesthetic_score", "concept_score", "integrated_score", "status"]
_SHOWN = ["url", "image_path", "caption", "license", "attribution"]
"""What `clip-retrieval back` should answer of a picture that it found."""
_OPENAI = {"openai/clip-vit-large-patch14": "ViT-L/14", "openai/clip-vit-base-patch32": "ViT-B/32",
           "openai/clip-vit-base-patch16": "ViT-B/16", "openai/clip-vit-large-patch14-336": "ViT-L/14@336px"}
"""CLIPs by their name on the Hub, as the tool names them."""

_METADATA = pa.schema([("image_path", pa.string()), ("caption", pa.string()), ("key", pa.string()),
                       *((column, pa.string()) for column in ("url", "license", "attribution", "sha256", "phash")),
                       ("width", pa.int32()), ("height", pa.int32()),
                       *((f"{score}_score", pa.float32()) for score in ("aesthetic", "concept", "integrated")),
                       ("status", pa.string())])


def clip_retrieval(export: Export) -> None:
    """images/, img_emb/img_emb_0.npy (float16), metadata/metadata_0.parquet, image.index and indices_paths.json.

    Pictures are JPEG, because the tool shows none with transparency or a palette; paths are whole, because it opens
    them from wherever it runs. Raises UsageError for another split: the index holds none of it.
    """
    if export.split != POOL:
        raise UsageError("only the split of the index can be served", seen=export.split, allowed=POOL,
                         next_command=f"--split {POOL}")
    facts = read_facts(export.source)
    if facts.dataset != export.manifest.content_digest or facts.rows != export.manifest.splits[POOL]:
        raise export.damaged("its index is of another dataset")
    _embeddings(export, facts.rows, facts.width)
    rows = (_metadata(export, row) for row in export.rows(_COLUMNS))
    place = export.folder / "metadata" / "metadata_0.parquet"
    place.parent.mkdir()
    with pq.ParquetWriter(place, _METADATA) as writer:
        while some := list(itertools.islice(rows, _AT_ONCE)):
            writer.write_table(pa.Table.from_pylist(some, schema=_METADATA))
    _index(export)
    # Without these two it would fetch a further model, and vectors that fit only some.
    served: dict[str, Any] = {"indice_folder": str(export.home), "columns_to_return": _SHOWN,
                              "enable_mclip_option": False, "provide_aesthetic_embeddings": False}
    weights = {model.role: model.provenance.get("weights", "") for model in export.manifest.models}
    if model := _OPENAI.get(weights.get("embeddings", "")):
        served["clip_model"] = model
    export.write("indices_paths.json", json.dumps({POOL: served}, ensure_ascii=False, indent=2).encode())


def _embeddings(export: Export, rows: int, width: int) -> None:
    place = export.folder / "img_emb" / "img_emb_0.npy"
    place.parent.mkdir()
    out = np.lib.format.open_memmap(place, mode="w+", dtype=np.float16, shape=(rows, width))
    start = 0
    try:
        for vectors in stored(shards(export.source, POOL)):
            out[start:start + len(vectors)] = vectors
            start += len(vectors)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise export.damaged(f"embeddings cannot be read: {error}") from None
    out.flush()


def _metadata(export: Export, row: Row) -> dict[str, Any]:
    """A row of metadata; its picture is written."""
    try:
        picture = jpeg(row["image"]["bytes"])
    except Exception as error:  # Pillow's decoders raise whatever their parsing stumbles on
        raise export.damaged(f"row {row['id']}: image cannot be read: {error}") from None
    place = export.write(f"images/{name(row['id'])}.jpg", picture)
    said = {key: value for key, value in row.items() if key not in ("id", "image", "text")}
    return said | {"image_path": str(export.home / place), "caption": row["text"], "key": row["id"]}


def _index(export: Export) -> None:
    source: Any
    try:
        with (export.source / FOLDER / FILE).open("rb") as source, (export.folder / "image.index").open("xb") as copy:
            shutil.copyfileobj(source, copy)
    except OSError as error:
        raise export.damaged(f"{FOLDER}/{FILE} cannot be read: {error}") from None
