"""Politeness, runs that go on where others stopped, and pictures made smaller, against a real local server."""

import asyncio
import hashlib
import io
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from builders import files
from builders.fetching import Wanted
from builders.fetching.fetch import Fetcher
from builders.fetching.opt_out import OptOut
from builders.fetching.workers import Workers
from builders.shelf import on_shelf
from schemas.errors import BuildError

from .server import Request, picture, serving
from .test_hostile import fetched, settings, status, text, to

GOOD = picture()


def slow(seconds: float, body: bytes = GOOD) -> Callable[[Request], None]:
    def behave(request: Request) -> None:
        time.sleep(seconds)
        request.reply(body)
    return behave


def after(times: int, first: Callable[[Request], None], body: bytes = GOOD) -> Callable[[Request], None]:
    return lambda request: first(request) if request.number <= times else request.reply(body)


def reasons(found: dict[str, object]) -> dict[str, str]:
    return {url: one.drop.reason if one.drop else "" for url, one in found.items()}  # type: ignore[attr-defined]


def test_a_host_is_asked_by_few_requests_at_a_time(tmp_path: Path) -> None:
    """Also where others point to it: half of these stand at a second host, which sends them to the first."""
    with serving({f"/{number}.jpg": slow(0.02) for number in range(40)}) as server, serving({}, "127.0.0.2") as other:
        other.behaviours |= {f"/{number}.jpg": to(f"{server.url}/{number}.jpg") for number in range(20)}
        urls = [*(f"{other.url}/{number}.jpg" for number in range(20)),
                *(f"{server.url}/{number}.jpg" for number in range(20, 40))]
        found = fetched(tmp_path, urls, settings(per_host=3, timeout=5.0))
        assert set(reasons(found).values()) == {""}
        assert server.most == 3 and other.most <= 3
        assert server.connections == 3  # each serves many requests


def test_a_host_is_asked_by_few_requests_of_all_processes(tmp_path: Path) -> None:
    with serving({f"/{number}.jpg": slow(0.05) for number in range(24)}) as server:
        wanted = (Wanted(str(number), f"{server.url}/{number}.jpg") for number in range(24))
        fetcher = Fetcher(tmp_path, settings(per_host=3, timeout=20.0, resize=32), OptOut(), 3)
        assert [one.drop for one in fetcher.fetch(wanted, lambda rows, kept: None)] == [None] * 24
        assert server.most == 3


def test_who_asks_under_another_name_may_be_told_otherwise(tmp_path: Path) -> None:
    with serving({"/a.jpg": text(GOOD, "X-Robots-Tag: somebody: noai")}) as server:
        url = f"{server.url}/a.jpg"
        for agent, reason in (("Somebody/1.0", "robots_tag"), ("Likeness/1.0", ""), ("Somebody/2.0", "robots_tag")):
            assert reasons(fetched(tmp_path, [url], settings(user_agent=agent))) == {url: reason}
        assert server.counts["/a.jpg"] == 2  # another version of somebody has the same name


def test_a_limit_that_judges_nothing_here_does_not_ask_again(tmp_path: Path) -> None:
    with serving({"/a.jpg": text(GOOD)}) as server:  # 64 x 48
        url = f"{server.url}/a.jpg"
        for limits, reason in (({}, ""), ({"max_pixels": 3000}, ""), ({"max_pixels": 3000, "resize": 32}, "too_large"),
                               ({"max_pixels": 4000, "resize": 32}, "")):
            assert reasons(fetched(tmp_path, [url], settings(timeout=20.0, **limits))) == {url: reason}
        assert server.counts["/a.jpg"] == 3


def test_who_asks_is_told(tmp_path: Path) -> None:
    with serving({"/a.jpg": text(GOOD)}) as server:
        fetched(tmp_path, [f"{server.url}/a.jpg"], settings())
        assert server.headers[0]["user-agent"] == "Likeness/1.0 (test)"
        assert server.headers[0]["accept-encoding"] == "identity"
        assert server.headers[0]["host"] == server.url.removeprefix("http://")


@pytest.mark.parametrize("status_line", ["429 Too Many Requests", "503 Service Unavailable"])
def test_retry_after_is_waited_for(status_line: str, tmp_path: Path) -> None:
    with serving({"/a.jpg": after(1, status(status_line, "Retry-After: 1")), "/b.jpg": text(GOOD)}) as server:
        found = fetched(tmp_path, [f"{server.url}/a.jpg", f"{server.url}/b.jpg"], settings(per_host=1))
        assert set(reasons(found).values()) == {""}
        assert [path for path, _ in server.asked] == ["/a.jpg", "/b.jpg", "/a.jpg"]
        assert server.asked[1][1] - server.asked[0][1] >= 0.95  # nothing of the host is asked in between


def test_a_host_that_asks_for_a_long_rest_gets_it(tmp_path: Path) -> None:
    with serving({"/0.jpg": status("429 Too Many Requests", "Retry-After: 3600")}) as server, \
            serving({"/a.jpg": text(GOOD)}, "127.0.0.2") as other:
        server.behaviours |= {f"/{number}.jpg": text(GOOD) for number in range(1, 30)}
        urls = [*(f"{server.url}/{number}.jpg" for number in range(30)), f"{other.url}/a.jpg"]
        found = fetched(tmp_path, urls, settings(per_host=1))
        assert len(server.asked) == 1
        assert reasons(found) == {urls[0]: "http_status", **dict.fromkeys(urls[1:30], "unreachable"), urls[30]: ""}
        left = found[urls[1]].drop
        assert left is not None and left.value == "127.0.0.1 was given up: it asked for a rest of 3600 s"
        # The next run may ask again.
        server.behaviours["/0.jpg"] = text(GOOD)
        assert set(reasons(fetched(tmp_path, urls, settings(per_host=1))).values()) == {""}


def test_a_host_in_trouble_over_and_over_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builders.fetching.hosts._FIRST_REST", 0.001)
    with serving({f"/{number}.jpg": lambda request: request.send(b"no\r\n\r\n") for number in range(200)}) as server:
        urls = [f"{server.url}/{number}.jpg" for number in range(200)]
        found = fetched(tmp_path, urls, settings(per_host=2, retries=3))
        assert set(reasons(found).values()) == {"unreachable"}
        assert len(server.asked) <= 2 * 8  # two at a time, eight times in a row


def test_no_host_waits_behind_another(tmp_path: Path) -> None:
    with serving({f"/{number}.jpg": slow(0.03) for number in range(40)}) as server, \
            serving({"/a.jpg": text(GOOD)}, "127.0.0.2") as other:
        urls = [*(f"{server.url}/{number}.jpg" for number in range(40)), f"{other.url}/a.jpg"]
        order = [one.id for one in Fetcher(tmp_path, settings(per_host=1, timeout=5.0), OptOut(), 1).fetch(
            (Wanted(url, url) for url in urls), lambda rows, kept: None)]
        assert order.index(urls[40]) < 20


def test_the_next_run_asks_nothing_again(tmp_path: Path) -> None:
    behaviours = {f"/{number}.jpg": text(picture(seed=number)) for number in range(20)}
    with serving({**behaviours, "/once": after(1, status("404 Not Found")),
                  "/later": after(1, status("500 Internal Server Error"))}) as server:
        urls = [*(server.url + path for path in behaviours), f"{server.url}/once", f"{server.url}/later"]
        heard = []
        said = settings(retries=0)
        wanted = [Wanted(f"row {number}", url) for number, url in enumerate(urls)]
        first = {one.id: one for one in Fetcher(tmp_path, said, OptOut(), 1).fetch(
            wanted, lambda rows, kept: heard.append((rows, kept)))}
        assert sorted(heard) == [(1, 0)] * 2 + [(1, 1)] * 20
        assert [files.read(first[f"row {number}"].path) for number in range(20)] == [
            picture(seed=number) for number in range(20)]
        asked = len(server.asked)
        second = {one.id: one for one in Fetcher(tmp_path, said, OptOut(), 1).fetch(wanted, lambda rows, kept: None)}
        assert [path for path, _ in server.asked[asked:]] == ["/later"]
        assert {row: one for row, one in second.items() if row != "row 21"} == {
            row: one for row, one in first.items() if row != "row 21"}
        assert second["row 21"].drop is None
        # Other settings could have other outcomes.
        fetched(tmp_path, urls[:1], settings(max_bytes=100_000))
        assert server.counts["/0.jpg"] == 2


_RUN = """
import sys
from pathlib import Path
from builders.fetching import Settings, Wanted
from builders.fetching.fetch import Fetcher
from builders.fetching.opt_out import OptOut
said = Settings(user_agent="Likeness/1.0", per_host=3, allow_private=True, resize=int(sys.argv[3]))
wanted = [Wanted(str(number), f"{sys.argv[2]}/{number}.jpg") for number in range(300)]
if __name__ == "__main__":
    for one in Fetcher(Path(sys.argv[1]), said, OptOut(), 1).fetch(wanted, lambda rows, kept: None):
        print(one.id, one.path, one.drop, flush=True)
"""


@pytest.mark.parametrize("resize", [0, 32])
def test_a_killed_run_loses_no_more_than_what_was_under_way(resize: int, tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(_RUN)
    with serving({f"/{number}.jpg": slow(0.01, picture(seed=number)) for number in range(300)}) as server:
        words = [sys.executable, str(script), str(tmp_path / "kept"), server.url, str(resize)]
        for asked in (60, 150):
            process = subprocess.Popen(words, stdout=subprocess.DEVNULL, start_new_session=True)
            while len(server.asked) < asked:
                time.sleep(0.005)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        assert len(server.asked) <= 300 + 2 * (3 + 8)  # 3 requests under way, and pictures being made smaller
    paths = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()}
    assert len(paths) == 300 and done.stdout.count("None") == 300
    if not resize:
        assert [files.read(paths[str(number)]) for number in range(300)] == [
            picture(seed=number) for number in range(300)]
    assert set(paths.values()) <= {put.path for put in on_shelf(next((tmp_path / "kept").iterdir()))}


def test_pictures_that_a_power_cut_took_are_fetched_again(tmp_path: Path) -> None:
    with serving({f"/{number}.jpg": text(picture(seed=number)) for number in range(5)}) as server:
        urls = [f"{server.url}/{number}.jpg" for number in range(5)]
        first = fetched(tmp_path, urls, settings(per_host=1))
        tar, end = re.fullmatch(r"(.+)//.+@(\d+)\+\d+", first[urls[3]].path).groups()  # type: ignore[union-attr]
        os.truncate(tar, int(end) + 10)
        second = fetched(tmp_path, urls, settings(per_host=1))
        assert [server.counts[f"/{number}.jpg"] for number in range(5)] == [1, 1, 1, 2, 2]
        assert [files.read(second[url].path) for url in urls] == [picture(seed=number) for number in range(5)]


def test_pictures_are_made_smaller(tmp_path: Path) -> None:
    huge = picture(8, 8, "PNG")
    header = huge[12:16] + (100_000).to_bytes(4, "big") * 2 + huge[24:29]
    huge = huge[:12] + header + zlib.crc32(header).to_bytes(4, "big") + huge[33:]
    gif = io.BytesIO()
    Image.new("RGB", (300, 300)).save(gif, "GIF", save_all=True, append_images=[Image.new("RGB", (300, 300), "red")])
    wide = picture(400, 200)
    bodies = {"/wide.jpg": wide, "/tall.png": picture(150, 300, "PNG"), "/small.png": picture(90, 100, "PNG"),
              "/cut.jpg": wide[:len(wide) // 2], "/huge.png": huge, "/moves.gif": gif.getvalue()}
    with serving({path: text(body) for path, body in bodies.items()}) as server:
        found = fetched(tmp_path, [server.url + path for path in bodies], settings(resize=100))
        named = {url.removeprefix(server.url): one for url, one in found.items()}
    assert {path: one.drop and one.drop.reason for path, one in named.items()} == {
        "/wide.jpg": None, "/tall.png": None, "/small.png": None, "/cut.jpg": "truncated", "/huge.png": "too_large",
        "/moves.gif": "animated"}
    made = {path: Image.open(io.BytesIO(files.read(named[path].path))) for path in ("/wide.jpg", "/tall.png")}
    assert {path: (image.format, image.size) for path, image in made.items()} == {
        "/wide.jpg": ("JPEG", (200, 100)), "/tall.png": ("JPEG", (100, 200))}
    assert files.read(named["/small.png"].path) == bodies["/small.png"]


def test_a_worker_that_dies_is_told_and_the_next_run_goes_on(tmp_path: Path) -> None:
    def kill(request: Request) -> None:
        if request.number == 1:
            for process in multiprocessing.active_children():
                process.kill()
        request.reply(picture(300, 300))

    with serving({"/a.jpg": kill}) as server:
        with pytest.raises(BuildError, match="a worker process died"):
            fetched(tmp_path, [f"{server.url}/a.jpg"], settings(resize=100, timeout=20.0))
        assert reasons(fetched(tmp_path, [f"{server.url}/a.jpg"], settings(resize=100))) == {f"{server.url}/a.jpg": ""}
    assert not multiprocessing.active_children()


def test_a_worker_that_fails_keeps_nobody_waiting() -> None:
    async def ask() -> None:
        workers = Workers(settings(resize=32), 1)
        await workers.open()
        try:
            async with asyncio.timeout(30):
                await workers.ask("http://a:b/")  # no address, which `checked` lets nobody ask for
        finally:
            workers.close()

    with pytest.raises(BuildError, match="a worker process died"):
        asyncio.run(ask())


def test_who_opted_out_is_not_asked_and_what_was_opted_out_not_kept(tmp_path: Path) -> None:
    with serving({"/a.jpg": text(picture(300, 300)), "/b.jpg": text(GOOD)}) as server, \
            serving({"/moved": to(f"{server.url}/b.jpg")}, "127.0.0.2") as other:
        urls = [f"{server.url}/a.jpg", f"{server.url}/b.jpg", f"{other.url}/moved"]
        listed = OptOut(frozenset({"127.0.0.1"}))
        assert reasons(fetched(tmp_path, urls, settings(resize=100), listed)) == dict.fromkeys(urls, "opted_out")
        assert not server.asked
        # By hash of the bytes as they came, in the run that fetches and in later ones.
        listed = OptOut(hashes=frozenset({hashlib.md5(picture(300, 300)).hexdigest()}))
        for _ in range(2):
            assert reasons(fetched(tmp_path, urls, settings(resize=100), listed)) == {
                urls[0]: "opted_out", urls[1]: "", urls[2]: ""}
        assert server.counts == {"/a.jpg": 1, "/b.jpg": 2}
