"""Connections for the fetcher: a host is looked up, each of its addresses judged, and just those are connected to.

What is judged is what is connected to, so that a name which leads elsewhere a moment later gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any

import httpcore2
import httpx2

from builders.fetching.addresses import is_public
from schemas.errors import RowError

KEEP_ALIVE = 15.0
"""Seconds for which a connection may wait for its next request."""
_EACH = 10.0
"""Seconds that each but the last of a host's addresses is given to answer."""
_LOOKUPS = 32
"""Hosts that are looked up at a time."""
_CHUNK = 2**18
"""Bytes that may wait to be read from a connection."""


class PassingError(RowError):
    """What may pass: asked again, it may go well. `after` is the rest in seconds that the server asks for, or None."""

    def __init__(self, reason: str, detail: str = "", after: float | None = None) -> None:
        super().__init__(reason, detail)
        self.after = after


class Connection(httpcore2.AsyncHTTP11Connection):
    """A connection to one origin that takes one request after another."""

    READ_NUM_BYTES = _CHUNK

    def __init__(self, url: httpx2.URL, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._transport = writer.transport
        super().__init__(httpcore2.Origin(url.raw_scheme, url.raw_host, port), _Stream(reader, writer), KEEP_ALIVE)

    def hang_up(self) -> None:
        """Closes it at once."""
        self._transport.abort()


async def connect(url: httpx2.URL, *, allow_private: bool) -> Connection:
    """A connection to the host of `url`. Raises RowError (private_address), PassingError (unreachable)."""
    host = url.raw_host.decode("ascii")
    secure = url.scheme == "https"
    port = port_of(url)
    addresses = await _addresses(host, port)
    if not allow_private:
        for _, (ip, *_) in addresses:
            if not is_public(ip):
                raise RowError("private_address", ip)
    sock = await _socket(addresses)
    try:
        reader, writer = await asyncio.open_connection(sock=sock, limit=_CHUNK, ssl=_tls() if secure else None,
                                                       server_hostname=host if secure else None)
    except OSError as error:
        sock.close()
        raise PassingError("unreachable", _why(error)) from None
    except BaseException:
        sock.close()
        raise
    return Connection(url, port, reader, writer)


def port_of(url: httpx2.URL) -> int:
    """The port that is asked."""
    return url.port or (443 if url.scheme == "https" else 80)


async def _addresses(host: str, port: int) -> list[tuple[int, tuple[Any, ...]]]:
    """Family and socket address of each address that the system knows for the host."""
    try:
        found = await asyncio.get_running_loop().run_in_executor(
            _lookups(), partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        raise PassingError("unreachable", _why(error)) from None
    return [(family, address) for family, _, _, _, address in found]


async def _socket(addresses: list[tuple[int, tuple[Any, ...]]]) -> socket.socket:
    """A socket that is connected to the first of the addresses that answers. Raises PassingError (unreachable)."""
    loop, trouble = asyncio.get_running_loop(), "no address"
    for left, (family, address) in zip(range(len(addresses))[::-1], addresses, strict=True):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            async with asyncio.timeout(_EACH if left else None):
                await loop.sock_connect(sock, address)
            return sock
        except OSError as error:  # TimeoutError, too
            sock.close()
            trouble = _why(error)
        except BaseException:
            sock.close()
            raise
    raise PassingError("unreachable", trouble)


def _why(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:100]


@lru_cache(maxsize=1)
def _lookups() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_LOOKUPS, "lookup")


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return httpcore2.default_ssl_context()


class _Stream(httpcore2.AsyncNetworkStream):
    """asyncio's streams as httpcore wants them. Time is the caller's to limit."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return await self._reader.read(max_bytes)
        except OSError as error:
            raise httpcore2.ReadError(_why(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            self._writer.write(buffer)
            await self._writer.drain()
        except OSError as error:
            raise httpcore2.WriteError(_why(error)) from error

    async def aclose(self) -> None:
        # Nothing that would still be sent matters, and a hostile peer could make a polite goodbye wait.
        self._writer.transport.abort()

    def get_extra_info(self, info: str) -> Any:
        return self._reader.at_eof() if info == "is_readable" else None
