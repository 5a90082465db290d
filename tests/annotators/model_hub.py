"""A server that speaks the Hub's protocol as far as fetching models needs it, and a fresh process that asks it."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(http.server.ThreadingHTTPServer):
    """Repositories of one commit each, all named COMMIT: the files of a folder by OWNER/NAME. `sent` are the files that
    were fetched, as OWNER/NAME/FILE."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos: dict[str, Path] = {}
        self.sent: set[str] = set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def ask(self, home: Path, code: str, *words: str) -> Any:
        """What a fresh process, as a build is one, prints as JSON in its last line; `home` holds what it fetched."""
        env = {**os.environ, "HF_HOME": str(home), "HF_ENDPOINT": f"http://127.0.0.1:{self.server_port}",
               "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1",
               "no_proxy": "127.0.0.1"}
        for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_ASSETS_CACHE"):
            env.pop(name, None)
        done = subprocess.run([sys.executable, "-c", code, *words], env=env, capture_output=True, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        path = self.path.removeprefix("/api/models")
        name = "/".join(path.split("/")[1:3])
        below, folder = path.removeprefix(f"/{name}/"), self.server.repos.get(name, Path("/nowhere"))
        files = {one.relative_to(folder).as_posix(): one for one in sorted(folder.rglob("*")) if one.is_file()}
        headers = {"X-Repo-Commit": COMMIT}
        if files and below.startswith("revision/"):
            data = json.dumps({"id": name, "sha": COMMIT}).encode()
        elif files and below.startswith(f"tree/{COMMIT}"):
            data = json.dumps([{"type": "file", "path": file, "size": there.stat().st_size, "oid": "0" * 40}
                               for file, there in files.items()]).encode()
        elif (file := below.removeprefix("resolve/").partition("/")[2]) in files:
            data = files[file].read_bytes()
            headers["ETag"] = f'"{hashlib.sha256(data).hexdigest()}"'
            if self.command == "GET":
                self.server.sent.add(f"{name}/{file}")
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound" if files else "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        for key, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    do_HEAD = do_GET  # noqa: N815

    def log_request(self, *_: object) -> None:
        """Nothing on stderr."""
