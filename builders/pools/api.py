"""Pools that a web API lists: its pages are asked once, slowly, and the whole listing is kept for later runs."""

from __future__ import annotations

import hashlib
import json
import shlex
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import msgspec

from builders.fetching.answers import rest
from builders.pools.base import Addresses, Pool, Rows
from builders.sources.trees import printable
from schemas import atomic
from schemas.errors import BuildError, UsageError

DEFAULT_LIMIT = 1000
"""Rows of an API without a --limit: as many as the paper's pools have."""

MAX_REPLY = 2**25
"""Longest reply that is read, bytes."""

AGENT = "likeness (dataset builder; asks slowly, honours Retry-After)"

_ATTEMPTS = 6
_TIMEOUT = 30.0  # seconds
_LONGEST_WAIT = 600.0  # seconds that are waited when a server asks for it
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})

T = TypeVar("T")


class RefusedError(Exception):
    """The API answered that it will not."""


class Api(Pool):
    """What the API at `base` lists for a query. At most one request in `pace` seconds is made.

    The listing is a file below OUT/.annotations/listings, written once and whole: a rerun lists the same.
    """

    def __init__(self, query: str, out: Path, limit: int, base: str, pace: float) -> None:
        super().__init__(f"{self.name}:{query}", out / ".annotations", limit or DEFAULT_LIMIT)
        self.query = query
        self._base, self._pace, self._next = base, pace, 0.0
        asked = hashlib.sha256(json.dumps([self.name, query, self.limit, base]).encode()).hexdigest()
        self._listing = self.root / "listings" / f"{self.name}-{asked[:16]}.jsonl"

    @abstractmethod
    def entries(self) -> Iterator[Mapping[str, Any]]:
        """What the API lists, page by page: values by the fields of COLUMNS, and `post_url`. Counts what is no entry.
        Ends where there are no more pages. Raises RefusedError when a page is refused."""

    def headers(self) -> dict[str, str]:
        """Headers of a request beside the agent's name."""
        return {}

    def rows(self) -> Rows:
        """The listed addresses, each once."""
        if not self._listing.exists():
            atomic.write(self._listing, self._listed())
        try:
            *entries, counts = map(json.loads, self._listing.read_bytes().splitlines())
        except ValueError:
            raise UsageError("the kept listing is damaged", seen=self._listing.name,
                             next_command=f"rm {shlex.quote(str(self._listing))}, then the same command") from None
        for what, number in counts.items():
            self.count(what, number)
        addresses = Addresses(self.said)
        for place, entry in enumerate(entries, 1):
            yield addresses.row(place, entry, entry["post_url"])

    def _listed(self) -> bytes:
        """The listing: an entry a line, then what was counted."""
        found: list[Mapping[str, Any]] = []
        try:
            for entry in islice(self.entries(), self.limit):
                found.append(entry)
        except RefusedError as error:
            if not found:
                raise UsageError(f"{self.name} refused: {error}", seen=self.query) from None
            self.count("refused_pages")
        if not found:
            raise UsageError(f"{self.name} lists no picture for this", seen=self.query, allowed="other words",
                             next_command=f"build coti --pool {self.name}:WORDS")
        counts, self.counts = self.counts, {}
        return b"".join(msgspec.json.encode(one) + b"\n" for one in [*found, counts])

    def ask(self, path: str, params: Mapping[str, str | int], kind: type[T]) -> T:
        """The reply to a request as `kind`; asks again, later each time or when the server says, after errors that may
        pass. Raises RefusedError when the answer is no, BuildError when there is none."""
        trouble = ""
        for attempt in range(_ATTEMPTS):
            wait = self._pace * 2**attempt
            time.sleep(max(0.0, self._next - time.monotonic()))
            self._next = time.monotonic() + self._pace
            try:
                status, told, body = self._get(path, params)
                if status == 200:
                    return msgspec.json.decode(body, type=kind)
                trouble = f"status {status}"
                if status not in _TRANSIENT:
                    said = " ".join(body[:300].decode("utf-8", "replace").split())
                    raise RefusedError(f"{trouble}: {printable(said)}")
                told_wait = rest(told, time.time())
                wait = wait if told_wait is None else told_wait
            except (httpx2.HTTPError, httpx2.StreamError) as error:
                trouble = f"{type(error).__name__}: {error}"
            except msgspec.DecodeError as error:
                trouble = f"a reply of another shape: {error}"
            if wait > _LONGEST_WAIT:
                raise BuildError(f"{self.name} asks to come back in {wait:.0f} s: run the same command again then")
            if attempt + 1 < _ATTEMPTS:
                self._next = time.monotonic() + max(wait, self._pace)
        raise BuildError(f"{self.name} did not answer {_ATTEMPTS} times, last with {trouble}: run the same command "
                         "again")

    def _get(self, path: str, params: Mapping[str, str | int]) -> tuple[int, str, bytes]:
        """Status, Retry-After and body of an answer."""
        headers = {"User-Agent": AGENT, "Accept": "application/json", **self.headers()}
        body = b""
        with httpx2.stream("GET", f"{self._base}{path}", params=dict(params), headers=headers,
                           timeout=_TIMEOUT) as reply:
            for chunk in reply.iter_bytes():
                body += chunk
                if len(body) > MAX_REPLY:
                    raise httpx2.StreamError(f"a reply of more than {MAX_REPLY} bytes")
        return reply.status_code, reply.headers.get("Retry-After", ""), body
