"""Answers from a real HTTP server that speaks the protocol and looks at the pictures."""

from __future__ import annotations

import base64
import http.server
import io
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annotators import chat
from annotators.base import Annotator
from annotators.endpoint import EndpointAnswers
from schemas.answers import QUESTIONS
from schemas.errors import BuildError, UsageError


def flat(red: int, green: int, blue: int, width: int = 40, height: int = 60) -> np.ndarray:
    return np.full((height, width, 3), (red, green, blue), np.uint8)


RED, BLUE = flat(230, 10, 10), flat(10, 10, 230)


class Eye(http.server.BaseHTTPRequestHandler):
    """Names the main channel of the picture. `server.plan` holds what the next replies do instead."""

    server: Any

    def do_GET(self) -> None:
        self._reply(200, {"data": [{"id": name} for name in self.server.models]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.bodies.append((self.path, dict(self.headers), body))
            self.server.now += 1
            self.server.most = max(self.server.most, self.server.now)
            plan = self.server.plan.pop(0) if self.server.plan else None
        time.sleep(0.05)
        with self.server.lock:
            self.server.now -= 1
        if plan == "hang up":
            self.close_connection = True
            return
        if isinstance(plan, tuple):
            self._reply(plan[0], {"error": plan[1]}, plan[2] if len(plan) > 2 else None)
            return
        picture = body["messages"][0]["content"][0]
        data = base64.b64decode(picture["image_url"]["url"].removeprefix("data:image/jpeg;base64,"))
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        colour = ("red", "green", "blue")[int(pixels.mean((0, 1)).argmax())]
        said = {f"q{number}": f" {colour}\n{number} " for number in range(1, len(QUESTIONS) + 1)}
        said["q1"] = f"{colour} {pixels.shape[1]}x{pixels.shape[0]}"
        content = plan if isinstance(plan, str) else json.dumps(said)
        self._reply(200, {"choices": [{"message": {"role": "assistant", "content": content}}]})

    def _reply(self, status: int, body: Any, more: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_request(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    made: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Eye)
    made.models, made.bodies, made.plan, made.lock, made.now, made.most = ["eye-1"], [], [], threading.Lock(), 0, 0
    threading.Thread(target=made.serve_forever, daemon=True).start()
    made.url = f"http://127.0.0.1:{made.server_port}/v1"
    monkeypatch.setattr(chat, "_WAIT", 0.001)
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    chat._client.cache_clear()
    yield made
    made.shutdown()
    made.server_close()
    chat._client.cache_clear()


def test_each_picture_is_asked_once_and_answered_in_order(server: Any) -> None:
    answers = EndpointAnswers(server.url)
    assert isinstance(answers, Annotator) and answers.model == "eye-1"
    found = answers({"image": [RED, BLUE, RED, BLUE, RED, BLUE]})["answers"]
    assert [row[0] for row in found] == ["red 40x60", "blue 40x60"] * 3
    assert found[1] == ["blue 40x60", *(f"blue {number}" for number in range(2, len(QUESTIONS) + 1))]
    assert len(server.bodies) == 6 and server.most > 1
    path, headers, body = server.bodies[0]
    assert (path, headers["Authorization"]) == ("/v1/chat/completions", "Bearer secret")
    assert body["model"] == "eye-1" and body["temperature"] == 0
    schema = body["response_format"]["json_schema"]
    assert schema["strict"] and schema["schema"]["required"] == [f"q{n}" for n in range(1, len(QUESTIONS) + 1)]
    assert all(question in body["messages"][0]["content"][1]["text"] for question in QUESTIONS)


def test_each_picture_can_have_questions_of_its_own(server: Any) -> None:
    free = EndpointAnswers(server.url, questions=(), said="Look.", concurrency=1)
    found = free({"image": [RED, BLUE], "questions": [("is there a dog?",), ("is it red", "is it wet?")]})["answers"]
    assert found == [["red 40x60"], ["blue 40x60", "blue 2"]]
    told = [body["messages"][0]["content"][1]["text"] for _, _, body in server.bodies]
    assert told == ["Look.\nq1: is there a dog?", "Look.\nq1: is it red?\nq2: is it wet?"]
    assert [len(body["response_format"]["json_schema"]["schema"]["properties"]) for *_, body in server.bodies] == [1, 2]
    assert free.needs == ("image", "questions") and free.identity != EndpointAnswers(server.url).identity


def test_a_large_picture_is_sent_smaller(server: Any) -> None:
    found = EndpointAnswers(server.url)({"image": [flat(9, 200, 9, 1536, 768)]})
    assert found["answers"][0][0] == "green 768x384"


def test_identity_follows_the_model_and_not_the_address(server: Any) -> None:
    one, same = EndpointAnswers(server.url), EndpointAnswers("http://elsewhere:1/v1#eye-1")
    assert one.identity == same.identity != EndpointAnswers(f"{server.url}#eye-2").identity
    assert "127.0.0.1" not in str(one.provenance) and one.provenance["weights"] == "eye-1"


def test_trouble_that_passes_is_waited_for(server: Any) -> None:
    server.plan = [(429, "slow down", {"Retry-After": "0.2"}), (503, "loading"), "hang up", (500, "oops")]
    begun = time.monotonic()
    assert EndpointAnswers(server.url)({"image": [RED]})["answers"][0][0] == "red 40x60"
    assert len(server.bodies) == 5 and time.monotonic() - begun >= 0.2


def test_trouble_that_stays_ends_the_build_in_one_line(server: Any) -> None:
    server.plan = [(503, "loading")] * 20
    with pytest.raises(BuildError, match=r"did not answer 8 times, last with status 503.*run the same command again"):
        EndpointAnswers(server.url)({"image": [RED]})


@pytest.mark.parametrize("content", ["", "no", "[]", '{"q1": "red"}', json.dumps(dict.fromkeys(
    (f"q{n}" for n in range(1, len(QUESTIONS) + 1)), 7))])
def test_what_is_no_answer_is_asked_again_and_then_unknown(server: Any, content: str) -> None:
    server.plan = [content]
    assert EndpointAnswers(server.url)({"image": [BLUE]})["answers"][0][0] == "blue 40x60"
    server.plan = [content] * 3
    assert EndpointAnswers(server.url)({"image": [BLUE]})["answers"] == [["unknown"] * len(QUESTIONS)]


def test_answers_are_short_and_printable(server: Any) -> None:
    said = dict.fromkeys((f"q{n}" for n in range(1, len(QUESTIONS) + 1)), "re\x07d \u202e" + "x" * 500)
    server.plan = [json.dumps(said)]
    (row,) = EndpointAnswers(server.url)({"image": [RED]})["answers"]
    assert row[0] == "red " + "x" * 116


def test_a_refusal_is_told(server: Any) -> None:
    server.plan = [(401, "bad key")]
    with pytest.raises(UsageError, match=r"status 401.*bad key.*OPENAI_API_KEY"):
        EndpointAnswers(server.url)({"image": [RED]})


@pytest.mark.parametrize("models", [[], ["a", "b"]])
def test_a_model_must_be_named_unless_there_is_one(server: Any, models: list[str]) -> None:
    server.models = models
    with pytest.raises(UsageError, match="#NAME"):
        EndpointAnswers(server.url)
    assert EndpointAnswers(f"{server.url}#b").model == "b"


def test_nothing_there_is_a_usage_error(server: Any) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(UsageError, match="cannot be reached"):
        EndpointAnswers(server.url)
