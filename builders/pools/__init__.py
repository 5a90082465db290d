"""Where the pictures of a web pool come from: what `--pool` says, opened.

A pool yields pictures that lie here, and addresses that are still to be fetched (`path` "").
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from builders.pools.base import Pool
from builders.pools.folder import PictureFolder
from builders.pools.img2dataset import Img2Dataset, is_shard, picture_column
from builders.pools.urls import UrlList, is_list
from schemas.errors import UsageError

KINDS = ("folder", "urls", "img2dataset")
"""What may stand before the ":" of --pool."""

MEANT = ("a folder of pictures, a list of addresses (.txt, .csv, .tsv, .jsonl, .parquet), or a folder that img2dataset "
         "wrote")


def open_pool(said: str, out: Path, limit: int = 0) -> Pool:
    """The pool that `said` names as KIND:WHAT, or by a path whose kind is told by looking.

    `out` is the OUT folder of the build: what must not be listed or copied twice is kept below OUT/.annotations, and
    what lies in OUT is no picture of a pool. Of the rows the first `limit` are taken, 0 for all. Nothing is written and
    nobody is asked before `posts`. Raises UsageError when there is no such pool.
    """
    kind, colon, what = said.partition(":")
    if not colon or kind not in KINDS:
        kind, what = _kind(said), said
    if not what:
        raise UsageError(f"--pool {kind}: is of nothing", seen=said, allowed=MEANT)
    if kind == "folder":
        return PictureFolder(Path(what), out, limit)
    if kind == "img2dataset":
        return Img2Dataset(Path(what), out, limit)
    return UrlList(Path(what), limit)


def _kind(said: str) -> str:
    path = Path(said)
    if path.is_dir():
        return _kind_of_folder(path)
    if path.exists() or is_list(path):
        return "urls"
    raise UsageError("--pool is no pool", seen=said, allowed=MEANT)


def _kind_of_folder(folder: Path) -> str:
    """What a folder holds, told by what lies at its top."""
    try:
        shards = sorted(path for path in folder.iterdir() if is_shard(path.name))
    except OSError:  # told when it is opened
        return "folder"
    if any(path.suffix == ".tar" for path in shards) or any(picture_column(_schema(path)) for path in shards[:1]):
        return "img2dataset"
    return "folder"


def _schema(table: Path) -> pa.Schema:
    try:
        return pq.read_schema(table)
    except (pa.ArrowException, OSError):
        return pa.schema([])
