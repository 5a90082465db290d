"""Replies of a real HTTP server, the plan of which says what each is."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from annotators import chat
from annotators.chat import Endpoint
from schemas.errors import BuildError, UsageError

BODY = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


class Planned(http.server.BaseHTTPRequestHandler):
    """Gives the next reply of `server.plan`: status, text, headers, seconds before it; the last one for ever."""

    server: Any

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._reply()

    def _reply(self) -> None:
        self.server.seen.append((self.command, self.path, self.headers.get("Authorization")))
        plan = self.server.plan
        status, text, headers, seconds = plan.pop(0) if len(plan) > 1 else plan[0]
        time.sleep(seconds)
        with suppress(OSError):  # who waited has gone
            self.send_response(status)
            for name, value in {"Content-Length": str(len(text.encode())), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

    def log_request(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    made: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Planned)
    made.plan, made.seen = [(200, '{"said": 1}', {}, 0)], []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    monkeypatch.setattr(chat, "_WAIT", 0.001)
    monkeypatch.setenv("OPENAI_API_KEY", " secret\n")
    chat._client.cache_clear()
    yield made
    made.shutdown()
    made.server_close()
    chat._client.cache_clear()


def endpoint(server: Any, timeout: float = 5.0) -> Endpoint:
    return Endpoint(f"http://me:hidden@127.0.0.1:{server.server_port}/v1/", "--endpoint", "this and that", timeout)


def test_one_address_one_key_and_no_secret_told(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Endpoint(f"http://127.0.0.1:{server.server_port}/v1/", "--endpoint", "this and that")
    assert asked.complete(BODY) == {"said": 1}
    assert server.seen == [("POST", "/v1/chat/completions", "Bearer secret")]
    assert endpoint(server).host == f"127.0.0.1:{server.server_port}"
    chat._client.cache_clear()
    monkeypatch.setenv("OPENAI_API_KEY", "schlüssel")
    with pytest.raises(UsageError, match="OPENAI_API_KEY is no key"):
        asked.complete(BODY)


def test_a_page_where_an_api_should_be_is_told_after_three_looks(server: Any) -> None:
    server.plan = [(200, "<html>\n<body>Welcome</body></html>", {}, 0)]
    with pytest.raises(UsageError, match=r"cannot be reached: a reply that is no JSON: '<html> <body>Wel") as found:
        endpoint(server).complete(BODY, first=True)
    assert len(server.seen) == 3 and "hidden" not in str(found.value)
    with pytest.raises(BuildError, match=r"did not answer 8 times.*is kept: run the same command again") as late:
        endpoint(server).complete(BODY)
    assert len(server.seen) == 3 + 8 and not isinstance(late.value, UsageError)


def test_who_is_slow_is_asked_again_and_then_told(server: Any) -> None:
    server.plan = [(200, "{}", {}, 1.0), (200, '{"said": 2}', {}, 0)]
    assert endpoint(server, 0.2).complete(BODY, first=True) == {"said": 2}
    server.plan = [(200, "{}", {}, 1.0)]
    with pytest.raises(UsageError, match=r"nothing within 0\.2 s"):
        endpoint(server, 0.2).complete(BODY, first=True)


def test_who_is_there_and_busy_is_waited_for_from_the_first(server: Any) -> None:
    server.plan = [(429, "", {"Retry-After": "0.3"}, 0), *[(503, "", {}, 0)] * 6, (200, '{"said": 3}', {}, 0)]
    begun = time.monotonic()
    assert endpoint(server).complete(BODY, first=True) == {"said": 3}
    assert time.monotonic() - begun >= 0.3


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 422])
def test_a_refusal_is_told_at_once(server: Any, status: int) -> None:
    server.plan = [(status, json.dumps({"error": "because"}), {}, 0)]
    with pytest.raises(UsageError, match=rf"refused with status {status} .*because.*allowed: this and that"):
        endpoint(server).complete(BODY)
    assert len(server.seen) == 1


@pytest.mark.parametrize("url", ["nonsense", "ftp://h/v1", "http://", "http://[::1", "localhost:8000/v1", "http://h/\0"])
def test_what_is_no_address_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match=r"--endpoint is no address.*allowed: http://HOST:PORT/v1"):
        Endpoint(url, "--endpoint", "").complete(BODY, first=True)


@pytest.mark.parametrize(("said", "seconds"), [
    ("3", 3.0), ("0", 0.0), ("-4", 0.0), ("9999", 60.0), ("x", 7.0), ("", 7.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)])
def test_retry_after(said: str, seconds: float) -> None:
    assert chat._told(said, 7.0) == seconds
