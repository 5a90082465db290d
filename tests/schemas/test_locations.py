import pickle
from pathlib import Path

import pytest
from upath import UPath

from schemas.errors import UsageError
from schemas.locations import location


def test_a_path_stays_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert location("out/a") == Path("out/a")
    assert location("file:///out/a") == Path("/out/a")
    assert location(".") == tmp_path  # not the empty path, which means that none was given
    assert location("") == Path()
    assert all(isinstance(location(text), Path) for text in ("out", "file:///out", "."))


def test_a_url_is_none_and_travels_to_workers() -> None:
    found = location("s3://bucket/a/b/")
    assert not isinstance(found, Path) and isinstance(found, UPath)
    assert str(found / "c") == "s3://bucket/a/b/c" and found.name == "b"
    again = pickle.loads(pickle.dumps(found))
    assert again == found and again.storage_options == {"use_listings_cache": False}


@pytest.mark.parametrize(("text", "said"), [
    ("memory://out", "workers are processes, which do not share memory"),
    ("gopher://host/out", "not a URL that can be opened: Unsupported filesystem: 'gopher'"),
])
def test_what_cannot_be_opened_says_what_can(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refusal:
        location(text)
    assert said in str(refusal.value) and "allowed: a path, or a URL such as s3://bucket/folder" in str(refusal.value)
