"""Pictures that lie inside a table are copied once into tars, so that they are read like all others."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Self

from builders.shelf import Shelf, on_shelf


class Cells:
    """The copies below `folder`, each named by its bytes: what was copied before is not copied again, from whichever
    table it comes. A context manager; one writer at a time."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect("", isolation_level=None)  # a scratch file: memory stays flat
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("CREATE TABLE copies (name TEXT PRIMARY KEY, path TEXT) WITHOUT ROWID")
        self._shelf = Shelf(folder)
        self._db.executemany("INSERT OR IGNORE INTO copies VALUES (?, ?)", on_shelf(folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._shelf.close()
        self._db.close()

    def path(self, data: bytes) -> str:
        """Path of a picture with these bytes, as `builders.files` reads it."""
        name = f"{hashlib.sha256(data).hexdigest()}.img"
        known = self._db.execute("SELECT path FROM copies WHERE name = ?", (name,)).fetchone()
        if known is not None:
            return str(known[0])
        path = self._shelf.put(name, data)
        self._db.execute("INSERT INTO copies VALUES (?, ?)", (name, path))
        return path
