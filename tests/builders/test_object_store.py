"""Builds onto an object store: a real HTTP server that speaks S3, met by the real command in processes of its own."""

import hashlib
import importlib
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import msgspec
import pytest
from moto.server import ThreadedMotoServer
from PIL import Image
from upath import UPath

from builders import cli, publish
from builders.sources.sample import draw_mirror
from builders.workspace import Workspace
from schemas import manifest as manifests
from schemas.errors import BuildError, UsageError
from schemas.locations import location
from schemas.manifest import FileEntry, Manifest
from tests.builders.conftest import kill_tree
from tests.conftest import command, run

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
    assert cli.main(["export", version, "--format", "kohya", "--out", str(cache / "kohya")]) == 0
    assert len(list((cache / "kohya" / "images").glob("*.txt"))) == manifest.splits["train"]


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


def _meets(figures: Path, out: str, moment: str, *words: str) -> tuple[int, subprocess.CompletedProcess[str]]:
    """Exit code of a build beside which another one, with these words more, runs whole at a moment of its publishing,
    and how that one ended."""
    module, _, name = moment.rpartition(".")
    goes_on = getattr(importlib.import_module(module), name)
    other: list[subprocess.CompletedProcess[str]] = []

    def meanwhile(*given: Any) -> Any:
        if not other:
            other.append(run(_build(figures, out, "--workers", "1", *words)))
        return goes_on(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moment, meanwhile)
        code = cli.main(_build(figures, out, "--workers", "1")[3:])
    return code, other[0]


@pytest.mark.parametrize("moment", ["builders.release.write_rejected", "builders.publish._claim",
                                    "builders.publish._copy"])
def test_twins_publish_one_version(figures: Path, local: Path, moment: str) -> None:
    out = f"{BUCKET}/twins-{moment}"
    code, twin = _meets(figures, out, moment)
    assert (code, twin.returncode) == (0, 0), twin.stderr
    assert _objects(f"{out}/1.0.0") == _files(local)
    assert not _objects(f"{out}/.state")


def test_builds_of_other_files_do_not_mix(figures: Path, local: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = f"{BUCKET}/others"
    code, other = _meets(figures, out, "builders.publish._copy", "--near-likeness", "0.95")
    assert (code, other.returncode) == (0, 2)
    assert "publishing other files as this version" in other.stderr and f"delete {out}/.state/staging" in other.stderr
    assert _objects(f"{out}/1.0.0") == _files(local)
    assert not _objects(f"{out}/.state")
    code, other = _meets(figures, f"{out}-late", "builders.publish._claim", "--match-rule", "identity")
    assert (code, other.returncode) == (2, 0)
    assert "version 1.0.0 is published with other content" in capsys.readouterr().err
    assert cli.main(["verify", f"{out}-late/1.0.0"]) == 0
    assert not _objects(f"{out}-late/.state")


def _staged(out: str, **files: bytes) -> tuple[UPath, UPath, Manifest]:
    """A staging folder with these files, the version to be, and a manifest of "one" and "two" as they should be."""
    staging = _at(out) / ".state" / "staging" / "1.0.0-a"
    for name, data in files.items():
        (staging / publish.VERSION / name).write_bytes(data)
    said = {name: FileEntry(hashlib.sha256(data).hexdigest(), len(data))
            for name, data in (("one", b"1"), ("two", b"22"))}
    return staging, _at(out) / "1.0.0", msgspec.structs.replace(EMPTY, files=said)


def test_a_publish_that_was_stopped_is_ended_by_the_same_files_alone() -> None:
    out = f"{BUCKET}/stopped"
    staging, folder, draft = _staged(out, one=b"1")
    (folder / "stray").write_bytes(b"of others")
    with pytest.raises(FileNotFoundError):
        publish.publish(staging, folder, draft, [])
    others = msgspec.structs.replace(draft, near_copies=1)
    with pytest.raises(UsageError, match=f"if none is running, delete {out}/.state/staging/1.0.0-claim"):
        publish.publish(staging, folder, others, [])
    assert not (folder / manifests.NAME).exists()
    staging, _, _ = _staged(out, two=b"22")
    assert publish.publish(staging, folder, draft, []) == draft
    assert set(_objects(f"{out}/1.0.0")) == {"one", "two", manifests.NAME}
    with Workspace(_at(out)) as work:
        work.clear("1.0.1")
        assert len(_objects(f"{out}/.state")) == 3
        work.clear("1.0.0")
        work.clear("1.0.0")
    assert not _objects(f"{out}/.state")


@pytest.mark.parametrize("two", [b"2", b"33"], ids=["shorter", "other bytes"])
def test_what_was_staged_wrongly_is_no_version(two: bytes) -> None:
    staging, folder, draft = _staged(f"{BUCKET}/wrong-{two.decode()}", one=b"1", two=two)
    with pytest.raises(BuildError, match=r"1\.0\.0/two is not the file that was staged"):
        publish.publish(staging, folder, draft, [])
    assert not (folder / manifests.NAME).exists()


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


@pytest.mark.parametrize("words", [["retribooru", "--source", "folder", "--root", f"{BUCKET}/1.0.0", "--out", "out"],
                                   ["push", f"{BUCKET}/1.0.0", "maker/set"],
                                   ["weights", "train-faces", f"{BUCKET}/1.0.0", "--out", "faces"]])
def test_some_things_are_paths_only(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    assert f"a URL where only a path will do (got '{BUCKET}/1.0.0')" in error and error.count("\n") == 1


def test_an_object_store_that_does_not_answer_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        done = run([sys.executable, "-m", "builders.cli", "verify", f"{BUCKET}/killed/1.0.0"])
    assert done.returncode != 0 and "Traceback" not in done.stderr and done.stderr.count("\n") == 1


def test_a_subject_is_the_same_there_as_on_a_disk(tmp_path: Path) -> None:
    (tmp_path / "cup").mkdir()
    for name, colour in (("00.png", "red"), ("01.png", "black")):
        Image.new("RGB", (40, 30), colour).save(tmp_path / "cup" / name)
    words = ["subject", "--images", str(tmp_path / "cup"), "--class-name", "cup", "--captioner", "light", "--out"]
    for out in (f"{BUCKET}/cup", str(tmp_path / "out")):
        assert cli.main([*words, out]) == 0
    there, here = _at(f"{BUCKET}/cup/1.0.0"), tmp_path / "out" / "1.0.0"
    assert (there / "manifest.json").read_bytes() == (here / "manifest.json").read_bytes()
    assert cli.main(["verify", f"{BUCKET}/cup/1.0.0"]) == cli.main(["explain", f"{BUCKET}/cup/1.0.0", "01.png"]) == 0


def test_a_regularization_set_is_the_same_there_as_on_a_disk(tmp_path: Path,
                                                              capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (40, 30), "red").save(tmp_path / "00.png")
    (tmp_path / "captions.txt").write_text("a mug on a rock\n")
    assert cli.main(["subject", "--images", str(tmp_path), "--class-name", "mug", "--out", f"{BUCKET}/mug"]) == 0
    assert f"--subject {BUCKET}/mug/1.0.0" in capsys.readouterr().out  # what it says comes next
    words = ["regularization", "--class-name", "mug", "--kind", "object", "--generator", "light", "--size", "64",
             "--count", "10", "--subject", f"{BUCKET}/mug/1.0.0", "--out"]
    for out in (f"{BUCKET}/regularization", str(tmp_path / "out")):
        assert cli.main([*words, out]) == 0
    there, here = _at(f"{BUCKET}/regularization/1.0.0"), tmp_path / "out" / "1.0.0"
    assert (there / "manifest.json").read_bytes() == (here / "manifest.json").read_bytes()
    assert f'data_files={{"train": "{BUCKET}/regularization/1.0.0/data/train-*.parquet"}}' in capsys.readouterr().out
    assert cli.main(["verify", f"{BUCKET}/regularization/1.0.0"]) == 0
