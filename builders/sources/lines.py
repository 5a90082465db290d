"""JSON Lines from plain, gzip and xz files in bounded memory, whatever the file holds."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

BLOCK = 4 * 2**20
"""Bytes read at once."""

MAX_LINE = 16 * 2**20
"""Longest line that is kept; a real record has a few kilobytes."""

OVERLONG = b"?"
"""Stands for a line over MAX_LINE: it is no JSON, so it is counted as any other bad line."""

_NAME = re.compile(r"(.+\.(json|jsonl|ndjson)|[0-9]{5,})(\.gz|\.xz)?")


def is_metadata(name: str) -> bool:
    """Whether a name is that of JSON Lines: *.json, *.jsonl, *.ndjson or five digits and more; plain, .gz, .xz."""
    return _NAME.fullmatch(name) is not None


class Lines:
    """One file's lines. Iteration sets `digest` (hex sha256 of the unpacked bytes) and `whole`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.digest = ""
        self.whole = True
        """False when the file could not be read to its end (damaged archive, I/O error, no permission)."""

    def blocks(self) -> Iterator[list[bytes]]:
        """Lists of lines without their newlines, about BLOCK bytes in each."""
        carry, skipping = b"", False
        for index, chunk in enumerate(self._chunks()):
            lines = (carry + (chunk.removeprefix(b"\xef\xbb\xbf") if index == 0 else chunk)).split(b"\n")
            carry = lines.pop()
            if skipping and lines:
                lines[0], skipping = OVERLONG, False
            if skipping or len(carry) > MAX_LINE:
                carry, skipping = b"", True
            if lines:
                yield lines
        if carry or skipping:
            yield [OVERLONG if skipping else carry]

    def _chunks(self) -> Iterator[bytes]:
        whole = hashlib.sha256()
        try:
            with _open(self.path) as handle:
                while chunk := handle.read(BLOCK):
                    whole.update(chunk)
                    yield chunk
        except (OSError, EOFError, zlib.error, lzma.LZMAError):
            self.whole = False
        self.digest = whole.hexdigest()


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return lzma.open(path, "rb") if path.suffix == ".xz" else path.open("rb")
