"""The contenders of the build's benchmark do the same work on the same mirror, and a command's cost is its own."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from benchmarks import bare_costs, plain_script
from benchmarks.multiply import APART, multiply
from benchmarks.processes import run
from builders.sources.danbooru2019 import Danbooru2019
from builders.sources.sample import draw_mirror
from schemas.records import Post


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bench") / "mirror"
    draw_mirror(root, 40, 5, 1)
    return root


def posts(root: Path) -> list[Post]:
    return [item for item in Danbooru2019(root).posts() if isinstance(item, Post)]


def test_a_mirror_times_three_has_three_times_the_posts_by_other_people(mirror: Path, tmp_path: Path) -> None:
    multiply(mirror, 3, tmp_path / "more")
    once, thrice = posts(mirror), posts(tmp_path / "more")
    assert sorted(int(post.post_id) % APART for post in thrice) == sorted(3 * [int(post.post_id) for post in once])
    by_id = {post.id: post for post in thrice}
    one = next(post for post in once if len(post.characters) == len(post.artists) == 1)
    other = by_id[str(int(one.post_id) + 2 * APART)]
    assert other.characters == (f"{one.characters[0]}_2",) and other.artists == (f"{one.artists[0]}_2",)
    assert other.general == one.general
    assert Path(other.path).read_bytes() != Path(one.path).read_bytes()


def test_the_script_lists_figures_with_one_of_each(mirror: Path) -> None:
    listed = {row["id"] for row in plain_script.listed(mirror)}
    wanted = {post.id for post in posts(mirror) if len(post.characters) == len(post.artists) == 1 and not post.status}
    assert len(wanted) > 20
    assert len(wanted & listed) > 0.9 * len(wanted)


def test_bare_work_is_told_step_by_step(mirror: Path, tmp_path: Path) -> None:
    spent = bare_costs.measure(plain_script.listed(mirror)[:10], tmp_path, 1)
    assert set(spent) == {"read", "hash", "decode", "faces", "masks", "answers", "parquet"}
    assert all(seconds > 0 for seconds in spent.values())


def test_memory_of_children_counts_and_a_killed_command_is_no_failure(tmp_path: Path) -> None:
    hold = "import time; held = bytearray(80_000_000); time.sleep(1)"
    whole = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    assert 80 < run([sys.executable, "-c", whole]).peak < 300
    begun = time.monotonic()
    run([sys.executable, "-c", "import time; time.sleep(60)"], stop=lambda seconds: seconds > 0.3)
    assert time.monotonic() - begun < 30
    with pytest.raises(RuntimeError, match="ended with 3: sorry"):
        run([sys.executable, "-c", "import sys; print('sorry', file=sys.stderr); sys.exit(3)"])
