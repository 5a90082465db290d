"""Where posts come from. A source yields Posts, and Rejected for the picture files that are none; nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from schemas.records import Post, Rejected


class Source(Protocol):
    """What a recipe asks of a source. Its constructor raises UsageError when the root is not one."""

    name: str
    licence: str
    """One line on whose the pictures are."""
    root: Path
    counts: dict[str, int]
    """What was seen that is no row; filled while `posts` runs."""

    def posts(self) -> Iterator[Post | Rejected]:
        """Every picture file once, in an order that does not depend on the file system."""
        ...

    def digest(self) -> str:
        """Hex sha256 of what was read; known once `posts` has ended."""
        ...
