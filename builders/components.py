"""Connected components by union-find, with roots that do not depend on the order of the unions."""

from __future__ import annotations


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

    def roots(self) -> list[int]:
        """The root of each member."""
        return [self.find(member) for member in range(len(self._parent))]
