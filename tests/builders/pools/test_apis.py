"""Openverse and iNaturalist, asked over HTTP from a local server that answers in their shape."""

import email.utils
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builders.pools import api, open_pool
from builders.pools.inaturalist import INaturalist, large
from builders.pools.openverse import Openverse
from schemas.errors import BuildError, UsageError
from schemas.records import Post, Rejected
from tests.builders.pools.api_server import Server, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.delenv("OPENVERSE_TOKEN", raising=False)
    with serving() as made:
        yield made


def image(number: int, **others: Any) -> dict[str, Any]:
    """A result as Openverse gives it, most of its fields left out."""
    return {"id": f"5c{number:06d}", "title": f"Chick {number}", "foreign_landing_url": f"https://flickr.test/p/{number}",
            "url": f"https://live.flickr.test/{number}.jpg", "creator": "Ann", "license": "by-sa",
            "license_version": "2.0", "license_url": "https://creativecommons.org/licenses/by-sa/2.0/", "width": 1024,
            "attribution": f'"Chick {number}" by Ann is licensed under CC BY-SA 2.0.', "tags": [{"name": "x"}],
            "filetype": None, **others}


def observation(number: int, *photos: dict[str, Any]) -> dict[str, Any]:
    return {"id": number, "uri": f"https://www.inaturalist.test/observations/{number}", "quality_grade": "research",
            "taxon": {"id": 3807, "name": "Aptenodytes forsteri", "preferred_common_name": "Emperor Penguin"},
            "photos": list(photos)}


def photo(number: int, code: str | None = "cc-by-nc") -> dict[str, Any]:
    return {"id": number, "license_code": code, "attribution": f"(c) Ann, some rights reserved ({code})",
            "url": f"https://photos.test/photos/{number}/square.jpg?1545"}


def openverse(server: Server, out: Path, limit: int = 0, query: str = "emperor penguin chick") -> Openverse:
    return Openverse(query, out, limit, server.base, 0.01)


def inaturalist(server: Server, out: Path, limit: int = 0) -> INaturalist:
    return INaturalist("Aptenodytes forsteri", out, limit, server.base, 0.01)


def pages(server: Server) -> list[str]:
    return [params.get("page") or params["id_above"] for _, _, params, _ in server.asked]


def test_openverse_gives_licences_and_attributions(tmp_path: Path, server: Server) -> None:
    server.images["emperor penguin chick"] = [
        image(0), image(1, license="cc0", license_version="1.0", attribution=None, title=None),
        image(2, license="pdm"), image(0), image(3, url=None), image(4, url="ftp://a/b"),
        image(5, license="BY", license_version=None, foreign_landing_url="javascript:alert(1)")]
    pool = openverse(server, tmp_path)
    rows = list(pool.posts())
    assert rows[0] == Post(
        id=hashlib.sha256(b"https://live.flickr.test/0.jpg").hexdigest()[:16], path="",
        url="https://live.flickr.test/0.jpg", text="Chick 0", license="cc-by-sa-2.0",
        attribution='"Chick 0" by Ann is licensed under CC BY-SA 2.0.', post_url="https://flickr.test/p/0")
    posts = [row for row in rows if isinstance(row, Post)]
    assert [(row.license, row.text, row.attribution[:9]) for row in posts[1:]] == [
        ("cc0-1.0", "", ""), ("pdm-2.0", "Chick 2", '"Chick 2"'), ("cc-by", "Chick 5", '"Chick 5"')]
    assert posts[3].post_url == ""
    assert [(row.id, row.drop.reason) for row in rows if isinstance(row, Rejected)] == [
        ("openverse:emperor penguin chick:4", "duplicate_url"), ("openverse:emperor penguin chick:5", "bad_url")]
    assert pool.counts == {"bad_results": 1}
    assert (pool.said, pool.name) == ("openverse:emperor penguin chick", "openverse")
    [(_, _, params, headers)] = server.asked
    assert params == {"q": "emperor penguin chick", "page": "1", "page_size": "20"}
    assert headers["user-agent"].startswith("likeness") and "authorization" not in headers


def test_pages_are_turned_up_to_the_limit_and_the_last(tmp_path: Path, server: Server) -> None:
    server.images["emperor penguin chick"] = [image(number) for number in range(45)]
    assert len(list(openverse(server, tmp_path / "a").posts())) == 45 and pages(server) == ["1", "2", "3"]
    server.asked.clear()
    few = [row.url for row in openverse(server, tmp_path / "a", 25).posts() if isinstance(row, Post)]
    assert few == [f"https://live.flickr.test/{number}.jpg" for number in range(25)] and pages(server) == ["1", "2"]
    server.asked.clear()
    server.images["emperor penguin chick"] = [image(number) for number in range(500)]
    assert len(list(openverse(server, tmp_path / "b").posts())) == 240 and len(server.asked) == 12


def test_a_rerun_lists_the_same_and_asks_nobody(tmp_path: Path, server: Server) -> None:
    server.images["emperor penguin chick"] = [image(0), {"no": "url"}, image(1)]
    first = openverse(server, tmp_path)
    rows = list(first.posts())
    server.images["emperor penguin chick"].insert(0, image(9))
    server.asked.clear()
    again = openverse(server, tmp_path)
    assert list(again.posts()) == rows and server.asked == []
    assert again.counts == first.counts == {"bad_results": 1} and again.digest() == first.digest()
    # Other words, or another limit, are another listing.
    assert len(list(openverse(server, tmp_path, 1).posts())) == 1 and len(server.asked) == 1
    [listing, _] = sorted((tmp_path / ".annotations" / "listings").iterdir(), key=lambda path: -path.stat().st_size)
    listing.write_bytes(listing.read_bytes()[:-5])
    with pytest.raises(UsageError, match=r"listing is damaged.*rm "):
        list(openverse(server, tmp_path).posts())


def test_a_key_is_sent(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.images["emperor penguin chick"] = [image(0)]
    monkeypatch.setenv("OPENVERSE_TOKEN", " secret\n")
    assert len(list(openverse(server, tmp_path).posts())) == 1
    assert server.asked[0][3]["authorization"] == "Bearer secret"
    assert "secret" not in next((tmp_path / ".annotations" / "listings").iterdir()).read_text()
    monkeypatch.setenv("OPENVERSE_TOKEN", "a\nb")
    with pytest.raises(UsageError, match="OPENVERSE_TOKEN"):
        openverse(server, tmp_path)


def test_inaturalist_gives_large_licensed_photographs(tmp_path: Path, server: Server) -> None:
    server.observations["Aptenodytes forsteri"] = [
        observation(7, photo(70), photo(71, None), photo(72, "cc0"), {"id": 73}), observation(8, photo(80, None)),
        observation(9, {**photo(90), "url": 5}, photo(91))]
    pool = inaturalist(server, tmp_path)
    rows = [row for row in pool.posts() if isinstance(row, Post)]
    assert [(row.url, row.license) for row in rows] == [
        ("https://photos.test/photos/70/large.jpg?1545", "cc-by-nc"),
        ("https://photos.test/photos/72/large.jpg?1545", "cc0"),
        ("https://photos.test/photos/91/large.jpg?1545", "cc-by-nc")]
    assert rows[0].text == "Emperor Penguin (Aptenodytes forsteri)"
    assert rows[0].attribution == "(c) Ann, some rights reserved (cc-by-nc)"
    assert rows[0].post_url == "https://www.inaturalist.test/observations/7"
    assert pool.counts == {"photos_without_licence": 1, "bad_results": 2}
    assert pages(server) == ["0", "9"]


def test_inaturalist_is_read_page_by_page(tmp_path: Path, server: Server) -> None:
    server.observations["Aptenodytes forsteri"] = [observation(3 * number + 1, photo(number)) for number in range(450)]
    rows = [row.url for row in inaturalist(server, tmp_path).posts() if isinstance(row, Post)]
    assert rows == [f"https://photos.test/photos/{number}/large.jpg?1545" for number in range(450)]
    assert pages(server) == ["0", "598", "1198", "1348"]
    server.asked.clear()
    assert len(list(inaturalist(server, tmp_path, 201).posts())) == 201 and pages(server) == ["0", "598"]


@pytest.mark.parametrize(("url", "big"), [
    ("https://a.test/photos/1/square.jpeg", "https://a.test/photos/1/large.jpeg"),
    ("https://a.test/photos/1/medium.png?9", "https://a.test/photos/1/large.png?9"),
    ("https://a.test/photos/1/original.jpg", "https://a.test/photos/1/original.jpg"),
    ("https://a.test/square/1.jpg", "https://a.test/square/1.jpg"),
])
def test_addresses_of_large_pictures(url: str, big: str) -> None:
    assert large(url) == big


def test_trouble_that_passes_is_waited_out(tmp_path: Path, server: Server) -> None:
    server.images["emperor penguin chick"] = [image(0)]
    soon = email.utils.formatdate(time.time() - 5, usegmt=True)
    server.plan = [(429, {"Retry-After": "1"}, b""), (503, {"Retry-After": soon}, b""), "hang up",
                   (200, {}, b"<html>no JSON</html>"), (200, {}, b'{"results": 3}')]
    assert len(list(openverse(server, tmp_path).posts())) == 1 and len(server.asked) == 6
    assert server.asked[1][0] - server.asked[0][0] >= 0.99  # it came back no earlier than it was told to


def test_requests_keep_their_distance(tmp_path: Path, server: Server) -> None:
    server.images["emperor penguin chick"] = [image(number) for number in range(60)]
    start = time.monotonic()
    assert len(list(Openverse("emperor penguin chick", tmp_path, 0, server.base, 0.2).posts())) == 60
    assert time.monotonic() - start >= 0.4 and len(server.asked) == 3


def test_who_never_answers_ends_the_build_in_one_line(tmp_path: Path, server: Server) -> None:
    server.plan = [(502, {}, b"")] * 6
    with pytest.raises(BuildError, match="did not answer 6 times, last with status 502"):
        list(openverse(server, tmp_path).posts())
    server.plan = [(429, {"Retry-After": "86400"}, b"")]
    with pytest.raises(BuildError, match="come back in 86400 s"):
        list(inaturalist(server, tmp_path).posts())
    with pytest.raises(BuildError, match="did not answer 6 times, last with ConnectError"):
        list(Openverse("x", tmp_path, 0, "http://127.0.0.1:9/v1/", 0.001).posts())
    assert not (tmp_path / ".annotations").exists()  # no half listing is kept


def test_refusals(tmp_path: Path, server: Server) -> None:
    with pytest.raises(UsageError, match="lists no picture for this"):
        list(openverse(server, tmp_path).posts())
    server.plan = [(401, {}, b'{"detail":\n "unknown key"}')]
    with pytest.raises(UsageError, match=r"refused: status 401: .*unknown key") as raised:
        list(openverse(server, tmp_path).posts())
    assert "\n" not in str(raised.value)
    server.plan = [(302, {"Location": "http://127.0.0.1:1/"}, b"")]
    with pytest.raises(UsageError, match="refused: status 302"):
        list(openverse(server, tmp_path).posts())
    # Refused at a later page, what came before is the listing.
    server.images["emperor penguin chick"] = [image(number) for number in range(40)]
    page = openverse(server, tmp_path).ask("images/", {"q": "emperor penguin chick", "page": 1, "page_size": 20}, dict)
    assert page["page_count"] == 2
    server.plan = [(200, {}, api.msgspec.json.encode(page)), (401, {}, b"enough")]
    pool = openverse(server, tmp_path)
    assert len(list(pool.posts())) == 20 and pool.counts == {"refused_pages": 1}


def test_a_server_that_turns_in_circles_or_never_ends(tmp_path: Path, server: Server,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MAX_REPLY", 10_000)
    body = api.msgspec.json.encode({"results": [observation(5, photo(1))]})
    server.plan = [(200, {}, body)] * 9
    assert len(list(inaturalist(server, tmp_path).posts())) == 1 and len(server.asked) == 2
    server.plan = [(200, {}, b'{"results": []' + b" " * 20_000 + b"}")] * 6
    with pytest.raises(BuildError, match="more than 10000 bytes"):
        list(openverse(server, tmp_path).posts())


def test_by_the_option(tmp_path: Path) -> None:
    pool = open_pool("inaturalist:Aptenodytes forsteri", tmp_path, 7)
    assert isinstance(pool, INaturalist) and (pool.query, pool.limit) == ("Aptenodytes forsteri", 7)
    other = open_pool("openverse:a: b", tmp_path)
    assert isinstance(other, Openverse) and (other.query, other.limit) == ("a: b", 1000)
    with pytest.raises(UsageError):
        open_pool("openverse: ", tmp_path)
