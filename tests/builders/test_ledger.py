from pathlib import Path

import pytest

from builders.ledger import Bond, Brief, Ledger
from schemas.errors import BuildError
from schemas.records import Drop, Post, Rejected, drop


def _post(number: int, character: str = "a", artist: str = "x") -> Post:
    return Post(id=str(number), path=f"/mirror/figures/{number}.png", characters=(character,), artists=(artist,))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite", Path("/mirror"))


def _take(ledger: Ledger, found: list[Post | Rejected], match: str = "artist") -> int:
    return ledger.take(found, match, lambda rows, kept: None)


def test_rows_in_equal_rows_out_and_drops(ledger: Ledger) -> None:
    found = [_post(1), _post(3), _post(2), Rejected("9", "figures/9.png", drop("no_metadata"))]
    assert _take(ledger, found) == 4
    assert len(ledger) == 3
    assert ledger.close_stage("source", 4).drops == {"no_metadata": 1}
    ledger.drop([("3", drop("status", value="deleted"))])
    step = ledger.close_stage("select", 3)
    assert (step.rows_in, step.rows_out, step.drops) == (3, 2, {"status": 1})
    assert [(row.id, row.path, row.drop.reason) for row in ledger.rejected()] == [
        ("3", "figures/3.png", "status"), ("9", "figures/9.png", "no_metadata")]


def test_a_lost_row_stops_the_build(ledger: Ledger) -> None:
    _take(ledger, [_post(1), _post(2)])
    with pytest.raises(BuildError, match="rows were lost"):
        ledger.close_stage("select", 5)


def test_rows_come_in_id_order_with_what_was_filled(ledger: Ledger) -> None:
    _take(ledger, [_post(20), _post(100), _post(3, "b")])
    (rows,) = ledger.rows()
    assert [row.post.id for row in rows] == ["100", "20", "3"]
    assert rows[0].box is None and rows[0].sha256 == "" and rows[0].width == 0
    ledger.fill([rows[1]._replace(sha256="ab", key="cd", box=(1, 2, 3, 4), width=5, height=6, bytes=7)])
    (rows,) = ledger.rows()
    assert rows[1][1:] == ("ab", "cd", (1, 2, 3, 4), 5, 6, 7)
    assert rows[1].post == _post(20)


def test_in_brief_a_row_says_what_ties_it_and_what_annotators_read(ledger: Ledger) -> None:
    plain = Post(id="9", path="/mirror/9.png", characters=("ann",))
    child = Post(id="10", path="/mirror/10.png", characters=("ann",), artists=("x",), post_id="10", parent_id="8",
                 general=("red_dress", "sky", "hat"), outfit_hint="summer")
    _take(ledger, [plain, child])
    (rows,) = ledger.rows()
    ledger.fill(row._replace(key="k" + row.post.id) for row in rows)
    assert list(ledger.briefs()) == [[
        Brief(Bond("10", "10", ("ann",), ("x",), "8", "summer"), "k10", '{"cloths":["red dress","hat"]}'),
        Brief(Bond("9", "", ("ann",), ()), "k9", '{"cloths":[]}')]]


def test_singletons_count_the_identity(ledger: Ledger) -> None:
    posts = [_post(1), _post(2), _post(3, "a", "y"), _post(4, "b")]
    _take(ledger, posts)
    ledger.drop_singletons("select")
    assert [row.post.id for rows in ledger.rows() for row in rows] == ["1", "2"]
    assert [(row.id, row.drop.value, row.drop.stage) for row in ledger.rejected()] == [
        ("3", "1 of a, y", "select"), ("4", "1 of b, x", "select")]


def test_identity_without_the_artist(ledger: Ledger) -> None:
    _take(ledger, [_post(1), _post(3, "a", "y")], "character")
    ledger.drop_singletons("select")
    assert len(ledger) == 2


def test_a_row_leaves_once_and_for_a_known_reason(ledger: Ledger) -> None:
    _take(ledger, [_post(1), _post(2)])
    ledger.drop([("1", drop("no_face"))])
    with pytest.raises(BuildError, match="left twice"):
        ledger.drop([("1", drop("no_face"))])


def test_two_rows_with_one_id_are_a_bug_of_the_source(ledger: Ledger) -> None:
    with pytest.raises(BuildError, match="two rows with one id"):
        _take(ledger, [_post(1), _post(1)])


def test_an_unknown_reason_stops_the_build(ledger: Ledger) -> None:
    with pytest.raises(BuildError, match="unknown drop reason"):
        _take(ledger, [Rejected("9", "x", Drop("because", "select"))])


def test_pictures_without_identities_are_no_singletons(ledger: Ledger) -> None:
    _take(ledger, [Post(id="only", path="/mirror/only.png")], match="")
    ledger.drop_singletons("file")
    assert len(ledger) == 1


def test_a_fetched_picture_lies_in_a_file_and_is_named_by_its_address(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite", Path("pool"), Path("/seeds"))
    far = [Post(id=name, path="", url=f"https://example.org/{name}.jpg", text="a chick") for name in "ab"]
    _take(ledger, [*far, Post(id="seed:s", path="/seeds/s.png"), Post(id="z", path="pool/z.png"),
                   Post(id="zz", path=str(Path("pool/zz.png").absolute()))], match="")
    ledger.place([("a", "/out/pictures.tar"), ("b", "/out/others.tar")])
    assert next(row.post for rows in ledger.rows() for row in rows) == Post(
        id="a", path="/out/pictures.tar", url="https://example.org/a.jpg", text="a chick")
    ledger.drop([(row, drop("near_copy")) for row in ("a", "seed:s", "z", "zz")])
    assert [(row.id, row.path) for row in ledger.rejected()] == [
        ("a", "https://example.org/a.jpg"), ("seed:s", "s.png"), ("z", "z.png"), ("zz", "zz.png")]


def test_an_address_is_told_as_it_is_even_where_it_looks_like_a_tar_s_member(ledger: Ledger) -> None:
    _take(ledger, [Post(id="1", path="", url="https://example.org/a.jpg@3+4")], "")
    ledger.drop([("1", drop("timeout"))])
    assert [row.path for row in ledger.rejected()] == ["https://example.org/a.jpg@3+4"]


def test_of_a_copy_the_name_is_told_not_the_tar(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite", Path("/pool"), Path("/out"))
    for root in ("/out", "/pool"):
        assert ledger.relative(f"{root}/.annotations/cells/00003.tar//ab.img@512+7") == "ab.img"
    assert ledger.relative("/pool/out/.annotations/cells/00003.tar//ab.img@512+7") == "ab.img"
    assert ledger.relative("/out/1.0.0/ab.img") == "1.0.0/ab.img"
