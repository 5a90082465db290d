import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.sources import lines


@pytest.mark.parametrize(("name", "known"), [
    ("posts.json", True), ("a.jsonl.gz", True), ("a.ndjson.xz", True), ("2017000000000000", True),
    ("2017000000000000.gz", True), ("2017", False), ("metadata.json.tar.xz", False), ("a.json.bz2", False),
    ("a.txt", False), (".json", False), ("a.json\n", False),
])
def test_names(name, known):
    assert lines.is_metadata(name) is known


def test_a_file_that_cannot_be_opened(tmp_path):
    found = lines.Lines(tmp_path / "gone.json")
    assert list(found.blocks()) == [] and not found.whole


@given(st.lists(st.binary(max_size=60), max_size=12), st.integers(1, 50))
@settings(max_examples=100, deadline=None)
def test_lines_equal_split(tmp_path_factory, parts, block):
    data = b"\n".join(parts).removeprefix(b"\xef\xbb\xbf")
    path = tmp_path_factory.mktemp("lines") / "a.json"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK", block)
        found = [line for lot in lines.Lines(path).blocks() for line in lot]
    expected = data.split(b"\n")
    assert found == (expected[:-1] if not expected[-1] else expected)
