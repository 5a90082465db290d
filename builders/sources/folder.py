"""Pictures of any domain in folders: DIR/<identity>/[<outfit>/]*, with tags beside them where there are any.

The first folder names the identity; the second, where there is one, the outfit (deeper folders only hold files).
NAME.txt beside NAME.jpg holds comma separated tags, which become general tags: spaces inside become underscores,
as Danbooru writes them, so that the garment list applies. There are no artists: identity alone decides what matches.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from builders.sources.records import clean_tag
from builders.sources.trees import COUNTED, OUTPUT, check_root, inside, printable, walk
from schemas.errors import BuildError, UsageError
from schemas.records import Post, Rejected, drop

COUNTS = ("pictures_with_tags", "bad_tag_files", "bad_tags", "duplicate_tags", *COUNTED, OUTPUT)

MAX_TAG_FILE = 2**20
"""Longest tag file that is read, bytes."""


class Folder:
    """Reader of a folder of identities. Raises UsageError when `root` holds no folder.

    `skip` is a folder that is not read: the one built into, which would feed on itself if it lay inside the root.
    """

    name = "folder"
    licence = "Not known: whoever publishes this dataset must hold the rights to its pictures."

    def __init__(self, root: Path, skip: Path | None = None) -> None:
        self.root = root
        self.counts = dict.fromkeys(COUNTS, 0)
        self._skip = skip
        self._digest = ""
        check_root(root)
        if skip is not None and os.path.realpath(skip) == os.path.realpath(root):
            raise UsageError("--out is --root", seen=str(skip), allowed="another folder",
                             next_command=f"the same command with --out {root.parent / 'out'}")
        with os.scandir(root) as children:
            if not any(child.is_dir(follow_symlinks=False) and not child.name.startswith(".") for child in children):
                raise UsageError("--root holds no folders", seen=str(root),
                                 allowed="one folder per identity: DIR/<identity>/[<outfit>/]*")

    def posts(self) -> Iterator[Post | Rejected]:
        """Every picture file once, as a Post or with the reason why not, in path order; fills `counts`."""
        self.counts.update(dict.fromkeys(COUNTS, 0))
        whole = hashlib.sha256()
        folder, taken = "", set[str]()
        for path, size, verdict in walk(self.root, skip=self._skip):
            if verdict in (*COUNTED, OUTPUT):
                self.counts[verdict] += 1
                continue
            whole.update(f"{printable(path)}\t{size}\n".encode())
            if verdict:
                yield Rejected(printable(path), printable(path), drop(verdict))
                continue
            parts = path.split("/")
            if len(parts) < 2 or not path.isprintable():
                yield Rejected(printable(path), printable(path), drop("bad_name", value=printable(path)))
                continue
            if (parent := path.rpartition("/")[0]) != folder:
                folder, taken = parent, set()
            tags = self._tags(path)
            whole.update(" ".join(tags).encode() + b"\n")
            yield Post(id=row_id(path, taken), path=str(self.root / path), characters=(parts[0],), general=tags,
                       outfit_hint=parts[1] if len(parts) > 2 else "")
        self._digest = whole.hexdigest()

    def digest(self) -> str:
        """Hex sha256 over what was read: paths, sizes, tags. Known after iteration."""
        if not self._digest:
            raise BuildError("the source has no digest before it was read to its end")
        return self._digest

    def _tags(self, path: str) -> tuple[str, ...]:
        """Tags from the text file beside a picture, cleaned and without repetition; () when there is none."""
        file = (self.root / path).with_suffix(".txt")
        if not os.path.lexists(file):
            return ()
        text = text_of(self.root, file)
        if text is None:
            self.counts["bad_tag_files"] += 1
            return ()
        said = [re.sub(r"\s+", "_", tag.strip()) for tag in re.split(r"[,\n]", text) if tag.strip()]
        good = [tag for tag in said if clean_tag(tag)]
        unique = tuple(dict.fromkeys(good))
        self.counts["pictures_with_tags"] += bool(unique)
        self.counts["bad_tags"] += len(said) - len(good)
        self.counts["duplicate_tags"] += len(good) - len(unique)
        return unique


def text_of(root: Path, file: Path) -> str | None:
    """The tag file's text; None when it leads out of the root, is no file, too long, unreadable or not UTF-8."""
    try:
        mode = file.stat().st_mode
        if not inside(root, file) or not stat.S_ISREG(mode) or not mode & 0o444:
            return None
        with file.open("rb") as handle:
            data = handle.read(MAX_TAG_FILE + 1)
        return data.decode("utf-8-sig") if len(data) <= MAX_TAG_FILE else None
    except (OSError, UnicodeDecodeError):
        return None


def row_id(path: str, taken: set[str]) -> str:
    """The path without extension, unsafe characters percent-encoded.

    A second picture of that name in the folder gets "!" and its extension; no encoded name holds a "!".
    """
    pure = PurePosixPath(path)
    plain = quote(str(pure.with_suffix("")), safe="/")
    if plain in taken:
        return f"{plain}!{pure.suffix[1:]}"
    taken.add(plain)
    return plain
