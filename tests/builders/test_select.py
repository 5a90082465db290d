import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.select import (
    Exclude,
    Selection,
    answers_known,
    check_exclude,
    cloths,
    coverage_within,
    excluded_file,
    named,
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
    ({"status": ("flagged",)}, None),
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
    (Exclude(posts=frozenset({"12"})), "post"), (Exclude(posts=frozenset({"12_crop_1"})), "post"),
    (Exclude(md5s=frozenset({"a" * 32})), "md5"), (Exclude(artists=frozenset({"zun"})), "artist"),
    (Exclude(names=frozenset({"zun"})), "name"), (Exclude(names=frozenset({"reimu"})), "name"),
    (Exclude(names=frozenset({"12_crop_1"})), "name"),
])
def test_exclude(exclude, value):
    verdict = select(post(artists=("ZUN",)), Selection(exclude=exclude))
    assert (verdict.reason, verdict.value) == ("excluded", value)
    other = post(post_id="13", id="13", md5="", artists=("other",), characters=("marisa",))
    assert select(other, Selection(exclude=exclude)) is None


@pytest.mark.parametrize(("entry", "left"), [
    ("Mia Rose\n", {"tom"}), ("name:mia_rose\n", {"tom"}), ("MIA%20ROSE/1\n", {"mia rose/2", "tom"}),
    ("post:Mia%20Rose/1\n", {"mia rose/2", "tom"}), ("post:mia%20rose/1\n", {"mia rose/1", "mia rose/2", "tom"}),
    ("name:2023\n", {"mia rose/1", "mia rose/2", "tom"}), ("cafe\u0301\n", {"mia rose/1", "mia rose/2", "tom"}),
    ("rose\n", {"mia rose/1", "mia rose/2", "tom"}),
])
def test_a_person_of_a_folder_is_left_out_by_name(tmp_path, entry, left):
    (tmp_path / "out.txt").write_text(entry + "caf\u00e9\nname:2023\n", encoding="utf-8")
    options = Selection(read_exclude(tmp_path / "out.txt"), tagged=False)
    rows = {"mia rose/1": ("Mia%20Rose/1", "Mia Rose"), "mia rose/2": ("Mia%20Rose/2", "Mia Rose"),
            "tom": ("tom/1", "tom"), "number": ("2023/1", "2023"), "accent": ("caf%C3%A9/1", "caf\u00e9")}
    kept = {name for name, (row, person) in rows.items()
            if select(Post(id=row, path="x", characters=(person,)), options) is None}
    assert kept == left


def test_files_are_excluded_by_their_own_md5():
    exclude = Exclude(md5s=frozenset({"b" * 32}))
    assert excluded_file("a" * 32, exclude) is None and excluded_file("", Exclude()) is None
    verdict = excluded_file("b" * 32, exclude)
    assert (verdict.reason, verdict.stage, verdict.value) == ("excluded", "file", "md5")


def test_entries_that_named_a_row_are_known():
    exclude = Exclude(frozenset({"12", "12_crop_1", "13"}), frozenset({"a" * 32, "b" * 32, "c" * 32}),
                      frozenset({"zun", "zum"}), frozenset({"reimu", "zun", "marisa"}))
    assert exclude.entries - named(post(), exclude, "b" * 32) == {
        "post:13", "md5:" + "c" * 32, "artist:zum", "name:marisa"}
    assert named(Post(id="1", path="x"), exclude) == frozenset()


@pytest.mark.parametrize("entry", ["artist:mia", "12", "post:0012", "https://danbooru.donmai.us/posts/77"])
def test_entries_that_a_folder_cannot_know(tmp_path, entry):
    (tmp_path / "out.txt").write_text(f"mia\nmd5:{'a' * 32}\npost:mia/1\n")
    check_exclude(read_exclude(tmp_path / "out.txt"), tagged=False)
    (tmp_path / "out.txt").write_text(f"mia\n{entry}\n")
    check_exclude(read_exclude(tmp_path / "out.txt"), tagged=True)
    with pytest.raises(UsageError, match=r"cannot know.*name:someone"):
        check_exclude(read_exclude(tmp_path / "out.txt"), tagged=False)


def test_cloths():
    assert cloths(post()) == ("pleated skirt", "black legwear")
    assert cloths(post(general=())) == ()


def test_read_exclude(tmp_path):
    file = tmp_path / "out.txt"
    file.write_text("\ufeff# asked on Monday\n12\n  post: 0013 # twice\npost:mia/red/1\n\n"
                    "ABCDEF0123456789ABCDEF0123456789\nmd5:" + "1" * 32 + "\n" + "2" * 32 + "\n"
                    "Some Artist\nartist:12\nartist:Post\nname:7\nc#_sharp\nhttps://danbooru.donmai.us/posts/77?q=x\r\n")
    found = read_exclude(file)
    assert found.posts == {"12", "13", "mia/red/1", "77"}
    assert found.md5s == {"abcdef0123456789abcdef0123456789", "1" * 32, "2" * 32}
    assert found.artists == {"12", "post"}
    assert found.names == {"some_artist", "7", "c#_sharp"}
    assert len(found.entries) == 4 + 3 + 2 + 3


def test_exclude_digest_speaks_of_the_entries(tmp_path):
    def digest(text):
        (tmp_path / "a").write_text(text)
        return read_exclude(tmp_path / "a").digest
    assert digest("1\nzun\n") == digest("# why\nname:Zun\npost:1\n1\n")
    assert len({digest("1"), digest("2"), digest("artist:1"), digest("name:1"), digest("md5:" + "1" * 32)}) == 5
    assert digest("# nothing") == "" == Exclude().digest


@pytest.mark.parametrize("text", ["md5:123", "post:", "artist:", "name: ", "1\nmd5:" + "g" * 32])
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
