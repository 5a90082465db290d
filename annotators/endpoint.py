"""Answers from a vision model behind an OpenAI-compatible endpoint: vLLM, llama.cpp, Ollama, a hosted one.

One request a picture, with all the questions, constrained to a JSON object of short strings. The paper asks
InstructBLIP one question at a time; such models answer several at once as well, for an eighth of the picture tokens.
"""

from __future__ import annotations

import base64
import email.utils
import io
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import httpx2
import pyarrow as pa
from PIL import Image

from annotators.base import Batch, Picture, identity
from schemas.answers import QUESTIONS
from schemas.errors import BuildError, UsageError

SIDE = 768
"""Longest side, pixels, at which a picture is sent."""
QUALITY = 92
LONGEST = 120
"""Characters of an answer that are kept."""
_ATTEMPTS = 8
_WAIT, _LONGEST_WAIT = 0.5, 60.0  # seconds before the second attempt, doubled each time up to the latter
_TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_VERSION = 1
_KEYS = tuple(f"q{number}" for number in range(1, len(QUESTIONS) + 1))

PROMPT = (
    "Look at the clothes of the character in this picture and answer in a few words each, colors and garments only. "
    'Say "none" for what is not worn and "not visible" for what the picture does not show.\n'
    + "\n".join(f"{key}: {question}?" for key, question in zip(_KEYS, QUESTIONS, strict=True))
)
_SCHEMA = {
    "type": "object", "additionalProperties": False, "required": list(_KEYS),
    "properties": {key: {"type": "string"} for key in _KEYS},
}  # fmt: skip


class EndpointAnswers:
    """Annotator `answers`: one string for each of QUESTIONS; "unknown" in each when the model declined.

    `url` is the base of the API, with `/v1`; `#NAME` behind it names the model, which is asked of the endpoint when it
    serves just one. The key is read from OPENAI_API_KEY when there is one. What a remote model says may differ from day
    to day: it is asked once for each picture, and what it said then is kept. Raises UsageError when the endpoint cannot
    be reached, names no model or refuses the request; BuildError when it stops answering.
    """

    name = "answers"
    needs: tuple[str, ...] = ("image",)
    features = pa.schema([("answers", pa.list_(pa.string()))])

    def __init__(self, url: str, concurrency: int = 8) -> None:
        base, _, model = url.partition("#")
        self._base, self._concurrency = base.rstrip("/"), concurrency
        self.model = model or _only_model(self._base)
        options = {"questions": QUESTIONS, "prompt": PROMPT, "model": self.model, "side": SIDE, "quality": QUALITY}
        self.identity = identity(self.name, _VERSION, options)
        self.provenance = {"backend": "OpenAI-compatible endpoint, all questions in one request", "weights": self.model,
                           "licence": "unknown: see the terms of the model that was asked"}

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """Answers for each picture, several asked at a time."""
        with ThreadPoolExecutor(self._concurrency) as pool:
            return {"answers": list(pool.map(self._ask, batch["image"]))}

    def _ask(self, picture: Picture) -> list[str]:
        body = {
            "model": self.model, "temperature": 0, "seed": 0, "max_tokens": 400,
            "messages": [{"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": _data_url(picture)}}, {"type": "text", "text": PROMPT},
            ]}],
            "response_format": {"type": "json_schema",
                                "json_schema": {"name": "clothes", "strict": True, "schema": _SCHEMA}},
        }  # fmt: skip
        for _ in range(3):
            found = _answers(_request("POST", f"{self._base}/chat/completions", body))
            if found:
                return found
        return ["unknown"] * len(QUESTIONS)


def _data_url(picture: Picture) -> str:
    image = Image.fromarray(picture)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()


def _answers(reply: Any) -> list[str]:
    """The answers of a chat completion; [] when there are none: declined, cut short, or no such object."""
    try:
        said = json.loads(reply["choices"][0]["message"]["content"])
        found = [said[key] for key in _KEYS]
    except (KeyError, IndexError, TypeError, ValueError):
        return []
    if not all(isinstance(answer, str) for answer in found):
        return []
    return ["".join(c for c in " ".join(answer.split()) if c.isprintable())[:LONGEST] for answer in found]


def _only_model(base: str) -> str:
    reply = _request("GET", f"{base}/models")
    try:
        names = [str(model["id"]) for model in reply["data"]]
    except (KeyError, TypeError):
        names = []
    if len(names) != 1:
        raise UsageError("the endpoint does not serve exactly one model", seen=", ".join(names[:8]) or "none",
                         allowed="the model's name behind the address", next_command=f"--answers {base}#NAME")
    return names[0]


@lru_cache(maxsize=1)
def _client() -> httpx2.Client:
    """One for a process: connections are used again."""
    key = os.environ.get("OPENAI_API_KEY", "")
    return httpx2.Client(headers={"Authorization": f"Bearer {key}"} if key else {},
                        timeout=httpx2.Timeout(300.0, connect=10.0))


def _request(method: str, url: str, body: Any = None) -> Any:
    """The JSON of a reply; asks again, later each time or when the endpoint says, after errors that may pass."""
    trouble = ""
    for attempt in range(_ATTEMPTS):
        wait = min(_WAIT * 2**attempt, _LONGEST_WAIT)
        try:
            reply = _client().request(method, url, json=body)
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise UsageError(f"--answers is no address: {error}", seen=url, allowed="http://HOST:PORT/v1") from None
        except httpx2.TransportError as error:
            trouble = f"{type(error).__name__}: {error}"
            if method == "GET" and attempt > 1:  # the first question of a build: nothing is there
                raise UsageError(f"the endpoint cannot be reached: {trouble}", seen=url,
                                 allowed="the base address of a running server, with /v1") from None
        else:
            if reply.is_success:
                try:
                    return reply.json()
                except ValueError:
                    trouble = "a reply that is no JSON"
            elif reply.status_code in _TRANSIENT:
                trouble = f"status {reply.status_code}"
                wait = _told(reply.headers.get("Retry-After", ""), wait)
            else:
                raise UsageError(f"the endpoint refused with status {reply.status_code}", seen=reply.text[:300].strip(),
                                 allowed="a key in OPENAI_API_KEY, a model that sees pictures, and response_format "
                                         "json_schema")
        if attempt + 1 < _ATTEMPTS:
            time.sleep(wait)
    raise BuildError(f"the endpoint did not answer {_ATTEMPTS} times, last with {trouble}; finished shards are kept: "
                     "run the same command again")


def _told(said: str, otherwise: float) -> float:
    """Seconds of a Retry-After header, a number or a date, within 0 and `_LONGEST_WAIT`."""
    try:
        return min(max(float(said), 0.0), _LONGEST_WAIT)
    except ValueError:
        pass
    try:
        return min(max(email.utils.parsedate_to_datetime(said).timestamp() - time.time(), 0.0), _LONGEST_WAIT)
    except (ValueError, TypeError):
        return otherwise
