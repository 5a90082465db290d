"""Names of files on the Hub, and fetching them from a real server that speaks its protocol."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotators.hub import HubFile, parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "v1/model.onnx": b"not really a model",
    "v1/threshold.json": b'{"f1_score": 0.94, "threshold": 0.41}',
    "v1/labels.json": b'["face"]',
    "README.md": b"---\nlicense: mit\n---\n# A detector\n",
}


@pytest.mark.parametrize(("name", "found"), [
    ("deepghs/anime_face_detection:v1/model.onnx", HubFile("deepghs/anime_face_detection", "main", "v1/model.onnx")),
    ("a/b@refs/pr/1:c.onnx", HubFile("a/b", "refs/pr/1", "c.onnx")),
    (f"a/b@{COMMIT}:c.onnx", HubFile("a/b", COMMIT, "c.onnx")),
    ("a/b", None), ("a/b.onnx", None), ("/a/b:c", None), ("./a/b:c", None), ("a/b:../c.onnx", None),
    ("a/b:x/../../c", None), ("a/b/c:d", None), ("a/b:", None), ("", None), ("light", None), ("a b/c:d", None),
])
def test_names(name: str, found: HubFile | None) -> None:
    assert parse(name) == found


class Hub(http.server.BaseHTTPRequestHandler):
    """One repository `maker/detector`, whose `main` and `v1.0` are one commit."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        asked: list[str] = self.server.asked  # type: ignore[attr-defined]
        asked.append(f"{self.command} {self.path}")
        prefix = "/maker/detector/resolve/"
        revision, _, file = self.path.removeprefix(prefix).partition("/")
        data, error = b"", ""
        if not self.path.startswith(prefix):
            error = "RepoNotFound"
        elif revision not in ("main", "v1.0", COMMIT):
            error = "RevisionNotFound"
        elif file not in FILES:
            error = "EntryNotFound"
        else:
            data = FILES[file]
        self.send_response(404 if error else 200)
        if error:
            self.send_header("X-Error-Code", error)
        else:
            self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_request(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    made.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def ask(home: Path, endpoint: str, name: str) -> dict[str, str]:
    """What a fresh process, as a build is one, makes of a name: the weights, or the error."""
    code = (
        "import dataclasses, json, sys\n"
        "from annotators.weights import resolve\n"
        "from schemas.errors import UsageError\n"
        "try: print(json.dumps(dataclasses.asdict(resolve('faces', sys.argv[1]))))\n"
        "except UsageError as error: print(json.dumps({'error': str(error)}))\n"
    )
    env = {**os.environ, "HF_HOME": str(home), "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_TELEMETRY": "1",
           "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    for name_of in ("HF_HUB_OFFLINE", "HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        env.pop(name_of, None)
    done = subprocess.run([sys.executable, "-c", code, name], env=env, capture_output=True, text=True, check=True)
    assert "Retrying" not in done.stderr
    answer: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_a_file_is_fetched_once_and_named_by_its_commit(
    server: http.server.ThreadingHTTPServer, tmp_path: Path
) -> None:
    endpoint = f"http://127.0.0.1:{server.server_port}"
    first = ask(tmp_path, endpoint, "maker/detector@v1.0:v1/model.onnx")
    assert (first["revision"], first["licence"]) == (COMMIT, "mit")
    assert first["source"] == "maker/detector:v1/model.onnx"
    assert first["sha256"] == hashlib.sha256(FILES["v1/model.onnx"]).hexdigest()
    assert first["notes"] == {"threshold": 0.41, "labels": ["face"]}  # type: ignore[comparison-overlap]
    assert Path(first["path"]).read_bytes() == FILES["v1/model.onnx"]
    fetched = [line for line in server.asked if line.startswith("GET")]  # type: ignore[attr-defined]
    assert ask(tmp_path, endpoint, "maker/detector@v1.0:v1/model.onnx") == first
    assert [line for line in server.asked if line.startswith("GET")] == fetched  # type: ignore[attr-defined]
    # the Hub gone: what was fetched still serves, by tag and by commit
    server.shutdown()
    server.server_close()
    assert ask(tmp_path, endpoint, "maker/detector@v1.0:v1/model.onnx") == first
    assert ask(tmp_path, endpoint, f"maker/detector@{COMMIT}:v1/model.onnx") == first
    gone = ask(tmp_path, endpoint, "maker/detector:v1/labels.json")["error"]
    assert "cannot be reached" in gone and "--models light" in gone


@pytest.mark.parametrize(("name", "said"), [
    ("maker/other:model.onnx", "no such model repository"),
    ("maker/detector@v9:v1/model.onnx", "no such revision"),
    ("maker/detector:v2/model.onnx", "no such file"),
])
def test_what_is_not_there_is_named(
    server: http.server.ThreadingHTTPServer, tmp_path: Path, name: str, said: str
) -> None:
    error = ask(tmp_path, f"http://127.0.0.1:{server.server_port}", name)["error"]
    assert said in error and name.split(":")[1] in error
