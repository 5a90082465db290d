"""An OpenAI-compatible endpoint over HTTP: what it serves and says, asked again while trouble passes."""

from __future__ import annotations

import email.utils
import os
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpx2

from schemas.errors import BuildError, UsageError

_ATTEMPTS = 8
_FIRST_ATTEMPTS = 3
_WAIT, _LONGEST_WAIT = 0.5, 60.0  # seconds before the second attempt, doubled each time up to the latter
_TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


@dataclass(frozen=True)
class Endpoint:
    """The API at `url`, its base address with `/v1`. The key is read from OPENAI_API_KEY when there is one.

    `option` is the command's option that gave the address, `needs` what a refused request may have lacked, both for
    messages; `timeout` is how long a reply may take, in seconds.
    """

    url: str
    option: str
    needs: str
    timeout: float = 300.0

    def only_model(self, next_command: str) -> str:
        """The name of the one model that is served. Raises UsageError with `next_command` when there are others."""
        reply = self._request("GET", "models", None, first=True)
        try:
            names = [str(model["id"]) for model in reply["data"]]
        except (KeyError, TypeError):
            names = []
        if len(names) != 1:
            raise UsageError("the endpoint does not serve exactly one model", seen=", ".join(names[:8]) or "none",
                             allowed="the model's name, given with the address", next_command=next_command)
        return names[0]

    def complete(self, body: dict[str, Any], *, first: bool = False) -> Any:
        """The JSON that answers a request for a chat completion; whether it holds a completion is the caller's to see.

        Raises UsageError when the request is refused, and BuildError when the endpoint stops answering. `first` says
        that it never answered before: then nobody there is an error of the command, told after few attempts.
        """
        return self._request("POST", "chat/completions", body, first=first)

    @property
    def host(self) -> str:
        """Host and port, without what may be secret in an address."""
        return _address(self.url, self.option).netloc.decode()

    def _request(self, method: str, path: str, body: Any, *, first: bool) -> Any:
        """The JSON of a reply; asks again, later each time or when the endpoint says, after errors that may pass."""
        url, trouble = _address(f"{self.url.rstrip('/')}/{path}", self.option), ""
        for attempt in range(_ATTEMPTS):
            wait, there = min(_WAIT * 2**attempt, _LONGEST_WAIT), False
            try:
                reply = _client().request(method, url, json=body, timeout=httpx2.Timeout(self.timeout, connect=10.0))
            except httpx2.ReadTimeout:
                trouble = f"nothing within {self.timeout:g} s"
            except httpx2.TransportError as error:
                trouble = f"{type(error).__name__}: {error}"
            else:
                if reply.is_success:
                    try:
                        return reply.json()
                    except ValueError:
                        trouble = f"a reply that is no JSON: {' '.join(reply.text.split())[:60]!r}"
                elif reply.status_code in _TRANSIENT:
                    trouble, there = f"status {reply.status_code}", True
                    wait = _told(reply.headers.get("Retry-After", ""), wait)
                else:
                    raise UsageError(f"the endpoint refused with status {reply.status_code}",
                                     seen=reply.text[:300].strip(), allowed=self.needs)
            if first and not there and attempt + 1 >= _FIRST_ATTEMPTS:
                raise UsageError(f"the endpoint cannot be reached: {trouble}", seen=str(url.copy_with(userinfo=b"")),
                                 allowed="the base address, with /v1, of a running server that answers within "
                                         f"{self.timeout:g} s")
            if attempt + 1 < _ATTEMPTS:
                time.sleep(wait)
        raise BuildError(f"the endpoint did not answer {_ATTEMPTS} times, last with {trouble}; what is done is kept: "
                         "run the same command again")


def _address(text: str, option: str) -> httpx2.URL:
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL as error:
        raise UsageError(f"{option} is no address: {error}", seen=text, allowed="http://HOST:PORT/v1") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError(f"{option} is no address", seen=text, allowed="http://HOST:PORT/v1")
    return url


@lru_cache(maxsize=1)
def _client() -> httpx2.Client:
    """One for a process: connections are used again."""
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError("OPENAI_API_KEY is no key", allowed="printable ASCII characters")
    return httpx2.Client(headers={"Authorization": f"Bearer {key}"} if key else {})


def _told(said: str, otherwise: float) -> float:
    """Seconds of a Retry-After header, a number or a date, within 0 and `_LONGEST_WAIT`."""
    try:
        return min(max(float(said), 0.0), _LONGEST_WAIT)
    except ValueError:
        pass
    try:
        return min(max(email.utils.parsedate_to_datetime(said).timestamp() - time.time(), 0.0), _LONGEST_WAIT)
    except (ValueError, TypeError):
        return otherwise
