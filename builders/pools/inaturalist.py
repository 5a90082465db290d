"""inaturalist:TAXON, licensed photographs of a species or any other taxon (https://api.inaturalist.org/v1/).

Of observations of research grade only: several people agree on what they show. The API asks for at most 60 requests a
minute and 10,000 a day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from builders.pools.api import Api

PAGE = 200
"""Observations of a page, the most that is given."""

LICENCES = "cc0,cc-by,cc-by-nc,cc-by-sa,cc-by-nd,cc-by-nc-sa,cc-by-nc-nd"

_SIZE = re.compile(r"/(square|small|thumb|medium)(\.[a-z]+)(?=$|\?)")


class _Page(msgspec.Struct):
    results: list[msgspec.Raw]


class _Taxon(msgspec.Struct):
    name: str | None = None
    preferred_common_name: str | None = None


class _Observation(msgspec.Struct):
    id: int
    photos: list[msgspec.Raw] = []
    taxon: _Taxon | None = None
    uri: str | None = None


class _Photo(msgspec.Struct):
    url: str
    license_code: str | None = None
    attribution: str | None = None


class INaturalist(Api):
    """Photographs of the taxon `query`, a scientific or common name."""

    name = "inaturalist"

    def __init__(self, query: str, out: Path, limit: int = 0, base: str = "https://api.inaturalist.org/v1/",
                 pace: float = 1.0) -> None:
        super().__init__(query, out, limit, base, pace)

    def entries(self) -> Iterator[Mapping[str, Any]]:
        """The photographs, oldest observation first."""
        above, more = 0, True
        while more:
            page = self.ask("observations", {
                "taxon_name": self.query, "photo_license": LICENCES, "quality_grade": "research", "per_page": PAGE,
                "order_by": "id", "order": "asc", "id_above": above}, _Page)
            more = False
            for raw in page.results:
                try:
                    one = msgspec.json.decode(raw, type=_Observation)
                except msgspec.DecodeError:
                    self.count("bad_results")
                    continue
                if one.id > above:  # else the server turns in circles
                    above, more = one.id, True
                    yield from self._photos(one)

    def _photos(self, observation: _Observation) -> Iterator[Mapping[str, Any]]:
        for raw in observation.photos:
            try:
                photo = msgspec.json.decode(raw, type=_Photo)
            except msgspec.DecodeError:
                self.count("bad_results")
                continue
            if not photo.license_code:  # all rights reserved, beside a licensed one
                self.count("photos_without_licence")
                continue
            yield {"url": large(photo.url), "text": name_of(observation.taxon), "license": photo.license_code,
                   "attribution": photo.attribution, "post_url": observation.uri}


def large(url: str) -> str:
    """The address of the picture of at most 1,024 pixels, where `url` is that of a smaller one."""
    return _SIZE.sub(r"/large\2", url)


def name_of(taxon: _Taxon | None) -> str:
    """Common and scientific name."""
    if taxon is None:
        return ""
    common, scientific = taxon.preferred_common_name or "", taxon.name or ""
    return f"{common} ({scientific})" if common and scientific else common or scientific
