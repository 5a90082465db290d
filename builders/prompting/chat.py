"""`build pools`: new word pools from a chat model behind an OpenAI-compatible endpoint, asked as in the paper.

The requests are those of appendix A of "A Data Perspective on Enhanced Identity Preservation", in words of our own and
with the form of the answer told. A request holds nothing but the model and one message, which every endpoint takes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import msgspec

from annotators.chat import Endpoint
from builders.appearing import appearing, home_of
from builders.prompting.phrases import Gathering
from builders.prompting.pools import STYLES, pool_files
from schemas import atomic
from schemas.errors import UsageError
from schemas.prompts import FORM, SCENE, Kind

PROVENANCE = "provenance.json"
ANSWERS = "answers"
"""Folder of what the model said, a file an answer: an interrupted run goes on from there."""
PAGE = 100
"""Entries asked for at once."""
_SHOWN = 200
"""Entries that a request says it has already: more would not fit the models that are small."""
_IN_VAIN = 2
"""Answers in a row without a new entry after which a pool is done."""
_USUAL = {"background": 500, "motion": 1000, "style": 50}
"""Entries that the paper asked for, other than 100; its 100 styles are two pools here."""

_LIVING = {"animal": "an animal", "person": "a person"}
_COVER = {"animal": "skin or fur", "person": "skin or hair"}
_ASKED = {
    "shape": "adjectives that describe the shape of an object",
    "color": "adjectives that describe the color of an object",
    "texture": "adjectives that describe the texture of an object",
    "background": 'phrases that tell where an object is or what is behind it, such as "on the table", as diverse as '
                  "possible",
    "body": "adjectives that describe the body of {living}",
    "skin": "adjectives that describe the {cover} of {living}",
    "emotion": "adjectives that describe the emotion of {living}",
    "motion": 'short sentences, all different, with the token "$concept", which stands for {living}: for example "a '
              '$concept sitting in a temple" or "a $concept walking in a supermarket". Keep "a $concept" in each '
              "sentence",
    STYLES["photographic"]: 'beginnings of an image description that ask for a photograph of some kind, such as "a '
                            'photo of"',
    STYLES["styled"]: "beginnings of an image description that ask for a picture of some kind which is no photograph, "
                      'such as "a painting of"',
}  # fmt: skip


@dataclass(frozen=True)
class Asking:
    """What is asked of whom, and where the pools go. `words` is the size of each pool, 0 for what the paper asked for.

    `model` may be "" where the endpoint serves one; `timeout` is in seconds.
    """

    kind: Kind
    endpoint: str
    model: str
    words: int
    timeout: float
    out: Path

    def __post_init__(self) -> None:
        """Raises UsageError for what cannot be asked or written."""
        if self.kind not in FORM:
            raise UsageError("--kind is not known", seen=self.kind, allowed=", ".join(FORM))
        if not 0 <= self.words <= 10_000:
            raise UsageError("--words is out of range", seen=self.words, allowed="1 to 10000; 0 as the paper")
        if not 1 <= self.timeout <= 86_400:  # so that nan is out of range, too
            raise UsageError("--timeout is out of range", seen=self.timeout, allowed="1 to 86400 seconds")
        if self.out.exists() and (not self.out.is_dir() or any(self.out.iterdir())):
            raise UsageError("--out is not empty", seen=str(self.out), allowed="a new folder")


class Answer(msgspec.Struct, frozen=True):
    """What was said, by which model by its own name, and to what: `question` is the sha256 of host, model and text."""

    question: str
    text: str
    served: str
    said: str


class Chat:
    """A model that is asked, and what it said before, which is not asked again."""

    def __init__(self, asking: Asking) -> None:
        self._endpoint = Endpoint(asking.endpoint, "--endpoint", "a key in OPENAI_API_KEY, the base address of an API "
                                  "with /v1, and a model that it serves", asking.timeout)
        self.host, self._heard = self._endpoint.host, False
        self.model = asking.model or self._endpoint.only_model("--model NAME")

    def ask(self, text: str, path: Path) -> Answer:
        """The answer in `path` when it answers this very request, or else a new one, which is written there."""
        question = hashlib.sha256(msgspec.json.encode([self.host, self.model, text])).hexdigest()
        try:
            there = msgspec.json.decode(path.read_bytes(), type=Answer)
        except (OSError, msgspec.DecodeError):
            there = None
        if there and there.question == question:
            return there
        body = {"model": self.model, "messages": [{"role": "user", "content": text}]}
        reply = self._endpoint.complete(body, first=not self._heard)
        self._heard = True
        answer = Answer(question, text, *_said(reply, self.model))
        atomic.write(path, msgspec.json.format(msgspec.json.encode(answer)) + b"\n")
        return answer


def run(asking: Asking) -> int:
    """Asks until each pool is full or the model has no more to say, and writes the pools to OUT. Returns 0.

    Raises UsageError when the endpoint refuses, cannot be reached, or answers with no list at all; BuildError when it
    stops answering. What was answered then stays in a hidden folder beside OUT.
    """
    home, chat = home_of(asking.out), Chat(asking)
    with appearing(home, keep=True) as folder:
        entries, pools, models, used = {}, {}, set(), set()
        for name, pool in _pools(asking):
            answers = _gather(chat, pool, name, asking.kind, folder / ANSWERS)
            entries[name] = pool.kept
            used |= {_page(folder / ANSWERS, name, number) for number in range(len(answers))}
            pools[name] = {"asked_for": pool.wanted, "kept": len(pool.kept), "removed": dict(pool.removed),
                           "answers": len(answers), "request": answers[0].text}
            models |= {answer.served for answer in answers}
            left = ", ".join(f"{count:,} {reason}" for reason, count in sorted(pool.removed.items()))
            print(f"{name}: {len(pool.kept):,} of {pool.wanted:,}" + f"; left out: {left or 'none'}", flush=True)
        for path in {path for path in folder.rglob("*") if path.is_file()} - used:
            path.unlink()  # of a run that was killed, or that asked for something else
        for name, kept in entries.items():  # last: an unfinished folder holds answers alone
            atomic.write(folder / name, "".join(f"{entry}\n" for entry in kept).encode())
        told = {"kind": asking.kind, "endpoint": chat.host, "models": sorted(models),
                "likeness": version_of("likeness"), "licence": "unknown: see the terms of the model that was asked",
                "requests": "after appendix A of arXiv 2311.04315", "pools": pools}
        atomic.write(folder / PROVENANCE, msgspec.json.format(msgspec.json.encode(told)) + b"\n")
    print(f"{asking.out}: read them, mend what reads oddly, then build regularization --pools {asking.out}")
    return 0


def _pools(asking: Asking) -> Iterator[tuple[str, Gathering]]:
    """The pools of a kind by file name. Adjectives share no entry, nor do styles."""
    adjectives: dict[str, str] = {}
    for part, name in pool_files(asking.kind, FORM[asking.kind]).items():
        taken = {} if part in SCENE.values() else adjectives
        yield name, Gathering(asking.kind, part, asking.words or _USUAL.get(part, 100), taken)
    styles: dict[str, str] = {}
    for family, name in STYLES.items():
        yield name, Gathering(asking.kind, "style", asking.words or _USUAL["style"], styles,
                              photographic=family == "photographic")


def _gather(chat: Chat, pool: Gathering, name: str, kind: Kind, folder: Path) -> list[Answer]:
    """Fills the pool. Returns the answers, in order; raises UsageError when none holds an entry."""
    answers: list[Answer] = []
    in_vain = 0
    while len(pool.kept) < pool.wanted and in_vain < _IN_VAIN:
        answer = chat.ask(_request(pool, name, kind), _page(folder, name, len(answers)))
        answers.append(answer)
        in_vain = 0 if pool.add(answer.said) else in_vain + 1
    if not pool.kept:
        for number in range(len(answers)):  # to be asked again: the model or its settings may be mended
            _page(folder, name, number).unlink()
        why = ", ".join(pool.removed) or "no list"
        raise UsageError(f"the model's answers hold nothing for {name}: {why}", seen=answers[-1].said[:120],
                         allowed="a model that answers with a list", next_command="another --model")
    return answers


def _page(folder: Path, name: str, number: int) -> Path:
    return folder / f"{name.removesuffix('.txt')}-{number:03d}.json"


def _request(pool: Gathering, name: str, kind: Kind) -> str:
    """The text of the next request for a pool."""
    asked = (_ASKED.get(name) or _ASKED[pool.part]).format(living=_LIVING.get(kind, ""), cover=_COVER.get(kind, ""))
    text = (f"Give me {min(PAGE, pool.wanted - len(pool.kept))} {asked}. Answer with the list alone, one entry a line, "
            "without numbers or explanations.")
    if pool.kept:
        text += " I want more, none of these: " + "; ".join(pool.kept[-_SHOWN:]) + "."
    return text


def _said(reply: Any, model: str) -> tuple[str, str]:
    """The model by the name that the server gives it, and what it said. Raises UsageError for no chat completion.

    What a model thinks aloud is left out, and so is the last entry of an answer that was cut short.
    """
    try:
        choice = reply["choices"][0]
        said, short = choice["message"]["content"] or "", choice.get("finish_reason") == "length"
        said = re.sub(r"^.*</think>|^\s*<think>.*", "", said, flags=re.DOTALL)
    except (KeyError, IndexError, TypeError):
        raise UsageError("the endpoint's reply is no chat completion", seen=msgspec.json.encode(reply).decode()[:200],
                         allowed="an OpenAI-compatible endpoint") from None
    if short:
        said = said.rpartition("\n" if "\n" in said else ",")[0]
    return str(reply.get("model") or model), said
