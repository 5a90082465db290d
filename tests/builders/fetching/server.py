"""A web server that does what it should not, over real sockets: each path has a behaviour, a function of a request."""

from __future__ import annotations

import io
import socket
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from PIL import Image

Behaviour = Callable[["Request"], None]


@dataclass
class Request:
    """A request whose head was read; what is not `reply` is said by the bare socket."""

    path: str
    headers: dict[str, str]
    socket: socket.socket
    number: int
    """How often the path was asked, this time included."""
    closing: threading.Event

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self, body: bytes = b"", status: str = "200 OK", *headers: str, length: int | None = None) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def hang(self) -> None:
        """Until the test ends or nobody listens any more."""
        while not self.closing.wait(0.02):
            with suppress(BlockingIOError):
                if self.socket.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) == b"":
                    return


class Server(socketserver.ThreadingTCPServer):
    """Behaviours by path. `asked` are the paths in order, each with its time; `most` is how many requests were under
    way at a time."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, behaviours: dict[str, Behaviour], host: str) -> None:
        super().__init__((host, 0), Handler)
        self.url = f"http://{host}:{self.server_address[1]}"
        self.behaviours = behaviours
        self.asked: list[tuple[str, float]] = []
        self.headers: list[dict[str, str]] = []
        self.connections = self.now = self.most = 0
        self.lock, self.closing = threading.Lock(), threading.Event()

    @property
    def counts(self) -> Counter[str]:
        return Counter(path for path, _ in self.asked)

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # the other side hung up


class Handler(socketserver.BaseRequestHandler):
    server: Server

    def handle(self) -> None:
        self.server.connections += 1
        file = self.request.makefile("rb")
        while line := file.readline():
            path = line.split()[1].decode()
            headers = {}
            while (line := file.readline()) not in (b"\r\n", b""):
                name, _, value = line.decode().partition(":")
                headers[name.lower()] = value.strip()
            with self.server.lock:
                self.server.asked.append((path, time.monotonic()))
                self.server.headers.append(headers)
                self.server.now += 1
                self.server.most = max(self.server.most, self.server.now)
                number = self.server.counts[path]
            try:
                behaviour = self.server.behaviours.get(path, lambda request: request.reply(status="404 Not Found"))
                behaviour(Request(path, headers, self.request, number, self.server.closing))
            finally:
                with self.server.lock:
                    self.server.now -= 1


@contextmanager
def serving(behaviours: dict[str, Behaviour], host: str = "127.0.0.1") -> Iterator[Server]:
    with Server(behaviours, host) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()


def picture(width: int = 64, height: int = 48, kind: str = "JPEG", seed: int = 0) -> bytes:
    """A gradient; another for each seed."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    image.putpixel((0, 0), (seed % 256, seed // 256 % 256, 0))
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()
