"""Records in both styles, as the mirror's reader and plain JSON see them."""

from __future__ import annotations

import gzip
import json
import lzma
from typing import Any

import pytest

from builders.sources.sample_names import ODD_TAGS, artist_names, character_names, tag_id
from builders.sources.sample_plan import LAST_ID, generator
from builders.sources.sample_records import FILES, FLAT, JUNK, Described, bystanders, files, flat, nested

POST = Described(2_895_557, ("1girl", "solo", "red_dress"), ("nib_lark",), ("ora_fenn_(tea)",), "tea")


def test_nested_style_writes_numbers_as_strings_and_tags_as_objects() -> None:
    record = json.loads(nested(POST, 0))
    assert (record["id"], record["parent_id"], record["rating"]) == ("2895557", "0", "s")
    assert isinstance(record["image_width"], str)
    assert record["is_deleted"] is False
    tags = {tag["name"]: tag["category"] for tag in record["tags"]}
    assert tags["red_dress"] == "0"
    assert (tags["nib_lark"], tags["tea"], tags["ora_fenn_(tea)"]) == ("1", "3", "4")
    assert record["created_at"].startswith("20") and record["created_at"].endswith(" UTC")


def test_flat_style_has_true_numbers_and_tag_strings() -> None:
    record = json.loads(flat(POST, 0))
    assert (record["id"], record["parent_id"]) == (2_895_557, None)
    assert record["rating"] in ("g", "s")
    assert record["tag_string_general"] == "1girl red_dress solo"
    assert record["tag_string_artist"] == "nib_lark"
    assert "tags" not in record


@pytest.mark.parametrize(("defect", "key", "value"), [
    ("deleted", "is_deleted", True), ("banned", "is_banned", True), ("pending", "is_pending", True),
    ("flagged", "is_flagged", True), ("questionable", "rating", "q"), ("explicit", "rating", "e"),
])
@pytest.mark.parametrize("style", [nested, flat])
def test_defects_of_the_record_stand_in_it(defect: str, key: str, value: Any, style: Any) -> None:
    odd = Described(5, POST.general, POST.artists, POST.characters, "tea", defect)
    assert json.loads(style(odd, 0))[key] == value
    assert json.loads(style(POST, 0))[key] != value


def test_duplicate_tags_repeat_ids() -> None:
    record = json.loads(nested(Described(5, POST.general, (), (), "tea", "duplicate_tags"), 0))
    numbers = [tag["id"] for tag in record["tags"]]
    assert len(numbers) == len(set(numbers)) + 3


def test_files_hold_each_record_once_junk_included() -> None:
    posts = [POST, Described(100_001, ("solo",), ("a",), ("b",), "c"),
             Described(3_500_000, ("solo",), ("a",), ("b",), "c", "no_record"),
             Described(3_600_000, ("solo",), ("a",), ("b",), "c", "cut_record")]
    lines: list[bytes] = []
    for name, data in files(posts, 3):
        assert name in FILES
        unpack = {"gz": gzip.decompress, "xz": lzma.decompress}.get(name.rpartition(".")[2], bytes)
        lines += unpack(data).removesuffix(b"\n").split(b"\n")
    good = [json.loads(line) for line in lines if b'"md5"' in line and line.endswith(b"}")]
    ids = sorted(int(record["id"]) for record in good)
    assert ids in ([100_001, 100_001, 2_895_557], [100_001, 2_895_557, 2_895_557])
    assert all(junk in lines for junk in JUNK)
    assert not any(b"3500000" in line for line in lines)
    cut = next(line for line in lines if b"3600000" in line)
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut)


def test_bystanders_lie_past_the_last_image_or_before_the_first_figure() -> None:
    posts = bystanders(20, 0)
    assert sum(post.post_id > LAST_ID for post in posts) >= 4
    assert all(post.post_id < 60_000 or post.post_id > LAST_ID for post in posts)


def test_names_are_distinct_and_some_are_not_ascii() -> None:
    names = character_names(generator(0, 3), 1000)
    assert len({name for name, _ in names}) == 1000
    assert not names[0][0].isascii()
    assert len(set(artist_names(generator(0, 4), 2000))) == 2000
    assert not any(character.isspace() for tag in ODD_TAGS for character in tag)


def test_tag_ids_are_fixed() -> None:
    assert tag_id("1girl") == tag_id("1girl") != tag_id("1boy")


def test_flat_file_is_read_before_the_yearly_folders() -> None:
    assert "/" not in FLAT
