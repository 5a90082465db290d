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

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from builders import files
from builders.sources import figures, records, tars
from builders.sources.exports import is_export, open_export
from builders.sources.figures import Figures
from builders.sources.trees import COUNTED, OUTPUT, Listed, check_root, is_picture, printable, walk
from schemas.errors import BuildError, UsageError
from schemas.records import Post, Rejected, drop

COUNTS = (
    "metadata_files", "metadata_files_cut", "metadata_other_files", "metadata_records", "metadata_without_figure",
    "bad_lines", "bad_values", "missing_keys", "duplicate_records", "duplicate_tags", "unknown_category_tags",
    "bad_tags", "tars", "replaced_members", *figures.COUNTS,
)

# The id of a record that starts with it, as the exports do: enough to pass over posts without a picture.
_HEAD = re.compile(rb'\s*\{\s*"id"\s*:\s*"?([0-9]{1,18})"?\s*[,}]')
_STEM = re.compile(r"([0-9]{1,10})(?:_crop_([0-9]{1,6}))?", re.ASCII)
_PACKED = re.compile(r".+\.(tar\.[a-z0-9]+|tgz|txz|tbz2?)", re.IGNORECASE)
_AT_THE_TOP = re.compile(r"(posts|metadata).*|.*\.parquet", re.IGNORECASE)

_UNSEEN, _BAD, _JOINED = 0, 1, 2


class Pictures(Figures):
    """Picture files and members of tars by post id."""

    def __init__(self, root: Path, kept: Path, counts: dict[str, int]) -> None:
        super().__init__(root, [], counts)
        self._kept = kept

    def scan(self) -> Iterator[Rejected]:
        """Walks the root and its tars; yields what is no row. Must end before anything else is asked."""
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
        found = _STEM.fullmatch(path.rpartition("/")[2].rpartition(".")[0])
        if verdict:
            yield self._rejected(path, verdict)
        elif found is None or not path.isprintable():
            yield self._rejected(path, "bad_name", printable(path))
        else:
            rank = figures.RANKS.get(path.partition("/")[0], 1)
            self._add(place or path, int(found[1]), int(found[2] or -1), rank)

    def _rejected(self, path: str, reason: str, value: str = "") -> Rejected:
        return Rejected(printable(path), printable(path), drop(reason, value=value))


class Danbooru:
    """Reader of a later copy. `kept` is a folder for the tars' indexes.

    Raises UsageError when `root` lacks metadata or pictures.
    """

    name = "danbooru"
    licence = "Pictures belong to their artists; tags were written by the Danbooru community."

    def __init__(self, root: Path, kept: Path) -> None:
        self.root, self._kept = root, kept
        self.counts = dict.fromkeys(COUNTS, 0)
        self._digest = ""
        check_root(root)
        if all(listed.verdict or _PACKED.fullmatch(listed.path) for listed in pictures(root)):
            raise UsageError("--root holds no pictures", seen=str(root),
                             allowed="*.tar with pictures in them, or picture files, in any folder but metadata/ (a "
                                     ".tar.gz has to be unpacked to a .tar first)")
        if all(listed.verdict or open_export(root / listed.path) is None for listed in exports(root)):
            raise UsageError("--root holds no metadata", seen=str(root),
                             allowed="*.json (JSON Lines or one array; plain, .gz or .xz; a .tar.gz has to be unpacked "
                                     "first) or *.parquet (with id and tag_string_general, tags_general or "
                                     "tag_list_general), in metadata/ or named posts*.json, metadata*.json or "
                                     "*.parquet beside it")

    def posts(self) -> Iterator[Post | Rejected]:
        """Every picture once, as a Post or with the reason why not; damaged tars are rejected too. Fills `counts`.

        The order is fixed by names and metadata. Of two records of one post the first that can be used wins.
        """
        self.counts.update(dict.fromkeys(COUNTS, 0))
        found = Pictures(self.root, self._kept, self.counts)
        yield from found.scan()
        state = bytearray(len(found))
        whole = hashlib.sha256(found.digest.encode())
        for path, _, verdict in exports(self.root):
            export = None if verdict else open_export(self.root / path)
            if export is None:
                self.counts["metadata_other_files"] += 1
                continue
            for block in export.blocks():
                yield from self._join(block, found, state)
            whole.update(export.digest.encode())
            self.counts["metadata_files"] += 1
            self.counts["metadata_files_cut"] += not export.whole
        for position in np.flatnonzero(np.frombuffer(state, np.uint8) != _JOINED).tolist():
            reason = "bad_metadata" if state[position] == _BAD else "no_metadata"
            for row_id, path, _ in found.files(position):
                yield Rejected(row_id, files.plain(path), drop(reason))
        self._digest = whole.hexdigest()

    def digest(self) -> str:
        """Hex sha256 over what was read: paths and sizes of pictures, metadata contents. Known after iteration."""
        if not self._digest:
            raise BuildError("the source has no digest before it was read to its end")
        return self._digest

    def _join(self, lines: list[bytes], found: Pictures, state: bytearray) -> Iterator[Post]:
        """Posts for the lines whose post has pictures. A line is only decoded when it may be one of those."""
        heads = [_HEAD.match(line) for line in lines]
        ids = np.array([int(head[1]) if head else -1 for head in heads], np.int64)
        positions = found.positions(ids)
        passed = (ids >= 0) & (positions < 0)
        self.counts["metadata_records"] += int(np.count_nonzero(passed))
        self.counts["metadata_without_figure"] += int(np.count_nonzero(passed))
        for index in np.flatnonzero(~passed).tolist():
            if not lines[index] or lines[index].isspace():
                continue
            record = records.parse(lines[index])
            self.counts["metadata_records"] += record != "bad_lines"
            if isinstance(record, str):
                self.counts[record] += 1
                if positions[index] >= 0 and state[positions[index]] == _UNSEEN:
                    state[positions[index]] = _BAD
                continue
            post_id = record.id if record.id is not None and 0 <= record.id < 2**62 else -1
            # A key can stand twice in a line, and then the last one counts, not the one at its head.
            position = int(positions[index] if post_id == ids[index] else found.positions(np.array([post_id]))[0])
            if position < 0:
                self.counts["metadata_without_figure"] += 1
            elif state[position] == _JOINED:
                self.counts["duplicate_records"] += 1
            else:
                state[position] = _JOINED
                post = records.post_of(record, self.counts)
                for row_id, path, whole in found.files(position):
                    yield msgspec.structs.replace(post, id=row_id, path=f"{self.root}/{path}", needs_crop=whole)


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
