"""Servers that hang, lie, loop, flood and refuse: each picture comes to one reason, and the others come."""

import gzip
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builders import files
from builders.fetching import Fetched, Settings, Wanted
from builders.fetching.fetch import Fetcher
from builders.fetching.opt_out import OptOut

from .server import Request, Server, picture, serving

GOOD = picture()
NOBODY = OptOut()


def settings(**said: object) -> Settings:
    return Settings(**{"user_agent": "Likeness/1.0 (test)", "allow_private": True, "timeout": 0.6, "retries": 1,
                       "max_bytes": 200_000, **said})  # type: ignore[arg-type]


def fetched(folder: Path, urls: list[str], said: Settings, opt_out: OptOut = NOBODY) -> dict[str, Fetched]:
    found = list(Fetcher(folder, said, opt_out, 1).fetch((Wanted(url, url) for url in urls), lambda rows, kept: None))
    assert sorted(one.id for one in found) == sorted(urls)
    return {one.id: one for one in found}


def reset(request: Request) -> None:
    request.reply(GOOD[:100], length=len(GOOD))
    request.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(request.socket.detach())  # closed for sure, whoever else holds it


def endless(request: Request) -> None:
    request.send(b"HTTP/1.1 200 OK\r\n\r\n" + GOOD)
    while not request.closing.is_set():
        request.send(b"\0" * 4096)
        time.sleep(0.001)


def trickle(request: Request) -> None:
    request.send(b"HTTP/1.1 200 OK\r\n\r\n\xff\xd8\xff")
    while not request.closing.wait(0.05):
        request.send(b"\0")


def hang_in_body(request: Request) -> None:
    request.reply(GOOD[:50], length=len(GOOD))
    request.hang()


def short(request: Request) -> None:
    request.reply(GOOD[:-10], length=len(GOOD))
    request.socket.shutdown(socket.SHUT_RDWR)


def endless_head(request: Request) -> None:
    request.send(b"HTTP/1.1 200 OK\r\n")
    while not request.closing.is_set():
        request.send(b"X-More: " + b"x" * 1000 + b"\r\n")


def endless_after_packed(request: Request) -> None:
    request.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(GOOD))
    while not request.closing.is_set():
        request.send(b"\0" * 65536)


def text(body: bytes, *headers: str) -> Callable[[Request], None]:
    return lambda request: request.reply(body, "200 OK", *headers)


def status(said: str, *headers: str) -> Callable[[Request], None]:
    return lambda request: request.reply(b"", said, *headers)


def to(where: str) -> Callable[[Request], None]:
    return status("302 Found", f"Location: {where}")


BOMB = gzip.compress(b"\xff\xd8\xff" + b"\0" * 30_000_000)
HOSTILE = {
    "/hang": (lambda request: request.hang(), "timeout", "0.6 s"),
    "/hang-in-body": (hang_in_body, "timeout", "0.6 s"),
    "/trickle": (trickle, "timeout", "0.6 s"),
    "/endless": (endless, "too_large", "over 200000 bytes"),
    "/endless-head": (endless_head, "unreachable", ""),
    "/says-huge": (lambda request: request.reply(GOOD, length=10**15), "too_large", "1000000000000000 bytes"),
    "/says-more": (short, "cut_short", ""),
    "/says-nonsense": (lambda request: request.send(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"), "unreachable",
                       ""),
    "/reset": (reset, "unreachable", ""),
    "/no-http": (lambda request: request.send(b"hello\r\n\r\n"), "unreachable", ""),
    "/circle": (to("/circle"), "redirects", "a circle"),
    "/circle-of-two": (to("/circle-back"), "redirects", "a circle"),
    "/longer/1": (to("/longer/2"), "redirects", "more than 5"),
    "/to-file": (to("file:///etc/passwd"), "redirects", "file scheme"),
    "/to-secret": (to("http://user:word@127.0.0.1/a.jpg"), "redirects", "a password in it"),
    "/to-nowhere": (to("http://exa mple/"), "redirects", "no such host"),
    "/html": (text(b"<!DOCTYPE html><html>not here</html>", "Content-Type: image/jpeg"), "not_an_image",
              "begins b'<!DOCTYPE ht'"),
    "/svg": (text(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "Content-Type: image/svg+xml"), "not_an_image", ""),
    "/empty": (text(b""), "empty", ""),
    "/bomb": (text(BOMB, "Content-Encoding: gzip"), "too_large", "over 200000 bytes"),
    "/half-packed": (text(gzip.compress(GOOD)[:-9], "Content-Encoding: gzip"), "truncated", "Content-Encoding"),
    "/badly-packed": (text(GOOD, "Content-Encoding: gzip"), "corrupt", ""),
    "/packed-otherwise": (text(GOOD, "Content-Encoding: br"), "not_an_image", "Content-Encoding br"),
    "/packed-strangely": (text(GOOD, "Content-Encoding: \x1b[2Jbr"), "not_an_image", r"Content-Encoding \x1b[2jbr"),
    "/packed-and-endless": (endless_after_packed, "too_large", "over 200000 bytes"),
    "/busy-for-ever": (status("503 Service Unavailable"), "http_status", "503"),
    "/gone": (status("410 Gone"), "http_status", "410"),
    "/nothing": (status("204 No Content"), "http_status", "204"),
    "/no-ai": (text(GOOD, "X-Robots-Tag: noai"), "robots_tag", "noai"),
    "/no-index-for-us": (text(GOOD, "X-Robots-Tag: nofollow, likeness: noimageindex"), "robots_tag", "noimageindex"),
}
KIND = {
    "/good.jpg": text(GOOD),
    "/says-html": text(GOOD, "Content-Type: text/html"),
    "/says-less": lambda request: request.reply(GOOD, length=len(GOOD) - 10),
    "/packed": text(gzip.compress(GOOD), "Content-Encoding: gzip"),
    "/pixel": text(picture(1, 1, "GIF")),
    "/no-index-for-another": text(GOOD, "X-Robots-Tag: otherbot: noindex, noai"),
    "/until-close": lambda request: (request.send(b"HTTP/1.1 200 OK\r\n\r\n" + GOOD),
                                     request.socket.shutdown(socket.SHUT_RDWR)),
    "/chunked": lambda request: request.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                             + b"%x\r\n" % len(GOOD) + GOOD + b"\r\n0\r\n\r\n"),
    "/moved": to("/./good.jpg"),
}
HELPERS = {
    "/circle-back": to("/circle-of-two"),
    **{f"/longer/{number}": to(f"/longer/{number + 1}") for number in range(2, 10)},
}


@pytest.fixture
def hostile() -> Iterator[Server]:
    with serving({**{path: said[0] for path, said in HOSTILE.items()}, **KIND, **HELPERS}) as server:
        yield server


@pytest.mark.parametrize("path", HOSTILE)
def test_each_trick_ends_as_one_reason(path: str, hostile: Server, tmp_path: Path) -> None:
    _, reason, value = HOSTILE[path]
    found = fetched(tmp_path, [hostile.url + path], settings())[hostile.url + path]
    assert found.path == "" and found.drop is not None
    assert (found.drop.reason, found.drop.stage) == (reason, "fetch")
    assert value in found.drop.value
    passing = reason in ("timeout", "cut_short", "unreachable") or value == "503"
    if "longer" not in path and "circle" not in path:
        assert hostile.counts[path] == (2 if passing else 1)  # asked again once, or never
    # A second run asks again for what may pass, and for nothing else.
    before = len(hostile.asked)
    again = fetched(tmp_path, [hostile.url + path], settings(retries=0))[hostile.url + path]
    assert again.drop == found.drop
    assert (len(hostile.asked) > before) == passing


@pytest.mark.parametrize("path", KIND)
def test_oddities_are_forgiven(path: str, hostile: Server, tmp_path: Path) -> None:
    found = fetched(tmp_path, [hostile.url + path], settings())[hostile.url + path]
    assert found.drop is None, found.drop
    expected = {"/says-less": GOOD[:-10], "/pixel": picture(1, 1, "GIF")}.get(path, GOOD)
    assert files.read(found.path) == expected


def test_all_at_once_and_the_good_ones_come(hostile: Server, tmp_path: Path) -> None:
    paths = [*HOSTILE, *KIND]
    found = fetched(tmp_path, [hostile.url + path for path in paths], settings(per_host=64, retries=3))
    assert {path for path in paths if found[hostile.url + path].drop is None} == set(KIND)


@pytest.mark.parametrize("where", ["http://127.0.0.1:{port}/good.jpg", "http://169.254.169.254/latest/meta-data/",
                                   "http://[::1]:{port}/good.jpg", "http://[::ffff:127.0.0.1]:{port}/good.jpg",
                                   "http://2130706433:{port}/good.jpg", "http://0177.0.0.1:{port}/good.jpg",
                                   "http://0x7f.1:{port}/good.jpg", "http://localhost:{port}/good.jpg",
                                   "http://0.0.0.0:{port}/good.jpg"])
def test_private_addresses_are_not_connected_to(where: str, hostile: Server, tmp_path: Path) -> None:
    url = where.format(port=hostile.server_address[1])
    found = fetched(tmp_path, [url], settings(allow_private=False))[url]
    assert found.drop is not None and found.drop.reason == ("bad_url" if "0177" in where else "private_address")
    assert hostile.connections == 0


def test_a_redirect_to_a_private_address_is_not_followed(hostile: Server, tmp_path: Path,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    # The one address that may be asked is this server's; the one that it points to is as private as ever.
    from builders.fetching import network
    monkeypatch.setattr(network, "is_public", lambda ip: ip == "127.0.0.1")
    with serving({"/good.jpg": text(GOOD)}, "127.0.0.2") as inner:
        hostile.behaviours["/inside"] = to(f"{inner.url}/good.jpg")
        hostile.behaviours["/metadata"] = to("http://169.254.169.254/latest/")
        urls = [hostile.url + path for path in ("/inside", "/metadata", "/good.jpg")]
        found = fetched(tmp_path, urls, settings(allow_private=False))
        assert [found[url].drop and found[url].drop.reason for url in urls] == [
            "private_address", "private_address", None]
        assert inner.connections == 0


def test_a_name_that_leads_elsewhere_a_moment_later_gains_nothing(hostile: Server, tmp_path: Path,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    # The first answer to each look-up is public, all later ones are not: were it looked up twice, the second would win.
    asked = []

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> object:
        asked.append(host)
        ip = "192.0.2.1" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    from builders.fetching import network
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(network, "is_public", lambda ip: ip == "192.0.2.1")
    url = f"http://rebinding.example:{hostile.server_address[1]}/good.jpg"
    found = fetched(tmp_path, [url], settings(allow_private=False))[url]
    assert found.drop is not None and found.drop.reason in ("private_address", "timeout", "unreachable")
    assert hostile.connections == 0


def test_one_private_address_among_a_host_s_is_enough(hostile: Server, tmp_path: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> object:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("1.1.1.1", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    found = fetched(tmp_path, ["http://two.example/a.jpg"], settings(allow_private=False))
    assert found["http://two.example/a.jpg"].drop.value == "10.0.0.1"  # type: ignore[union-attr]


@pytest.mark.parametrize("url", ["", "no address", "ftp://example.org/a.jpg", "file:///etc/passwd", "javascript:1",
                                 "http://user:word@example.org/a.jpg", "http://", "http:///a.jpg", "http://[::1/a.jpg",
                                 "http://example.org:99999/a.jpg", "http://" + "a" * 64 + ".org/", "//example.org/a",
                                 "http://exa mple.org/", "http://example.org/\x00", "http://example..org/",
                                 "http://example.org/" + "a" * 9000])
def test_what_is_no_web_address_is_not_asked(url: str, tmp_path: Path) -> None:
    found = fetched(tmp_path, [url], settings())[url]
    assert found.drop is not None and (found.drop.reason, found.drop.stage) == ("bad_url", "fetch")
