"""From words to choices: tables of stems, and what a word that no table knows looks like."""

from __future__ import annotations

import hashlib
import importlib.resources
import re
from collections.abc import Mapping
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+")


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """The text's words in lower case, without signs."""
    return tuple(_WORD.findall(text.lower()))


@lru_cache(maxsize=4096)
def traits(text: str, count: int = 8) -> tuple[float, ...]:
    """Numbers in 0..1 that belong to the text alone (at most 8)."""
    digest = hashlib.sha256(text.strip().lower().encode("utf-8", "surrogatepass")).digest()
    return tuple(int.from_bytes(digest[4 * i:4 * i + 4], "big") / 2**32 for i in range(count))


def matches(word: str, stem: str) -> bool:
    """Whether a word is of a stem: "strip" has "striped"; "rain." only "rain" and "rains"; up to 3 letters as well."""
    if stem.endswith("."):
        return word in (stem[:-1], stem[:-1] + "s", stem[:-1] + "es")
    return word.startswith(stem) if len(stem) > 3 else word in (stem, stem + "s")


def table(name: str) -> dict[str, str]:
    """A table of this package, `tables/NAME.txt`: what follows each name."""
    text = importlib.resources.files(__package__).joinpath("tables", f"{name}.txt").read_text(encoding="utf-8")
    lines = (line.split(":", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {key: rest.strip() for key, rest in lines}


class Table:
    """Names by the stems of their words, such as {"stripes": "strip zebra"}; earlier entries win.

    A stem with a hyphen stands for words that follow each other: "low-angle".
    """

    def __init__(self, entries: Mapping[str, str]) -> None:
        self._entries = [(name, tuple(stems.split())) for name, stems in entries.items()]
        self._found: dict[str, tuple[str, ...]] = {}

    @classmethod
    def read(cls, name: str) -> Table:
        """A table of this package."""
        return cls(table(name))

    def all(self, text: str) -> tuple[str, ...]:
        """Every name that the text speaks of, in the table's order."""
        found = self._found.get(text)
        if found is None:
            said = words(text)
            joined = f"-{'-'.join(said)}-"
            found = tuple(name for name, stems in self._entries
                          if any(stem in joined if "-" in stem else any(matches(word, stem) for word in said)
                                 for stem in stems))
            if len(self._found) < 4096:
                self._found[text] = found
        return found

    def first(self, text: str) -> str:
        """The first name that the text speaks of, or ""."""
        found = self.all(text)
        return found[0] if found else ""
