"""Builds onto an object store: a real HTTP server that speaks S3, met by the real command in processes of its own."""

import hashlib
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import datasets
import pytest
from moto.server import ThreadedMotoServer
from upath import UPath

from builders import cli, publish
from builders.sources.sample import draw_mirror
from schemas import manifest as manifests
from schemas.errors import BuildError
from schemas.locations import location

from .conftest import command, kill_tree, run
from .test_publish import EMPTY
from .test_retribooru import _files

# One process runs the server, draws the mirror and builds it once for all of these.
pytestmark = pytest.mark.xdist_group("object store")

BUCKET = "s3://pictures"
PUBLISH = [sys.executable, "-m", "builders.cli", "publish"]


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    """An empty bucket that this process and those that it starts find by their environment."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    served = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    served.start()
    host, port = served.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        _at(BUCKET).fs.mkdir("pictures")
        yield
    served.stop()


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("figures") / "mirror"
    draw_mirror(root, count=40, seed=3, workers=2)
    return root


@pytest.fixture(scope="module")
def local(figures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The version that a build into a folder publishes."""
    out = tmp_path_factory.mktemp("local") / "out"
    done = run(_build(figures, str(out)))
    assert done.returncode == 0, done.stderr
    return out / "1.0.0"


def _build(figures: Path, out: str, *words: str) -> list[str]:
    return [*command(figures, Path("out"), *words), f"--out={out}"]


def _at(url: str) -> UPath:
    found = location(url)
    assert isinstance(found, UPath)
    return found


def _objects(url: str) -> dict[str, str]:
    """sha256 by name of every object below a URL."""
    folder = _at(url)
    return {name.removeprefix(f"{folder.path}/"): hashlib.sha256(folder.fs.cat_file(name)).hexdigest()
            for name in folder.fs.find(folder.path)}


def _parts(url: str) -> dict[str, object]:
    """When each part of the store was written."""
    folder = _at(url) / ".annotations"
    return {name: said["LastModified"] for name, said in folder.fs.find(folder.path, detail=True).items()
            if name.endswith(".parquet")}


def test_a_build_that_was_killed_ends_as_one_into_a_folder(figures: Path, local: Path, tmp_path: Path,
                                                           capsys: pytest.CaptureFixture[str]) -> None:
    out = f"{BUCKET}/killed"
    left = _at(out) / "1.0.0" / "data" / "train-00000-of-00009.parquet"
    left.write_bytes(b"copied by a publish that was killed before its manifest")
    words = _build(figures, out, "--workers", "2")
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and not any("/masks-" in name for name in _parts(out)):
        time.sleep(0.1)
    assert process.poll() is None
    kill_tree(process)
    before = _parts(out)
    assert not (_at(out) / "1.0.0" / manifests.NAME).exists()
    done = run(words)
    assert done.returncode == 0, done.stderr
    assert {name: at for name, at in _parts(out).items() if name in before} == before, "a finished shard was redone"
    assert _objects(f"{out}/1.0.0") == _files(local)
    assert not _objects(f"{out}/.state")
    _reads_like_any_other(f"{out}/1.0.0", tmp_path, capsys)
    _is_published_once(figures, out)


def _reads_like_any_other(version: str, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = manifests.read(_at(version))
    loaded = datasets.load_dataset("parquet", cache_dir=str(cache),
                                   data_files={split: f"{version}/data/{split}-*.parquet" for split in manifest.splits})
    assert {name: split.num_rows for name, split in loaded.items()} == manifest.splits
    row = loaded["train"][0]
    assert row["image"].size == (row["width"], row["height"])
    assert cli.main(["verify", f"{version}/"]) == 0
    assert "sound" in capsys.readouterr().out
    assert cli.main(["explain", version, row["id"]]) == 0
    assert f"{row['id']}: kept, split train" in capsys.readouterr().out


def _is_published_once(figures: Path, out: str) -> None:
    before, parts = _objects(f"{out}/1.0.0"), _parts(out)
    again = run(_build(figures, out, "--workers", "1"))
    assert again.returncode == 0 and "published already" in again.stderr
    other = run(_build(figures, out, "--workers", "1", "--match-rule", "strict", "--test-unseen", "0.5"))
    assert other.returncode == 2 and "published with other content" in other.stderr
    assert "--version 1.0.1" in other.stderr
    assert (_objects(f"{out}/1.0.0"), _parts(out)) == (before, parts)


def test_shard_jobs_share_an_object_store(figures: Path, local: Path) -> None:
    out = f"{BUCKET}/shared"
    jobs = [subprocess.Popen(_build(figures, out, "--workers", "1", "--shard", f"{number}/2"),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for number in (1, 2)]
    said = [job.communicate(timeout=300) for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0], said
    parts = _parts(out)
    done = run([*PUBLISH, out])
    assert done.returncode == 0, done.stderr
    assert f'"{out}/1.0.0/data/train-*.parquet"' in done.stdout
    assert _objects(f"{out}/1.0.0") == _files(local)
    assert _parts(out) == parts


def test_verify_names_a_changed_and_a_stray_object(local: Path, capsys: pytest.CaptureFixture[str]) -> None:
    version = _at(f"{BUCKET}/spoilt/1.0.0")
    version.fs.put(f"{local}/", f"{version.path}/", recursive=True)
    assert cli.main(["verify", str(version)]) == 0
    (version / "README.md").write_bytes(b"another")
    (version / "data" / "stray").write_bytes(b"")
    capsys.readouterr()
    assert cli.main(["verify", str(version)]) == 1
    told = capsys.readouterr().out
    assert "README.md has sha256" in told and "data/stray stands in the folder but not in the manifest" in told


def test_the_second_of_two_publishers_does_not_win() -> None:
    whole, folder = _at(f"{BUCKET}/race/staging/version"), _at(f"{BUCKET}/race/1.0.0")
    (whole / "rejected.parquet").write_bytes(b"mine")
    publish._copy(whole, folder, EMPTY)
    theirs = (folder / manifests.NAME).read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish.atomic, "remove", lambda folder: None)  # the first one ends after this was asked
        with pytest.raises(BuildError, match="published by another build"):
            publish._copy(whole, folder, EMPTY)
    assert (folder / manifests.NAME).read_bytes() == theirs


@pytest.mark.parametrize(("out", "said"), [
    ("s3://nowhere/out", "--out cannot be written: The specified bucket does not exist"),
    ("memory://out", "workers are processes, which do not share memory"),
    ("gopher://host/out", "not a URL that can be opened"),
])
def test_where_nothing_can_be_written(figures: Path, capsys: pytest.CaptureFixture[str], out: str, said: str) -> None:
    words = ["retribooru", "--source", "danbooru2019", "--root", str(figures), "--models", "light", "--out", out]
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_pictures_come_from_a_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["retribooru", "--source", "folder", "--root", f"{BUCKET}/photos", "--out", f"{BUCKET}/out"]) == 2
    assert "a URL where only a path will do" in capsys.readouterr().err


def test_an_object_store_that_does_not_answer_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        done = run([sys.executable, "-m", "builders.cli", "verify", f"{BUCKET}/killed/1.0.0"])
    assert done.returncode != 0 and "Traceback" not in done.stderr and done.stderr.count("\n") == 1
