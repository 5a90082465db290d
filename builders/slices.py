"""`--shard I/N`: the rows of one of N jobs that share a build."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple, Self

from builders.ledger import identity_of
from schemas.errors import UsageError
from schemas.records import Post, Rejected


class Slice(NamedTuple):
    """The `number`-th (from 1) of `of` slices of a source."""

    number: int
    of: int

    @classmethod
    def read(cls, text: str) -> Self:
        """From "3/8". Raises UsageError for anything else."""
        found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text, re.ASCII)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise UsageError("--shard is not I/N", seen=text, allowed="1/N to N/N, such as 3/8")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.number}-of-{self.of}"

    def rows(self, found: Iterator[Post | Rejected], match: str) -> Iterator[Post | Rejected]:
        """What falls to this slice. All rows of an identity do, so that the singleton rule acts as in a whole build."""
        for item in found:
            key = identity_of(item, match) if isinstance(item, Post) else item.path
            if int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % self.of == self.number - 1:
                yield item
