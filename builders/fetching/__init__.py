"""The fetcher: pictures from web addresses to tars on this machine, politely, with a reason for each that did not come.

    addresses   which addresses may be asked        network   connections to just those
    answers     one request and what came of it     asking    with its connections and limits, to the picture
    opt_out     who does not want to be asked       hosts     whose turn it is
    records     what earlier runs learnt            workers   processes that ask
    fetch       all of it together
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from annotators.base import identity
from annotators.images import MAX_PIXELS
from schemas.records import Drop


@dataclass(frozen=True)
class Settings:
    """How pictures are fetched."""

    user_agent: str
    """Sent with each request; what stands before its first "/" or space is the name that X-Robots-Tag may call."""
    per_host: int = 4
    """Requests to one host at a time."""
    timeout: float = 30.0
    """Seconds that one request may take, from the look-up of its host to the last byte."""
    retries: int = 3
    """Times that a request is made again after trouble that may pass."""
    allow_private: bool = False
    """Whether private, loopback and link-local addresses may be asked, too."""
    robots: bool = True
    """Whether X-Robots-Tag is honoured."""
    max_bytes: int = 32 * 2**20
    """Most bytes of a picture, as they come and after any Content-Encoding is undone."""
    max_pixels: int = MAX_PIXELS
    """Most pixels of a picture that is resized; without `resize` nothing is decoded here."""
    resize: int = 0
    """Longest that a shorter side may be, pixels; what is larger becomes a smaller JPEG of quality 95, upright sRGB.
    0 leaves all bytes as they come."""

    @property
    def identity(self) -> str:
        """Digest of what decides what a URL's outcome is, as far as it is this side that decides."""
        return identity("fetched", 1, {
            "resize": self.resize, "max_bytes": self.max_bytes,
            "max_pixels": self.max_pixels if self.resize else None,
            "robots": name_of(self.user_agent) if self.robots else None, "allow_private": self.allow_private})


def name_of(user_agent: str) -> str:
    """What X-Robots-Tag calls a user agent, in lower case."""
    return user_agent.partition("/")[0].partition(" ")[0].lower()


class Wanted(NamedTuple):
    """A picture to fetch."""

    id: str
    url: str


class Fetched(NamedTuple):
    """What became of it: the `path` of its bytes as `builders.files` reads it, or why there is none."""

    id: str
    path: str
    drop: Drop | None
