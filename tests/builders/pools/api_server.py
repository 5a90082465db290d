"""A local server that answers as Openverse and iNaturalist document it: paging, limits and refusals included."""

from __future__ import annotations

import http.server
import json
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

DEPTH, PER_PAGE = 240, 20
"""Openverse's limits for who has no key."""


class Server(http.server.ThreadingHTTPServer):
    """`images` by query, `observations` by taxon name, oldest first. `plan` holds answers that are given first, one a
    request: (status, headers, body), or "hang up"."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server_port}/v1/"
        self.images: dict[str, list[dict[str, Any]]] = {}
        self.observations: dict[str, list[dict[str, Any]]] = {}
        self.plan: list[tuple[int, dict[str, str], bytes] | str] = []
        self.asked: list[tuple[float, str, dict[str, str], dict[str, str]]] = []  # when, path, parameters, headers


class Handler(http.server.BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        params = dict(urllib.parse.parse_qsl(query))
        self.server.asked.append((time.monotonic(), path, params, {k.lower(): v for k, v in self.headers.items()}))
        if self.server.plan:
            step = self.server.plan.pop(0)
            if isinstance(step, str):
                self.close_connection = True
            else:
                self.answer(step[0], step[2], step[1])
        elif "python" in self.headers.get("User-Agent", "python"):
            self.answer(403, b"say who you are")
        elif path == "/v1/images/":
            self.answer(*self.found(params))
        elif path == "/v1/observations":
            self.answer(*self.observed(params))
        else:
            self.answer(404, b"no such page")

    def found(self, params: dict[str, str]) -> tuple[int, bytes]:
        number, size = int(params["page"]), int(params["page_size"])
        whole = self.server.images.get(params["q"], [])
        shown = whole[:DEPTH]
        if size > PER_PAGE:
            return 401, b'{"detail": "page_size may not exceed 20 for anonymous requests"}'
        if number * size > DEPTH:
            return 401, b'{"detail": "pagination depth may not exceed 240"}'
        return 200, json.dumps({"result_count": len(shown), "page_count": -(-len(shown) // size), "page_size": size,
                                "page": number, "results": shown[(number - 1) * size:number * size]}).encode()

    def observed(self, params: dict[str, str]) -> tuple[int, bytes]:
        assert (params["order_by"], params["order"], params["quality_grade"]) == ("id", "asc", "research")
        size, licences = int(params["per_page"]), set(params["photo_license"].split(","))
        assert size <= 200
        left = [one for one in self.server.observations.get(params["taxon_name"], [])
                if one["id"] > int(params["id_above"])
                and any(photo["license_code"] in licences for photo in one["photos"])]
        return 200, json.dumps({"total_results": len(left), "page": 1, "per_page": size,
                                "results": left[:size]}).encode()

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)),
                            **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@contextmanager
def serving() -> Iterator[Server]:
    """A server that runs."""
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
