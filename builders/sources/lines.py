"""JSON Lines from plain, gzip and xz files in bounded memory, whatever the file holds.

A file is digested piece by piece, so that processes can share one file: sha256 over the sha256 of every PIECE bytes.
"""

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
from typing import BinaryIO, NamedTuple

BLOCK = 4 * 2**20
"""Bytes read at once."""

PIECE = 8 * 2**20
"""Bytes that are digested together and, in a plain file, read at once by whoever gets the piece."""

MAX_LINE = 2 * 2**20
"""Longest line that is kept; a real record has a few kilobytes."""

XZ_MEMORY = 256 * 2**20
"""Most memory that unpacking an .xz file may take; `xz -9` asks for 65 MiB, a hostile header for 4 GiB."""

OVERLONG = b"?"
"""Stands for a line over MAX_LINE: it is no JSON, so it is counted as any other bad line."""

_AHEAD = 2**16
"""Bytes read beyond a piece: nearly every line that reaches over its end ends there."""

_BOM = b"\xef\xbb\xbf"
_PACKED = (".gz", ".xz")
_NAME = re.compile(r"(.+\.(json|jsonl|ndjson)|[0-9]{5,})(\.gz|\.xz)?")


def is_metadata(name: str) -> bool:
    """Whether a name is that of JSON Lines: *.json, *.jsonl, *.ndjson or five digits and more; plain, .gz, .xz."""
    return _NAME.fullmatch(name) is not None


class Piece(NamedTuple):
    """Some lines of a file: those in `data`, or those that begin at the bytes from `start` to `start + size`."""

    path: Path
    start: int = 0
    size: int = 0
    data: bytes = b""

    def read(self) -> tuple[bytes, int, int, bytes]:
        """Bytes, where in them the lines begin and end, and the sha256 of a plain file's piece.

        A last line longer than MAX_LINE is cut, but still longer than MAX_LINE. Raises OSError.
        """
        if not self.size:
            return self.data, 0, len(self.data), b""
        lead = min(self.start, 1)  # a line begins at `start` if the byte before it ends one
        end, most = lead + self.size, lead + self.size + _AHEAD
        with self.path.open("rb") as file:
            file.seek(self.start - lead)
            data = file.read(most)
            stop = data.find(b"\n", end - 1) + 1
            if not stop:
                data += file.readline(MAX_LINE) if len(data) == most else b""
                stop = len(data)
        begin = data.find(b"\n") + 1 or stop if lead else len(_BOM) * data.startswith(_BOM)
        return data, begin, stop, hashlib.sha256(memoryview(data)[lead:end]).digest()


class Lines:
    """One file's lines. Once they have been read, `whole` and `digest` speak of the unpacked bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.whole = True
        """False when the file could not be read to its end (damaged archive, I/O error, no permission)."""
        self._pieces = hashlib.sha256()

    @property
    def digest(self) -> str:
        """Hex sha256 over the sha256 of each PIECE."""
        return self._pieces.hexdigest()

    def pieces(self) -> Iterator[Piece]:
        """All lines in pieces of about the same size, which other processes can read.

        Whoever reads a piece with a `size` owes its digest, in order, to `add`.
        """
        if self.path.suffix in _PACKED:
            yield from (Piece(self.path, data=b"\n".join(lines)) for lines in self.blocks())
            return
        try:
            with _opened(self.path) as file:
                size = os.fstat(file.fileno()).st_size
        except OSError:
            self.whole, size = False, 0
        for start in range(0, size, PIECE):
            yield Piece(self.path, start, PIECE)

    def add(self, digest: bytes | None) -> None:
        """Takes the digest of the next piece; None for one that could not be read."""
        self.whole = self.whole and digest is not None
        self._pieces.update(digest or b"")

    def head(self) -> bytes:
        """The first unpacked bytes, at most BLOCK of them; b"" when there are none to be read."""
        return next(self._chunks(), b"")

    def blocks(self) -> Iterator[list[bytes]]:
        """Lists of lines without their newlines, about BLOCK bytes in each."""
        carry, skipping = b"", False
        for index, chunk in enumerate(self._chunks()):
            lines = (carry + (chunk.removeprefix(_BOM) if index == 0 else chunk)).split(b"\n")
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
        self._pieces = hashlib.sha256()
        piece, room = hashlib.sha256(), PIECE
        try:
            for chunk in _unpacked(self.path):
                rest = memoryview(chunk)
                while rest:
                    part, rest = rest[:room], rest[room:]
                    piece.update(part)
                    room -= len(part)
                    if not room:
                        self.add(piece.digest())
                        piece, room = hashlib.sha256(), PIECE
                yield chunk
        except (OSError, EOFError, zlib.error, lzma.LZMAError):
            self.whole = False
        if room < PIECE:
            self.add(piece.digest())


def _opened(path: Path) -> BinaryIO:
    file = path.open("rb")
    if not os.fstat(file.fileno()).st_mode & 0o444:  # who builds decides nothing, not even the superuser
        file.close()
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return file


def _unpacked(path: Path) -> Iterator[bytes]:
    """The file's bytes, unpacked, at most BLOCK at a time. Raises OSError, EOFError, zlib.error, LZMAError."""
    with _opened(path) as file:
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
