"""Pools of planted pictures behind web addresses, served here; seeds that are picked; kills."""

import csv
import hashlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest

from builders import cli
from schemas import manifest as manifests
from tests.builders import pool_pictures

pytestmark = pytest.mark.xdist_group("build")


class Web:
    """A server of the files below `root`, which counts what it was asked for. Below /gone/ there is nothing, /busy/ is
    busy for as long as `busy` is set, and below /private/ artists do not want to be learnt from."""

    def __init__(self, root: Path) -> None:
        asked: Counter[str] = Counter()
        self.asked, self.busy, self.slow = asked, True, 0.0
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                asked[self.path] += 1
                time.sleep(web.slow)
                kind, _, name = self.path.lstrip("/").partition("/")
                if kind == "gone" or (kind == "busy" and web.busy):
                    self.answer(404 if kind == "gone" else 503, b"no")
                    return
                self.answer(200, (root / name).read_bytes(), {"X-Robots-Tag": "noai"} if kind == "private" else {})

            def answer(self, status: int, body: bytes, more: dict[str, str] = {}) -> None:  # noqa: B006
                self.send_response(status)
                for header, value in {"Content-Length": str(len(body)), **more}.items():
                    self.send_header(header, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    pool_pictures.plant(tmp_path / "pool", tmp_path / "seeds")
    web = Web(tmp_path / "pool")
    yield web
    web.close()


def listed(root: Path, web: Web, also: list[tuple[str, str]] = []) -> Path:  # noqa: B006
    """A list of the planted pictures, and of what is not to be had."""
    rows = [(f"{web.address}/files/{path.relative_to(root / 'pool')}", f"a {path.parent.name[:-1]}")
            for path in sorted((root / "pool").rglob("*.jpg"))]
    rows += [(f"{web.address}/gone/1.jpg", ""), (f"{web.address}/busy/suns/00.jpg", ""),
             (f"{web.address}/private/suns/01.jpg", ""), rows[0], ("not an address", ""), *also]
    with (root / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("url", "caption"), *rows])
    return root / "list.csv"


def words(root: Path, *more: str) -> list[str]:
    return ["coti", "--concept", "red sun", "--pool", str(root / "list.csv"), "--models", "light", "--budget", "4",
            "--workers", "1", "--retries", "0", "--timeout", "10", "--out", str(root / "out"), *more]


def rejects(version: Path) -> Counter[str]:
    return Counter(pq.read_table(version / "rejected.parquet")["reason"].to_pylist())


def test_a_list_is_fetched_and_only_what_failed_is_asked_again(tmp_path: Path, web: Web) -> None:
    listed(tmp_path, web)
    mine = words(tmp_path, "--seeds", str(tmp_path / "seeds"), "--allow-private")
    assert cli.main(mine) == 0
    version = tmp_path / "out" / "1.0.0"
    pool = datasets.load_dataset(str(version), split="pool", cache_dir=str(tmp_path / "cache"))
    assert sorted(pool["url"]) == sorted(f"{web.address}/files/{kind}/{n:02d}.jpg"
                                         for kind, count in (("suns", 8), ("seas", 12)) for n in range(count))
    assert set(pool["text"]) == {"a sun", "a sea"}
    assert rejects(version) == {"near_copy": 2, "not_an_image": 1, "truncated": 1, "http_status": 2, "robots_tag": 1,
                                "duplicate_url": 1, "bad_url": 1}
    assert {row["url"].rpartition("/")[0].rpartition("/")[2] for row in pool if row["status"] == "selected"} == {"suns"}
    asked = Counter(web.asked)
    assert max(asked.values()) == 1
    web.busy = False
    assert cli.main([*mine, "--version", "1.0.1"]) == 0
    again = web.asked - asked
    assert again == {"/busy/suns/00.jpg": 1}  # a 404 and a refusal are final, a 503 is not
    assert rejects(tmp_path / "out" / "1.0.1")["near_copy"] == 3
    assert cli.main(["verify", str(version)]) == 0
    assert cli.main(["explain", str(version), f"{web.address}/gone/1.jpg"]) == 0
    assert cli.main(["explain", str(version), f"{web.address}/files/suns/00.jpg"]) == 0


def test_loopback_is_refused_unless_it_is_allowed(tmp_path: Path, web: Web, capsys: pytest.CaptureFixture[str]) -> None:
    listed(tmp_path, web)
    assert cli.main(words(tmp_path, "--seeds", str(tmp_path / "seeds"))) == 2
    told = capsys.readouterr().err
    assert "private_address 2" in told and "try: --allow-private" in told
    assert not web.asked


def test_seeds_are_picked_from_the_pool(tmp_path: Path, web: Web, capsys: pytest.CaptureFixture[str]) -> None:
    listed(tmp_path, web)
    mine = words(tmp_path, "--seeds-from", "sun, please", "-k", "6", "--allow-private")
    assert cli.main([*mine, "--pick", "1"]) == 2  # among what?
    assert "without --pick first" in capsys.readouterr().err
    assert cli.main(mine) == 0
    assert (tmp_path / "out" / "candidates.png").read_bytes()[:4] == b"\x89PNG"
    assert not (tmp_path / "out" / "1.0.0").exists()
    asked = Counter(web.asked)
    assert cli.main([*mine, "--pick", "2,5"]) == 0
    assert web.asked - asked == {"/busy/suns/00.jpg": 1}
    sets = datasets.load_dataset(str(tmp_path / "out" / "1.0.0"), cache_dir=str(tmp_path / "cache"))
    assert (len(sets["seed"]), len(sets["pool"])) == (2, 19)
    assert set(sets["seed"]["text"]) == {"a sun"}
    assert cli.main([*mine, "--pick", "7"]) == 2
    assert "numbers from 1 to 6" in capsys.readouterr().err
    assert cli.main(words(tmp_path, "--seeds-from", "moon", "--allow-private")) == 2
    assert "finds nothing" in capsys.readouterr().err


def test_who_opted_out_is_left_out(tmp_path: Path, web: Web) -> None:
    listed(tmp_path, web, [("http://sub.example.org/1.jpg", "never asked")])
    sun = hashlib.sha256((tmp_path / "pool" / "suns" / "02.jpg").read_bytes()).hexdigest()
    (tmp_path / "no.txt").write_text(f"example.org\n{sun}  # a sun\n")
    more = ["--seeds", str(tmp_path / "seeds"), "--opt-out", str(tmp_path / "no.txt"), "--allow-private"]
    assert cli.main(words(tmp_path, *more)) == 0
    version = tmp_path / "out" / "1.0.0"
    left = {row["path"]: row["stage"] for row in pq.read_table(version / "rejected.parquet").to_pylist()
            if row["reason"] == "opted_out"}
    assert left.keys() == {"http://sub.example.org/1.jpg", f"{web.address}/files/suns/02.jpg"}
    assert left["http://sub.example.org/1.jpg"] == "fetch"
    assert "no.txt" not in (version / "manifest.json").read_text()
    assert cli.main(["verify", str(version)]) == 0
    # pictures that lie here are theirs no less
    (tmp_path / "pool" / "metadata.jsonl").write_text("".join(
        json.dumps({"file_name": f"{kind}/00.jpg", "url": f"http://{host}/a.jpg"}) + "\n"
        for kind, host in (("suns", "www.example.org"), ("seas", "example.com"))))
    here = words(tmp_path, *more, "--pool", f"dataset:{tmp_path / 'pool'}", "--version", "2.0.0")
    assert cli.main(here) == 0
    assert rejects(tmp_path / "out" / "2.0.0")["opted_out"] == 1


def test_a_killed_build_goes_on_and_equals_one_that_was_not(tmp_path: Path, web: Web) -> None:
    listed(tmp_path, web)
    mine = words(tmp_path, "--seeds", str(tmp_path / "seeds"), "--allow-private", "--per-host", "1")
    web.slow = 0.1
    running = subprocess.Popen([sys.executable, "-m", "builders.cli", *mine], stderr=subprocess.DEVNULL)
    while len(web.asked) < 9:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    web.slow = 0
    assert cli.main(mine) == 0
    twice = [path for path, times in web.asked.items() if times > 1 and not path.startswith("/busy")]
    assert len(twice) <= 1  # --per-host 1: one request was under way
    whole = [word if word != str(tmp_path / "out") else str(tmp_path / "whole") for word in mine]
    assert cli.main([*whole, "--workers", "2"]) == 0
    one, other = (manifests.read(tmp_path / name / "1.0.0") for name in ("out", "whole"))
    assert one.files == other.files
    assert one == other
