"""Models of the Hub: of a repository only what embeds is fetched, from a real server that speaks its protocol."""

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

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("diffusers")

from benchmarks import random_diffusion

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ASK = """
import json, sys
from annotators.embeddings import open_embeddings
from schemas.errors import UsageError
try:
    found = open_embeddings(sys.argv[1])
    print(json.dumps({"width": found.width, "identity": found.identity, **found.provenance}))
except UsageError as error:
    print(json.dumps({"error": str(error)}))
"""


class Hub(http.server.BaseHTTPRequestHandler):
    """One repository `maker/model` with one commit: the files below `self.server.folder`."""

    def do_GET(self) -> None:
        name, _, below = self.path.partition("/maker/model/")
        folder: Path = self.server.folder  # type: ignore[attr-defined]
        files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
        headers = {"X-Repo-Commit": COMMIT}
        if name == "/api/models" and below.startswith("revision/"):
            data = json.dumps({"id": "maker/model", "sha": COMMIT}).encode()
        elif name == "/api/models" and below.startswith(f"tree/{COMMIT}"):
            data = json.dumps([{"type": "file", "path": path, "size": there.stat().st_size, "oid": "0" * 40}
                               for path, there in files.items()]).encode()
        elif name == "" and (file := below.removeprefix(f"resolve/{COMMIT}/")) in files:
            data = files[file].read_bytes()
            headers["ETag"] = f'"{hashlib.sha256(data).hexdigest()}"'
            if self.command == "GET":
                self.server.sent.add(file)  # type: ignore[attr-defined]
        else:
            self.send_error(404)
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


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    made.sent = set()  # type: ignore[attr-defined]
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def ask(home: Path, server: http.server.ThreadingHTTPServer, name: str) -> dict[str, str]:
    """What a fresh process, as a build is one, makes of a name."""
    env = {**os.environ, "HF_HOME": str(home), "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
           "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1",
           "no_proxy": "127.0.0.1"}
    for name_of in ("HF_HUB_OFFLINE", "HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        env.pop(name_of, None)
    done = subprocess.run([sys.executable, "-c", ASK, name], env=env, capture_output=True, text=True, check=True)
    answer: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_of_a_pipeline_only_the_vae_is_fetched(server: http.server.ThreadingHTTPServer, tmp_path: Path) -> None:
    folder = random_diffusion.save(tmp_path / "pipeline")
    (folder / "vae" / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"half as many")
    server.folder = folder  # type: ignore[attr-defined]
    said = ask(tmp_path / "home", server, "maker/model@v2")
    assert (said["width"], said["weights"], said["revision"]) == (4 * 8 * 8, "maker/model", COMMIT)
    assert said["licence"] == "unknown: the repository has no card"
    assert server.sent == {"vae/config.json", "vae/diffusion_pytorch_model.safetensors"}  # type: ignore[attr-defined]
    assert ask(tmp_path / "home", server, str(folder))["identity"] == said["identity"]


def test_of_a_clip_no_weights_that_run_code_are_fetched(
    server: http.server.ThreadingHTTPServer, tmp_path: Path
) -> None:
    folder = random_diffusion.save_clip(tmp_path / "clip")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    server.folder = folder  # type: ignore[attr-defined]
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    said = ask(tmp_path / "home", server, "maker/model")
    assert (said["width"], said["licence"], said["revision"]) == (16, "mit", COMMIT)
    assert "pytorch_model.bin" not in server.sent and "model.safetensors" in server.sent  # type: ignore[attr-defined]


def test_what_embeds_nothing_is_not_fetched(server: http.server.ThreadingHTTPServer, tmp_path: Path) -> None:
    server.folder = tmp_path / "repo"  # type: ignore[attr-defined]
    server.folder.mkdir()  # type: ignore[attr-defined]
    (server.folder / "weights.safetensors").write_bytes(b"of something")  # type: ignore[attr-defined]
    assert "no model that embeds pictures" in ask(tmp_path / "home", server, "maker/model")["error"]
    (server.folder / "config.json").write_text('{"model_type": "bert"}')  # type: ignore[attr-defined]
    assert "kind of model: bert" in ask(tmp_path / "other", server, "maker/model")["error"]
    assert server.sent == {"config.json"}  # type: ignore[attr-defined]
