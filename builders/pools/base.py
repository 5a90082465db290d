"""What all pools share: a limit, counts, a digest that knows no places, and addresses and texts fit to be published."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from builders.fetching.addresses import MAX_URL, checked
from builders.sources.trees import printable
from schemas.errors import BuildError, RowError
from schemas.records import Post, Rejected, drop

OWN = "Not known: whoever publishes this dataset must hold the rights to its pictures."
EACH = "Each picture has its own: see the columns license, attribution and url."

MAX_TEXT = 10_000
"""Characters of a text that are kept; what is longer is cut."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "url": ("url", "image_url"), "text": ("text", "caption", "title", "prompts"), "license": ("license",),
    "attribution": ("attribution",)}
"""Names, small or capital, of the columns that hold a field of Post, the first that is there first."""

_SHOWN = 200  # characters of a bad value that are told
# Spares most a slower look. A host that ends in a digit is or looks like a number, not all of which are addresses.
_PLAIN = re.compile(r"https?://([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{0,62}[a-z]([/?#][!-~]*)?")
_SECRET = re.compile(r"//[^/]*@")
# Control characters, bidirectional overrides and lone surrogates break tables and terminals further on.
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


Rows = Generator[Post | Rejected, None, None]


class Pool(ABC):
    """A source of pictures for a web pool (`builders.sources.Source`). `said` is how a manifest names it, without a
    path; `root` the folder below which its own files lie; `limit` how many rows are taken, 0 for all."""

    name: str
    licence = EACH

    def __init__(self, said: str, root: Path, limit: int = 0) -> None:
        self.said = said
        self.root = root
        self.limit = limit
        self.counts: dict[str, int] = {}
        self._digest = ""

    @abstractmethod
    def rows(self) -> Rows:
        """Every picture or address once, in an order that depends on the source alone; ids are unique. May count in
        `counts` what is no row. Raises UsageError when the source as a whole cannot be read."""

    def posts(self) -> Iterator[Post | Rejected]:
        """The first `limit` of the rows."""
        self.counts.clear()
        whole = hashlib.sha256()
        with closing(self.rows()) as rows:
            for row in islice(rows, self.limit or None):
                # Where a picture lies says nothing of what it is.
                whole.update(msgspec.msgpack.encode(msgspec.structs.replace(row, path="")))
                yield row
        self._digest = whole.hexdigest()

    def digest(self) -> str:
        """Hex sha256 over ids, addresses, texts and verdicts of the rows, without paths. Known after iteration."""
        if not self._digest:
            raise BuildError("the source has no digest before it was read to its end")
        return self._digest

    def count(self, what: str, number: int = 1) -> None:
        """Adds to the count of something that is no row."""
        if number:
            self.counts[what] = self.counts.get(what, 0) + number


class Addresses:
    """The web addresses of a list, each a Post once. Those seen so far lie in a scratch file, so memory stays flat.

    A post's id is the first 16 hex digits of its address's sha256.
    """

    def __init__(self, listed: str) -> None:
        """`listed` is the name of the list, for the ids of rows that are rejected."""
        self._listed = listed
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("CREATE TABLE seen (id INTEGER PRIMARY KEY)")

    def row(self, place: object, said: Mapping[str, Any], post_url: object = "") -> Post | Rejected:
        """The row of an entry. `said` has the values of some of COLUMNS, whatever they are; `place` is the entry's
        number in the list."""
        url = said.get("url")
        url = url.strip() if isinstance(url, str) else ""
        if why := fault(url):
            return self.refused(place, "bad_url", why)
        name = id_of(url)
        number = int.from_bytes(bytes.fromhex(name), signed=True)
        new = self._db.execute("INSERT OR IGNORE INTO seen VALUES (?)", (number,))
        if not new.rowcount:
            return self.refused(place, "duplicate_url", url)
        page = post_url if isinstance(post_url, str) and not fault(post_url) else ""
        return Post(id=name, path="", url=url, text=text_of(said.get("text")), post_url=page,
                    license=text_of(said.get("license")), attribution=text_of(said.get("attribution")))

    def refused(self, place: object, reason: str, seen: str) -> Rejected:
        """The entry as one that is no row."""
        return Rejected(f"{self._listed}:{place}", self._listed, drop(reason, value=printable(seen[:_SHOWN])))


def id_of(url: str) -> str:
    """The id of the row of a web address: the first 16 hex digits of its sha256."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def fault(url: str) -> str:
    """What keeps `url` from being asked, "" for nothing. No password in it is told."""
    if _PLAIN.fullmatch(url) and len(url) <= MAX_URL:
        return ""
    try:
        if url.isprintable():
            checked(url)
            return ""
        why = "characters that cannot be shown"
    except RowError as error:
        why = error.detail
    return f"{why}: {_SECRET.sub('//...@', url)}" if url else "no address"


def text_of(value: object) -> str:
    """The value as a line of text without control characters, at most MAX_TEXT long; "" for what is no text."""
    return " ".join(_HIDDEN.sub(" ", value).split())[:MAX_TEXT] if isinstance(value, str) else ""


def json_object(text: str | bytes) -> dict[str, Any] | None:
    """The object that JSON tells, NaN and broken characters forgiven, as other programs write them; None for none."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def columns_of(names: list[str]) -> dict[str, str]:
    """Which of the names holds each field of COLUMNS. Of names that differ in case only, the first is taken."""
    small: dict[str, str] = {}
    for name in names:
        small.setdefault(name.strip().lower(), name)
    return {field: next(small[one] for one in known if one in small) for field, known in COLUMNS.items()
            if any(one in small for one in known)}
