"""From words to choices: tables of stems, and what a word that no table knows looks like."""

from __future__ import annotations

import hashlib
import importlib.resources
import re
from collections.abc import Mapping
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+")
_PLURAL = ("", "s", "es")
_FORMS = (*_PLURAL, "d", "ed", "ing", "y")


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """The text's words in lower case, without signs."""
    return tuple(_WORD.findall(text.lower()))


@lru_cache(maxsize=4096)
def traits(text: str, count: int = 8) -> tuple[float, ...]:
    """Numbers in 0..1 that belong to the text alone (at most 8)."""
    digest = hashlib.sha256(text.strip().lower().encode("utf-8", "surrogatepass")).digest()
    return tuple(int.from_bytes(digest[4 * i:4 * i + 4], "big") / 2**32 for i in range(count))


def table(name: str) -> dict[str, str]:
    """A table of this package, `tables/NAME.txt`: what follows each name."""
    text = importlib.resources.files(__package__).joinpath("tables", f"{name}.txt").read_text(encoding="utf-8")
    lines = (line.split(":", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {key: rest.strip() for key, rest in lines}


class Table:
    """Names by the stems of their words, such as {"stripes": "strip* zebra"}; earlier entries win.

    "wind" is that word or its -s, -es, -d, -ed, -ing or -y, so not "window"; "strip*" is the beginning of any word;
    "rain." is that word alone or its plural, and so is what has three letters or fewer; "low-angle" stands for words
    that follow each other.
    """

    def __init__(self, entries: Mapping[str, str]) -> None:
        self._names = tuple(entries)
        self._whole: dict[str, list[int]] = {}
        self._begun: dict[str, list[int]] = {}
        self._joined: list[tuple[str, int]] = []
        for at, stems in enumerate(entries.values()):
            for stem in stems.split():
                if "-" in stem:
                    self._joined.append((stem, at))
                elif stem.endswith("*"):
                    self._begun.setdefault(stem[:-1], []).append(at)
                else:
                    short = stem.endswith(".") or len(stem) <= 3
                    for ending in _PLURAL if short else _FORMS:
                        self._whole.setdefault(stem.rstrip(".") + ending, []).append(at)
        self._longest = max(map(len, self._begun), default=0)

    @classmethod
    def read(cls, name: str) -> Table:
        """A table of this package."""
        return cls(table(name))

    def all(self, text: str) -> tuple[str, ...]:
        """Every name that the text speaks of, in the table's order."""
        said = words(text)
        joined = f"-{'-'.join(said)}-"
        found = {at for stem, at in self._joined if stem in joined}
        for word in said:
            found.update(self._whole.get(word, ()))
            for end in range(3, min(len(word), self._longest) + 1):
                found.update(self._begun.get(word[:end], ()))
        return tuple(self._names[at] for at in sorted(found))

    def first(self, text: str) -> str:
        """The first name that the text speaks of, or ""."""
        found = self.all(text)
        return found[0] if found else ""
