"""A dataset of pictures, a folder's or the Hub's: whatever `datasets` reads, if one column holds pictures.

Nothing is decoded here. Pictures with a file of their own are read in place, all others are copied once into tars.
"""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from annotators.images import MAX_BYTES
from builders.pools.base import EACH, OWN, Pool, Rows, columns_of, fault, text_of
from builders.pools.cells import Cells
from builders.sources.trees import check_root, inside, printable
from schemas.errors import UsageError
from schemas.records import Drop, Post, Rejected

_HUB = re.compile(r"([\w][\w.-]*/[\w][\w.-]*)(?:@([\w][\w./-]*))?")
_MEANT = "a folder that datasets.load_dataset opens, or OWNER/NAME[@REVISION] of the Hub; #CONFIG after either"


class PictureDataset(Pool):
    """The dataset `said`: a folder, or OWNER/NAME[@REVISION] on the Hub, of which all files are fetched into the Hub's
    own cache; then #CONFIG where it has several. All splits are read. Raises UsageError when it is neither.

    `said` and `licence` are complete, with the commit and what the card says, once `posts` has begun.
    """

    name = "dataset"

    def __init__(self, said: str, out: Path, limit: int = 0) -> None:
        where, _, config = (said, "", "") if Path(said).is_dir() else said.partition("#")
        self._folder, self._config = Path(where), config
        found = None if self._folder.is_dir() else _HUB.fullmatch(where)
        self._repo: str = found[1] if found else ""
        self._revision: str | None = found[2] if found else None
        self._cells = out / ".annotations" / "cells"
        if found is None:
            check_root(self._folder, "--pool")
            if inside(self._folder, out):
                raise UsageError("--out lies in the dataset", seen=str(out), allowed="another folder")
        super().__init__(f"dataset:{self._repo or self._folder.name}", self._folder, limit)
        if found is not None:
            from huggingface_hub import constants, file_download

            cached = file_download.repo_folder_name(repo_id=self._repo, repo_type="dataset")
            self.root = Path(constants.HF_HUB_CACHE) / cached

    def rows(self) -> Rows:
        """The rows of all splits; an id is SPLIT/NUMBER, from 0."""
        if self._repo:
            self._folder = self._fetched()
            self.said = f"dataset:{self._repo}@{self._folder.name}"
        self.licence = _licence(self._folder)
        with Cells(self._cells) as cells, tempfile.TemporaryDirectory(prefix="likeness-") as scratch:
            for split, rows in self._splits(scratch).items():
                column, read = _pictures(rows)
                for number, values in enumerate(_each(read, self.said)):
                    yield self._row(f"{split}/{number:09d}", values, column, cells)

    def _fetched(self) -> Path:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, RevisionNotFoundError

        name = f"{self._repo}@{self._revision or 'main'}"
        # network, storage, and what the client checks; the base is the HTTPError of whichever library it is built on
        others: tuple[type[Exception], ...] = (*HfHubHTTPError.__bases__, OSError, ValueError)
        try:
            return Path(snapshot_download(self._repo, repo_type="dataset", revision=self._revision))
        except others as error:
            status = error.response.status_code if isinstance(error, HfHubHTTPError) else 0
            if status in (401, 403, 404) and not isinstance(error, RevisionNotFoundError):
                raise UsageError("no such folder here, and no such dataset on the Hub, or a private or gated one",
                                 seen=name, allowed=_MEANT, next_command="hf auth login, with a token that may read it"
                                 ) from None
            raise UsageError(f"the dataset cannot be fetched: {_line(error)}", seen=name, allowed=_MEANT,
                             next_command="the same command again; what was fetched is kept") from None

    def _splits(self, scratch: str) -> Mapping[str, Any]:
        """Each split as `datasets` streams it."""
        import datasets

        datasets.disable_progress_bars()
        logging.getLogger("datasets").setLevel(logging.CRITICAL)  # what comes of its errors is told here, in one line
        saved = [name for name in ("dataset_dict.json", "state.json") if (self._folder / name).is_file()]
        try:
            if saved:  # by save_to_disk
                found = datasets.load_from_disk(str(self._folder))
                return found if isinstance(found, dict) else {"train": found}
            name = self._config or None
            return dict(datasets.load_dataset(str(self._folder), name, streaming=True, cache_dir=scratch))
        except Exception as error:  # it raises whatever its readers do
            raise UsageError(f"--pool cannot be read as a dataset: {_line(error)}", seen=self.said, allowed=_MEANT
                             ) from None

    def _row(self, row: str, values: Mapping[str, Any], column: str, cells: Cells) -> Post | Rejected:
        place = self._place(values[column] or {}, cells)
        if isinstance(place, Drop):
            return Rejected(row, row, place)
        said = {field: values[name] for field, name in columns_of(list(values)).items()}
        url = said.get("url")
        return Post(id=row, path=place, url=url if isinstance(url, str) and not fault(url) else "",
                    text=text_of(said.get("text")), license=text_of(said.get("license")),
                    attribution=text_of(said.get("attribution")))

    def _place(self, cell: Mapping[str, Any], cells: Cells) -> str | Drop:
        """Where a cell's picture can be read."""
        data, path = cell.get("bytes"), cell.get("path") or ""
        if not data and path:
            archive = path.rpartition("::")[2]  # MEMBER::ARCHIVE
            if "://" in archive or not inside(self.root, Path(archive)):
                return Drop("outside_root", "source", printable(archive)[:300])
            if archive == path:
                return str(path)
            data = _member(path)
            if isinstance(data, Drop):
                return data
        return cells.path(data) if data else Drop("empty", "source")


def _pictures(rows: Any) -> tuple[str, Any]:
    """The column with pictures, and the rows with it and those that tell of it, undecoded. Raises UsageError for none.
    """
    import datasets

    features = rows.features or {}
    found = [name for name, feature in features.items() if isinstance(feature, datasets.Image)]
    if not found:
        raise UsageError("--pool has no column of pictures", seen=", ".join(features)[:200],
                         allowed="a feature of type Image; a list of addresses is --pool urls:FILE")
    column = "image" if "image" in found else found[0]
    told = [name for name in columns_of(list(features)).values() if isinstance(features[name], datasets.Value)]
    return column, rows.select_columns([column, *told]).cast_column(column, datasets.Image(decode=False))


def _each(rows: Any, said: str) -> Iterator[Mapping[str, Any]]:
    """The rows. Raises UsageError for whatever reading raises."""
    left = iter(rows)
    while True:
        try:
            row = next(left)
        except StopIteration:
            return
        except Exception as error:  # of any of the readers of `datasets`
            raise UsageError(f"--pool cannot be read to its end: {_line(error)}", seen=said, allowed=_MEANT) from None
        yield row


def _member(path: str) -> bytes | Drop:
    """The bytes of an archive's member."""
    from datasets.utils.file_utils import xopen

    try:
        with xopen(path, "rb") as file:
            data = bytes(file.read(MAX_BYTES + 1))
    except Exception as error:  # each kind of archive has its own
        return Drop("bad_archive", "source", _line(error))
    return Drop("too_large", "source", f"over {MAX_BYTES} bytes") if len(data) > MAX_BYTES else data


def _licence(folder: Path) -> str:
    """What the dataset's card says of its licence."""
    from huggingface_hub import metadata_load

    try:
        said = text_of((metadata_load(folder / "README.md") or {}).get("license"))
    except Exception:  # no card, or one without YAML
        return OWN
    return f"{said}, as its card says. {EACH}" if said else OWN


def _line(error: Exception) -> str:
    """The error's text in one line."""
    return printable(" ".join(str(error).split()))[:300] or type(error).__name__
