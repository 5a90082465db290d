"""The whole command with the light generator: real files, real workers, real kills."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from builders import cli, verification
from builders.generators import Request
from builders.generators.light import Light
from schemas import manifest as manifests
from schemas.manifest import Manifest
from schemas.prompts import compose

WORDS = ["--class-name", "backpack", "--kind", "object", "--generator", "light", "--size", "64", "--count", "40"]
Row = dict[str, Any]

pytestmark = pytest.mark.xdist_group("build")


def build(out: Path, *more: str) -> int:
    return cli.main(["regularization", *WORDS, "--out", str(out), *more])


def rows(version: Path) -> list[Row]:
    return pq.read_table(version / "data").to_pylist()


def bytes_of(version: Path) -> dict[str, str]:
    return {path.relative_to(version).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(version.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("regularization")
    assert build(out) == 0
    return out / "1.0.0"


def test_rows_say_what_their_pictures_were_asked_to_be(built: Path) -> None:
    found = rows(built)
    assert [row["id"] for row in found] == [f"{at:05d}" for at in range(40)]
    assert Counter(row["family"] for row in found) == {"training": 8, "photographic": 24, "styled": 8}
    assert len({row["text"] for row in found}) == 40
    light = Light(64)
    for row in found:
        parts = {part: row[part] for part in ("style", "shape", "color", "texture", "background")}
        assert row["text"] == compose(parts, "backpack") and row["class_name"] == "backpack"
        assert bool(row["style"]) == (row["family"] != "training")
        assert hashlib.sha256(row["image"]["bytes"]).hexdigest() == row["sha256"]
        assert (row["generator"], row["steps"], row["guidance"], row["attempts"]) == ("light", 0, 0.0, 1)
        assert (row["width"], row["height"], row["clip_t"]) == (64, 64, None)
    for row in found[::13]:  # the picture is the generator's for this very row
        parts = {part: row[part] for part in ("style", "shape", "color", "texture", "background")}
        (drawn,) = light([Request(parts, "backpack", row["text"], row["seed"])])
        assert np.array_equal(drawn, np.asarray(Image.open(io.BytesIO(row["image"]["bytes"]))))


def test_it_is_sound_and_datasets_opens_it(built: Path, tmp_path: Path) -> None:
    assert list(verification.faults_of(built, manifests.read(built))) == []
    from datasets import load_dataset

    loaded = load_dataset(str(built), split="train", cache_dir=str(tmp_path))
    assert loaded.num_rows == 40 and loaded[0]["image"].size == (64, 64)
    assert loaded.column_names[:6] == ["id", "image", "text", "style", "shape", "color"]


def test_the_manifest_tells_everything(built: Path) -> None:
    said = manifests.read(built)
    assert (said.recipe, said.splits) == ("regularization", {"train": 40})
    assert [(step.stage, step.rows_in, step.rows_out) for step in said.funnel] == [("plan", 40, 40),
                                                                                  ("generate", 40, 40)]
    assert [model.role for model in said.models] == ["generator"]
    assert said.options["include_test_prompts"] is False and said.options["form"] == "static"
    assert said.counts["pictures drawn again"] == 0 and said.counts["pool of background"] >= 455
    assert str(built.parent) not in (built / "manifest.json").read_text()


def test_workers_change_nothing_and_a_longer_set_begins_alike(built: Path, tmp_path: Path) -> None:
    # More than the 64 pictures that a worker is given at a time.
    for workers in ("1", "3"):
        assert build(tmp_path / workers, "--workers", workers, "--count", "200") == 0
    assert bytes_of(tmp_path / "1" / "1.0.0") == bytes_of(tmp_path / "3" / "1.0.0")
    first = [(row["text"], row["sha256"]) for row in rows(tmp_path / "3" / "1.0.0")[:40]]
    assert first == [(row["text"], row["sha256"]) for row in rows(built)]


def test_a_killed_build_goes_on_and_ends_the_same(built: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "builders.cli", "regularization", *WORDS, "--out", str(tmp_path)]
    running = subprocess.Popen(words, start_new_session=True, stderr=subprocess.DEVNULL)
    store = tmp_path / ".annotations"
    deadline = time.monotonic() + 120
    while not list(store.glob("light-*/[!.]*.parquet")) and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert not (tmp_path / "1.0.0").exists()
    kept = {path.name: path.stat().st_mtime_ns for path in store.glob("light-*/[!.]*.parquet")}
    assert kept
    assert build(tmp_path) == 0
    assert bytes_of(tmp_path / "1.0.0") == bytes_of(built)
    assert {path.name: path.stat().st_mtime_ns for path in store.glob("light-*/*.parquet")
            if path.name in kept} == kept  # none was drawn again


def test_the_same_again_and_other_words_under_the_same_version(built: Path, tmp_path: Path,
                                                               capsys: pytest.CaptureFixture[str]) -> None:
    before = bytes_of(built)
    assert build(built.parent) == 0 and bytes_of(built) == before
    assert build(built.parent, "--seed", "1") == 2
    assert "published with other content" in capsys.readouterr().err and bytes_of(built) == before


def test_living_things_have_parts_of_their_own(tmp_path: Path) -> None:
    assert build(tmp_path, "--class-name", "dog", "--kind", "animal", "--count", "10") == 0
    found = rows(tmp_path / "1.0.0")
    assert all(row["body"] and row["skin"] and row["emotion"] and "$concept" in row["motion"] for row in found)
    assert all("$" not in row["text"] and " dog" in row["text"] for row in found)
    assert list(verification.faults_of(tmp_path / "1.0.0", manifests.read(tmp_path / "1.0.0"))) == []


@pytest.mark.parametrize(("arm", "family"), [("class-only", {"class": 10}),
                                             ("unadapted", {"training": 2, "photographic": 6, "styled": 2})])
def test_control_arms(tmp_path: Path, arm: str, family: dict[str, int]) -> None:
    assert build(tmp_path, "--class-name", "dog", "--kind", "animal", "--count", "10", "--prompts", arm) == 0
    version = tmp_path / "1.0.0"
    found = rows(version)
    assert Counter(row["family"] for row in found) == family
    if arm == "class-only":
        assert build(tmp_path / "orange", "--class-name", "orange", "--count", "4", "--prompts", arm) == 0  # a colour
        assert {row["text"] for row in found} == {"a dog"} and len({row["seed"] for row in found}) == 10
    else:
        assert all(row["shape"] and row["color"] and row["texture"] and row["background"] for row in found)
    assert list(verification.faults_of(version, manifests.read(version))) == []
    assert "control arm" in (version / "README.md").read_text()


def test_test_prompts_are_recorded(tmp_path: Path) -> None:
    assert build(tmp_path, "--include-test-prompts") == 0
    version = tmp_path / "1.0.0"
    assert manifests.read(version).options["include_test_prompts"] is True
    assert Counter(row["family"] for row in rows(version))["test"] == 25
    assert "The evaluation's own prompts are among these" in (version / "README.md").read_text()


def test_a_dry_run_prints_the_plan_and_writes_nothing(built: Path, tmp_path: Path,
                                                      capsys: pytest.CaptureFixture[str]) -> None:
    assert build(tmp_path / "none", "--dry-run") == 0
    assert capsys.readouterr().out.splitlines() == [row["text"] for row in rows(built)]
    assert not (tmp_path / "none").exists()


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("subject")
    for at in range(3):
        Image.new("RGB", (64, 64), (40 * at, 90, 200)).save(folder / f"0{at}.png")
    (folder / "captions.txt").write_text("a backpack on a rock\na olis backpack\ntwo people beside a backpack\n")
    assert cli.main(["subject", "--images", str(folder), "--class-name", "backpack", "--out", str(folder / "out")]) == 0
    return folder / "out" / "1.0.0"


def test_the_training_family_takes_the_subject_s_scenes(subject: Path, tmp_path: Path) -> None:
    assert build(tmp_path, "--subject", str(subject)) == 0
    training = [row for row in rows(tmp_path / "1.0.0") if row["family"] == "training"]
    scenes = Counter(row["background"] for row in training)  # eight rows of three scenes, as evenly as can be
    assert scenes.keys() == {"on a rock", "", "two people beside a $concept"} and sorted(scenes.values()) == [2, 3, 3]
    for row in training:
        a_thing = compose({part: row[part] for part in ("shape", "color", "texture")}, "backpack")
        assert row["text"] == {"on a rock": f"{a_thing} on a rock", "": a_thing,
                               "two people beside a $concept": f"two people beside {a_thing}"}[row["background"]]
    said = manifests.read(tmp_path / "1.0.0")
    assert said.source["subject"] == manifests.read(subject).content_digest
    assert "--subject DIR" in (tmp_path / "1.0.0" / "README.md").read_text()


@pytest.mark.parametrize(("words", "said"), [
    (["--class-name", "vase"], "--class-name is not the subject's (got 'vase'); allowed: backpack"),
    (["--kind", "animal"], "--kind is not the subject's (got 'animal'); allowed: object"),
])
def test_a_subject_of_another_class(subject: Path, tmp_path: Path, words: list[str], said: str,
                                    capsys: pytest.CaptureFixture[str]) -> None:
    assert build(tmp_path / "out", "--subject", str(subject), *words) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_subject_that_is_none(built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(tmp_path / "out", "--subject", str(built)) == 2
    assert "--subject is no dataset of a subject" in capsys.readouterr().err
    assert build(tmp_path / "out", "--subject", str(tmp_path)) == 2
    told = capsys.readouterr().err
    assert "it has no manifest.json" in told and "try: build subject" in told


def _pool(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "object_shapes.txt").write_text(text)
    return folder


@pytest.mark.parametrize(("words", "said"), [
    (["--count", "0"], "there is nothing to plan"),
    (["--count", "1000001"], "--count is out of range"),
    (["--count", "24", "--include-test-prompts"], "the 25 test prompts alone are more"),
    (["--class-name", ""], "--class-name is missing"),
    (["--class-name", "a backpack"], "--class-name is no bare noun"),
    (["--class-name", "my $concept"], "--class-name is no bare noun"),
    (["--class-name", "back\a"], "--class-name is no bare noun"),
    (["--batch", "8"], "--batch is for models"),
    (["--clip", "some/model"], "--clip is for --min-clip-t"),
    (["--kind", ""], "--kind is missing"),
    (["--kind", "plant"], "--kind is not known"),
    (["--class-name", "turquoise"], "the class name collides with"),
    (["--shares", "1,2"], "--shares are not three numbers"),
    (["--shares", "0.5,0.6,0.2"], "the shares of the families are none"),
    (["--batch", "3"], "--batch is none at which pictures repeat exactly"),
    (["--size", "70"], "--size is no multiple of 8"),
    (["--steps", "5"], "--steps and --guidance are for models"),
    (["--prompts", "unadapted"], "--prompts unadapted is for living things"),
    (["--prompts", "class-only", "--include-test-prompts"], "the arm class-only has one prompt"),
    (["--min-clip-t", "2"], "--min-clip-t is out of range"),
    (["--generator", "no/such/model/at/all"], "no/such/model/at/all" if find_spec("diffusers") else "not installed"),
    (["--version", "1"], "--version is not a version"),
])
def test_bad_words_are_told_in_one_line(tmp_path: Path, words: list[str], said: str,
                                        capsys: pytest.CaptureFixture[str]) -> None:
    assert build(tmp_path / "out", *words) == 2
    told = capsys.readouterr().err
    assert said in told and len(told.strip().splitlines()) == 1 and told.startswith("build: ")
    assert not (tmp_path / "out" / "1.0.0").exists()


@pytest.mark.parametrize(("text", "said"), [("round\n\nflat\n", "line 2: the line is blank"),
                                            ("round\nRound\n", "line 2: stands in line 1 already")])
def test_a_bad_pool_is_told_in_one_line(tmp_path: Path, text: str, said: str,
                                        capsys: pytest.CaptureFixture[str]) -> None:
    assert build(tmp_path / "out", "--pools", str(_pool(tmp_path / "pools", text))) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_count_beyond_what_small_pools_make(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _pool(tmp_path / "pools", "round\n")
    for part, word in (("colors", "red"), ("textures", "woven"), ("backgrounds", "on a rock")):
        (folder / f"object_{part}.txt").write_text(word + "\n")
    assert build(tmp_path / "out", "--pools", str(folder), "--shares", "1,0,0") == 2
    assert "do not make so many different prompts (got 40); allowed: 1..1" in capsys.readouterr().err


def test_words_of_one_s_own(tmp_path: Path) -> None:
    pools = _pool(tmp_path / "pools", "star-shaped\nhollow\n")
    assert build(tmp_path / "out", "--pools", str(pools), "--count", "10") == 0
    assert {row["shape"] for row in rows(tmp_path / "out" / "1.0.0")} == {"star-shaped", "hollow"}
    assert "--pools DIR" in (tmp_path / "out" / "1.0.0" / "README.md").read_text()


def _captions(out: Path, name: str) -> list[tuple[Path, str]]:
    """Pictures and captions as the format's reader pairs them."""
    if name == "custom-diffusion":
        lines = [(out / file).read_text().splitlines() for file in ("images.txt", "caption.txt")]
        return [(Path(path), caption) for path, caption in zip(*lines, strict=True)]
    if name == "imagefolder":
        said = [json.loads(line) for line in (out / "metadata.jsonl").read_text().splitlines()]
        return [(out / one["file_name"], one["text"]) for one in said]
    return [(path, path.with_suffix(".txt").read_text().strip()) for path in sorted((out / "images").glob("*.png"))]


@pytest.mark.parametrize("name", ["custom-diffusion", "kohya", "ai-toolkit", "imagefolder"])
def test_exports_pair_every_caption_with_its_picture(built: Path, tmp_path: Path, name: str) -> None:
    assert cli.main(["export", str(built), "--format", name, "--out", str(tmp_path / "out")]) == 0
    text_of = {row["sha256"]: row["text"] for row in rows(built)}
    pairs = _captions(tmp_path / "out", name)
    assert len(pairs) == 40
    assert {hashlib.sha256(path.read_bytes()).hexdigest(): caption for path, caption in pairs} == text_of


@pytest.mark.parametrize(("change", "said"), [
    (lambda row: row.update(color="plaid"), "its parts make"),
    (lambda row: row.update(family="other"), "no family is named 'other'"),
    (lambda row: row.update(seed=1), "its seed is not that of its number and attempt"),
    (lambda row: row.update(width=65), "it is 65x64, the build drew 64x64"),
    (lambda row: row.update(clip_t=0.5), "it has a score that nobody asked for"),
    (lambda row: row.update(style=None), "null: style"),
    (lambda row: row.update(sha256="0" * 64), "not that of its image"),
    (lambda row: row.update(attempts=9), "9 attempts, allowed 1 to 4"),
])
def test_verify_finds_a_row_that_was_changed(built: Path, tmp_path: Path, change: Callable[[Row], None],
                                             said: str) -> None:
    import shutil

    version = Path(shutil.copytree(built, tmp_path / "1.0.0"))
    (path,) = (version / "data").glob("*.parquet")
    table = pq.read_table(path)
    found = table.to_pylist()
    change(found[3])
    pq.write_table(pa.Table.from_pylist(found, schema=table.schema), path)
    faults = list(verification.faults_of(version, _of(version)))
    assert any("row 00003: " in fault and said in fault for fault in faults), faults


def _of(version: Path) -> Manifest:
    return manifests.read(version)
