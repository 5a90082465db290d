"""Pictures wherever they lie: a file of its own, or a member of a tar, which is read at its offset.

A member's path is TAR//MEMBER@OFFSET+SIZE: all that a worker needs to read it, without an index. No listed picture
has such a name of its own: it would not end like a picture.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from annotators import images

_MEMBER = re.compile(r"(.+)//(.+)@([0-9]{1,18})\+([0-9]{1,18})", re.DOTALL)


def member(tar: str, name: str, offset: int, size: int) -> str:
    """Path of a tar's member: `offset` of its first byte in the tar and its `size`, bytes.

    `name` has no empty components, so that its path comes apart where it was put together.
    """
    return f"{tar}//{name}@{offset}+{size}"


def plain(path: str) -> str:
    """The path as people read it: TAR/MEMBER for a member."""
    found = _MEMBER.fullmatch(path)
    return f"{found[1]}/{found[2]}" if found else path


def read(path: str, max_bytes: int = images.MAX_BYTES) -> bytes:
    """The picture's bytes, at most `max_bytes` of them. Raises RowError as `images.read` does."""
    found = _MEMBER.fullmatch(path)
    if found is None:
        return images.read(path, max_bytes)
    return images.read(found[1], max_bytes, part=(int(found[3]), int(found[4])))


def fingerprint(path: str) -> str:
    """Key of a picture that was not read yet: its place and what the file system says of the file. Raises OSError.

    The time of the last change to the entry and its number are in it, because copies can keep size and date.
    """
    found = _MEMBER.fullmatch(path)
    file, part = (Path(found[1]), f"|{found[3]}+{found[4]}") if found else (Path(path), "")
    stat = file.stat()
    said = f"{file.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ctime_ns}|{stat.st_ino}{part}"
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()
