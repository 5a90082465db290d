"""One request and what came of it: a picture's bytes, another address to ask, or why there are none."""

from __future__ import annotations

import email.utils
import re
import tempfile
import time
import zlib
from contextlib import aclosing
from typing import IO

import httpcore2
import httpx2

from builders.fetching import Settings, name_of
from builders.fetching.addresses import checked
from builders.fetching.network import Connection, PassingError
from schemas.errors import RowError

_REFUSALS = frozenset({"noai", "noimageai", "noindex", "noimageindex"})
_VALUED = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
"""Rules with a value after a colon, which is no user agent's name."""
_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
"""A user agent's name; times of day, which hold a colon too, have a blank before it."""
_PASSING = frozenset({408, 425, 429})
"""Statuses below 500 after which it is worth to ask again."""
_HELD = 2**20
"""Bytes of an unfinished picture that are held in memory."""


async def ask(connection: Connection, url: httpx2.URL, settings: Settings) -> IO[bytes] | httpx2.URL:
    """Asks for `url`. Returns a file at its start, or the address that the server points to.

    Raises PassingError, and RowError for answers that would be the same again.
    """
    request = httpcore2.Request(
        "GET", httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=[(b"Host", url.netloc), (b"User-Agent", settings.user_agent.encode("ascii", "replace")),
                 (b"Accept", b"image/*,*/*;q=0.5"), (b"Accept-Encoding", b"identity")])
    try:
        answer = await connection.handle_async_request(request)
        try:
            return await _taken(answer, url, settings)
        finally:
            await answer.aclose()
    except httpcore2.RemoteProtocolError as error:
        short = "without sending complete message body" in str(error)
        raise PassingError("cut_short" if short else "unreachable", str(error)[:100]) from None
    except (httpcore2.NetworkError, OSError) as error:
        raise PassingError("unreachable", str(error)[:100] or type(error).__name__) from None
    except httpcore2.LocalProtocolError as error:
        raise RowError("bad_url", str(error)[:100]) from None


async def _taken(answer: httpcore2.Response, url: httpx2.URL, settings: Settings) -> IO[bytes] | httpx2.URL:
    """The body of an answer whose head is known. Raises as `ask`."""
    headers = httpx2.Headers(answer.headers)
    if settings.robots and (rule := refusal(headers.get_list("X-Robots-Tag"), settings.user_agent)):
        raise RowError("robots_tag", rule)
    if answer.status in (301, 302, 303, 307, 308) and "Location" in headers:
        try:
            return checked(headers["Location"], url)
        except RowError as error:
            raise RowError("redirects", error.detail) from None
    if answer.status >= 500 or answer.status in _PASSING:
        raise PassingError("http_status", str(answer.status), rest(headers.get("Retry-After", ""), time.time()))
    if answer.status != 200:
        raise RowError("http_status", str(answer.status))
    if headers.get("Content-Length", "").isdecimal() and int(headers["Content-Length"]) > settings.max_bytes:
        raise RowError("too_large", f"{headers['Content-Length'][:20]} bytes")
    return await _body(answer, headers.get("Content-Encoding", "").strip().lower(), settings.max_bytes)


async def _body(answer: httpcore2.Response, encoding: str, max_bytes: int) -> IO[bytes]:
    undo = _Undo(encoding)
    body = tempfile.SpooledTemporaryFile(max_size=_HELD)  # noqa: SIM115  whoever gets it closes it
    came = 0
    try:
        async with aclosing(answer.aiter_stream()) as chunks:
            async for chunk in chunks:
                came += len(chunk)
                body.write(undo(chunk, max_bytes + 1 - body.tell()))
                if max(came, body.tell()) > max_bytes:  # what follows the end of packed data gives nothing, for ever
                    raise RowError("too_large", f"over {max_bytes} bytes")
        if body.tell() == 0:
            raise RowError("empty")
        undo.end()
    except BaseException:
        body.close()
        raise
    body.seek(0)
    return body


class _Undo:
    """Undoes a Content-Encoding, which nobody asked for, chunk by chunk. Raises RowError for one that is unknown."""

    def __init__(self, encoding: str) -> None:
        if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise RowError("not_an_image", f"Content-Encoding {encoding[:20]}")
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32) if encoding not in ("", "identity") else None

    def __call__(self, chunk: bytes, most: int) -> bytes:
        """At most `most` bytes, at least 1; when there are more, `most` of them."""
        if self._inflate is None:
            return chunk[:most]
        try:
            return self._inflate.decompress(chunk, most)
        except zlib.error as error:
            raise RowError("corrupt", f"Content-Encoding: {error}"[:100]) from None

    def end(self) -> None:
        """Raises RowError when the encoded data ends too early."""
        if self._inflate is not None and not self._inflate.eof:
            raise RowError("truncated", "Content-Encoding")


def refusal(tags: list[str], user_agent: str) -> str:
    """The rule of the X-Robots-Tag headers that asks us to leave a picture alone, "" when none does.

    "noindex, nofollow" is said to all; after "NAME:" what follows is said to the user agent of that name alone.
    """
    us = name_of(user_agent)
    for tag in tags:
        to = ""
        for part in tag.lower().split(","):
            name, colon, rule = (word.strip() for word in part.partition(":"))
            if not colon:
                rule = name
            elif name in _VALUED or not _NAME.fullmatch(name):
                continue
            else:
                to = name
            if rule in _REFUSALS and to in ("", "*", us):
                return rule
    return ""


def rest(said: str, now: float) -> float | None:
    """Seconds from `now` on (of `time.time`) that a Retry-After header, a number or a date, asks for; else None."""
    said = said.strip()
    if said.isdecimal() and said.isascii():
        return float(said[:12])
    try:
        return max(email.utils.parsedate_to_datetime(said).timestamp() - now, 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
