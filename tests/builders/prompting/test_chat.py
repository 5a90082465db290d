"""Word pools asked of a real HTTP server, which writes as chat models do and now and then fails as endpoints do."""

from __future__ import annotations

import http.server
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from annotators import chat as client
from builders import cli
from builders.prompting import chat
from builders.prompting.pools import STYLES, pool_files, read_pools
from schemas.prompts import FORM

Out = pytest.CaptureFixture[str]
SUBJECTS = {"shape": "the shape", "color": "the color", "texture": "the texture",
            "background": "phrases that tell where", "body": "the body", "skin": "the skin or",
            "emotion": "the emotion", "motion": '"$concept"', "photographic": "a photograph of some kind",
            "styled": "no photograph"}
ENTRY = {"background": "on a {} {}", "motion": "a $concept sitting in a {} {}", "photographic": "a {} photo of",
         "styled": "a {} painting of"}


def word(number: int) -> str:
    """Words that nothing else is like: every letter counts."""
    return "".join("bdfgkmpt"[number // 8**place % 8] + "ao"[place % 2] for place in range(4))


class Author(http.server.BaseHTTPRequestHandler):
    """Writes at most `server.supply` entries for each subject; `server.plan` holds what the next replies are."""

    server: Any

    def do_GET(self) -> None:
        self._reply(200, {"data": [{"id": name} for name in self.server.models]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)
        plan = self.server.plan.pop(0) if self.server.plan else self.server.always
        if callable(plan):
            plan = plan(self)
        if isinstance(plan, tuple):
            self._reply(*plan)
            return
        said = self._write(body["messages"][0]["content"]) if plan is None else plan
        self._reply(200, {"model": "author-1-2026", "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}]})

    def _write(self, text: str) -> str:
        [subject] = [name for name, asked in SUBJECTS.items() if asked in text]
        count = int(re.match(r"Give me (\d+) ", text)[1])  # type: ignore[index]
        begun = self.server.written.get(subject, 0)
        self.server.written[subject] = ended = min(begun + count, self.server.supply)
        offset = 400 * list(SUBJECTS).index(subject)
        made = [ENTRY.get(subject, "{}").format(word(offset + 2 * n), word(offset + 2 * n + 1))
                for n in range(begun, ended)]
        lines = [f"{n}. **{entry.capitalize()}**" for n, entry in enumerate(made, 1)]
        return "\n".join(["Here is your list:", *lines, "I hope that it helps!"])

    def _reply(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        with suppress(OSError):  # who waited has gone
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    def log_request(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    made: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Author)
    made.models, made.bodies, made.written, made.plan, made.always = ["author-1"], [], {}, [], None
    made.supply, made.host = 10_000, f"127.0.0.1:{made.server_port}"
    threading.Thread(target=made.serve_forever, daemon=True).start()
    monkeypatch.setattr(client, "_WAIT", 0.001)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    client._client.cache_clear()
    yield made
    made.shutdown()
    made.server_close()
    client._client.cache_clear()


def command(server: Any, out: Path, *more: str, kind: str = "object") -> list[str]:
    return ["pools", "--kind", kind, "--endpoint", f"http://me:hidden@{server.host}/v1", "--out", str(out), *more]


def refused(capsys: Out, words: list[str], code: int = 2) -> str:
    assert cli.main(words) == code
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("build: ")
    return said


def asked(server: Any) -> list[str]:
    return [body["messages"][0]["content"] for body in server.bodies]


@pytest.mark.parametrize("kind", FORM)
def test_pools_of_a_kind_are_read_by_builds(server: Any, tmp_path: Path, kind: Any, capsys: Out) -> None:
    out = tmp_path / "pools"
    assert cli.main(command(server, out, "--words", "12", kind=kind)) == 0
    files = {**pool_files(kind, FORM[kind]), **STYLES}
    assert {path.name for path in out.iterdir()} == {*files.values(), "provenance.json", "answers"}
    pools = read_pools(kind, FORM[kind], out)
    for number, part in enumerate(SUBJECTS):
        if part in files:
            made = tuple(ENTRY.get(part, "{}").format(word(400 * number + 2 * n), word(400 * number + 2 * n + 1))
                         for n in range(12))
            assert {**pools.words, **pools.styles}[part] == made
    assert len(server.bodies) == 6 == len(list((out / "answers").iterdir()))
    assert all(body.keys() == {"model", "messages"} and body["model"] == "author-1" for body in server.bodies)
    person = [text for text in asked(server) if "a person" in text or "hair" in text]
    assert len(person) == (4 if kind == "person" else 0) and not any("{" in text for text in asked(server))
    assert ("animal" in " ".join(asked(server))) == (kind == "animal")
    assert [path.name for path in tmp_path.iterdir()] == ["pools"]
    assert "12 of 12" in capsys.readouterr().out


def test_the_papers_sizes_are_asked_for_in_pages(server: Any, tmp_path: Path) -> None:
    for kind, requests in (("object", 3 + 5 + 2), ("animal", 3 + 10 + 2)):
        server.bodies.clear()
        server.written.clear()
        assert cli.main(command(server, tmp_path / kind, kind=kind)) == 0
        pools = read_pools(kind, FORM[kind], tmp_path / kind)  # type: ignore[arg-type]
        sizes = {part: len(words) for part, words in {**pools.words, **pools.styles}.items()}
        scene = {"background": 500} if kind == "object" else {"motion": 1000}
        assert sizes == dict.fromkeys(sizes, 100) | scene | {"photographic": 50, "styled": 50}
        assert len(server.bodies) == requests
    scenes = [text for text in asked(server) if '"$concept"' in text]
    last = ENTRY["motion"].format(word(400 * 7 + 198), word(400 * 7 + 199))
    assert "none of these" not in scenes[0] and scenes[1].endswith(f"; {last}.")
    assert len(scenes[9].partition("none of these: ")[2].split("; ")) == 200


def test_where_the_words_come_from_is_told_and_no_secret(server: Any, tmp_path: Path,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "very-secret")
    server.plan = ["- ball-shaped\n- Ball shaped\n- teapot-like\n- ball-shaped\n- as big as a house", "- flat\n- oval"]
    out = tmp_path / "pools"
    assert cli.main(command(server, out, "--words", "2")) == 0
    told = json.loads((out / "provenance.json").read_text())
    assert told["endpoint"] == server.host and told["models"] == ["author-1-2026"] and told["kind"] == "object"
    shapes = told["pools"]["object_shapes.txt"]
    assert (out / "object_shapes.txt").read_text() == "ball-shaped\nflat\n"
    assert shapes["removed"] == {"near copy": 1, "class noun": 1, "repeated": 1, "too long": 1,
                                 "more than asked for": 1}
    assert (shapes["asked_for"], shapes["kept"], shapes["answers"]) == (2, 2, 2)
    assert shapes["request"] == asked(server)[0] and "none of these: ball-shaped." in asked(server)[1]
    answer = json.loads((out / "answers" / "object_shapes-001.json").read_text())
    assert (answer["text"], answer["said"], answer["served"]) == (asked(server)[1], "- flat\n- oval", "author-1-2026")
    every = " ".join(path.read_text() for path in out.rglob("*") if path.is_file())
    assert "hidden" not in every and "very-secret" not in every and str(tmp_path) not in every


def test_who_has_no_more_to_say_is_asked_twice_more(server: Any, tmp_path: Path, capsys: Out) -> None:
    server.supply = 7
    assert cli.main(command(server, tmp_path / "pools", "--words", "12")) == 0
    assert len(server.bodies) == 6 * 3
    assert len(read_pools("object", "static", tmp_path / "pools").words["shape"]) == 7
    assert capsys.readouterr().out.count("7 of 12") == 6


def test_answers_cut_short_and_thoughts(server: Any, tmp_path: Path) -> None:
    cut = {"choices": [{"finish_reason": "length", "message": {"content": "<think>\n- bold\n</think>\n- flat\n- ov"}}]}
    line = {"choices": [{"finish_reason": "length", "message": {"content": '["bent", "curved", "crook'}}]}
    thinking = {"choices": [{"finish_reason": "length", "message": {"content": "<think>\n- bold\n- strong"}}]}
    server.plan = [(200, cut), (200, {"choices": [{"message": {"content": None}}]}), (200, line), (200, thinking)]
    assert cli.main(command(server, tmp_path / "pools", "--words", "4")) == 0
    first = json.loads((tmp_path / "pools" / "answers" / "object_shapes-000.json").read_text())
    assert first["said"].split() == ["-", "flat"] and first["served"] == "author-1"
    assert (tmp_path / "pools" / "object_shapes.txt").read_text().split() == ["flat", "bent", "curved", word(0)]


@pytest.mark.parametrize(("reply", "code", "said"), [
    ("The shape of a thing is how it is.", 2, r"hold nothing for object_shapes\.txt: too long .*shape of a thing"),
    ("I'm sorry, but I can't help.", 2, r"hold nothing for object_shapes\.txt: no list .*I'm sorry"),
    ("", 2, r"hold nothing for object_shapes\.txt: no list"),
    ("- bowl\n- teapots", 2, "object_shapes.txt: class noun"),
    ((401, {"error": "no key"}), 2, "status 401.*no key.*OPENAI_API_KEY"),
    ((404, "<html>\n<body>\nnothing</body></html>"), 2, "status 404.*nothing.*with /v1"),
    ((200, "<html>\n<body>\nHello</body></html>"), 2, "no JSON: '<html>"),
    ((200, '{"choices": [{"mess'), 2, "no JSON"),
    ((200, {"error": {"message": "overloaded"}}), 2, "no chat completion.*overloaded"),
    ((200, {"choices": []}), 2, "no chat completion"),
    ((200, []), 2, "no chat completion"),
    ((429, {}), 1, "did not answer 8 times, last with status 429"),
    ((500, {}), 1, "did not answer 8 times, last with status 500"),
])
def test_trouble_is_one_line_and_leaves_nothing(server: Any, tmp_path: Path, capsys: Out, reply: Any, code: int,
                                                said: str) -> None:
    server.always = reply
    words = command(server, tmp_path / "pools")
    assert re.search(said, refused(capsys, words, code), re.DOTALL)
    assert not list(tmp_path.iterdir())
    server.always = None
    assert cli.main(words) == 0  # nothing of it is remembered


def test_trouble_midway_leaves_what_the_next_run_can_use(server: Any, tmp_path: Path, capsys: Out) -> None:
    server.plan = [None, "The color of a thing is how it is.", "I'm sorry, but I can't help."]
    words = command(server, tmp_path / "pools", "--words", "3")
    assert "hold nothing for object_colors.txt" in refused(capsys, words)
    left = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert left == [Path(".tmp-pools", "answers", "object_shapes-000.json")]
    server.bodies.clear()
    assert cli.main(words) == 0
    assert not [text for text in asked(server) if "the shape" in text] and len(server.bodies) == 5


def test_nobody_there_and_too_slow(server: Any, tmp_path: Path, capsys: Out) -> None:
    server.always = lambda _: time.sleep(1.5)
    assert "nothing within 1 s" in refused(capsys, command(server, tmp_path / "pools", "--timeout", "1"))
    server.shutdown()
    server.server_close()
    for named in ((), ("--model", "author-1")):
        said = refused(capsys, command(server, tmp_path / "pools", *named))
        assert "cannot be reached: ConnectError" in said and "hidden" not in said
    assert not list(tmp_path.iterdir())


def test_trouble_that_passes_is_waited_for(server: Any, tmp_path: Path) -> None:
    server.plan = [(429, "slow down", {"Retry-After": "0.3"}), (503, "loading"), lambda _: time.sleep(0.2)]
    begun = time.monotonic()
    assert cli.main(command(server, tmp_path / "pools", "--words", "3")) == 0
    assert time.monotonic() - begun >= 0.5 and len(server.bodies) == 6 + 2


@pytest.mark.parametrize(("more", "said"), [
    (("--kind", "thing"), "--kind is not known"), (("--words", "-1"), "--words is out of range"),
    (("--words", "many"), "--words"), (("--timeout", "nan"), "--timeout is out of range"),
    (("--out", "s3://b/f"), "a URL where only a path"), (("--endpoint", "localhost:8000"), "--endpoint is no address")])
def test_wrong_options_are_told_before_anything_is_asked(server: Any, tmp_path: Path, capsys: Out,
                                                         more: tuple[str, str], said: str) -> None:
    assert said in refused(capsys, command(server, tmp_path / "pools", *more))
    assert not server.bodies and not list(tmp_path.iterdir())


def test_a_folder_with_something_in_it_is_left_alone(server: Any, tmp_path: Path, capsys: Out) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert "--out is not empty" in refused(capsys, command(server, tmp_path))
    assert "--out is not empty" in refused(capsys, command(server, tmp_path / "mine.txt"))
    assert not server.bodies and (tmp_path / "mine.txt").read_text() == "mine"


def test_several_models_must_be_chosen_from(server: Any, tmp_path: Path, capsys: Out) -> None:
    server.models = ["a", "b"]
    assert "--model NAME" in refused(capsys, command(server, tmp_path / "pools"))
    assert cli.main(command(server, tmp_path / "pools", "--model", "b", "--words", "1")) == 0
    assert {body["model"] for body in server.bodies} == {"b"}


def test_a_killed_run_goes_on_and_asks_nothing_again(server: Any, tmp_path: Path) -> None:
    one, whole = tmp_path / "one", tmp_path / "whole"
    assert cli.main(command(server, whole, "--words", "150")) == 0
    expected, requests = {path.name: path.read_bytes() for path in whole.glob("*.*")}, asked(server)
    server.bodies.clear()
    server.written.clear()
    stuck, go = threading.Event(), threading.Event()

    def hang(_: Author) -> tuple[int, str]:
        stuck.set()
        go.wait(30)
        return 500, ""

    server.plan = [None] * 5 + [hang]
    run = subprocess.Popen([sys.executable, "-m", "builders.cli", *command(server, one, "--words", "150")])
    assert stuck.wait(60)
    run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL and not one.exists()
    go.set()
    [unfinished] = [path for path in tmp_path.iterdir() if path.is_dir() and path != whole]
    (unfinished / "person_skins.txt").write_text("of an older run")
    (unfinished / chat.ANSWERS / "person_skins-000.json").write_text("{}")
    assert cli.main(command(server, one, "--words", "150")) == 0
    assert asked(server)[:5] + asked(server)[6:] == requests and asked(server)[5] == requests[5]
    assert {path.name: path.read_bytes() for path in one.glob("*.*")} == expected
    assert len(list((one / chat.ANSWERS).iterdir())) == len(requests)
    assert {path.name for path in tmp_path.iterdir()} == {"one", "whole"}


def test_what_another_model_said_or_what_is_damaged_is_asked_again(server: Any, tmp_path: Path, capsys: Out) -> None:
    out = tmp_path / "pools"
    server.plan = [None, None, None, (403, "no credit")]
    assert "no credit" in refused(capsys, command(server, out, "--words", "3"))
    [damaged] = tmp_path.glob(".*/answers/object_shapes-000.json")
    damaged.write_bytes(damaged.read_bytes()[:40])
    server.bodies.clear()
    server.plan = [(403, "no credit")]
    refused(capsys, command(server, out, "--words", "3"))
    assert [text for text in asked(server) if "the shape" not in text] == []
    server.bodies.clear()
    assert cli.main(command(server, out, "--words", "3", "--model", "other")) == 0
    assert len(server.bodies) == 6


def test_two_at_a_time_do_not_mix(server: Any, tmp_path: Path) -> None:
    second = []

    def beside(_: Author) -> None:
        words = [sys.executable, "-m", "builders.cli", *command(server, tmp_path / "pools")]
        second.append(subprocess.run(words, capture_output=True, text=True))

    server.plan = [beside]
    assert cli.main(command(server, tmp_path / "pools", "--words", "3")) == 0
    assert second[0].returncode == 2 and "another run is writing there" in second[0].stderr
    assert len(server.bodies) == 6
