import random

import pyarrow as pa

from builders.groups import Groups, group
from builders.outfits import _near_among, _ties
from builders.splits import Shares, assign


def _rows(looks: list[int], answers: list[str]) -> pa.Table:
    def row(number: int, look: int, answer: str) -> dict[str, object]:
        chance = random.Random(look)
        return {"id": f"{number:03}", "character": f"c{number}", "artist": "x", "answers": [answer], "outfit_hint": "",
                "phash": f"{chance.getrandbits(64):016x}", "phash_mirror": f"{chance.getrandbits(64):016x}",
                "thumb": chance.randbytes(256), "post_id": str(number), "parent_id": ""}

    return pa.Table.from_pylist([row(n, look, answer) for n, (look, answer) in enumerate(zip(looks, answers,
                                                                                           strict=True))])


def test_near_copies_tie_rows_also_through_one_that_left() -> None:
    # One picture stands in three characters' rows; the first of them has no reference and leaves.
    groups = Groups([[], [2], [1], [4], [3]], ["a", "b", "b", "c", "c"], [(0, 1, 0), (0, 3, 0)])
    kept = [1, 2, 3, 4]
    ties = _ties(groups, kept)
    assert (0, 2) in ties  # rows 1 and 3, by their numbers among the kept
    splits = assign(["b", "b", "c", "c"], ["b", "b", "c", "c"], ties, Shares(0, 0.5, 0))
    assert len(set(splits)) == 1


def test_near_copies_are_counted_among_published_rows_only() -> None:
    rows = _rows([7, 7, 7, 8], ["red"] * 4)
    groups = group(rows)
    assert _near_among(rows, groups, {0, 1, 2, 3}) == 3
    assert _near_among(rows, groups, {1, 2, 3}) == 1
    assert _near_among(rows, groups, {3}) == 0
