"""Streams over Parquet shards."""

from __future__ import annotations

from typing import Any

from cards import shards


def test_splits_come_in_their_usual_order() -> None:
    assert shards.splits(["zebra", "test_unseen", "apple", "train", "test_seen"]) == [
        "train", "test_seen", "test_unseen", "apple", "zebra"]


def test_rows_give_split_and_columns(trio: dict[str, Any], write: Any) -> None:
    found = list(shards.rows(write(trio), ("id", "outfit"), batch=2))
    assert found[0] == ("train", {"id": "1", "outfit": "o1"})
    assert [(split, row["id"]) for split, row in found] == [
        ("train", "1"), ("train", "2"), ("train", "3"), ("test_unseen", "4"), ("test_unseen", "5")]


def test_rows_are_found_across_groups_and_splits(trio: dict[str, Any], write: Any) -> None:
    hits = list(shards.hits(write(trio), {"3", "4", "nobody"}))
    assert [(hit.path.name[:6], hit.group, hit.rows) for hit in hits] == [("train-", 1, [True]),
                                                                         ("test_u", 0, [True, False])]
    found = [row for hit in hits for row in shards.read(hit, ("id", "character"))]
    assert found == [{"id": "3", "character": "alice"}, {"id": "4", "character": "carol"}]


def test_sizes_come_from_footers(trio: dict[str, Any], write: Any) -> None:
    paths = write(trio)["train"]
    rows, decoded, stored = shards.sizes(paths)
    assert (rows, stored) == (3, paths[0].stat().st_size)
    assert decoded > 3 * len(trio["train"][0]["image"]["bytes"])
    assert shards.sizes([]) == (0, 0, 0)
