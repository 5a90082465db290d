"""What earlier runs learnt of URLs: where each picture lies on the shelf, or why there is none and never will be.

    FOLDER/00000.tar        the pictures (`builders.shelf`)
    FOLDER/outcomes.sqlite  a row a URL; what may pass is not kept, so that the next run asks again

An outcome is written at once, after its picture: a kill loses no more than what was under way. After a power cut,
which can lose the end of a tar, pictures that are not there whole are forgotten.
"""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from builders.shelf import Shelf
from schemas.records import Drop

_TABLE = """
PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS outcomes (key BLOB PRIMARY KEY, tar TEXT, rest TEXT, reason TEXT, value TEXT,
                                     sha256 TEXT, md5 TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tars ON outcomes (tar);
"""
_END = "CAST(substr(rest, instr(rest, '@') + 1) AS INTEGER) + CAST(substr(rest, instr(rest, '+') + 1) AS INTEGER)"
"""Where a member ends, of its path's "//NAME@OFFSET+SIZE"; our names hold neither of the signs."""


class Outcome(NamedTuple):
    """`path` is "" where there is a `drop`. The hashes are those of the bytes as they came, "" where none did."""

    path: str
    drop: Drop | None
    sha256: str = ""
    md5: str = ""


def key_of(url: str) -> bytes:
    """Digest of a URL as it was listed."""
    return hashlib.sha256(url.encode("utf-8", "surrogateescape")).digest()


class Records:
    """Outcomes and pictures below `folder`. One user at a time; a context manager. Raises OSError, sqlite3.Error."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._shelf = Shelf(folder)
        self._db = sqlite3.connect(folder / "outcomes.sqlite", isolation_level=None)
        self._db.executescript(_TABLE)
        ends = self._db.execute(f"SELECT tar, max({_END}) FROM outcomes WHERE tar > '' GROUP BY tar").fetchall()
        for tar, end in ends:
            path = folder / tar
            there = path.stat().st_size if path.exists() else 0
            if there < end:
                self._db.execute(f"DELETE FROM outcomes WHERE tar = ? AND {_END} > ?", (tar, there))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._shelf.close()
        self._db.close()

    def find(self, url: str) -> Outcome | None:
        """What is known of a URL."""
        found = self._db.execute("SELECT tar, rest, reason, value, sha256, md5 FROM outcomes WHERE key = ?",
                                 (key_of(url),)).fetchone()
        if found is None:
            return None
        tar, rest, reason, value, sha256, md5 = found
        if reason:
            return Outcome("", Drop(reason, "fetch", value), sha256, md5)
        return Outcome(f"{self._folder / tar}{rest}", None, sha256, md5)

    def keep(self, url: str, ending: str, data: bytes, sha256: str, md5: str) -> str:
        """Puts a picture on the shelf, under the URL's digest and an ending such as ".jpg". Returns its path."""
        facts = {"url": url, "sha256": sha256, "md5": md5}
        path = self._shelf.put(key_of(url).hex()[:32] + ending, data, facts)
        tar, _, rest = path.removeprefix(f"{self._folder}/").partition("//")
        self._write(url, (tar, f"//{rest}", "", "", sha256, md5))
        return path

    def refuse(self, url: str, drop: Drop, sha256: str = "", md5: str = "") -> None:
        """Notes why there is no picture."""
        self._write(url, ("", "", drop.reason, drop.value, sha256, md5))

    def _write(self, url: str, row: tuple[str, ...]) -> None:
        self._db.execute("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?)", (key_of(url), *row))
