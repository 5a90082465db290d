"""Pictures that an evaluation shows and compares with, by id; read when they are wanted."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import datasets
from PIL import Image

from annotators import images
from schemas.errors import RowError, UsageError

COMPRESSION = 6
"""Of PNG: pinned, so that the same pixels are the same bytes."""


class File(NamedTuple):
    """A picture of a folder."""

    name: str
    path: Path


class Pictures(Mapping[str, bytes]):
    """Files' bytes by id, and by "ID#face" and "ID#clothes" what is cut out of them. Ids of several sources differ by
    what stands before them."""

    def __init__(self) -> None:
        self._made: dict[str, Callable[[], bytes]] = {}

    def __getitem__(self, name: str) -> bytes:
        """Raises KeyError for what nobody put there, UsageError for a file that cannot be read."""
        try:
            return self._made[name]()
        except RowError as error:
            raise UsageError(f"a picture cannot be read: {error}", seen=name,
                             next_command="build verify DIR, for a dataset") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    def put(self, name: str, made: Callable[[], bytes]) -> None:
        """What makes the bytes of an id."""
        self._made[name] = made

    def rows(self, rows: datasets.Dataset, before: str = "") -> list[str]:
        """Puts the pictures of rows as `trainers.data.open_data` gives them. Returns their ids, in order: the rows',
        with `before` and a slash before them."""
        cells, ids = rows.select_columns("image"), []
        for number, name in enumerate(rows["id"]):
            ids.append(f"{before}/{name}" if before else str(name))
            self.put(ids[-1], lambda number=number: _bytes(cells[number]["image"]))
        return ids

    def files(self, files: list[File], before: str) -> list[str]:
        """The same for a folder's."""
        for file in files:
            self.put(f"{before}/{file.name}", lambda path=file.path: images.read(path))
        return [f"{before}/{file.name}" for file in files]

    def join(self, others: Pictures) -> None:
        """Takes in all of the others."""
        self._made |= others._made


def folder_of(folder: Path, flag: str) -> list[File]:
    """The pictures of a folder, by name; files that are none are passed over. Raises UsageError when all are."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            images.decode(images.read(path))
        except RowError:
            continue
        found.append(File(path.name, path))
    if not found:
        raise UsageError(f"{flag} holds no picture", seen=str(folder), allowed="files such as 01.jpg in it")
    return found


def png(picture: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    made = io.BytesIO()
    picture.save(made, "PNG", compress_level=COMPRESSION)
    return made.getvalue()


def _bytes(cell: Mapping[str, object] | None) -> bytes:
    """Of an undecoded cell. Raises RowError."""
    if cell is None or not (cell["bytes"] or cell["path"]):
        raise RowError("missing_file")
    data = cell["bytes"]
    return data if isinstance(data, bytes) and data else images.read(str(cell["path"]))
