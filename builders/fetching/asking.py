"""One address asked, in this process or in a worker: connections that wait to be used again, limits, and the picture's
way from the bytes that came to those that are kept.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import msgspec

from annotators import images
from builders.fetching import Settings
from builders.fetching.answers import ask
from builders.fetching.network import Connection, PassingError, connect, port_of
from schemas.errors import RowError

_IDLE = 128
"""Connections that may wait for a request, over all hosts."""

Origin = tuple[str, bytes, int]


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What came of asking: a picture's `data`, the address `to` which it points, or the `reason` why there is none."""

    data: bytes = b""
    ending: str = ""
    """Of the picture's name, such as ".jpg"."""
    sha256: str = ""
    """Of the bytes as they came, where pictures are resized, as md5 is; else ""."""
    md5: str = ""
    to: str = ""
    reason: str = ""
    detail: str = ""
    passing: bool = False
    """Whether the reason may pass, so that it is worth to ask again."""
    after: float | None = None
    """Seconds of rest that the server asks for."""


class Asker:
    """Asks as the settings say, with as many requests at a time as it is called."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._idle: dict[Origin, list[Connection]] = {}

    async def ask(self, url: str) -> Told:
        """What comes of asking for `url`, which `addresses.checked` made."""
        hashes = ("", "")
        try:
            answer = await self._asked(httpx2.URL(url))
            if isinstance(answer, httpx2.URL):
                return Told(to=str(answer))
            ending = _ending(answer)
            if self._settings.resize:
                hashes = hashlib.sha256(answer).hexdigest(), hashlib.md5(answer, usedforsecurity=False).hexdigest()
                answer = images.shrunk(answer, self._settings.resize, max_pixels=self._settings.max_pixels)
                ending = _ending(answer)
            return Told(answer, ending, *hashes)
        except PassingError as error:
            return Told(b"", "", *hashes, reason=error.reason, detail=error.detail, passing=True, after=error.after)
        except RowError as error:
            return Told(b"", "", *hashes, reason=error.reason, detail=error.detail)

    def close(self) -> None:
        """Closes the connections that wait."""
        for origin in list(self._idle):
            self._hang_up(origin)

    async def _asked(self, url: httpx2.URL) -> bytes | httpx2.URL:
        """The answer, within the time that it may take. Raises RowError."""
        origin = (url.scheme, url.raw_host, port_of(url))
        try:
            async with asyncio.timeout(self._settings.timeout):
                connection = self._waiting(origin) or await connect(url, allow_private=self._settings.allow_private)
                with self._used(connection, origin):
                    answer = await ask(connection, url, self._settings)
        except TimeoutError:
            self._hang_up(origin)
            raise PassingError("timeout", f"{self._settings.timeout:g} s") from None
        except PassingError:
            self._hang_up(origin)
            raise
        if isinstance(answer, httpx2.URL):
            return answer
        with answer:
            return answer.read()

    def _waiting(self, origin: Origin) -> Connection | None:
        """A connection that waits and can be used, the last one first."""
        waiting = self._idle.get(origin, [])
        while waiting:
            connection = waiting.pop()
            if not connection.has_expired():
                return connection
            connection.hang_up()
        self._idle.pop(origin, None)
        return None

    @contextmanager
    def _used(self, connection: Connection, origin: Origin) -> Iterator[None]:
        """Keeps a connection that has done its work, and closes those of whoever was asked longest ago."""
        try:
            yield
        finally:
            if connection.is_idle():
                self._idle[origin] = [*self._idle.pop(origin, []), connection]  # now the last of all
                while sum(map(len, self._idle.values())) > _IDLE:
                    self._hang_up(next(iter(self._idle)))
            else:
                connection.hang_up()

    def _hang_up(self, origin: Origin) -> None:
        for connection in self._idle.pop(origin, []):
            connection.hang_up()


def _ending(data: bytes) -> str:
    """Ending for a picture's name, by its first bytes. Raises RowError (not_an_image)."""
    kind = images.kind(data) or ("BMP" if data.startswith(b"BM") else "")
    if not kind:
        raise RowError("not_an_image", f"begins {data[:12]!r}")
    return {"JPEG": ".jpg"}.get(kind, f".{kind.lower()}")
