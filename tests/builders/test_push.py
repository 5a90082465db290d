"""Versions pushed to a real HTTP server that speaks the Hub's protocol; what its tag holds is what lies on the disk."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import datasets
import hf_xet
import pytest

from builders import verification
from builders.write import file_entry
from schemas import manifest as manifests
from schemas.manifest import Manifest
from tests.builders.conftest import kill_tree
from tests.builders.hub_server import Hub

CARD = b"---\nlicense: apache-2.0\n---\n# A set\n"
ONE = {"README.md": CARD, "rejected.parquet": b"none", "assets/outfits.png": b"picture",
       "data/train-00000-of-00002.parquet": b"rows 0", "data/train-00001-of-00002.parquet": b"rows 1"}
TWO = {"README.md": CARD + b"Now in one file.\n", "rejected.parquet": b"none",
       "data/train-00000-of-00001.parquet": b"rows 0 and 1"}
BIG = {"rejected.parquet", "assets/outfits.png", "data/train-00000-of-00002.parquet",
       "data/train-00001-of-00002.parquet"}


def publish(out: Path, version: str, files: dict[str, bytes], content: str = "a") -> Path:
    """A version folder with a true manifest. Its data are no Parquet: a push does not look inside."""
    folder = out / version
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    whole = Manifest(recipe="retribooru", version=version, content_digest=content * 64, rows_digest="", source={},
                     counts={}, options={}, models=[], funnel=[], splits={}, near_copies=0, built_with={},
                     files={name: file_entry(folder / name) for name in files})
    (folder / manifests.NAME).write_bytes(manifests.encode(whole))
    return folder


def on_disk(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def of_tag(hub: Hub, tag: str) -> dict[str, bytes]:
    """The files of a tag but the one that every repository of the Hub has."""
    found = hub.files("maker/set", tag)
    found.pop(".gitattributes")
    return found


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = Hub(tmp_path / "xet")
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def environment(hub: Hub, home: Path, **more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGINGFACE_"))}
    return {**clean, "HF_HOME": str(home), "HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_writer", "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1", **more}


def start(hub: Hub, folder: Path, *words: str, repo: str = "maker/set", **more: str) -> subprocess.Popen[str]:
    """`build push` in a process of its own: the client reads its settings when it is imported."""
    return subprocess.Popen([sys.executable, "-m", "builders.cli", "push", str(folder), repo, *words],
                            env=environment(hub, folder.parent / "home", **more), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, start_new_session=True)


def push(hub: Hub, folder: Path, *words: str, repo: str = "maker/set", **more: str) -> tuple[int, str, str]:
    """Exit code, stdout and the last line of stderr (warnings of the client stand above it)."""
    process = start(hub, folder, *words, repo=repo, **more)
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    return process.returncode, out, (err.splitlines() or [""])[-1]


@pytest.mark.xdist_group("build")
@pytest.mark.parametrize("xet", [False, True], ids=["lfs", "xet"])
def test_the_tag_holds_what_was_published(hub: Hub, whole: Path, tmp_path: Path, xet: bool) -> None:
    version = shutil.copytree(whole / "1.0.0", tmp_path / "1.0.0")
    before = {path: path.stat().st_mtime_ns for path in version.rglob("*")}
    if xet:  # its storage is a folder here; which file it calls what, the Hub learns from the storage
        hub.xet = {hashlib.sha256(path.read_bytes()).hexdigest(): hf_xet.hash_files([str(path)])[0].hash
                   for path in before if path.is_file()}
    settings = {"HF_HUB_DISABLE_XET": "0" if xet else "1"}
    code, out, err = push(hub, version, **settings)
    assert code == 0, err
    assert "pushed to maker/set as 1.0.0" in out
    assert {path: path.stat().st_mtime_ns for path in version.rglob("*")} == before  # nothing was left below DIR
    assert hub.puts == [] if xet else len(hub.puts) == len(set(hub.puts)) == sum(
        path.suffix in (".png", ".parquet") for path in before)

    fetch = ("import sys, huggingface_hub as hub\n"
             "hub.snapshot_download('maker/set', repo_type='dataset', revision='1.0.0', local_dir=sys.argv[1])")
    got = tmp_path / "got"
    subprocess.run([sys.executable, "-c", fetch, str(got)], env=environment(hub, tmp_path / "other", **settings),
                   check=True, capture_output=True)
    files = {name: data for name, data in on_disk(got).items() if not name.startswith(".")}
    assert files == on_disk(version)
    assert list(verification.faults_of(got, manifests.read(got))) == []
    rows = datasets.load_dataset(str(got), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows[split]) for split in rows} == manifests.read(version).splits

    code, out, _ = push(hub, version, **settings)
    assert (code, len(hub.repos["maker/set"].commits)) == (0, 2)
    assert "is there already" in out
    assert push(hub, got, repo="maker/copy", **settings)[0] == 0  # what was downloaded is a version, too
    assert hub.repos["maker/copy"].commits[-1][1] == hub.repos["maker/set"].commits[-1][1]
    assert list(hub.repos["maker/copy"].tags) == ["1.0.0"]


def test_files_of_the_version_before_leave_main_and_stay_at_its_tag(hub: Hub, tmp_path: Path) -> None:
    one, two = publish(tmp_path, "1.0.0", ONE), publish(tmp_path, "1.1.0", TWO, "b")
    assert push(hub, one)[0] == 0
    repo = hub.repos["maker/set"]
    left = {"CITATION.cff": b"by hand", "data/train-00000-of-00009.parquet": b"of a push that was given up"}
    repo.commit({**repo.commits[-1][1], **{name: hub.put(data) for name, data in left.items()}}, "by hand")
    assert push(hub, two)[0] == 0
    assert of_tag(hub, "1.1.0") == {**on_disk(two), "CITATION.cff": b"by hand"}
    assert of_tag(hub, "1.1.0") == of_tag(hub, "main")
    assert of_tag(hub, "1.0.0") == on_disk(one)
    assert repo.messages == ["initial commit", "Version 1.0.0", "by hand", "Version 1.1.0"]


def test_a_version_with_other_content_is_refused(hub: Hub, tmp_path: Path) -> None:
    assert push(hub, publish(tmp_path, "1.0.0", ONE))[0] == 0
    repo = hub.repos["maker/set"]
    repo.tags["1.0.1"] = repo.commits[0][0]
    publish(tmp_path / "other", "1.0.2", TWO)
    code, _, err = push(hub, publish(tmp_path / "other", "1.0.0", TWO, "b"))
    assert code == 2
    assert "1.0.0" in err and "aaaaaaaaaaaa" in err and "bbbbbbbbbbbb" in err
    assert "--version 1.0.3" in err  # 1.0.1 is a tag there, 1.0.2 is published here
    assert len(repo.commits) == 2
    code, _, err = push(hub, publish(tmp_path, "1.0.1", TWO, "b"))  # a tag that is no version of ours
    assert code == 2 and "no manifest" in err


@pytest.mark.parametrize(("name", "said"), [
    ("data/train-00000-of-00002.parquet", "has sha256"), ("stray.txt", "not in the manifest")])
def test_what_was_damaged_is_not_pushed(hub: Hub, tmp_path: Path, name: str, said: str) -> None:
    version = publish(tmp_path, "1.0.0", ONE)
    (version / name).write_bytes(b"rowS 0")
    code, _, err = push(hub, version)
    assert code == 2 and f"{name} {said}" in err.replace("stands in the folder but ", "")
    assert f"build verify {version}" in err
    assert hub.asked == []


@pytest.mark.parametrize(("fail", "sent"), [
    (("PUT /lfs/.*", "hang", 2), 2), (("POST .*/commit/main", "hang", 0), 4), (("POST .*/tag/.*", "hang", 0), 4)])
def test_a_killed_push_goes_on(hub: Hub, tmp_path: Path, fail: tuple[str, str, int], sent: int) -> None:
    version = publish(tmp_path, "1.0.0", ONE)
    hub.fail = fail
    process = start(hub, version)
    assert hub.hung.wait(60)
    kill_tree(process)
    process.communicate()
    assert len(hub.puts) == sent
    hub.fail = None
    code, _, err = push(hub, version)
    assert code == 0, err
    assert of_tag(hub, "1.0.0") == on_disk(version)
    assert sorted(hub.puts) == sorted(hashlib.sha256(ONE[name]).hexdigest() for name in BIG)  # each was sent once
    assert hub.repos["maker/set"].messages == ["initial commit", "Version 1.0.0"]


@pytest.mark.parametrize("where", ["PUT /lfs/.*", "POST .*/commit/main", "POST .*/tag/.*", "POST .*/preupload/main"])
def test_a_server_that_fails_midway(hub: Hub, tmp_path: Path, where: str) -> None:
    version = publish(tmp_path, "1.0.0", ONE)
    hub.fail = (where, 507, 0)
    code, _, err = push(hub, version)
    assert code == 2
    assert err.startswith("build: ") and "507" in err and "the same command again" in err
    assert hub.repos["maker/set"].tags == {}
    hub.fail = None
    assert push(hub, version)[0] == 0
    assert of_tag(hub, "1.0.0") == on_disk(version)


def test_a_storage_that_refuses(hub: Hub, tmp_path: Path) -> None:
    version = publish(tmp_path, "1.0.0", ONE)
    hub.xet = {hashlib.sha256(ONE[name]).hexdigest(): hf_xet.hash_files([str(version / name)])[0].hash for name in BIG}
    hub.fail = ("GET .*/xet-write-token/main", 403, 0)
    code, _, err = push(hub, version, HF_HUB_DISABLE_XET="0")
    assert code == 2 and err.startswith("build: the push did not end") and "403" in err
    hub.fail = None
    assert push(hub, version, HF_HUB_DISABLE_XET="0")[0] == 0
    assert list(hub.repos["maker/set"].tags) == ["1.0.0"]


@pytest.mark.parametrize(("repo", "settings", "said"), [
    ("maker/set", {"HF_TOKEN": ""}, "hf auth login"),
    ("maker/set", {"HF_TOKEN": "hf_wrong"}, "hf auth login"),
    ("maker/set", {"HF_TOKEN": "hf_reader"}, "may not write"),
    ("someone/set", {}, "may not write"),
    ("maker/set/deep", {}, "OWNER/NAME"),
    ("maker/a..b", {}, "OWNER/NAME"),
    ("maker/set", {"HF_HUB_OFFLINE": "1"}, "unset HF_HUB_OFFLINE"),
    ("maker/set", {"HF_ENDPOINT": "http://127.0.0.1:9"}, "the same command again"),
])
def test_refusals_are_one_line(hub: Hub, tmp_path: Path, repo: str, settings: dict[str, str], said: str) -> None:
    code, out, err = push(hub, publish(tmp_path, "1.0.0", ONE), repo=repo, **settings)
    assert (code, out) == (2, "")
    assert err.startswith("build: ") and said in err
    assert hub.repos == {}


def test_a_reader_cannot_push_to_what_is_there(hub: Hub, tmp_path: Path) -> None:
    hub.create("maker/set")
    for token, said in (("hf_reader", "may not write"), ("", "hf auth login")):
        code, _, err = push(hub, publish(tmp_path, "1.0.0", ONE), HF_TOKEN=token)
        assert code == 2 and said in err
    assert len(hub.repos["maker/set"].commits) == 1


def test_private_is_kept(hub: Hub, tmp_path: Path) -> None:
    version = publish(tmp_path, "1.0.0", ONE)
    assert push(hub, version, "--private")[0] == 0
    assert hub.repos["maker/set"].private
    hub.create("maker/public")
    code, _, err = push(hub, version, "--private", repo="maker/public")
    assert code == 2 and "public" in err and "/datasets/maker/public/settings" in err
    assert len(hub.repos["maker/public"].commits) == 1
    assert push(hub, version, repo="maker/public")[0] == 0


@pytest.mark.parametrize(("files", "code"), [
    ({"README.md": b"# To come\n"}, 0), ({"README.md": b"# Mine\n", "data/train.csv": b"a,b\n"}, 2),
    ({"manifest.json": b"{}", "other.txt": b"x"}, 2)])
def test_only_an_empty_repository_or_one_with_versions(hub: Hub, tmp_path: Path, files: dict[str, bytes],
                                                        code: int) -> None:
    repo = hub.create("maker/set", files=files)
    found, _, err = push(hub, publish(tmp_path, "1.0.0", ONE))
    assert found == code, err
    if code:
        assert "holds other files" in err and sorted(files)[-1] in err.replace("README.md", "data/train.csv")
        assert len(repo.commits) == 1


def test_a_file_that_the_repository_ignores_leaves_no_tag(hub: Hub, tmp_path: Path) -> None:
    one = publish(tmp_path, "1.0.0", ONE)
    assert push(hub, one)[0] == 0
    repo = hub.repos["maker/set"]
    repo.commit({**repo.commits[-1][1], ".gitignore": hub.put(b"rejected.parquet")}, "by hand")
    code, _, err = push(hub, publish(tmp_path, "1.1.0", {**TWO, "rejected.parquet": b"other"}, "b"))
    assert code == 2 and "does not hold what was sent: rejected.parquet" in err
    assert list(repo.tags) == ["1.0.0"]


def test_a_card_that_the_hub_refuses(hub: Hub, tmp_path: Path) -> None:
    code, _, err = push(hub, publish(tmp_path, "1.0.0", {**ONE, "README.md": b"# No YAML\n"}))
    assert code == 2 and '"license" is required' in err


def test_the_manifest_names_the_version_and_the_token_the_owner(hub: Hub, tmp_path: Path) -> None:
    version = publish(tmp_path, "1.0.0", ONE).rename(tmp_path / "copy")
    assert "pushed to maker/set as 1.0.0" in push(hub, version, repo="set")[1]
    assert list(hub.repos["maker/set"].tags) == ["1.0.0"]
