"""Where the pictures of a web pool come from: what `--pool` says, opened.

A pool yields pictures that lie here, and addresses that are still to be fetched (`path` "").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from builders.pools.base import Pool
from builders.pools.dataset import PictureDataset
from builders.pools.folder import PictureFolder
from builders.pools.img2dataset import Img2Dataset, picture_column
from builders.pools.inaturalist import INaturalist
from builders.pools.openverse import Openverse
from builders.pools.urls import UrlList, is_list
from schemas.errors import UsageError

KINDS: Mapping[str, Callable[[str, Path, int], Pool]] = {
    "folder": lambda what, out, limit: PictureFolder(Path(what), out, limit),
    "urls": lambda what, out, limit: UrlList(Path(what), limit),
    "img2dataset": lambda what, out, limit: Img2Dataset(Path(what), out, limit),
    "dataset": PictureDataset,
    "openverse": Openverse,
    "inaturalist": INaturalist,
}
"""Pools by what stands before the ":" of --pool; made of what stands behind it, OUT, and how many rows to take."""

_HUB = re.compile(r"[\w][\w.-]*/[\w][\w.-]*(@[\w./-]+)?(#.+)?")
_ITS_NAMES = {"metadata.csv", "metadata.jsonl", "metadata.parquet", "dataset_info.json", "dataset_dict.json"}

MEANT = ("a folder of pictures, a list of addresses (.txt, .csv, .tsv, .jsonl, .parquet), a folder that img2dataset "
         "wrote, a dataset (a folder, or OWNER/NAME[@REVISION] of the Hub), openverse:WORDS or inaturalist:TAXON")


def open_pool(said: str, out: Path, limit: int = 0) -> Pool:
    """The pool that `said` names as KIND:WHAT, or by a path whose kind is told by looking.

    `out` is the OUT folder of the build: what must not be listed or copied twice is kept below OUT/.annotations, and
    what lies in OUT is no picture of a pool. Of the rows the first `limit` are taken; 0 takes all, 1,000 of an API.
    Nothing is written and nobody is asked before `posts`. Raises UsageError when there is no such pool.
    """
    kind, colon, what = said.partition(":")
    if not colon or kind not in KINDS:
        kind, what = _kind(said), said
    if not what.strip():
        raise UsageError(f"--pool {kind}: is of nothing", seen=said, allowed=MEANT)
    return KINDS[kind](what, out, limit)


def _kind(said: str) -> str:
    path = Path(said)
    if path.is_dir():
        return _kind_of_folder(path)
    if path.exists() or is_list(path):
        return "urls"
    if _HUB.fullmatch(said):
        return "dataset"
    raise UsageError("--pool is no pool", seen=said, allowed=MEANT)


def _kind_of_folder(folder: Path) -> str:
    """What a folder holds, told by what lies at its top."""
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError:  # told when it is opened
        return "folder"
    tables = [folder / name for name in names if name.endswith(".parquet")]
    if any(name.endswith(".tar") for name in names) or any(picture_column(_schema(path)) for path in tables[:1]):
        return "img2dataset"
    if _ITS_NAMES & set(names) or any((folder / "data").glob("*.parquet")):
        return "dataset"
    return "dataset" if tables and "key" not in _schema(tables[0]).names else "folder"


def _schema(table: Path) -> pa.Schema:
    try:
        return pq.read_schema(table)
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        return pa.schema([])
