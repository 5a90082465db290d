"""JSON Lines from plain, gzip and xz files in bounded memory, whatever the file holds."""

from __future__ import annotations

import errno
import gzip
import hashlib
import lzma
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

BLOCK = 4 * 2**20
"""Bytes read at once."""

MAX_LINE = 2 * 2**20
"""Longest line that is kept; a real record has a few kilobytes."""

XZ_MEMORY = 256 * 2**20
"""Most memory that unpacking an .xz file may take; `xz -9` asks for 65 MiB, a hostile header for 4 GiB."""

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
            lines = [line if len(line) <= MAX_LINE else OVERLONG for line in lines[:-1]] + lines[-1:]
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
            for chunk in _unpacked(self.path):
                whole.update(chunk)
                yield chunk
        except (OSError, EOFError, zlib.error, lzma.LZMAError):
            self.whole = False
        self.digest = whole.hexdigest()


def _unpacked(path: Path) -> Iterator[bytes]:
    """The file's bytes, unpacked, at most BLOCK at a time. Raises OSError, EOFError, zlib.error, LZMAError."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_mode & 0o444:  # who builds decides nothing, not even the superuser
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if path.suffix == ".xz":
            yield from _unpacked_xz(file)
            return
        whole = gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file
        while chunk := whole.read(BLOCK):
            yield chunk


def _unpacked_xz(file: BinaryIO) -> Iterator[bytes]:
    """What `lzma.open` reads, but in bounded memory: the header names a size, and `open` takes all of it."""
    packed = b""
    while packed := packed or file.read(BLOCK):
        packed = packed.lstrip(b"\0")  # zeros may stand between streams
        if not packed:
            continue
        stream = lzma.LZMADecompressor(memlimit=XZ_MEMORY)
        while not stream.eof:
            if stream.needs_input and not packed and not (packed := file.read(BLOCK)):
                raise EOFError
            chunk = stream.decompress(packed, BLOCK)
            packed = b""
            if chunk:
                yield chunk
        packed = stream.unused_data
