"""A build shared by shard jobs and ended by `build publish`, through the real commands."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from schemas import manifest as manifests
from tests.conftest import command, run

from .test_retribooru import _files, _parts

# One process draws the mirror and builds it once for all of these.
pytestmark = pytest.mark.xdist_group("build")

PUBLISH = [sys.executable, "-m", "builders.cli", "publish"]


def _together(commands: list[list[str]]) -> list[tuple[int, str, str]]:
    pipe = subprocess.PIPE
    jobs = [subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True) for words in commands]
    said = [job.communicate(timeout=300) for job in jobs]
    return [(job.returncode, out, error) for job, (out, error) in zip(jobs, said, strict=True)]


def test_shard_jobs_and_publish_make_the_same_version(whole: Path, mirror: Path, tmp_path: Path) -> None:
    out, who = tmp_path / "out", tmp_path / "who.txt"
    who.touch()
    words = [*command(mirror, out, "--workers", "1"), "--exclude", str(who)]
    early = _together([[*words, "--shard", f"{number}/3"] for number in (1, 3)])
    assert [code for code, _, _ in early] == [0, 0], early
    assert "shard 1/3 is done" in early[0][1] and f"build publish {out}" in early[0][1]
    refused = run([*PUBLISH, str(out)])
    assert refused.returncode == 2 and "shard jobs are missing (got '2/3')" in refused.stderr
    assert run([*words, "--shard", "2/3"]).returncode == 0
    assert not (out / "1.0.0").exists()
    parts = _parts(out)
    looked = {Path(name).parent.name.split("-")[0] for name in parts}
    assert looked >= {"files", "faces", "masks", "answers", "hashes"}
    done = run([*PUBLISH, str(out)])
    assert done.returncode == 0, done.stderr
    assert _parts(out) == parts, "a model ran again"
    assert _files(out / "1.0.0") == _files(whole / "1.0.0")
    again = run([*PUBLISH, str(out), "--workers", "1"])
    assert again.returncode == 0 and "published already" in again.stderr
    who.write_text("md5:" + "0" * 32 + "\n")
    changed = run([*PUBLISH, str(out)])
    assert changed.returncode == 2 and "not what the shard jobs saw (got 'exclude')" in changed.stderr


def test_jobs_of_the_sample_draw_one_mirror(tmp_path: Path) -> None:
    shared, alone = tmp_path / "shared", tmp_path / "alone"
    words = [sys.executable, "-m", "builders.cli", "retribooru", "--source", "sample", "--count", "60", "--seed", "3",
             "--workers", "1", "--out"]
    ended = _together([[*words, str(shared), "--shard", f"{number}/2"] for number in (1, 2)])
    assert [code for code, _, _ in ended] == [0, 0], ended
    assert run([*PUBLISH, str(shared)]).returncode == 0
    assert run([*words, str(alone)]).returncode == 0
    assert _files(shared / "1.0.0") == _files(alone / "1.0.0")
    assert sum(manifests.read(alone / "1.0.0").splits.values()) > 10
    _only_what_the_jobs_saw_is_published(shared, [*words, str(shared), "--shard", "1/2"])


def _only_what_the_jobs_saw_is_published(out: Path, first_job: list[str]) -> None:
    def refused() -> str:
        done = run([*PUBLISH, str(out)])
        assert (done.returncode, _files(out / "1.0.0")) == (2, before), done.stderr
        return done.stderr.splitlines()[-1]

    before, parts = _files(out / "1.0.0"), _parts(out)
    shard = next((out / "1.0.0" / "data").glob("train-*"))
    name, other = (row["id"] for row in pq.read_table(shard, columns=["id"]).slice(0, 2).to_pylist())
    (picture,), (another,) = ((out / ".state").rglob(f"danbooru2019-figures/*/{one}.*") for one in (name, other))
    was = picture.rename(out / "kept")
    assert re.search(r"the shard jobs left (\d+) rows, now \d+ are left", refused())
    shutil.copyfile(another, picture)
    for _ in range(2):  # what refuses must not add to what was seen
        assert f"never saw this picture as it is now (got '{picture}')" in refused()
    was.rename(picture)  # which changes the time of its entry
    assert f"(got '{picture}')" in refused()
    assert _parts(out) == parts
    next((out / ".annotations").glob("pixels-*/*.parquet")).write_bytes(b"damaged")
    assert run(first_job).returncode == 1
    assert "shard jobs are missing (got '1/2')" in refused()
    shutil.rmtree(out / ".annotations")
    assert run(first_job).returncode == 0
    assert "never saw this picture" in refused()
