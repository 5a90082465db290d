"""A build that asks a vision endpoint, here a real server in this process, through the real command."""

import http.server
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from schemas import manifest as manifests
from schemas.answers import QUESTIONS
from tests.conftest import command, run

pytestmark = pytest.mark.xdist_group("build")


class Polite(http.server.BaseHTTPRequestHandler):
    """Says the same of every picture; after `server.good` answers it has enough."""

    server: Any

    def do_GET(self) -> None:
        self._reply(200, {"data": [{"id": "polite-1"}]})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.asked += 1
            enough = self.server.asked > self.server.good
        if enough:
            self._reply(403, {"error": "your credit is used up"})
            return
        said = {f"q{number}": "blue" if number == 1 else "none" for number in range(1, len(QUESTIONS) + 1)}
        self._reply(200, {"choices": [{"message": {"content": json.dumps(said)}}]})

    def _reply(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_request(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def server() -> Iterator[Any]:
    made: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Polite)
    made.lock, made.asked, made.good = threading.Lock(), 0, 10**9
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def test_an_endpoint_is_asked_once_for_each_row_and_never_again(mirror: Path, tmp_path: Path, server: Any) -> None:
    address = f"http://127.0.0.1:{server.server_port}/v1"
    server.good = 20
    first = run(command(mirror, tmp_path / "out", "--answers", address))
    assert first.returncode == 2 and "credit is used up" in first.stderr and "Traceback" not in first.stderr
    server.good = 10**9
    done = run(command(mirror, tmp_path / "out", "--answers", address))
    assert done.returncode == 0, done.stderr
    version = tmp_path / "out" / "1.0.0"
    manifest = manifests.read(version)
    (reached,) = [step.rows_in for step in manifest.funnel if step.stage == "answers"]
    # a shard under way when the credit ended is asked again: at most one for each of two workers
    assert reached <= server.asked <= reached + 20 + 2 * 16
    rows = pq.read_table(version / "data", columns=["answers"])
    said = {tuple(one["answer"] for one in row) for row in rows["answers"].to_pylist()}
    assert said == {("blue", *["none"] * (len(QUESTIONS) - 1))}
    asked = server.asked
    again = run(command(mirror, tmp_path / "out", "--answers", address, "--match-rule", "strict", "--version", "1.1.0"))
    assert again.returncode == 0 and server.asked == asked
    told = json.dumps([manifest.options, [model.provenance for model in manifest.models]])
    assert "polite-1" in told and "127.0.0.1" not in told and manifest.options["answers"] == "endpoint"


def test_answers_that_nobody_can_give_are_a_usage_error(mirror: Path, tmp_path: Path) -> None:
    for who, said in (("blip", "InstructBLIP needs|no folder with a model"), ("http://127.0.0.1:9/v1", "be reached")):
        done = run(command(mirror, tmp_path / "out", "--answers", who))
        assert done.returncode == 2 and re.search(said, done.stderr) and done.stderr.count("\n") == 1
