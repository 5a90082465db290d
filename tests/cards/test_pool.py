"""What a pool's rows say: the selection table, the map's cells, hosts and rows by their number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from annotators.scores import STRATEGIES, Scored, select
from cards.pool import best, choices, grid, host, refused, rows_at, survey
from schemas.draws import draw
from schemas.features import REJECTED, arrow_schema

FOUR = [("a", 1.0, 9.0), ("b", 9.0, 0.0), ("c", 5.0, 5.0), ("d", 0.0, 0.0)]


def test_what_each_strategy_selects(pooled: Any) -> None:
    rows = {row.strategy: row for row in choices(survey(pooled(FOUR), 3), 2)}
    assert list(rows) == ["coti", "aesthetic", "concept", "random", "full"]
    assert rows["coti"] == ("coti", 2, {"integrated": 10.0, "concept": 3.0, "aesthetic": 7.0}, 2)
    assert rows["aesthetic"][1:] == (2, {"integrated": 10.0, "concept": 3.0, "aesthetic": 7.0}, 2)
    assert rows["concept"][1:] == (2, {"integrated": 9.5, "concept": 7.0, "aesthetic": 2.5}, 1)
    assert rows["full"][1:] == (4, {"integrated": 7.25, "concept": 3.75, "aesthetic": 3.5}, 2)
    drawn = sorted(FOUR, key=lambda row: draw("3", row[0]))[:2]
    assert rows["random"].rows == 2 and rows["random"].shared == sum(row[0] in "ac" for row in drawn)
    assert rows["random"].means["concept"] == sum(row[1] for row in drawn) / 2


def test_equal_scores_are_taken_in_row_order(pooled: Any) -> None:
    seen = survey(pooled([(str(number), 1.0, 1.0) for number in range(9)]), 0)
    assert best(seen, "coti", 4).tolist() == best(seen, "concept", 4).tolist() == [0, 1, 2, 3]
    assert best(seen, "full", 4).tolist() == list(range(9))
    assert best(seen, "coti", 99).tolist() == list(range(9))


def test_random_follows_the_seed_and_the_ids_not_their_order(pooled: Any) -> None:
    rows = [(str(number), 1.0, 1.0) for number in range(40)]

    def chosen(order: Any, seed: int) -> set[str]:
        return {order[at][0] for at in best(survey(pooled(order), seed), "random", 10).tolist()}

    assert chosen(rows, 0) == chosen(rows[::-1], 0) != chosen(rows, 1)


def test_licences_hosts_and_seeds(pooled: Any) -> None:
    by = {"license": "cc-by-4.0", "attribution": "Ann"}
    seen = survey(pooled(
        [("a", 1, 1, by | {"url": "https://x.org/1.jpg", "status": "selected"}), ("b", 2, 1, {"url": "http://x.org/2"}),
         ("c", 3, 1, {"license": "cc-by-4.0"})], [("seed:s", 8, 2, by | {"url": "https://y.org/s"})]), 0)
    assert seen.licences == {"cc-by-4.0": 3, "": 1} and seen.attributed == {"cc-by-4.0": 2}
    assert seen.hosts == {"x.org": 2}
    assert seen.selected.tolist() == [True, False, False] and seen.rows == 3
    assert {name: values.tolist() for name, values in seen.seeds.items()} == {
        "integrated": [10.0], "concept": [8.0], "aesthetic": [2.0]}


def test_an_empty_pool(pooled: Any) -> None:
    seen = survey(pooled([]), 0)
    assert seen.rows == 0 and grid(seen, 4, 4).cells == {}
    assert {row.rows for row in choices(seen, 5)} == {0}


@pytest.mark.parametrize(("address", "name"), [
    ("https://Example.ORG:8080/a.jpg", "example.org"), ("http://me:word@x.org/", "x.org"), ("https://x.org.", "x.org"),
    ("http://[::1]:80/a", "::1"), ("pictures/a.jpg", ""), ("", ""), ("file:///etc", ""), ("http://[broken", ""),
    ("https://x.org?a=http://y.org", "x.org")])
def test_hosts(address: str, name: str) -> None:
    assert host(address) == name


def test_a_cell_shows_a_selected_row_else_the_lowest_draw(pooled: Any) -> None:
    corner = [(str(number), 1.0, 1.0) for number in range(30)]
    far = [("far", 9.0, 9.0), ("right", 9.0, 1.0)]
    lowest = min(range(30), key=lambda number: draw("0", str(number)))
    assert grid(survey(pooled([*corner, *far] * 2), 0), 2, 2).cells == {(0, 0): lowest, (1, 1): 30, (1, 0): 31}
    chosen = next(number for number in range(30) if number != lowest)
    corner[chosen] = (str(chosen), 1.0, 1.0, {"status": "selected"})
    assert grid(survey(pooled([*corner, *far]), 0), 2, 2).cells[0, 0] == chosen


def test_what_lies_beyond_the_scale_stands_at_its_edge(pooled: Any) -> None:
    rows = [(str(number), 5 + number / 1000, 5.0) for number in range(400)]
    plane = grid(survey(pooled([*rows, ("low", 0.0, 0.0), ("high", 10.0, 10.0)]), 0), 10, 10)
    assert plane.x == pytest.approx((5.007 - 0.05, 5.392 + 0.05), abs=0.002)
    assert plane.cells[0, 0] == 400 and plane.cells[9, 9] == 401


def test_the_scale_reaches_to_most_of_the_selected(pooled: Any) -> None:
    chosen = {"status": "selected"}
    rows = [*((str(number), 5.0, 5.0) for number in range(1000)), ("one", 10.0, 5.0, chosen),
            *((f"s{number}", 9.0, 5.0, chosen) for number in range(9))]
    plane = grid(survey(pooled(rows), 0), 10, 1)
    assert plane.x == pytest.approx((4.95, 9.1 + 0.05)) and plane.y == pytest.approx((4.95, 5.05))
    assert len(plane.cells) == 2 and plane.cells[9, 0] >= 1000


def test_rows_are_read_by_their_number(pooled: Any) -> None:
    data = pooled([(name, 1.0, 1.0) for name in "abcdefghij"])["pool"]
    assert len(data) == 3
    assert list(rows_at(data, [9, 0, 5, 5, 99], ("id",))) == [(0, {"id": "a"}), (5, {"id": "f"}), (9, {"id": "j"})]


def test_refusals_are_told_by_host(tmp_path: Path) -> None:
    lost = [("https://x.org/1", "fetch", "robots_tag"), ("https://x.org/2", "fetch", "robots_tag"),
            ("https://x.org/3", "fetch", "timeout"), ("https://x.org/4", "file", "too_small"),
            ("https://y.org/1", "fetch", "unreachable"), ("list.txt", "source", "bad_url")]
    rows = [dict.fromkeys(arrow_schema(REJECTED).names, "") | {"path": path, "stage": stage, "reason": reason}
            for path, stage, reason in lost]
    pq.write_table(pa.Table.from_pylist(rows, schema=arrow_schema(REJECTED)), tmp_path / "rejected.parquet")
    assert refused(tmp_path / "rejected.parquet") == {
        "x.org": {"robots_tag": 2, "timeout": 1}, "y.org": {"unreachable": 1}}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_table_selects_as_the_build_does(pooled: Any, strategy: Any) -> None:
    rows = [(f"{number:02d}", number * 7 % 5, number * 3 % 4) for number in range(30)]  # with many equal scores
    concept, aesthetic = (np.array([row[at] for row in rows], np.float32) for at in (1, 2))
    built = Scored([row[0] for row in rows], aesthetic, concept, concept + aesthetic)
    assert best(survey(pooled(rows), 5), strategy, 11).tolist() == select(strategy, built, 11, 5).tolist()
