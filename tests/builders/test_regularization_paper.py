"""The whole command with a tiny Stable Diffusion and a tiny CLIP, through the code that loads the real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("diffusers")

from benchmarks import random_diffusion
from builders import cli, verification
from schemas import manifest as manifests

from .test_regularization import bytes_of, rows

pytestmark = pytest.mark.xdist_group("build")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("models")
    return random_diffusion.save(folder / "tiny-sd"), random_diffusion.save_clip(folder / "tiny-clip")


def words(models: tuple[Path, Path], out: Path, *more: str) -> list[str]:
    return ["regularization", "--class-name", "teapot", "--kind", "object", "--generator", str(models[0]), "--steps",
            "3", "--count", "26", "--out", str(out), *more]


@pytest.fixture(scope="module")
def whole(models: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    assert cli.main(words(models, out, "--workers", "2")) == 0
    return out / "1.0.0"


def test_one_worker_or_two_and_a_kill_give_the_same_files(models: tuple[Path, Path], whole: Path,
                                                          tmp_path: Path) -> None:
    out = tmp_path / "killed"
    running = subprocess.Popen([sys.executable, "-m", "builders.cli", *words(models, out)], start_new_session=True,
                               stderr=subprocess.DEVNULL)
    store, deadline = out / ".annotations", time.monotonic() + 120
    while not list(store.glob("diffusion-*/[!.]*.parquet")) and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert list(store.glob("diffusion-*/[!.]*.parquet")) and not (out / "1.0.0").exists()
    assert cli.main(words(models, out)) == 0
    assert bytes_of(out / "1.0.0") == bytes_of(whole)


def test_rows_and_models(whole: Path) -> None:
    found = rows(whole)
    assert len(found) == 26
    assert {(row["generator"], row["steps"], row["guidance"], row["width"]) for row in found} == {
        ("tiny-sd", 3, 7.5, 16)}
    said = manifests.read(whole)
    assert said.models[0].provenance["weights"] == "tiny-sd" and said.options["generator"] == "tiny-sd"
    assert {"torch", "transformers", "diffusers"} <= said.built_with.keys()
    assert list(verification.faults_of(whole, said)) == []


def test_what_fits_its_prompt_too_little_leaves_or_is_drawn_again(models: tuple[Path, Path], tmp_path: Path) -> None:
    out, scored = tmp_path / "scored", ("--clip", str(models[1]))
    assert cli.main(words(models, out, *scored, "--min-clip-t", "-1")) == 0
    first = {row["id"]: row["clip_t"] for row in rows(out / "1.0.0")}
    middle = sorted(first.values())[13]  # the 14th of 26: as many rows reach it as not
    assert cli.main(words(models, out, *scored, "--min-clip-t", f"{middle:.6f}", "--attempts", "2", "--version",
                          "1.1.0")) == 0
    version = out / "1.1.0"
    found = {row["id"]: row for row in rows(version)}
    least = float(f"{middle:.6f}")
    for name, score in first.items():
        if score >= least:
            assert (found[name]["attempts"], found[name]["clip_t"]) == (1, score)
        elif name in found:
            assert found[name]["attempts"] == 2 and found[name]["clip_t"] >= least
    said = manifests.read(version)
    left = 26 - len(found)
    assert said.funnel[1].drops == ({"low_clip_t": left} if left else {})
    assert said.counts["pictures drawn again"] == sum(score < least for score in first.values())
    assert [model.role for model in said.models] == ["generator", "clip_t"]
    assert list(verification.faults_of(version, said)) == []
    assert (version / "assets" / "scores.png").exists()
