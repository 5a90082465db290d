"""A later copy of Danbooru on disk: pictures inside tars, metadata as JSON or Parquet, joined by post id.

    DIR/**/*.tar, DIR/**                    pictures, ID.ext or ID_crop_K.ext, in tars or loose, at any depth
    DIR/metadata/**, DIR/posts*.json, ...   JSON Lines or one JSON array (plain, .gz, .xz), or Parquet

Names of tars and folders are not believed: copies put a post into bucket ID mod 1000 (`original/data-0123.tar`, newer
ones into `recent/data-1123.tar`), ID mod 10 (`updates/...-3.tar`) or ID div 1000 (`images/0004.tar`), and loose files
into `0123/`; the post is the one that the picture's own name says. Below `danbooru2019-figures/` and `figures/` lie
cut-out figures; all others are whole pictures: they need the `solo` tag and are cut out later (`needs_crop`), and one
in `512px/` stands behind all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from builders import files
from builders.engines import Engine
from builders.sources import figures, tars
from builders.sources.danbooru2019 import Danbooru2019
from builders.sources.exports import is_export, open_export
from builders.sources.figures import Figures
from builders.sources.lines import Lines
from builders.sources.trees import COUNTED, OUTPUT, Listed, is_picture, printable, walk
from schemas.errors import UsageError
from schemas.records import Rejected, drop

_PACKED = re.compile(r".+\.(tar\.[a-z0-9]+|tgz|txz|tbz2?)", re.IGNORECASE)
_AT_THE_TOP = re.compile(r"(posts|metadata).*|.*\.parquet", re.IGNORECASE)


class Pictures(Figures):
    """Picture files and members of tars by post id."""

    def __init__(self, root: Path, kept: Path, counts: dict[str, int]) -> None:
        super().__init__(root, [], counts)
        self._kept = kept

    def scan(self, engine: Engine) -> Iterator[Rejected]:
        """Walks the root and its tars, here; yields what is no row. Must end before anything else is asked."""
        for listed in pictures(self._root):
            if listed.verdict in (*COUNTED, OUTPUT):
                self._counts[listed.verdict] += 1
            elif not listed.verdict and listed.path.lower().endswith(".tar"):
                yield from self._tar(listed.path)
            elif not is_picture(listed.path) and not listed.verdict:
                yield self._rejected(listed.path, "bad_archive", "packed: unpack it to a plain .tar")
            else:
                yield from self._take(listed)
        for twice in self._settle():
            path = files.plain(twice.path)
            yield msgspec.structs.replace(twice, id=path, path=path)

    def _tar(self, path: str) -> Iterator[Rejected]:
        found = tars.index(self._root / path, self._kept)
        self._counts["tars"] += 1
        for name, count in found.counts.items():
            self._counts[name] += count
        for name, offset, size, verdict in found.members:
            yield from self._take(Listed(f"{path}/{name}", size, verdict), files.member(path, name, offset, size))
        if found.damage:
            yield self._rejected(path, "bad_archive", found.damage)

    def _take(self, listed: Listed, place: str = "") -> Iterator[Rejected]:
        """Adds a picture, which can be read at `place`; yields it when it is none."""
        path, size, verdict = listed
        self._digest.update(f"{printable(path)}\t{size}\n".encode())
        found = figures.STEM.fullmatch(path, path.rfind("/") + 1, path.rfind("."))
        if verdict:
            yield self._rejected(path, verdict)
        elif found is None or not path.isprintable():
            yield self._rejected(path, "bad_name", printable(path))
        else:
            rank = figures.RANKS.get(path.partition("/")[0], 1)
            self._add(place or path, int(found[1]), int(found[2] or -1), rank)

    def _rejected(self, path: str, reason: str, value: str = "") -> Rejected:
        return Rejected(printable(path), printable(path), drop(reason, value=value))


class Danbooru(Danbooru2019):
    """Reader of a later copy; `kept` is a folder for the tars' indexes. A damaged tar is a rejected row of its own.

    Raises UsageError when `root` lacks metadata or pictures.
    """

    name = "danbooru"

    def __init__(self, root: Path, kept: Path, workers: int = 1) -> None:
        super().__init__(root, workers)
        self._kept = kept
        self.counts |= {"tars": 0, "replaced_members": 0}

    def _check(self, root: Path) -> None:
        if all(listed.verdict or _PACKED.fullmatch(listed.path) for listed in pictures(root)):
            raise UsageError("--root holds no pictures", seen=str(root),
                             allowed="*.tar with pictures in them, or picture files, in any folder but metadata/ (a "
                                     ".tar.gz has to be unpacked to a .tar first)")
        if all(listed.verdict or open_export(root / listed.path) is None for listed in exports(root)):
            raise UsageError("--root holds no metadata", seen=str(root),
                             allowed="*.json (JSON Lines or one array; plain, .gz or .xz; a .tar.gz has to be unpacked "
                                     "first) or *.parquet (with id and tag_string_general, tags_general, "
                                     "tag_list_general or tags, a list of name and category; each name once), in "
                                     "metadata/ or named posts*.json, metadata*.json or *.parquet beside it")

    def _pictures(self) -> Figures:
        return Pictures(self.root, self._kept, self.counts)

    def _metadata(self) -> Iterator[tuple[Lines | None, int]]:
        for path, size, verdict in exports(self.root):
            yield None if verdict else open_export(self.root / path), size


def pictures(root: Path) -> Iterator[Listed]:
    """Picture files and tars, packed ones too, below the root but for `metadata/`, as `walk` gives them."""
    def wanted(name: str) -> bool:
        return is_picture(name) or name.lower().endswith(".tar") or _PACKED.fullmatch(name) is not None

    return (listed for listed in walk(root, wanted=wanted) if not listed.path.startswith("metadata/"))


def exports(root: Path) -> Iterator[Listed]:
    """Files of metadata, as `walk` gives them: those at the top of the root, then those in `metadata/`."""
    for listed in walk(root, wanted=lambda name: is_export(name) and _AT_THE_TOP.fullmatch(name) is not None):
        if "/" in listed.path:
            break
        if not listed.verdict:
            yield listed
    if (root / "metadata").is_dir():
        yield from walk(root, "metadata", is_export)
