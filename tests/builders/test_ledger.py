from pathlib import Path

import pytest

from builders.ledger import Ledger
from schemas.errors import BuildError
from schemas.records import Drop, Post, Rejected, drop


def _post(number: int, character: str = "a", artist: str = "x") -> Post:
    return Post(id=str(number), path=f"/mirror/figures/{number}.png", characters=(character,), artists=(artist,))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite", Path("/mirror"))


def _keep(post: Post) -> Drop | None:
    return drop("status", value="deleted") if post.id == "3" else None


def test_rows_in_equal_rows_out_and_drops(ledger: Ledger) -> None:
    found = [_post(1), _post(3), _post(2), Rejected("9", "figures/9.png", drop("no_metadata"))]
    assert ledger.take(found, _keep, "artist") == 4
    assert len(ledger) == 2
    step = ledger.close_stage("select", 3)
    assert (step.rows_in, step.rows_out, step.drops) == (3, 2, {"status": 1})
    assert [(row.id, row.path, row.drop.reason) for row in ledger.rejected()] == [
        ("3", "figures/3.png", "status"), ("9", "figures/9.png", "no_metadata")]


def test_a_lost_row_stops_the_build(ledger: Ledger) -> None:
    ledger.take([_post(1), _post(2)], _keep, "artist")
    with pytest.raises(BuildError, match="rows were lost"):
        ledger.close_stage("select", 5)


def test_rows_come_in_id_order_with_what_was_filled(ledger: Ledger) -> None:
    ledger.take([_post(20), _post(100), _post(3, "b")], lambda post: None, "artist")
    (rows,) = ledger.rows()
    assert [row.post.id for row in rows] == ["100", "20", "3"]
    assert rows[0].box is None and rows[0].sha256 == "" and rows[0].width == 0
    ledger.fill([rows[1]._replace(sha256="ab", key="cd", box=(1, 2, 3, 4), width=5, height=6, bytes=7)])
    (rows,) = ledger.rows()
    assert rows[1][1:] == ("ab", "cd", (1, 2, 3, 4), 5, 6, 7)
    assert rows[1].post == _post(20)


def test_singletons_count_the_identity(ledger: Ledger) -> None:
    posts = [_post(1), _post(2), _post(3, "a", "y"), _post(4, "b")]
    ledger.take(posts, lambda post: None, "artist")
    ledger.drop_singletons("select")
    assert [row.post.id for rows in ledger.rows() for row in rows] == ["1", "2"]
    assert [(row.id, row.drop.value, row.drop.stage) for row in ledger.rejected()] == [
        ("3", "1 of a, y", "select"), ("4", "1 of b, x", "select")]


def test_identity_without_the_artist(ledger: Ledger) -> None:
    ledger.take([_post(1), _post(3, "a", "y")], lambda post: None, "character")
    ledger.drop_singletons("select")
    assert len(ledger) == 2


def test_a_row_leaves_once_and_for_a_known_reason(ledger: Ledger) -> None:
    ledger.take([_post(1), _post(2)], lambda post: None, "artist")
    ledger.drop([("1", drop("no_face"))])
    with pytest.raises(BuildError, match="left twice"):
        ledger.drop([("1", drop("no_face"))])


def test_two_rows_with_one_id_are_a_bug_of_the_source(ledger: Ledger) -> None:
    with pytest.raises(BuildError, match="two rows with one id"):
        ledger.take([_post(1), _post(1)], lambda post: None, "artist")


def test_an_unknown_reason_stops_the_build(ledger: Ledger) -> None:
    with pytest.raises(BuildError, match="unknown drop reason"):
        ledger.take([Rejected("9", "x", Drop("because", "select"))], lambda post: None, "artist")
