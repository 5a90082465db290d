"""Whose turn it is: errands wait in a scratch database, so that memory stays flat; hosts take turns, and rest.

A host is asked by few requests at a time, and a million URLs of one hold up no other. After trouble a host rests,
longer each time or as long as it says; one that is in trouble over and over, or asks for a long rest, is given up for
this run.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

PATIENCE = 120.0
"""Longest rest that is waited for, seconds."""
TROUBLES = 8
"""Times in trouble, with nothing between that went well, after which a host is given up."""
_FIRST_REST, _LONGEST_REST = 0.25, 30.0
"""Seconds after the first trouble, doubled each time up to the latter."""
_TICK = 0.01
"""Seconds by which a clock may be late."""
_BATCH = 64
"""Errands of a host, and hosts, that are read at once."""

_TABLES = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE hosts (number INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE errands (number INTEGER PRIMARY KEY, host INTEGER, id TEXT, url TEXT, at TEXT, trail TEXT, tries INTEGER);
CREATE INDEX by_host ON errands (host, number);
"""


class Errand(NamedTuple):
    """A picture to ask for: `at` is the address whose turn it is, `trail` those before it, which pointed there, each
    with a line end; `tries` counts the requests that met trouble."""

    id: str
    url: str
    at: str
    trail: str = ""
    tries: int = 0


@dataclass(slots=True, eq=False)
class Host:
    """A host while it has errands, rests or is given up."""

    name: str
    number: int
    waiting: deque[Errand] = field(default_factory=deque)
    busy: int = 0
    """Requests under way."""
    listed: bool = False
    """Whether it stands among those whose turn comes."""
    troubles: int = 0
    """In a row; those of requests that were under way together are one."""
    noted: float = 0.0
    """Time of the loop at which the last one was counted."""
    rests: float = 0.0
    """Time of the loop until which it rests."""
    given_up: str = ""
    """Why it is not asked any more."""


class Hosts:
    """All errands, and the hosts whose turn it is. `per_host` is the most requests to one host at a time."""

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._db = sqlite3.connect("", isolation_level=None)  # on disk where it grows, and gone when it is closed
        self._db.executescript(_TABLES)
        self._hosts: dict[str, Host] = {}
        self._turns: deque[Host] = deque()
        self._opened = 0
        self.left = 0
        """Errands without an outcome."""
        self.rested = asyncio.Event()
        """Set when a host that rested may be asked again."""

    def add(self, errands: Iterable[tuple[str, Errand]]) -> None:
        """New errands, each with its host; before the first turn."""
        self._db.execute("BEGIN")
        for host, errand in errands:
            self._insert(host, errand)
            self.left += 1
        self._db.execute("COMMIT")

    def again(self, name: str, errand: Errand) -> None:
        """An errand comes back, to its host or to the one that it was pointed to, and waits for its turn."""
        number = self._insert(name, errand)
        if number <= self._opened:
            self._offer(self._host(name, number))

    def turn(self) -> tuple[Host, Errand] | None:
        """The next errand and its host, which is busy with it from now on; None when all must wait."""
        if not self._turns:
            self._open()
        if not self._turns:
            return None
        host = self._turns.popleft()
        host.listed, host.busy = False, host.busy + 1
        errand = host.waiting.popleft()
        self._offer(host)
        return host, errand

    def done(self, host: Host) -> None:
        """A request has ended."""
        host.busy -= 1
        self._offer(host)

    def trouble(self, host: Host, began: float, after: float | None) -> None:
        """A request that `began` then met trouble: its host rests for `after` seconds, or as usual when it is None."""
        loop = asyncio.get_running_loop()
        if began >= host.noted:
            host.troubles, host.noted = host.troubles + 1, loop.time()
        wait = min(_FIRST_REST * 2.0 ** (host.troubles - 1), _LONGEST_REST) if after is None else after
        if wait > PATIENCE:
            host.given_up = f"it asked for a rest of {wait:.0f} s"
        elif host.troubles >= TROUBLES:
            host.given_up = f"{host.troubles} troubles in a row"
        else:
            host.rests = max(host.rests, loop.time() + wait)
            loop.call_at(host.rests, self._rested, host)

    def _rested(self, host: Host) -> None:
        self._offer(host)
        self.rested.set()

    def _insert(self, host: str, errand: Errand) -> int:
        """Returns the host's number."""
        found = self._db.execute("SELECT number FROM hosts WHERE name = ?", (host,)).fetchone()
        number = int(found[0]) if found else self._db.execute("INSERT INTO hosts (name) VALUES (?)", (host,)).lastrowid
        self._db.execute("INSERT INTO errands (host, id, url, at, trail, tries) VALUES (?, ?, ?, ?, ?, ?)",
                         (number, *errand))
        return int(number or 0)

    def _host(self, name: str, number: int) -> Host:
        if name not in self._hosts:
            self._hosts[name] = Host(name, number)
        return self._hosts[name]

    def _open(self) -> None:
        """Lists further hosts."""
        while not self._turns and (found := self._db.execute(
                "SELECT number, name FROM hosts WHERE number > ? ORDER BY number LIMIT ?",
                (self._opened, _BATCH)).fetchall()):
            for number, name in found:
                self._opened = number
                self._offer(self._host(name, number))

    def _offer(self, host: Host) -> None:
        """Lists a host when it may be asked, and forgets it when nothing is left of it."""
        resting = asyncio.get_running_loop().time() + _TICK < host.rests
        if not host.waiting:
            rows = self._db.execute("SELECT number, id, url, at, trail, tries FROM errands WHERE host = ?"
                                    " ORDER BY number LIMIT ?", (host.number, _BATCH)).fetchall()
            host.waiting.extend(Errand(*row[1:]) for row in rows)
            if rows:
                self._db.execute("DELETE FROM errands WHERE host = ? AND number <= ?", (host.number, rows[-1][0]))
        if host.waiting:
            if not (host.listed or resting or host.busy >= self._per_host):
                host.listed = True
                self._turns.append(host)
        elif not (host.busy or resting or host.given_up):
                self._hosts.pop(host.name, None)
