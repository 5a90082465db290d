"""Answers from a vision model behind an OpenAI-compatible endpoint: vLLM, llama.cpp, Ollama, a hosted one.

One request a picture, with all the questions, constrained to a JSON object of short strings. The paper asks
InstructBLIP one question at a time; such models answer several at once as well, for an eighth of the picture tokens.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
from PIL import Image

from annotators.base import Batch, Picture, identity
from annotators.chat import Endpoint
from schemas.answers import QUESTIONS

SIDE = 768
"""Longest side, pixels, at which a picture is sent."""
QUALITY = 92
LONGEST = 120
"""Characters of an answer that are kept."""
_VERSION = 1
_NEEDS = "a key in OPENAI_API_KEY, a model that sees pictures, and response_format json_schema"
CLOTHES = (
    "Look at the clothes of the character in this picture and answer in a few words each, colors and garments only. "
    'Say "none" for what is not worn and "not visible" for what the picture does not show.'
)
"""What stands before questions about clothes."""


class EndpointAnswers:
    """Annotator `answers`: one string for each question; "unknown" in each when the model declined.

    `url` is the base of the API, with `/v1`; `#NAME` behind it names the model, which is asked of the endpoint when it
    serves just one. `questions` () are those of each row's own, in the column `questions`; `said` stands before them;
    `flag` is the option that gave the address, for messages. The key is read from OPENAI_API_KEY when there is one.
    What a remote model says may differ from day to day: it is asked once for each picture, and what it said then is
    kept. Raises UsageError when the endpoint cannot be reached, names no model or refuses the request; BuildError when
    it stops answering.
    """

    name = "answers"
    needs: tuple[str, ...] = ("image",)
    features = pa.schema([("answers", pa.list_(pa.string()))])

    def __init__(self, url: str, concurrency: int = 8, questions: tuple[str, ...] = QUESTIONS, said: str = CLOTHES,
                 flag: str = "--answers") -> None:
        base, _, model = url.partition("#")
        self._endpoint, self._concurrency = Endpoint(base, flag, _NEEDS), concurrency
        self._questions, self._said = questions, said
        if not questions:
            self.needs = ("image", "questions")
        self.model = model or self._endpoint.only_model(f"{flag} {base}#NAME")
        options = {"questions": questions, "prompt": _prompt(said, questions), "model": self.model, "side": SIDE,
                   "quality": QUALITY}
        self.identity = identity(self.name, _VERSION, options)
        self.provenance = {"backend": "OpenAI-compatible endpoint, all questions in one request", "weights": self.model,
                           "licence": "unknown: see the terms of the model that was asked"}

    def __call__(self, batch: Batch) -> dict[str, list[Any]]:
        """Answers for each picture, several asked at a time."""
        asked = [self._questions] * len(batch["image"]) if self._questions else batch["questions"]
        with ThreadPoolExecutor(self._concurrency) as pool:
            return {"answers": list(pool.map(self._ask, batch["image"], asked))}

    def _ask(self, picture: Picture, questions: Sequence[str]) -> list[str]:
        keys = _keys(questions)
        schema = {"type": "object", "additionalProperties": False, "required": keys,
                  "properties": {key: {"type": "string"} for key in keys}}
        body = {
            "model": self.model, "temperature": 0, "seed": 0, "max_tokens": 400,
            "messages": [{"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": _data_url(picture)}},
                {"type": "text", "text": _prompt(self._said, questions)},
            ]}],
            "response_format": {"type": "json_schema",
                                "json_schema": {"name": "answers", "strict": True, "schema": schema}},
        }  # fmt: skip
        for _ in range(3):
            found = _answers(self._endpoint.complete(body), keys)
            if found:
                return found
        return ["unknown"] * len(questions)


def _keys(questions: Sequence[str]) -> list[str]:
    return [f"q{number}" for number in range(1, len(questions) + 1)]


def _prompt(said: str, questions: Sequence[str]) -> str:
    return "\n".join([said, *(f"{key}: {question.rstrip('?')}?"
                              for key, question in zip(_keys(questions), questions, strict=True))])


def _data_url(picture: Picture) -> str:
    image = Image.fromarray(picture)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()


def _answers(reply: Any, keys: Sequence[str]) -> list[str]:
    """The answers of a chat completion; [] when there are none: declined, cut short, or no such object."""
    try:
        said = json.loads(reply["choices"][0]["message"]["content"])
        found = [said[key] for key in keys]
    except (KeyError, IndexError, TypeError, ValueError):
        return []
    if not all(isinstance(answer, str) for answer in found):
        return []
    return ["".join(c for c in " ".join(answer.split()) if c.isprintable())[:LONGEST] for answer in found]
