"""openverse:QUERY, openly licensed pictures of many collections (https://api.openverse.org/v1/).

It shows the first 240 or so results of a query, 20 a page; an API key (OPENVERSE_TOKEN) raises how often it may be
asked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from builders.pools.api import Api
from schemas.errors import UsageError

PAGE = 20
"""Results of a page: the most that is given without a key."""


class _Page(msgspec.Struct):
    results: list[msgspec.Raw]
    page_count: int


class _Image(msgspec.Struct):
    url: str
    title: str | None = None
    license: str | None = None
    license_version: str | None = None
    attribution: str | None = None
    foreign_landing_url: str | None = None


class Openverse(Api):
    """What Openverse finds for the words `query`."""

    name = "openverse"

    def __init__(self, query: str, out: Path, limit: int = 0, base: str = "https://api.openverse.org/v1/",
                 pace: float = 1.0) -> None:
        super().__init__(query, out, limit, base, pace)
        self._token = os.environ.get("OPENVERSE_TOKEN", "").strip()
        if not (self._token.isascii() and self._token.isprintable()):
            raise UsageError("OPENVERSE_TOKEN is no token", allowed="printable ASCII characters")

    def headers(self) -> dict[str, str]:
        """The key, when there is one."""
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def entries(self) -> Iterator[Mapping[str, Any]]:
        """The results, best first."""
        number = last = 1
        while number <= last:
            page = self.ask("images/", {"q": self.query, "page": number, "page_size": PAGE}, _Page)
            for raw in page.results:
                try:
                    one = msgspec.json.decode(raw, type=_Image)
                except msgspec.DecodeError:
                    self.count("bad_results")
                    continue
                yield {"url": one.url, "text": one.title, "license": licence(one), "attribution": one.attribution,
                       "post_url": one.foreign_landing_url}
            number, last = number + 1, page.page_count if page.results else 0


def licence(image: _Image) -> str:
    """"by-sa" of version "4.0" is cc-by-sa-4.0, as the Hub writes it."""
    name = (image.license or "").lower()
    whole = f"cc-{name}" if name.startswith("by") else name
    return f"{whole}-{image.license_version}" if whole and image.license_version else whole
