"""The build's ledger: every row and where it left, in a scratch SQLite file so that memory stays flat.

It is made anew by each run from the source and the sidecar store; nothing in it outlives the run.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from builders.files import plain
from builders.select import told
from schemas.errors import BuildError
from schemas.manifest import Step
from schemas.records import REASONS, Drop, Post, Rejected, Stage

BATCH = 4096
"""Rows handled at a time by whatever walks the ledger."""
_BRIEF = 1 << 16  # rows of which little is read
_WEB = ("http://", "https://")

_TABLES = """
PRAGMA page_size = 16384; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;
CREATE TABLE rows (id TEXT PRIMARY KEY, identity TEXT, path TEXT, told TEXT, post BLOB, sha256 TEXT DEFAULT '',
                   key TEXT DEFAULT '', box BLOB DEFAULT x'c0', width INTEGER DEFAULT 0, height INTEGER DEFAULT 0,
                   bytes INTEGER DEFAULT 0) WITHOUT ROWID;
CREATE TABLE rejected (id TEXT, path TEXT, reason TEXT, stage TEXT, value TEXT, threshold TEXT, model TEXT,
                       sha256 TEXT);
CREATE TEMP TABLE leaving (id TEXT, reason TEXT, stage TEXT, value TEXT, threshold TEXT, model TEXT);
CREATE INDEX reasons ON rejected (stage, reason);
"""

_ROWS = f"""SELECT id, post, sha256, key, box, width, height, bytes FROM rows
            WHERE id > ? ORDER BY id LIMIT {BATCH}"""
_BRIEFS = f"SELECT post, key, told FROM rows WHERE id > ? ORDER BY id LIMIT {_BRIEF}"


class Row(NamedTuple):
    """A row that is still in the build. File facts are filled once the file has been read."""

    post: Post
    sha256: str
    key: str
    """Key of the row's pixels in the store: the file's sha256, or a digest of it and the crop box."""
    box: tuple[int, int, int, int] | None
    """Pixels x0, y0, x1, y1 to cut from the upright picture; None for figure files."""
    width: int
    height: int
    bytes: int

    @property
    def told(self) -> str:
        """See `select.told`."""
        return told(self.post)


class Bond(msgspec.Struct, frozen=True, gc=False):
    """What ties a post to others: fields of Post, read from the same bytes in a tenth of the time, as no tag is
    made."""

    id: str
    post_id: str = ""
    characters: tuple[str, ...] = ()
    artists: tuple[str, ...] = ()
    parent_id: str = ""
    outfit_hint: str = ""


class Brief(msgspec.Struct, frozen=True, gc=False):
    """What grouping asks of a Row."""

    post: Bond
    key: str
    told: str


def identity_of(post: Post, match: str) -> str:
    """What makes two rows one identity. `match` is "artist" (with the character), "character" (alone) or "" where rows
    have none."""
    return "\x1f".join(post.characters if match == "character" else (*post.characters, *post.artists))


class Ledger:
    """Rows in = rows alive + rows rejected, at every moment."""

    def __init__(self, path: Path, *roots: Path) -> None:
        """A new ledger at `path`, of pictures below the roots."""
        path.unlink(missing_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(_TABLES)
        forms = dict.fromkeys(form for root in roots for form in (root, root.absolute()))
        self._roots = [(root, root.as_posix().rstrip("/") + "/") for root in forms]
        self._paired = True
        self._db.create_function("relative", 1, self.relative, deterministic=True)
        self.funnel: list[Step] = []

    def close(self) -> None:
        """Closes the scratch file."""
        self._db.close()

    def take(self, found: Iterable[Post | Rejected], match: str, heard: Callable[[int, int], None]) -> int:
        """Takes what a source yields: posts become rows, the rest is rejected with its reason.

        `match` is that of `identity_of`; without identities no row is ever a singleton. `heard` is told of rows and
        of those that stay. Returns the number of rows in.
        """
        rows_in, self._paired = 0, bool(match)
        self._db.execute("BEGIN")
        for item in found:
            rows_in += 1
            if isinstance(item, Rejected):
                self._reject(item.id, item.path, item.drop, item.sha256)
            else:
                self._add(item, match)
            heard(1, int(isinstance(item, Post)))
        self._db.execute("COMMIT")
        return rows_in

    def _add(self, post: Post, match: str) -> None:
        try:
            self._db.execute("INSERT INTO rows (id, identity, path, told, post) VALUES (?, ?, ?, ?, ?)",
                             (post.id, identity_of(post, match), post.url or post.path, told(post),
                              msgspec.msgpack.encode(post)))
        except sqlite3.IntegrityError as error:
            raise BuildError(f"two rows with one id {post.id!r}: {post.path!r}") from error

    def relative(self, path: str) -> str:
        """A path below one of the roots, the only form that is published; of a copy in the store its name alone; a web
        address as it is."""
        if path.startswith(_WEB):
            return path
        whole = plain(path)
        below = next((whole.removeprefix(prefix) for _, prefix in self._roots if whole.startswith(prefix)), "")
        if not below:  # what a Path takes ten times as long for
            root = next((root for root, _ in self._roots if Path(whole).is_relative_to(root)), self._roots[0][0])
            below = Path(whole).relative_to(root).as_posix()
        # Which of our tars holds a copy hangs on what was copied before.
        return below.rpartition("/")[2] if ".annotations/cells/" in below else below

    def _reject(self, row: str, path: str, drop: Drop, sha256: str) -> None:
        _check(row, drop)
        self._db.execute("INSERT INTO rejected VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                         (row, path, *msgspec.structs.astuple(drop), sha256))

    def __len__(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM rows").fetchone()[0])

    def rows(self) -> Iterator[list[Row]]:
        """Rows alive in id order, BATCH at a time; rows may be changed or dropped between batches."""
        decoder = msgspec.msgpack.Decoder(Post)
        box = msgspec.msgpack.Decoder(tuple[int, int, int, int] | None)
        last = ""
        while found := self._db.execute(_ROWS, (last,)).fetchall():
            last = found[-1][0]
            yield [Row(decoder.decode(post), sha, key, box.decode(cut), width, height, size)
                   for _, post, sha, key, cut, width, height, size in found]

    def briefs(self) -> Iterator[list[Brief]]:
        """The same rows in larger batches, with little of each."""
        decoder = msgspec.msgpack.Decoder(Bond)
        last = ""
        while found := [Brief(decoder.decode(post), key, said)
                        for post, key, said in self._db.execute(_BRIEFS, (last,))]:
            last = found[-1].post.id
            yield found

    def fill(self, facts: Iterable[Row]) -> None:
        """Stores what was learnt of rows: digest, pixel key, crop box, size."""
        self._db.execute("BEGIN")
        self._db.executemany(
            "UPDATE rows SET sha256 = ?, key = ?, box = ?, width = ?, height = ?, bytes = ? WHERE id = ?",
            ((row.sha256, row.key, msgspec.msgpack.encode(row.box), row.width, row.height, row.bytes, row.post.id)
             for row in facts))
        self._db.execute("COMMIT")

    def place(self, paths: Iterable[tuple[str, str]]) -> None:
        """Stores where pictures lie that were fetched: (id of a row that is alive, path) pairs."""
        decoder = msgspec.msgpack.Decoder(Post)
        self._db.execute("BEGIN")
        for row, path in paths:
            [post] = self._db.execute("SELECT post FROM rows WHERE id = ?", (row,)).fetchone()
            placed = msgspec.structs.replace(decoder.decode(post), path=path)
            self._db.execute("UPDATE rows SET post = ? WHERE id = ?", (msgspec.msgpack.encode(placed), row))
        self._db.execute("COMMIT")

    def drop(self, drops: Iterable[tuple[str, Drop]]) -> None:
        """Moves rows to the rejected ones. Raises BuildError for a row that is not there."""
        self._db.execute("BEGIN")
        left = iter(drops)
        while some := list(islice(left, BATCH)):
            for row, why in some:
                _check(row, why)
            self._db.executemany("INSERT INTO leaving VALUES (?, ?, ?, ?, ?, ?)",
                                 ((row, *msgspec.structs.astuple(why)) for row, why in some))
            moved = self._db.execute("INSERT INTO rejected SELECT id, relative(path), reason, stage, value, threshold,"
                                     " model, sha256 FROM leaving CROSS JOIN rows USING (id)")
            gone = self._db.execute("DELETE FROM rows WHERE id IN (SELECT id FROM leaving)")
            self._db.execute("DELETE FROM leaving")
            if not moved.rowcount == gone.rowcount == len(some):
                raise BuildError(f"a row left twice, among them {some[0][0]!r}")
        self._db.execute("COMMIT")

    def drop_singletons(self, stage: Stage) -> None:
        """Drops rows whose identity has fewer than two left, which can never have a reference; none without identities.
        """
        if not self._paired:
            return
        alone = self._db.execute("SELECT min(id) AS alone, identity FROM rows GROUP BY identity HAVING count(*) < 2"
                                 " ORDER BY alone").fetchall()
        self.drop((row, Drop("singleton", stage, "1 of " + identity.replace("\x1f", ", "), "2"))
                  for row, identity in alone)

    def close_stage(self, stage: Stage, rows_in: int) -> Step:
        """Counts the stage's drops and checks that none was lost. Raises BuildError when one was."""
        drops = dict(self._db.execute("SELECT reason, count(*) FROM rejected WHERE stage = ?"
                                      " GROUP BY reason ORDER BY reason", (stage,)).fetchall())
        step = Step(stage, rows_in, len(self), drops)
        if rows_in != step.rows_out + sum(drops.values()):
            raise BuildError(f"rows were lost at stage {stage}: {rows_in} in, {step.rows_out} out, drops {drops}")
        self.funnel.append(step)
        return step

    def rejected(self) -> Iterator[Rejected]:
        """Everything that left, by id, path and reason."""
        found = self._db.execute("SELECT * FROM rejected ORDER BY id, path, reason")
        for row, path, reason, stage, value, threshold, model, sha256 in found:
            yield Rejected(row, path, Drop(reason, stage, value, threshold, model), sha256)


def _check(row: str, drop: Drop) -> None:
    if drop.reason not in REASONS:
        raise BuildError(f"unknown drop reason {drop.reason!r} for row {row!r}")
