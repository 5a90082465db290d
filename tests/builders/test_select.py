import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.select import (
    Exclude,
    Selection,
    answers_known,
    cloths,
    coverage_within,
    one_face,
    read_exclude,
    read_ratings,
    select,
    side_at_least,
)
from schemas.errors import UsageError
from schemas.records import REASONS, Post, Rating

GOOD = {
    "id": "12_crop_1", "path": "x", "post_id": "12", "characters": ("reimu",), "artists": ("zun",),
    "general": ("1girl", "pleated_skirt", "black_legwear", "gloves"), "rating": Rating.GENERAL, "rating_raw": "s",
    "md5": "a" * 32,
}


def post(**changes):
    return Post(**GOOD | changes)


def reason(row, options=None):
    verdict = select(row, options or Selection())
    return verdict.reason if verdict else None


def test_a_good_post_is_kept():
    assert select(post(), Selection()) is None


@pytest.mark.parametrize(("changes", "expected"), [
    ({"status": ("deleted",)}, "status"), ({"status": ("pending", "flagged")}, "status"),
    ({"artists": ("zun", "banned_artist")}, "banned_artist"),
    ({"general": ("skirt", "banned_artist")}, "banned_artist"), ({"meta": ("banned_artist",)}, "banned_artist"),
    ({"rating": Rating.QUESTIONABLE}, "rating"), ({"rating": Rating.EXPLICIT}, "rating"),
    ({"rating": Rating.UNKNOWN}, "rating"), ({"rating": Rating.SENSITIVE}, None),
    ({"characters": ()}, "character_count"), ({"characters": ("a", "b")}, "character_count"),
    ({"artists": ()}, "artist_count"), ({"artists": ("a", "b")}, "artist_count"),
    ({"general": ("1girl", "gloves", "brown_hair")}, "no_garment"), ({"general": ()}, "no_garment"),
    ({"needs_crop": True}, "not_solo"), ({"needs_crop": True, "general": ("solo", "skirt")}, None),
])
def test_each_rule(changes, expected):
    assert reason(post(**changes)) == expected


def test_the_drop_tells_value_and_threshold():
    assert (select(post(characters=("a", "b")), Selection()).value,
            select(post(rating=Rating.EXPLICIT), Selection()).threshold) == ("2", "general, sensitive")
    assert select(post(status=("banned", "pending")), Selection()).value == "banned, pending"


def test_order_of_rules():
    everything = {"status": ("deleted",), "artists": ("banned_artist", "b"), "rating": Rating.EXPLICIT,
                  "characters": (), "general": (), "needs_crop": True}
    shield = Selection(exclude=Exclude(posts=frozenset({"12"})))
    seen = [reason(post(**everything), shield), reason(post(**everything))]
    for cured in ({"status": ()}, {"artists": ("a", "b")}, {"rating": Rating.GENERAL}, {"characters": ("c",)},
                  {"artists": ("a",)}, {"general": ("hat",)}, {"needs_crop": False}):
        everything |= cured
        seen.append(reason(post(**everything)))
    assert seen == ["excluded", "status", "banned_artist", "rating", "character_count", "artist_count", "no_garment",
                    "not_solo", None]


def test_ratings_are_an_option():
    options = Selection(ratings=frozenset({Rating.QUESTIONABLE}))
    assert reason(post(rating=Rating.QUESTIONABLE), options) is None
    assert reason(post(), options) == "rating"


def test_read_ratings():
    assert read_ratings("general, explicit,") == {Rating.GENERAL, Rating.EXPLICIT}
    for text in ("general,safe", "", ","):
        with pytest.raises(UsageError, match="general, sensitive, questionable, explicit, unknown"):
            read_ratings(text)


def test_untagged_sources():
    bare = Post(id="mia/1", path="x", characters=("mia",))
    assert reason(bare) == "rating"
    assert reason(bare, Selection(tagged=False)) is None
    assert reason(Post(id="1", path="x"), Selection(tagged=False)) == "character_count"
    assert reason(bare, Selection(tagged=False, exclude=Exclude(posts=frozenset({"mia/1"})))) == "excluded"


@pytest.mark.parametrize(("exclude", "value"), [
    (Exclude(posts=frozenset({"12"})), "post id"), (Exclude(posts=frozenset({"12_crop_1"})), "post id"),
    (Exclude(md5s=frozenset({"a" * 32})), "md5"), (Exclude(artists=frozenset({"zun"})), "artist"),
])
def test_exclude(exclude, value):
    verdict = select(post(artists=("ZUN",)), Selection(exclude=exclude))
    assert (verdict.reason, verdict.value) == ("excluded", value)
    assert select(post(post_id="13", id="13", md5="", artists=("other",)), Selection(exclude=exclude)) is None


def test_cloths():
    assert cloths(post()) == ("pleated skirt", "black legwear")
    assert cloths(post(general=())) == ()


def test_read_exclude(tmp_path):
    file = tmp_path / "out.txt"
    file.write_text("\ufeff# asked on Monday\n12\n  post: 0013 # twice\npost:mia/red/1\n\n"
                    "ABCDEF0123456789ABCDEF0123456789\nmd5:" + "1" * 32 + "\n" + "2" * 32 + "\n"
                    "Some Artist\nartist:12\nartist:post\nc#_sharp\nhttps://danbooru.donmai.us/posts/77?q=x\r\n")
    found = read_exclude(file)
    assert found.posts == {"12", "13", "mia/red/1", "77"}
    assert found.md5s == {"abcdef0123456789abcdef0123456789", "1" * 32, "2" * 32}
    assert found.artists == {"some_artist", "12", "post", "c#_sharp"}


def test_exclude_digest_speaks_of_the_entries(tmp_path):
    def digest(text):
        (tmp_path / "a").write_text(text)
        return read_exclude(tmp_path / "a").digest
    assert digest("1\nzun\n") == digest("# why\nartist:zun\npost:1\n1\n")
    assert len({digest("1"), digest("2"), digest("artist:1"), digest("md5:" + "1" * 32)}) == 4
    assert digest("# nothing") == "" == Exclude().digest


@pytest.mark.parametrize("text", ["md5:123", "post:", "artist:", "1\nmd5:" + "g" * 32])
def test_malformed_entries(tmp_path, text):
    (tmp_path / "a").write_text(text)
    with pytest.raises(UsageError, match="malformed"):
        read_exclude(tmp_path / "a")


def test_unreadable_exclude(tmp_path):
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    for path in (tmp_path / "gone", tmp_path, tmp_path / "latin"):
        with pytest.raises(UsageError, match="--exclude cannot be read"):
            read_exclude(path)


@pytest.mark.parametrize(("scores", "expected"), [
    ([0.9], None), ([0.5], None), ([0.9, 0.49], None), ([0.49], ("no_face", "0.490")), ([], ("no_face", "no box")),
    ([0.5, 0.9], ("many_faces", "2")), ([float("nan")], ("no_face", "no box")),
    ([float("nan"), 0.2], ("no_face", "0.200")),
])
def test_one_face(scores, expected):
    verdict = one_face(scores, 0.5, model="faces:abc")
    assert expected == (verdict and (verdict.reason, verdict.value))
    assert verdict is None or verdict.model == "faces:abc"


@pytest.mark.parametrize(("coverage", "kept"), [
    (0.1, True), (0.5, True), (0.95, True), (0.09, False), (0.96, False), (float("nan"), False)])
def test_coverage(coverage, kept):
    verdict = coverage_within(coverage, 0.1, 0.95)
    assert (verdict is None) is kept
    assert kept or (verdict.reason, verdict.threshold) == ("matte_coverage", "0.1..0.95")


def test_sides():
    assert side_at_least(128, 900, 128) is None
    verdict = side_at_least(900, 127, 128)
    assert (verdict.reason, verdict.value, verdict.threshold) == ("too_small", "900x127", "128")


def test_answers():
    assert answers_known(["blue, white", ""]) is None
    verdict = answers_known(["blue", " Unknown "], model="answers:1")
    assert (verdict.reason, verdict.value, verdict.model) == ("answer_unknown", "question 2:  Unknown ", "answers:1")


@given(st.builds(
    Post, id=st.just("1"), path=st.just("p"), characters=st.lists(st.text(max_size=3), max_size=3).map(tuple),
    artists=st.lists(st.text(max_size=3), max_size=3).map(tuple), md5=st.text(max_size=4),
    general=st.lists(st.sampled_from(["solo", "skirt", "1girl", "banned_artist"]), max_size=4).map(tuple),
    rating=st.sampled_from(Rating), status=st.sampled_from([(), ("deleted",)]), needs_crop=st.booleans()),
    st.booleans())
def test_every_verdict_is_of_the_vocabulary(row, tagged):
    verdict = select(row, Selection(tagged=tagged))
    if verdict:
        assert REASONS[verdict.reason][0] == verdict.stage == "select"
    else:
        assert len(row.characters) == 1 and not row.status
