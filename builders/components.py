"""Connected components by union-find, with roots that do not depend on the order of the unions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


class Components:
    """A partition of 0..size-1 that only ever merges. The root of a part is its smallest member."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def find(self, member: int) -> int:
        """The smallest member of the part that holds `member`."""
        parent = self._parent
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    def union(self, first: int, second: int) -> None:
        """Merges the parts of two members."""
        low, high = sorted((self.find(first), self.find(second)))
        self._parent[high] = low


def roots(pairs: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """The smallest member of the part that holds each of 0..size-1, after the unions of all pairs, M x 2, at once."""
    root = np.arange(size)
    while True:
        tied = root[pairs]
        tied = tied[tied[:, 0] != tied[:, 1]]
        if not len(tied):
            return root
        np.minimum.at(root, tied.max(axis=1), tied.min(axis=1))
        while (root != root[root]).any():
            root = root[root]
