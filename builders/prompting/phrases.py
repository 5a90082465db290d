"""Word pools out of what a chat model says: the items of its lists, cleaned, checked, and each taken once."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Any

from builders.prompting.pools import fault
from schemas.dreambench import SUBJECTS, prompt_parts
from schemas.prompts import ADJECTIVES, SCENE, SLOT, Kind

CLASS_NOUNS = frozenset(
    {name.split()[-1] for subject in SUBJECTS.values() for name in (subject.original, subject.class_name)}
    | {"object", "animal", "person", "man", "woman", "boy", "girl"}
)
"""What a pool does not name: the picture would hold a second subject."""
ALIKE = 0.8
"""Scenes with this share of words in common, articles aside, are near copies."""

_LONGEST = {part: 3 for parts in ADJECTIVES.values() for part in parts} | {"style": 8, "background": 14, "motion": 20}
"""Words of an entry."""
_MARK = re.compile(r"\s*(?:[-*+•‣◦–—]\s|\(?\d{1,4}[.):])\s*")
_ASIDE = re.compile(r":?\s+(?:[-–—=]+>?|→)\s.*|:\s.*|\s\(.*|\s[\[{<].*")
"""What follows an entry in explanation: " - like a ball", ": like a ball", " (like a ball)"; and " [subject]"."""
_TALK = {"i", "i'm", "i'll", "i've", "you", "your", "here", "here's", "sorry", "sure", "certainly", "please", "ai"}
"""Words of a model that talks instead of listing."""
_PHOTOGRAPH = re.compile(r"photo|snapshot|camera|polaroid")
_LEADS = {
    "about", "above", "across", "after", "against", "along", "amid", "amidst", "among", "amongst", "around", "at",
    "atop", "before", "behind", "below", "beneath", "beside", "between", "beyond", "by", "down", "from", "half",
    "hung", "in", "inside", "into", "left", "lit", "near", "next", "off", "on", "onto", "opposite", "outside", "over",
    "past", "set", "through", "to", "toward", "towards", "under", "underneath", "up", "upon", "with", "within",
    "without",
}  # fmt: skip
"""First words of a phrase that follows a noun, besides those in -ing and -ed."""


class Gathering:
    """One pool in the making: `kept` entries, at most `wanted`, and how many were `removed` for which reason.

    `part` is a part of a form; styles are photographic or not. `others` holds what is taken, by likeness: pools that
    must not have an entry in common share it.
    """

    def __init__(self, kind: Kind, part: str, wanted: int, others: dict[str, str],
                 *, photographic: bool = False) -> None:
        self.part, self.wanted, self.kept = part, wanted, list[str]()
        self.removed: Counter[str] = Counter()
        self._others, self._photographic = others, photographic
        self._scene = part in SCENE.values()
        self._tests = {parts.get(part) for form in SCENE for parts in prompt_parts(kind, form) if self._scene}
        self._sets: list[frozenset[str]] = []

    def add(self, said: str) -> int:
        """Takes the entries of an answer that are good and new. Returns how many."""
        before = len(self.kept)
        for item in items(said):
            entry = clean(item, self.part)
            if why := self._why_not(entry):
                self.removed[why] += 1
            else:
                self.kept.append(entry)
        return len(self.kept) - before

    def _why_not(self, entry: str) -> str:
        """Why an entry is not taken; "" when it is."""
        words = entry.split()
        if not re.search(r"[^\W\d_]", entry) or _talks(entry):
            return "no entry"
        if not re.fullmatch(r"[\w$][\w$',&/ -]*" if self._scene else r"\w[\w'&-]*( [\w'&-]+)*", entry):
            return "no entry"
        if len(words) > _LONGEST[self.part]:
            return "too long"
        if entry.count(SLOT) > 1 or fault(entry, self.part):
            return "slot missing, repeated or out of place"
        if self.part == "background" and SLOT not in words and not _follows(words[0]):
            return "no phrase that follows a noun"
        if self.part == "style" and not re.fullmatch(r"an? .+ of", entry):
            return "no beginning of a prompt"
        if self.part == "style" and not self._photographic and _PHOTOGRAPH.search(entry):
            return "photographic"
        if any({word, word.removesuffix("s"), word.removesuffix("es")} & CLASS_NOUNS for word in _words(entry)):
            return "class noun"
        if re.sub(rf"^an? {re.escape(SLOT)} ", "", entry) in self._tests:
            return "test prompt of DreamBench"
        if len(self.kept) == self.wanted:
            return "more than asked for"
        return self._copy(entry)

    def _copy(self, entry: str) -> str:
        """Whether the entry is there already, itself or nearly; else it is remembered."""
        likeness = _likeness(entry)
        if likeness in self._others:
            return "repeated" if self._others[likeness] == entry else "near copy"
        if self._scene:
            words = frozenset(map(_ending, _words(entry)))
            if any(len(words & other) >= ALIKE * len(words | other) for other in self._sets):
                return "near copy"
            self._sets.append(words)
        self._others[likeness] = entry
        return ""


def items(said: str) -> list[str]:
    """The items of a list: JSON, numbered, with bullets, one a line, or one line with commas.

    What stands around a list is left out, and so are titles. Prose gives [], or lines that are no entries.
    """
    said = said.replace("**", "").replace("\\$", "$")
    said = "\n".join(re.findall(r"```\w*\n(.*?)```", said, re.DOTALL)) or said
    if found := _of_json(said):
        return found
    lines = [line for line in said.splitlines() if line.strip() and not line.strip().startswith(("#", "```"))]
    if any(_MARK.match(line) for line in lines):
        return [line[mark.end():] for line in lines if (mark := _MARK.match(line))]
    lines = [line for line in lines if line.rstrip()[-1] not in ":!?" and not _talks(line)]
    return re.split("[,;]", lines[0]) if len(lines) == 1 else lines


def clean(item: str, part: str) -> str:
    """The entry of an item: one space between words, lower case, without marks, quotes, explanation or full stop."""
    text = unicodedata.normalize("NFKC", item).translate(str.maketrans("“”„‘’‐‑", "\"\"\"''--"))
    text = re.sub(r"\\*\$\s?\{?concept(?!\w)\}?", lambda _: SLOT, text, flags=re.IGNORECASE)
    quoted = re.match(r"""\s*["`*]+([^"`*]+)["`*]""", text)
    text = _ASIDE.sub("", quoted[1] if quoted else text)
    text = " ".join(text.lower().strip(" \t\"'`*_.,;:!?[]{}").split()).removeprefix("and ").removeprefix("or ")
    if part == "motion":
        return re.sub(rf"^(?={re.escape(SLOT)})", "a ", text)
    if part == "style":
        text = re.sub(rf" of( an?)?( {re.escape(SLOT)})?$", " of", text)
        return f"{text} of" if re.fullmatch(r"an? .+", text) and " of" not in text else text
    return text


def _of_json(said: str) -> list[str]:
    for opening, closing in ("[]", "{}"):
        try:
            value = json.loads(said[said.index(opening): said.rindex(closing) + 1])
        except (ValueError, RecursionError):
            continue
        if found := list(_strings(value)):
            return found
    return []


def _strings(value: Any) -> Iterator[str]:
    """Strings in lists, also where these are in objects; of an object in a list the first string."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
    elif isinstance(value, dict):
        lists = [one for one in value.values() if isinstance(one, list)]
        yield from _strings(lists or next((one for one in value.values() if isinstance(one, str)), None))


def _talks(text: str) -> bool:
    return not _TALK.isdisjoint(re.findall(r"[a-z']+(?![a-z'-])", text.lower().replace("’", "'")))


def _follows(word: str) -> bool:
    return word in _LEADS or word.endswith(("ing", "ed"))


def _words(entry: str) -> list[str]:
    """The words, hyphens and articles aside, in one spelling."""
    spelt = entry.replace("grey", "gray").replace("colour", "color")
    return [word for word in re.findall(r"[^\W_]+", spelt) if word not in ("a", "an", "the", SLOT[1:])]


def _likeness(entry: str) -> str:
    """The same for "ball-shaped" and "ball shaped", "stripe" and "stripes"."""
    return _ending("".join(_words(entry)))


def _ending(word: str) -> str:
    """The word without what its plural changes: "pony" and "ponies" give "poni"."""
    return re.sub("y$", "i", re.sub("(?:es|(?<!s)s|e)$", "", word)) if len(word) > 3 else word
