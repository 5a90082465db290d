"""Where the members of a tar lie: its headers are walked once, by seeking; nothing is unpacked, no link is followed.

An index is kept under the tar's fingerprint, so that the next build does not walk again. A `NAME.json` beside
`NAME.tar` that says where its files lie ({"filesize": N, "files": {NAME: {"offset": N, "size": N}}}, as public copies
bring along) saves the first walk when it agrees with the tar.
"""

from __future__ import annotations

import errno
import io
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from builders import files
from builders.sources.trees import is_picture, printable
from schemas import atomic

MAX_HEADER = 2**20
"""Most bytes that the headers of one member may have; longer names and attributes are an attack."""

MAX_MEMBERS = 5_000_000
"""Most pictures of one tar; real ones hold some ten thousand."""

MAX_TOLD = 256 * 2**20
"""Size of the longest JSON index that is read, bytes."""

PROBES = 16
"""Headers that are looked at, of those that one block holds, before a JSON index is believed."""

_PADDING = 2**20
"""Zeros that may follow a tar's end: it is written in records of 10 KiB, at most of 1 MiB."""

_PACKED = {b"\x1f\x8b": "gzip", b"\xfd7zXZ": "xz", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}

_HOSTILE = (tarfile.TarError, EOFError, ValueError, OverflowError, MemoryError, RecursionError)
"""What `tarfile` raises over hostile headers."""


class Member(NamedTuple):
    """A picture of a tar: its name without "./", escaped where it cannot be printed; the offset of its data and its
    size in bytes; "" or what is wrong.
    """

    name: str
    offset: int
    size: int
    verdict: str


class Index(msgspec.Struct):
    """What a tar holds. Members are in the order of their names; of equal names the last in the tar is it."""

    members: list[Member]
    damage: str = ""
    """Why a part of the tar could not be read, "" when it is whole."""
    counts: dict[str, int] = {}
    """other_files, hidden_files, replaced_members."""


def index(tar: Path, kept: Path, wanted: Callable[[str], bool] = is_picture) -> Index:
    """The tar's index, from the folder `kept` when it is there. What cannot be opened has no members but a damage.

    Members whose names are not `wanted` are counted only; who wants others keeps them in another folder.
    """
    try:
        place = kept / f"{files.fingerprint(str(tar))}.msgpack"
        if (known := _kept(place)) is not None:
            return known
        with _Headers(tar) as headers:
            found = _told(tar, headers, wanted) or _walked(headers, wanted)
    except OSError as error:
        return Index([], error.strerror or "cannot be read")
    atomic.write(place, msgspec.msgpack.encode(found))
    return found


def _kept(place: Path) -> Index | None:
    """The index in a file; None when there is none yet, or another version's. Nothing is deleted: other jobs read."""
    try:
        return msgspec.msgpack.decode(place.read_bytes(), type=Index)
    except (FileNotFoundError, ValueError):
        return None


class _Headers(io.BufferedReader):
    """A tar's file, of which no more than a header's bytes are read at once."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)))
        status = os.fstat(self.fileno())
        self.length = status.st_size
        if not status.st_mode & 0o444:  # who builds decides nothing, not even the superuser
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= MAX_HEADER:
            raise tarfile.ReadError("a header that is too long")
        return super().read(size)


def _walked(headers: _Headers, wanted: Callable[[str], bool]) -> Index:
    """The index as the tar's own headers tell it, up to where they can be read."""
    found: dict[str, Member] = {}
    counts = {"other_files": 0, "hidden_files": 0, "replaced_members": 0}
    broken, end = False, 0
    try:
        for info, after in _infos(headers, 0):
            _place(info, wanted, headers.length, found, counts)
            end = after
            if len(found) > MAX_MEMBERS:
                raise tarfile.ReadError("too many members")
    except _HOSTILE:
        broken = True
    return Index([found[name] for name in sorted(found)], _damage(headers, end, broken), counts)


def _infos(headers: _Headers, end: int) -> Iterator[tuple[tarfile.TarInfo, int]]:
    """The members from the byte `end` on, each with the byte where it ends. Raises what is in _HOSTILE."""
    headers.seek(end)
    # "r:" takes plain tars only. The length of the list that tarfile keeps would grow with the tar.
    with tarfile.open(fileobj=headers, mode="r:", encoding="utf-8", errors="surrogateescape") as archive:
        while end <= headers.length and (info := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]
            if not 0 <= info.size < 2**62 or archive.offset <= end:
                raise tarfile.ReadError("a header that leads nowhere")
            end = archive.offset
            yield info, end


def _place(info: tarfile.TarInfo, wanted: Callable[[str], bool], length: int, found: dict[str, Member],
           counts: dict[str, int]) -> None:
    """Adds a member whose name is wanted, with what is wrong with it; counts the others."""
    parts = [part for part in info.name.split("/") if part not in ("", ".")]
    name = printable("/".join(parts))
    if not parts or not wanted(parts[-1]):
        counts["other_files"] += not info.isdir()
    elif parts[-1].startswith("."):
        counts["hidden_files"] += 1
    else:
        if not info.isreg():
            verdict = "not_a_file"
        elif info.issparse() or info.offset_data + info.size > length:
            verdict = "bad_archive"
        else:
            hostile = ".." in parts or info.name.startswith("/") or not info.name.isprintable()
            verdict = "bad_name" if hostile else ""
        counts["replaced_members"] += name in found
        found[name] = Member(name, info.offset_data, info.size, verdict)


def _damage(headers: _Headers, end: int, broken: bool) -> str:
    """Why the tar is not whole, "" when a block of zeros ends it where its last member ends."""
    headers.seek(0)
    head = headers.read(8)
    packed = next((kind for magic, kind in _PACKED.items() if head.startswith(magic)), "")
    if packed:
        return f"packed by {packed}: unpack it to a plain .tar"
    headers.seek(min(end, headers.length))
    block = headers.read(tarfile.BLOCKSIZE)
    if len(block) < tarfile.BLOCKSIZE:
        return "cut off"
    if broken or block.strip(b"\0"):
        return "a damaged header"
    return "goes on after its end" if headers.length - end > _PADDING else ""


class _Span(msgspec.Struct):
    offset: int
    size: int


class _Told(msgspec.Struct):
    filesize: int
    files: dict[str, _Span]


def _told(tar: Path, headers: _Headers, wanted: Callable[[str], bool]) -> Index | None:
    """The index that the JSON file beside the tar holds; None when there is none or it disagrees with the tar."""
    beside = tar.with_suffix(".json")
    try:
        if beside.stat().st_size > MAX_TOLD:
            return None
        told = msgspec.json.decode(beside.read_bytes(), type=_Told)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    if told.filesize != headers.length or not told.files or not _agrees(told.files, headers):
        return None
    found: dict[str, Member] = {}
    counts = {"other_files": 0, "hidden_files": 0, "replaced_members": 0}
    for name, span in told.files.items():
        info = tarfile.TarInfo(name)
        info.size, info.offset_data = span.size, span.offset
        _place(info, wanted, headers.length, found, counts)
    return Index([found[name] for name in sorted(found)], "", counts)


def _agrees(told: dict[str, _Span], headers: _Headers) -> bool:
    """Whether the files fill the tar but for headers, and headers lead to them: all that are longer than one block,
    between which a small file could hide, and some others, evenly spread.
    """
    named = sorted(told.items(), key=lambda item: item[1].offset)
    block = tarfile.BLOCKSIZE
    if any(span.size < 0 or span.offset % block for _, span in named):
        return False
    ends = [0, *(span.offset + -(-span.size // block) * block for _, span in named)]
    gaps = [span.offset - end for end, (_, span) in zip(ends, named, strict=False)]
    if min(gaps) < block or _damage(headers, ends[-1], broken=False):
        return False
    probes = {round(step * (len(named) - 1) / PROBES) for step in range(PROBES + 1)}
    return all(_leads(headers, ends[at], *named[at]) for at, gap in enumerate(gaps) if gap > block or at in probes)


def _leads(headers: _Headers, end: int, name: str, span: _Span) -> bool:
    """Whether the first member after the byte `end` that is no folder is this file, whatever folder it is in."""
    try:
        info = next((info for info, _ in _infos(headers, end) if not info.isdir()), tarfile.TarInfo())
    except _HOSTILE:
        return False
    return (info.isreg() and not info.issparse() and (info.offset_data, info.size) == (span.offset, span.size)
            and info.name.rpartition("/")[2] == name.rpartition("/")[2])
