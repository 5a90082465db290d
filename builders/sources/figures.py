"""The figure files of a mirror: found once, held compactly, looked up by post id in bulk."""

from __future__ import annotations

import hashlib
import re
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from builders.engines import Engine
from builders.sources.trees import COUNTED, OUTPUT, printable, walk_with
from schemas.records import Rejected, drop

RANKS = {"danbooru2019-figures": 0, "figures": 0, "original": 1, "512px": 2}
"""Known trees. Rank 0 holds cut-out figures; the others hold whole pictures, and `original` goes before
`512px`, which pads every picture to a square."""

COUNTS = (*COUNTED, OUTPUT, "lesser_copies")

_NO_ROWS = frozenset((*COUNTED, OUTPUT))
STEM = re.compile(r"([0-9]{1,10})(?:_crop_([0-9]{1,6}))?", re.ASCII)
"""A picture's name without extension: the post's id, and the number of the crop where it is one."""


def positions_of(ids: npt.NDArray[np.int64], known: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Position of each id in `known`, which is sorted; -1 where it is not there."""
    if not len(known):
        return np.full(len(ids), -1)
    near = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return np.where(known[near] == ids, near, -1)


class Figures:
    """Picture files by post id: about 60 bytes a file, so that millions fit into memory.

    Of one post only the files of its best tree are rows; whole pictures beside a figure are `lesser_copies`.
    """

    def __init__(self, root: Path, trees: list[str], counts: dict[str, int]) -> None:
        self._root, self._trees, self._counts = root, trees, counts
        self._ids, self._crops, self._ranks = array("q"), array("q"), array("b")
        self._paths, self._ends = bytearray(), array("q")
        self._digest = hashlib.sha256()

    def scan(self, engine: Engine) -> Iterator[Rejected]:
        """Walks the trees in the workers of `engine`; yields the files that are no rows. Must end before anything else
        is asked."""
        for tree in sorted(self._trees):
            for path, size, verdict in walk_with(engine, self._root, tree):
                if verdict in _NO_ROWS:
                    self._counts[verdict] += 1
                    continue
                shown = printable(path)
                self._digest.update(f"{shown}\t{size}\n".encode())
                found = STEM.fullmatch(path, path.rfind("/") + 1, path.rfind("."))
                if verdict:
                    yield Rejected(shown, shown, drop(verdict))
                elif found is None or shown != path:
                    yield Rejected(shown, shown, drop("bad_name", value=shown))
                else:
                    self._add(path, int(found[1]), int(found[2] or -1), RANKS[tree])
        yield from self._settle()

    @property
    def digest(self) -> str:
        """Hex sha256 over paths below the root and sizes."""
        return self._digest.hexdigest()

    def __len__(self) -> int:
        """Number of posts that have a file."""
        return len(self._known)

    @property
    def known(self) -> npt.NDArray[np.int64]:
        """Ids of the posts that have a file, sorted; elsewhere a post goes by its position among them."""
        return self._known

    def positions(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Position (0 .. len - 1) of each post id, -1 where it has no file."""
        return positions_of(ids, self._known)

    def files(self, position: int) -> Iterator[tuple[str, str, bool]]:
        """(row id, path below the root, whether it is a whole picture) for each file of the post there."""
        start, end = self._starts[position], self._starts[position + 1]
        for first, row in enumerate(self._rows[start:end]):
            crop = f"_crop_{self._crops[row]}" if first else ""
            yield f"{self._ids[row]}{crop}", self._path(row), self._ranks[row] > 0

    def _add(self, path: str, post: int, crop: int, rank: int) -> None:
        self._ids.append(post)
        self._crops.append(crop)
        self._ranks.append(rank)
        self._paths += path.encode()
        self._ends.append(len(self._paths))

    def _path(self, row: int) -> str:
        return self._paths[self._ends[row - 1] if row else 0:self._ends[row]].decode()

    def _settle(self) -> Iterator[Rejected]:
        """Sorts by post, tree, crop and path; leaves out lesser copies and second files of one figure."""
        ids, crops = np.array(self._ids, np.int64), np.array(self._crops, np.int64)
        ranks = np.array(self._ranks, np.int64)
        order = np.lexsort((crops, ranks, ids))  # stable, and files came in path order
        ids, crops, ranks = ids[order], crops[order], ranks[order]
        known, starts, sizes = np.unique(ids, return_index=True, return_counts=True)
        best = ranks == np.repeat(ranks[starts], sizes)
        self._counts["lesser_copies"] += int(np.count_nonzero(~best))
        order, ids, crops = order[best], ids[best], crops[best]
        second = np.zeros(len(ids), bool)
        second[1:] = (ids[1:] == ids[:-1]) & (crops[1:] == crops[:-1])
        for row in order[second].tolist():
            path = self._path(row)
            yield Rejected(path, path, drop("duplicate_file", value=self._ids[row]))
        self._rows = array("q", order[~second].astype(np.int64).tobytes())  # numpy takes longer to give one number
        self._known = known
        starts = np.append(np.searchsorted(ids[~second], known), np.count_nonzero(~second))
        self._starts = array("q", starts.astype(np.int64).tobytes())
