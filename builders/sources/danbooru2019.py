"""A Danbooru2019 mirror on disk: metadata joined to figure files by post id.

    DIR/metadata/**                     JSON Lines (plain, .gz, .xz), any depth, e.g. yearly folders
    DIR/danbooru2019-figures/, figures/ cut-out figures: one row a file
    DIR/original/, 512px/               whole pictures: need the `solo` tag, cut out later (`needs_crop`)

Files lie flat or in buckets, as ID.ext or ID_crop_K.ext. A row is a picture file; metadata without one is only
counted.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from builders.engines import Engine, Local
from builders.files import plain
from builders.sources import figures, records, scan
from builders.sources.figures import Figures
from builders.sources.lines import Lines, Piece, is_metadata
from builders.sources.trees import check_root, inside, walk
from schemas.errors import BuildError, UsageError
from schemas.records import Post, Rejected, drop

COUNTS = ("metadata_files", "metadata_files_cut", "metadata_other_files", "duplicate_records",
          *scan.COUNTS, *records.COUNTS, *figures.COUNTS)

_PAYS = 64 * 2**20
"""Bytes of metadata from which on the start of other processes costs less time than they save."""

_UNSEEN, _BAD, _JOINED = 0, 1, 2


class Danbooru2019:
    """Reader of a mirror in `workers` processes. Raises UsageError when `root` lacks metadata or every known tree."""

    name = "danbooru2019"
    licence = "Pictures belong to their artists; tags were written by the Danbooru community."

    def __init__(self, root: Path, workers: int = 1) -> None:
        self.root = root
        self._workers = workers
        self.counts = dict.fromkeys(COUNTS, 0)
        self._digest = ""
        check_root(root)
        self._check(root)

    def _check(self, root: Path) -> None:
        """Raises UsageError when a folder is no mirror."""
        self._trees = [tree for tree in figures.RANKS if (root / tree).is_dir() and inside(root, root / tree)]
        if not self._trees:
            raise UsageError("--root holds no known tree of pictures", seen=str(root),
                             allowed="one or more of " + ", ".join(f"{tree}/" for tree in figures.RANKS)
                                     + " inside it (a link that leads out of it does not count)")
        folder = root / "metadata"
        if not (folder.is_dir() and inside(root, folder)
                and any(not listed.verdict for listed in walk(root, "metadata", is_metadata))):
            raise UsageError("--root holds no metadata", seen=str(root),
                             allowed="JSON Lines files in metadata/: *.json, plain, .gz or .xz (a .tar.xz has to "
                                     "be unpacked first)")

    def posts(self) -> Iterator[Post | Rejected]:
        """Every picture file once, as a Post or with the reason why not; fills `counts`.

        The order is fixed by names and metadata, not by the file system. Of two records of one post the first
        that can be used wins.
        """
        self.counts.update(dict.fromkeys(self.counts, 0))
        found = self._pictures()
        listed = list(self._metadata())
        files = [lines for lines, _ in listed if lines is not None]
        self.counts["metadata_other_files"] = len(listed) - len(files)
        with Local[Any, Any](self._workers if sum(size for _, size in listed) >= _PAYS else 1) as engine:
            yield from found.scan(engine)
            state = bytearray(len(found))
            yield from self._joined(found, state, files, engine)
        for position in np.flatnonzero(np.frombuffer(state, np.uint8) != _JOINED).tolist():
            reason = "bad_metadata" if state[position] == _BAD else "no_metadata"
            for row_id, path, _ in found.files(position):
                yield Rejected(row_id, plain(path), drop(reason))
        self.counts["metadata_files"] = len(files)
        self.counts["metadata_files_cut"] = sum(not lines.whole for lines in files)
        self._digest = hashlib.sha256("".join([found.digest, *(lines.digest for lines in files)]).encode()).hexdigest()

    def digest(self) -> str:
        """Hex sha256 over what was read: figure paths and sizes, metadata contents. Known after iteration."""
        if not self._digest:
            raise BuildError("the source has no digest before it was read to its end")
        return self._digest

    def _pictures(self) -> Figures:
        return Figures(self.root, self._trees, self.counts)

    def _metadata(self) -> Iterator[tuple[Lines | None, int]]:
        """Files of metadata in their order, None for one that is not read; and their sizes in bytes."""
        for path, size, verdict in walk(self.root, "metadata", is_metadata):
            yield None if verdict else Lines(self.root / path), size

    def _joined(self, found: Figures, state: bytearray, files: list[Lines], engine: Engine) -> Iterator[Post]:
        """Posts for the records whose post has pictures; fills `state` by position."""
        owners: deque[Lines] = deque()

        def pieces() -> Iterator[Piece]:
            for lines in files:
                for piece in lines.pieces():
                    owners.append(lines)
                    yield piece

        decoder = msgspec.msgpack.Decoder(scan.Seen)
        for scanned in scan.scan(pieces(), found.known, engine):
            owners.popleft().add(scanned.digest)
            self._count(scanned.counts)
            for seen in map(decoder.decode, scanned.seen):
                if seen.post is None:
                    state[seen.position] = state[seen.position] or _BAD
                elif state[seen.position] == _JOINED:
                    self.counts["duplicate_records"] += 1
                else:
                    state[seen.position] = _JOINED
                    self._count(seen.counts)
                    for row_id, path, whole in found.files(seen.position):
                        yield msgspec.structs.replace(seen.post, id=row_id, path=f"{self.root}/{path}",
                                                      needs_crop=whole)

    def _count(self, counts: Mapping[str, int]) -> None:
        for name, count in counts.items():
            self.counts[name] += count
