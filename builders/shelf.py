"""Tars that only grow: a place for pictures that have no file of their own, such as those that came over the network.

    FOLDER/00000.tar    plain, uncompressed; a member NAME.EXT a picture, NAME.json before it with facts (webdataset)
    FOLDER/00001.tar    begun when the one before it is full

A tar has its final name from the start and a member never moves, so a path that `put` gave stays true whatever
happens. A killed run leaves its last tar without an end: the next run cuts off what is not whole and goes on there.
Ended tars never change.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

import msgspec

from builders import files
from schemas import atomic

FULL = 100 * 2**20
"""Size over which no more is added to a tar, bytes."""

_END = bytes(2 * tarfile.BLOCKSIZE)


class Put(NamedTuple):
    """A picture on the shelf: its member's name, and its path as `builders.files` reads it."""

    name: str
    path: str


class Shelf:
    """The tars below `folder`, which is made with the first picture. One writer at a time; a context manager.

    `full` is the size in bytes over which no more is added to a tar. Raises OSError where the disk does.
    """

    def __init__(self, folder: Path, full: int = FULL) -> None:
        self._folder, self._full = folder, full
        self._tar: BinaryIO | None = None
        self._path = folder / "00000.tar"
        self._size = 0
        if tars := _tars(folder):
            self._path = tars[-1]
            self._adopt()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def put(self, name: str, data: bytes, facts: Mapping[str, Any] | None = None) -> str:
        """Adds a picture and returns its path; other processes can read it at once.

        `name` is relative, without empty or ".." parts and with one dot in its last part, before the ending; names may
        repeat, each put is a member of its own. `facts` become JSON. A kill from now on does not lose the picture;
        `sync` or `close` make it outlive a power cut, too.
        """
        tar = self._tar or self._begin()
        # Facts go first: where the picture is whole they are.
        beside = b"" if facts is None else _member(name.rpartition(".")[0] + ".json", msgspec.json.encode(facts))
        member = _member(name, data)
        try:
            tar.write(beside)
            tar.write(member)
            tar.flush()
        except OSError:
            tar.truncate(self._size)
            raise
        self._size += len(beside) + len(member)
        padding = -len(data) % tarfile.BLOCKSIZE
        path = files.member(str(self._path), name, self._size - padding - len(data), len(data))
        if self._size > self._full:
            self.close()
        return path

    def sync(self) -> None:
        """Flushes what was put to the disk."""
        if self._tar:
            os.fsync(self._tar.fileno())

    def close(self) -> None:
        """Ends the tar that is being written. What is put later begins another."""
        if not self._tar:
            return
        with self._tar as tar:
            tar.write(_END)
            tar.flush()
            os.fsync(tar.fileno())
        self._tar = None
        self._path, self._size = _next(self._path), 0

    def _begin(self) -> BinaryIO:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._tar = self._path.open("ab")
        atomic.sync(self._folder)
        return self._tar

    def _adopt(self) -> None:
        """Takes up the last tar where a killed run left it, or goes on to a new one when it was ended."""
        whole = 0
        for name, offset, size in _walk(self._path):
            if not name.endswith(".json"):
                whole = offset + size + -size % tarfile.BLOCKSIZE
        with self._path.open("rb+") as tar:
            tar.seek(whole)
            if whole and tar.read(len(_END) + 1) == _END:
                self._path = _next(self._path)
                return
            tar.truncate(whole)
        self._size = whole
        self._begin()


def on_shelf(folder: Path) -> Iterator[Put]:
    """The pictures below a shelf's folder, in the order in which they were put; those that are not whole left out."""
    for tar in _tars(folder):
        for name, offset, size in _walk(tar):
            if not name.endswith(".json"):
                yield Put(name, files.member(str(tar), name, offset, size))


def _tars(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.tar") if path.stem.isdecimal())


def _next(tar: Path) -> Path:
    return tar.with_name(f"{int(tar.stem) + 1:05d}.tar")


def _member(name: str, data: bytes) -> bytes:
    """Header, data and padding: the same bytes whenever and by whomever they are written."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    header = info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    return b"".join((header, data, bytes(-len(data) % tarfile.BLOCKSIZE)))


def _walk(tar: Path) -> Iterator[tuple[str, int, int]]:
    """Name, offset and size of the members that are whole, up to the first that is not."""
    length = tar.stat().st_size
    try:
        with tarfile.open(tar, "r:", encoding="utf-8", errors="surrogateescape") as archive:
            while (info := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]
                if info.offset_data + info.size + -info.size % tarfile.BLOCKSIZE > length:
                    return
                yield info.name, info.offset_data, info.size
    except tarfile.TarError:
        return
