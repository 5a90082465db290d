"""Lists of addresses: every form tells the same, and whatever is wrong with an entry costs that entry."""

import csv
import gzip
import hashlib
import io
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.fetching.addresses import checked
from builders.pools import open_pool
from builders.pools.base import fault
from builders.pools.urls import UrlList
from schemas.errors import RowError, UsageError
from schemas.records import Post, Rejected

CHICK, ADULT = "https://example.org/chick.jpg", "http://example.org:8080/adult.png?size=2#top"
ROWS = [{"url": CHICK, "text": "a chick, \"grey\"", "license": "cc-by", "attribution": "Ann"},
        {"url": ADULT, "text": "ein Küken", "license": "", "attribution": ""},
        {"url": "", "text": "nowhere", "license": "", "attribution": ""},
        {"url": CHICK, "text": "again", "license": "", "attribution": ""}]


def separated(delimiter: str) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(ROWS[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(ROWS)
    return text.getvalue().encode()


def table(columns: dict[str, Any]) -> bytes:
    data = io.BytesIO()
    pq.write_table(pa.table(columns), data)
    return data.getvalue()


FORMS: dict[str, Callable[[], bytes]] = {
    "list.csv": lambda: separated(","), "list.tsv": lambda: separated("\t"),
    "list.jsonl": lambda: "\n".join(map(json.dumps, ROWS)).encode(),
    "list.parquet": lambda: table({name: [row[name] for row in ROWS] for name in ROWS[0]}),
}


def read(path: Path, limit: int = 0) -> list[Post | Rejected]:
    return list(UrlList(path, limit).posts())


def whys(rows: list[Post | Rejected]) -> list[tuple[str, str, str]]:
    """Id, reason and what was seen of the rows that are none."""
    return [(row.id, row.drop.reason, row.drop.value) for row in rows if isinstance(row, Rejected)]


def urls(rows: list[Post | Rejected]) -> list[str]:
    return [row.url for row in rows if isinstance(row, Post)]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", FORMS)
def test_every_form_tells_the_same(tmp_path: Path, name: str, packed: bool) -> None:
    data = FORMS[name]()
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(data) if packed else data)
    pool = open_pool(str(path), tmp_path / "out")
    first, second, *others = pool.posts()
    assert first == Post(id=hashlib.sha256(CHICK.encode()).hexdigest()[:16], path="", url=CHICK,
                         text='a chick, "grey"', license="cc-by", attribution="Ann")
    assert isinstance(second, Post) and (second.url, second.text, second.license) == (ADULT, "ein Küken", "")
    at = [4, 5] if ".csv" in name or ".tsv" in name else [3, 4]  # lines of a file with a header, rows of one without
    assert whys(others) == [(f"{path.name}:{at[0]}", "bad_url", "no address"),
                            (f"{path.name}:{at[1]}", "duplicate_url", CHICK)]
    assert (pool.said, pool.root) == (f"urls:{path.name}", tmp_path)


@pytest.mark.parametrize("packed", [False, True])
def test_text_has_one_a_line(tmp_path: Path, packed: bool) -> None:
    data = f"\ufeff{CHICK}\r\n\r\n# adults\n  {ADULT}  \n{CHICK}\nwords".encode()
    path = tmp_path / ("list.txt.gz" if packed else "list.txt")
    path.write_bytes(gzip.compress(data) if packed else data)
    pool = UrlList(path)
    rows = list(pool.posts())
    assert urls(rows) == [CHICK, ADULT]
    assert whys(rows) == [(f"{path.name}:5", "duplicate_url", CHICK), (f"{path.name}:6", "bad_url", "no scheme: words")]
    assert pool.counts == {"blank_lines": 2}


@pytest.mark.parametrize("url", [
    "http://", "https:///a.jpg", "//host/a.jpg", "host/a.jpg", "ftp://host/a", "file:///etc/passwd", "data:image/png,a",
    "http://[::1/a.jpg", "http://ho st/a.jpg", "http://host:port/", "http://host/\x07", "http://host/\u202egpj.a",
    "http://host/" + "a" * 8200, "javascript:alert(1)", "?",
    "http://1.2.3.999/a.jpg", "http://01.2.3.4",
])
def test_what_cannot_be_asked_is_rejected(tmp_path: Path, url: str) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"url": url}) + "\n" + json.dumps({"url": CHICK}))
    bad, good = read(tmp_path / "a.jsonl")
    assert isinstance(bad, Rejected) and bad.drop.reason == "bad_url" and bad.drop.stage == "source"
    assert bad.drop.value.isprintable() and len(bad.drop.value) <= 300
    assert isinstance(good, Post)


@pytest.mark.parametrize("url", ["https://ann:secret@example.org/a.jpg", "ftp://ann:secret@example.org/",
                                 "https://ann:secret@exa mple.org/", "https://ann:secret@example.org:99999/"])
def test_a_password_is_not_told(tmp_path: Path, url: str) -> None:
    (tmp_path / "a.txt").write_text(url)
    [(row, why, said)] = whys(read(tmp_path / "a.txt"))
    assert (row, why) == ("a.txt:1", "bad_url") and "secret" not in said and "exa" in said


@given(st.from_regex(r"https?://[a-zA-Z0-9_.:@-]{1,80}([/?#][!-~]{0,20})?", fullmatch=True))
def test_what_is_taken_can_be_asked(url: str) -> None:
    try:
        checked(url)
        good = True
    except RowError:
        good = False
    assert (fault(url) == "") == good


def test_other_names_of_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"n,TEXT,image_url\n1,a chick,{CHICK}\n")
    (tmp_path / "b.csv").write_text(f"URL,title,Caption\n{CHICK},not this,a chick\n")
    (tmp_path / "c.jsonl").write_text(json.dumps({"title": "a chick", "URL": CHICK, "text": None}))
    (tmp_path / "d.parquet").write_bytes(table({"url": [CHICK.encode()], "caption": [b"a chick"]}))
    for name in ("a.csv", "b.csv", "d.parquet"):
        [row] = read(tmp_path / name)
        assert isinstance(row, Post) and (row.url, row.text) == (CHICK, "a chick")
    [row] = read(tmp_path / "c.jsonl")
    assert isinstance(row, Post) and row.text == ""


def test_texts_are_one_line_fit_to_be_shown(tmp_path: Path) -> None:
    text = " a\n\tchick\x00\x1b[31m \u202eabc \u200d \U0001f427" + "x" * 20_000
    (tmp_path / "a.jsonl").write_text(json.dumps({"url": CHICK, "text": text, "license": 7}))
    [row] = read(tmp_path / "a.jsonl")
    assert isinstance(row, Post) and row.license == ""
    assert row.text.startswith("a chick [31m abc \u200d \U0001f427xxx") and len(row.text) == 10_000


def test_damaged_csv_costs_its_own_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        'url,text\nhttp://a/1,one\nhttp://a/2,too,many\nhttp://a/3\n\nhttp://a/4,"two\nlines"\n'
        'http://a/5,"a "quote" inside"\nhttp://a/6,six\n' + 'http://a/7,"never closed\nhttp://a/8,eight\n')
    pool = UrlList(tmp_path / "a.csv")
    rows = list(pool.posts())
    assert urls(rows) == ["http://a/1", "http://a/4", "http://a/6"]
    assert [row.text for row in rows if isinstance(row, Post)] == ["one", "two lines", "six"]
    said = whys(rows)
    assert [(row, why) for row, why, _ in said] == [
        ("a.csv:3", "bad_url"), ("a.csv:4", "bad_url"), ("a.csv:8", "bad_url"), ("a.csv:10", "bad_url")]
    assert said[0][2] == "3 values, not 2" and said[1][2] == "1 values, not 2"
    assert said[3][2].startswith("lines 10 to 11: ")
    assert pool.counts == {"blank_lines": 1}


def test_a_quote_that_is_never_closed_swallows_little(tmp_path: Path) -> None:
    lines = [f"http://a/{number},text" for number in range(20_000)]
    lines[100] = 'http://a/100,"open'
    (tmp_path / "a.csv").write_text("url,text\n" + "\n".join(lines))
    rows = read(tmp_path / "a.csv")
    assert len(urls(rows)) > 13_000 and urls(rows)[-1] == "http://a/19999"
    [(row, why, said)] = whys(rows)
    assert (row, why) == ("a.csv:102", "bad_url") and said.startswith("lines 102 to ")


def test_damaged_lines_of_json(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"url": "http://a/1"}\n{"url": "http://a/2"\n[1]\n{"url": ["http://a/3"]}\n'
                                       b'{"url": "http://a/\xff"}\n\n{"a": ' + b"[" * 5000 + b'\n{"url": "http://a/4"}')
    rows = read(tmp_path / "a.jsonl")
    assert urls(rows) == ["http://a/1", "http://a/4"]
    assert [row for row, _, _ in whys(rows)] == [f"a.jsonl:{line}" for line in (2, 3, 4, 5, 7)]


def test_a_line_without_end_is_one_bad_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"http://a/1\n{'x' * 5 * 2**20}\nhttp://a/2")
    rows = read(tmp_path / "a.txt")
    assert urls(rows) == ["http://a/1", "http://a/2"] and [row for row, _, _ in whys(rows)] == ["a.txt:2"]


def test_parquet_with_odd_columns(tmp_path: Path) -> None:
    bad = pa.Array.from_buffers(pa.string(), 3, pa.array([b"http://a/1", b"\xff\xfe", b"http://a/3"]).buffers())
    (tmp_path / "a.parquet").write_bytes(table({"url": bad, "text": pa.array([None, "b", "c"])}))
    rows = read(tmp_path / "a.parquet")
    assert urls(rows) == ["http://a/1", "http://a/3"] and whys(rows) == [("a.parquet:2", "bad_url", "no UTF-8")]
    pq.write_table(pa.table([pa.array(["x"]), pa.array(["y"]), pa.array([CHICK])], names=["url", "url", "image_url"]),
                   tmp_path / "b.parquet")
    assert urls(read(tmp_path / "b.parquet")) == [CHICK]
    (tmp_path / "c.parquet").write_bytes(table({"url": pa.array([{"a": CHICK}, None])}))
    assert [why for _, _, why in whys(read(tmp_path / "c.parquet"))] == ["no address"] * 2


def damaged(tmp_path: Path) -> list[tuple[str, bytes]]:
    parquet = FORMS["list.parquet"]()
    packed = gzip.compress(b"\n".join(b"http://a/%d" % number for number in range(10_000)))
    return [("a.txt.gz", packed[:-100]), ("b.txt.gz", b"no gzip"), ("c.parquet", parquet[:-10]), ("d.parquet", b""),
            ("e.parquet.gz", gzip.compress(parquet)[:-9]), ("f.csv", b""), ("g.csv", b"name,age\nann,7\n"),
            ("h.parquet", table({"n": [1]})), ("i.csv", b'"url\n'),
            ("j.parquet", table({"url": [CHICK], "zzzz": [1]}).replace(b"zzzz", b"z\xff\xfez"))]


def test_a_list_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    for name, data in damaged(tmp_path):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UsageError, match=r"--pool") as raised:
            read(tmp_path / name)
        assert "\n" not in str(raised.value)
        assert name in str(raised.value) or "column" in str(raised.value)
    (tmp_path / "shut.txt").write_text(CHICK)
    (tmp_path / "shut.txt").chmod(0)
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "shut.txt")


def test_the_digest_is_of_the_rows_that_were_taken(tmp_path: Path) -> None:
    def digest(name: str, limit: int = 0) -> str:
        pool = UrlList(tmp_path / name, limit)
        assert all(isinstance(row, Post) for row in pool.posts())
        return pool.digest()

    (tmp_path / "a.txt").write_text("http://a/1\nhttp://a/2\n")
    (tmp_path / "b.csv").write_text("url\nhttp://a/1\nhttp://a/2\nhttp://a/3\n")
    assert digest("a.txt") == digest("b.csv", 2) != digest("b.csv")
    assert [urls(read(tmp_path / "b.csv", limit)) for limit in (1, 2)] == [["http://a/1"],
                                                                           ["http://a/1", "http://a/2"]]


def test_a_long_list_takes_no_memory_of_its_size(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("w") as file:
        for number in range(60_000):
            file.write(f"https://one.example.org/pictures/{number}/{'x' * 150}.jpg\n")
    assert (tmp_path / "a.txt").stat().st_size > 11 * 10**6
    pool = UrlList(tmp_path / "a.txt")
    tracemalloc.start()
    assert sum(1 for _ in pool.posts()) == 60_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * 10**6  # a block of 4 MiB, its lines and their rests, whatever the list's length
