"""A Danbooru2019 mirror on disk: metadata joined to figure files by post id.

    DIR/metadata/**                     JSON Lines (plain, .gz, .xz), any depth, e.g. yearly folders
    DIR/danbooru2019-figures/, figures/ cut-out figures: one row a file
    DIR/original/, 512px/               whole pictures: need the `solo` tag, cut out later (`needs_crop`)

Files lie flat or in buckets, as ID.ext or ID_crop_K.ext. A row is a picture file; metadata without one is only
counted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from builders.sources import figures, records
from builders.sources.figures import Figures
from builders.sources.lines import Lines, is_metadata
from builders.sources.trees import check_root, inside, walk
from schemas.errors import BuildError, UsageError
from schemas.records import Post, Rejected, drop

LAST_IMAGE = 3_734_660
"""Last post id whose picture Danbooru2019 holds; its metadata goes on. Only counted: mirrors differ."""

COUNTS = (
    "metadata_files", "metadata_files_cut", "metadata_other_files", "metadata_records",
    "metadata_without_figure", "metadata_past_last_image", "bad_lines", "bad_values", "missing_keys",
    "duplicate_records", "duplicate_tags", "unknown_category_tags", "bad_tags", *figures.COUNTS,
)

# The id of a record that starts with it, as both exports do: enough to pass over posts without a figure.
_HEAD = re.compile(rb'\s*\{\s*"id"\s*:\s*"?([0-9]{1,18})"?\s*[,}]')

_UNSEEN, _BAD, _JOINED = 0, 1, 2


class Danbooru2019:
    """Reader of a mirror. Raises UsageError when `root` lacks metadata or every known tree."""

    name = "danbooru2019"
    licence = "Pictures belong to their artists; tags were written by the Danbooru community."

    def __init__(self, root: Path) -> None:
        self.root = root
        self.counts = dict.fromkeys(COUNTS, 0)
        self._digest = ""
        check_root(root)
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
        self.counts.update(dict.fromkeys(COUNTS, 0))
        found = Figures(self.root, self._trees, self.counts)
        yield from found.scan()
        state = bytearray(len(found))
        whole = hashlib.sha256(found.digest.encode())
        for path, _, verdict in walk(self.root, "metadata", is_metadata):
            if verdict:
                self.counts["metadata_other_files"] += 1
                continue
            lines = Lines(self.root / path)
            for block in lines.blocks():
                yield from self._join(block, found, state)
            whole.update(lines.digest.encode())
            self.counts["metadata_files"] += 1
            self.counts["metadata_files_cut"] += not lines.whole
        for position in np.flatnonzero(np.frombuffer(state, np.uint8) != _JOINED).tolist():
            reason = "bad_metadata" if state[position] == _BAD else "no_metadata"
            for row_id, path, _ in found.files(position):
                yield Rejected(row_id, path, drop(reason))
        self._digest = whole.hexdigest()

    def digest(self) -> str:
        """Hex sha256 over what was read: figure paths and sizes, metadata contents. Known after iteration."""
        if not self._digest:
            raise BuildError("the source has no digest before it was read to its end")
        return self._digest

    def _join(self, lines: list[bytes], found: Figures, state: bytearray) -> Iterator[Post]:
        """Posts for the lines whose post has files. A line is only decoded when it may be one of those."""
        matches = [_HEAD.match(line) for line in lines]
        ids = np.array([int(match[1]) if match else -1 for match in matches], np.int64)
        positions = found.positions(ids)
        passed = (ids >= 0) & (positions < 0)
        self.counts["metadata_records"] += int(np.count_nonzero(passed))
        self.counts["metadata_without_figure"] += int(np.count_nonzero(passed))
        self.counts["metadata_past_last_image"] += int(np.count_nonzero(ids[passed] > LAST_IMAGE))
        for index in np.flatnonzero(~passed).tolist():
            line = lines[index]
            if not line or line.isspace():
                continue
            record = records.parse(line)
            if isinstance(record, str):
                self._spoilt(record, int(positions[index]), state)
                continue
            self.counts["metadata_records"] += 1
            post_id = record.id if record.id is not None and 0 <= record.id < 2**62 else -1
            self.counts["metadata_past_last_image"] += post_id > LAST_IMAGE
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

    def _spoilt(self, count: str, position: int, state: bytearray) -> None:
        """Counts a line that gives no record and remembers the post it was for."""
        self.counts[count] += 1
        self.counts["metadata_records"] += count != "bad_lines"
        if position >= 0 and state[position] == _UNSEEN:
            state[position] = _BAD
