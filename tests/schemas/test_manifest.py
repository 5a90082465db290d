import hashlib
from pathlib import Path

import pytest

from schemas import manifest as manifests
from schemas.errors import UsageError
from schemas.manifest import FileEntry, Manifest, Step


def _manifest() -> Manifest:
    return Manifest(recipe="retribooru", version="1.0.0", content_digest="c", rows_digest="r",
                    source={"name": "sample"}, counts={"bad_lines": 2}, options={"b": 1, "a": "x"}, models=[],
                    funnel=[Step("select", 10, 7, {"status": 3})], splits={"train": 7}, near_copies=1,
                    built_with={"python": "3"}, files={"b": FileEntry("ff", 1), "a": FileEntry("ee", 2)})


def test_round_trip(tmp_path: Path) -> None:
    (tmp_path / manifests.NAME).write_bytes(manifests.encode(_manifest()))
    assert manifests.read(tmp_path) == _manifest()


def test_encoding_is_sorted_and_ends_with_a_newline() -> None:
    text = manifests.encode(_manifest()).decode()
    assert text.endswith("}\n")
    assert text.index('"a": "x"') < text.index('"b": 1')
    assert text.index('"built_with"') < text.index('"version"')


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"format": 1}'])
def test_a_broken_manifest_is_a_user_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / manifests.NAME).write_bytes(content)
    with pytest.raises(UsageError, match=r"manifest\.json cannot be read"):
        manifests.read(tmp_path)


def test_no_manifest_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a published dataset"):
        manifests.read(tmp_path)


def test_content_digest_is_the_digest_of_the_lines() -> None:
    assert manifests.content_digest(["ab", "cd"]) == hashlib.sha256(b"ab\ncd\n").hexdigest()
    assert manifests.content_digest(["ab", "cd"]) != manifests.content_digest(["cd", "ab"])
