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
        counts = dict.fromkeys(("duplicate_tags", "unknown_category_tags", "bad_tags"), 0)
        post = records.post_of(record, counts)
        assert all(records.clean_tag(tag) for tag in post.general + post.artists + post.characters)
        assert len(set(post.general)) == len(post.general)


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_record_or_a_count(data):
    assert isinstance(records.parse(data), (str, records.Record))
    assert isinstance(records.parse(b'{"id":1,"tags":[],"x":"' + data + b'"}'), (str, records.Record))
