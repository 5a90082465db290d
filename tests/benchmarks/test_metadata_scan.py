"""Every contender sees every record of the generated mirror, and ours joins every figure."""

from __future__ import annotations

from pathlib import Path

from benchmarks.metadata_scan import generate, loop, scan
from builders.sources.danbooru2019 import Danbooru2019
from schemas.records import Post


def test_contenders_see_the_same(tmp_path: Path) -> None:
    generate(tmp_path / "m", 500)
    assert scan(tmp_path / "m") == loop(tmp_path / "m") == 500
    posts = [item for item in Danbooru2019(tmp_path / "m").posts() if isinstance(item, Post)]
    assert len(posts) == len(list((tmp_path / "m" / "danbooru2019-figures").rglob("*.jpg")))
    assert 80 < len(posts) < 150  # 23 % of 500
    post = next(one for one in posts if one.post_id == posts[0].post_id)
    assert post.artists == (f"artist_{int(post.post_id) % 977}",) and len(post.general) > 20
