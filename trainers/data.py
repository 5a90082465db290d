"""A published dataset, opened to train on: the rows, and what a run's record says of them."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, cast

import datasets

from schemas import manifest as manifests
from schemas.draws import draw
from schemas.errors import UsageError
from schemas.manifest import Manifest

BUILDS = {
    "subject": "build subject --images DIR --class-name WORDS --out OUT",
    "regularization": "build regularization --class-name WORDS --kind object --out OUT",
    "coti": "build coti --concept WORDS --seeds DIR --pool POOL --out OUT",
    "retribooru": "build retribooru --source SOURCE --out OUT",
}
"""The command that makes a dataset, by recipe."""

_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
_HUB = re.compile(r"([\w][\w.-]*/[\w][\w.-]*)(?:@([\w][\w./-]*))?")
_MEANT = "a version folder such as OUT/1.0.0, a build's OUT, or OWNER/NAME[@REVISION] of the Hub"
_NULLABLE = frozenset({"bbox"})
"""Columns that say something by holding nothing: a figure that has not just one face."""


class Data(NamedTuple):
    """A dataset as a run's record names it. The rows' `image` is undecoded: {"bytes", "path"}."""

    rows: datasets.Dataset
    name: str
    """what was asked for, without the folders above: the folder's name, or OWNER/NAME"""
    version: str
    """of the manifest; without one the commit on the Hub, else \"\""""
    digest: str
    """the manifest's content digest; without one sha256 over ids and pictures"""
    recipe: str
    """the manifest's; "" without one"""
    manifest: Manifest | None

    @property
    def told(self) -> str:
        """One line for a person."""
        version = f" {self.version}" if self.version else ""
        return f"{self.name}{version}: {len(self.rows):,} pictures (content {self.digest[:16]})"


def open_data(wanted: str, flag: str, recipe: str, columns: Sequence[str] = ("text",), split: str = "train") -> Data:
    """What `flag` names: a published version, the newest one of a build's OUT, or a dataset of the Hub.

    `recipe` "" takes any. A dataset of other makers, without a manifest, is taken when it has the columns; where it
    has no `id`, the row's number is one. Where there is no split `train`, all of them are read in its place.

    Raises UsageError when nothing is there, another recipe made it, a split or column is missing, or it has no rows.
    """
    builds = BUILDS[recipe or "subject"]
    folder, name, commit = _folder(wanted, flag, builds)
    manifest = manifests.read(folder) if (folder / manifests.NAME).is_file() else None
    if manifest is not None and recipe not in (manifest.recipe, ""):
        raise UsageError(f"{flag} is a {manifest.recipe} dataset, not a {recipe} dataset", seen=wanted, allowed=_MEANT,
                         next_command=builds)
    if manifest is not None and not any(manifest.splits.values()):  # which `datasets` cannot read
        raise UsageError(f"{flag} has no rows", seen=wanted, next_command=builds)
    found = _splits(folder, wanted, flag)
    if split not in found and split != "train":
        raise UsageError(f"{flag} has no split {split}", seen=wanted, allowed=f"has {', '.join(found)}",
                         next_command=builds)
    rows = found[split] if split in found else datasets.concatenate_datasets(list(found.values()))
    if missing := [column for column in ("image", *columns) if column not in rows.column_names]:
        raise UsageError(f"{flag} lacks the columns {', '.join(missing)}", seen=wanted,
                         allowed=f"has {', '.join(rows.column_names)}", next_command=builds)
    if not isinstance(rows.features["image"], datasets.Image):
        raise UsageError(f"{flag}: its column image holds no pictures", seen=wanted, allowed="a feature of type Image",
                         next_command=builds)
    rows = rows.cast_column("image", datasets.Image(decode=False))
    if "id" not in rows.column_names:
        rows = rows.add_column("id", [str(number) for number in range(len(rows))])
    whole = [column for column in ("id", *columns) if column not in _NULLABLE]
    if nulls := [column for column in whole if rows.data.column(column).null_count]:
        raise UsageError(f"{flag} has rows without {nulls[0]}", seen=wanted, next_command=builds)
    if rows.features["id"] != datasets.Value("string"):  # casting would copy the pictures
        rows = rows.remove_columns("id").add_column("id", [str(name) for name in rows["id"]])
    if manifest is None:
        return Data(rows, name, commit, _digest(rows), "", None)
    return Data(rows, name, manifest.version, manifest.content_digest, manifest.recipe, manifest)


def prefix(rows: datasets.Dataset, count: int | None, seed: int) -> datasets.Dataset:
    """So many rows, drawn by the seed and the rows' ids, in the dataset's order: a bigger count holds a smaller one's
    rows. All of them for None and where there are no more."""
    if count is None or count >= len(rows):
        return rows
    drawn = sorted(range(len(rows)), key=[draw("prefix", str(seed), str(name)) for name in rows["id"]].__getitem__)
    return rows.select(sorted(drawn[:count]))


def _folder(wanted: str, flag: str, builds: str) -> tuple[Path, str, str]:
    """The folder with the dataset, its name, and the commit where it came from the Hub."""
    if not wanted:  # which would be the folder that one happens to be in
        raise UsageError(f"{flag} is missing", allowed=_MEANT, next_command=builds)
    folder = Path(wanted)
    found = _HUB.fullmatch(wanted)
    if not folder.is_dir():
        if folder.exists() or found is None:
            raise UsageError(f"{flag} is no folder and no name of a dataset", seen=wanted, allowed=_MEANT,
                             next_command=builds)
        fetched = _fetched(found[1], found[2], flag)
        return fetched, found[1], fetched.name
    whole = folder.resolve()  # `datasets` names what it opens by the path, and finds no name in "."
    if _VERSION.fullmatch(whole.name):
        return whole, whole.parent.name, ""
    versions = [one for one in whole.iterdir() if _VERSION.fullmatch(one.name) and (one / manifests.NAME).is_file()]
    newest = max(versions, key=lambda one: [int(part) for part in one.name.split(".")], default=whole)
    return newest, whole.name, ""


def _fetched(repo: str, revision: str | None, flag: str) -> Path:
    """The files of the Hub's dataset, in its own cache below the commit's name."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    others: tuple[type[Exception], ...] = (*HfHubHTTPError.__bases__, OSError, ValueError)
    try:
        return Path(snapshot_download(repo, repo_type="dataset", revision=revision))
    except others as error:
        raise UsageError(f"{flag}: no such folder here, and the Hub's dataset cannot be fetched: {_line(error)}",
                         seen=f"{repo}@{revision or 'main'}", allowed=_MEANT) from None


def _splits(folder: Path, wanted: str, flag: str) -> dict[str, datasets.Dataset]:
    """What `datasets` reads of the folder, by split."""
    with _quiet():
        try:
            return dict(cast(datasets.DatasetDict, datasets.load_dataset(str(folder))))
        except Exception as error:  # it raises whatever its readers do
            raise UsageError(f"{flag} cannot be read as a dataset: {_line(error.__cause__ or error)}", seen=wanted,
                             allowed=_MEANT) from None


def _digest(rows: datasets.Dataset) -> str:
    whole = hashlib.sha256()
    for row in rows.select_columns(["id", "image"]):
        cell = row["image"] or {"bytes": None, "path": None}
        data = cell["bytes"] or (Path(cell["path"]).read_bytes() if cell["path"] else b"")
        whole.update(f"{row['id']} {hashlib.sha256(data).hexdigest()}\n".encode())
    return whole.hexdigest()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without bars and warnings of `datasets`: what comes of its errors is told in one line."""
    logger = logging.getLogger("datasets")
    bars, level = datasets.utils.are_progress_bars_disabled(), logger.level
    datasets.disable_progress_bars()
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
        if not bars:
            datasets.enable_progress_bars()


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
