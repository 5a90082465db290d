import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.sources import records


@pytest.mark.parametrize(("line", "count"), [
    (b"", "bad_lines"), (b"{", "bad_lines"), (b"\xff{}", "bad_lines"), (b'{"id": 1}', "missing_keys"),
    (b'{"tags": []}', "missing_keys"), (b'{"id": 1, "tag_string": "a b"}', "missing_keys"),
    (b'{"id": "x", "tags": []}', "bad_values"), (b'{"id": 1, "tags": {}}', "bad_values"), (b"[]", "bad_values"),
    (b'{"id": 1, "tags": [{"category": "0"}]}', "bad_values"),
])
def test_lines_that_give_no_record(line, count):
    assert records.parse(line) == count


@pytest.mark.parametrize(("tag", "clean"), [
    ("skirt", True), (":3", True), ("é", True), ("", False), ("a b", False), ("a\tb", False),
    ("a\u3000b", False), ("a\x9fb", False), ("\u2066a", False), ("\udc80", False), ("<b>", True),
])
def test_clean_tag(tag, clean):
    assert records.clean_tag(tag) is clean


COUNTED = ("duplicate_tags", "unknown_category_tags", "bad_tags")


@pytest.mark.parametrize(("parent", "known"), [
    (b'"12"', "12"), (b"12", "12"), (b'"007"', "7"), (b"999999999999999999", "9" * 18), (b'"0"', ""), (b"null", ""),
    (b'"000"', ""), (b"0", ""), (b"-3", ""), (b'"12 "', ""), (b'"\xd9\xa1"', ""), (b"1" + b"0" * 18, ""),
    (b'"' + b"9" * 5000 + b'"', ""), (b'"' + b"0" * 5000 + b'5"', "5"),
])
def test_parents(parent, known):
    record = records.parse(b'{"id": 1, "tags": [], "parent_id": ' + parent + b"}")
    assert records.post_of(record, dict.fromkeys(COUNTED, 0)).parent_id == known


OLD = {"id": "5", "score": "3", "parent_id": "0", "created_at": "2012-01-01 00:00:00.1 UTC",
       "updated_at": "2019-12-31 23:59:59 UTC", "tags": [{"id": "1", "name": "hat", "category": "0"}]}
NEW = {"id": 5, "score": 3, "parent_id": None, "created_at": "2012-01-01T00:00:00.100-05:00",
       "tags": [{"id": 1, "name": "hat", "category": 0}]}
FLAT = {"id": 5, "score": 3, "parent_id": None, "tag_string_general": "hat"}


@pytest.mark.parametrize(("fields", "safe"), [
    (OLD, True), (OLD | {"tags": []}, True), ({"id": "5", "tags": []}, True), (OLD | {"created_at": None}, True),
    (OLD | {"created_at": 1325376000, "updated_at": [2023]}, True),
    (NEW, False), (NEW | {"tags": []}, False), ({"id": 5, "tags": []}, False), (OLD | {"id": 5}, False),
    (OLD | {"updated_at": "2021-01-01 00:00:00 UTC"}, False), (OLD | {"created_at": "2030-06-01 00:00:00 UTC"}, False),
    (OLD | {"tag_string_general": ""}, False), (OLD | {"tag_string_general": "hat"}, False),
    (FLAT, False), (FLAT | {"id": "5"}, False), (FLAT | {"tags": []}, False),
], ids=str)
def test_s_is_safe_only_in_a_record_of_2017_to_2020(fields, safe):
    def rating(letter):
        record = records.parse(json.dumps(fields | {"rating": letter}).encode())
        post = records.post_of(record, dict.fromkeys(COUNTED, 0))
        assert (post.post_id, post.rating_raw) == ("5", letter)
        return post.rating

    assert rating("s") == ("general" if safe else "sensitive")
    assert [rating(letter) for letter in "gqe"] == ["general", "questionable", "explicit"], "in any style"


@pytest.mark.parametrize("key", [b'"id"', b'"parent_id"', b'"is_deleted"', b'"x"', b'"rating"', b'"md5"'])
@pytest.mark.parametrize("number", [b"9" * 5000, b'"' + b"9" * 5000 + b'"', b"-" + b"9" * 5000, b"1e5000", b"[" * 5000])
def test_numbers_of_thousands_of_digits(key, number):
    for line in (b'{"tags": [], "id": 1, ' + key + b": " + number + b"}",
                 b'{"id": 1, "tags": [{"name": "a", "category": ' + number + b"}]}",
                 b'{"id": 1, "tags": [{"name": "a", "category": 0, "id": ' + number + b"}]}"):
        record = records.parse(line)
        assert isinstance(record, str) or records.post_of(record, dict.fromkeys(COUNTED, 0)).parent_id == ""


def test_tags_of_any_length():
    counts = dict.fromkeys(COUNTED, 0)
    record = records.parse(json.dumps({"id": 1, "tag_string_general": f"skirt {'a' * 1000} {'b' * 1001}"}).encode())
    assert records.post_of(record, counts).general == ("skirt", "a" * 1000)
    assert counts["bad_tags"] == 1


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["id", "name", "category", "tags", "rating", "tag_string_general", "x"]),
                        inner, max_size=4), max_leaves=12))
@settings(max_examples=300, deadline=None)
def test_any_json_is_a_record_or_a_count(value):
    record = records.parse(json.dumps(value).encode())
    if isinstance(record, str):
        assert record in ("bad_lines", "bad_values", "missing_keys")
    else:
        post = records.post_of(record, dict.fromkeys(COUNTED, 0))
        assert all(records.clean_tag(tag) for tag in post.general + post.artists + post.characters)
        assert len(set(post.general)) == len(post.general)


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_record_or_a_count(data):
    assert isinstance(records.parse(data), (str, records.Record))
    assert isinstance(records.parse(b'{"id":1,"tags":[],"x":"' + data + b'"}'), (str, records.Record))
