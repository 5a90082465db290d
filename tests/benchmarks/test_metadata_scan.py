"""Every contender sees every record of the generated mirror, and ours joins every figure."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.metadata_scan import CONTENDERS, generate, measure
from builders.sources.danbooru2019 import Danbooru2019
from schemas.records import Post


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bench") / "m"
    generate(root, 500)
    return root


@pytest.mark.parametrize("name", CONTENDERS)
def test_contenders_see_the_same(mirror: Path, name: str) -> None:
    found = measure(name, mirror, 1, sys.executable)
    assert found.seen == 500
    assert 10 < found.peak < 4000, "megabytes"


def test_ours_joins_every_figure(mirror: Path) -> None:
    posts = [item for item in Danbooru2019(mirror).posts() if isinstance(item, Post)]
    assert len(posts) == len(list((mirror / "danbooru2019-figures").rglob("*.jpg")))
    assert 80 < len(posts) < 150  # 23 % of 500
    post = posts[0]
    assert post.artists == (f"artist_{int(post.post_id) % 977}",) and len(post.general) > 20
