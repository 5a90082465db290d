"""`trainers evaluate` from end to end, on tiny runs: its counts, and that a stopped one ends as any other."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("accelerate")

import torch

from benchmarks import random_eyes
from tests.trainers import made
from tests.trainers.evaluation import trained
from trainers.cli import main
from trainers.evaluation import evaluate
from trainers.evaluation.evaluate_options import Dreambench

pytestmark = pytest.mark.xdist_group("evaluation")
FAST = ("--denoising-steps", "2", "--clip", "light", "--dino", "none")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    there = tmp_path_factory.mktemp("evaluated")
    made.subject(there / "pack")
    trained.run("dreambooth", there / "run", "--data", str(there / "pack"), "--regularization", "none", "--base",
                "tiny")
    return there


@pytest.fixture(scope="module")
def quick(home: Path) -> Path:
    assert main(["evaluate", "dreambench", "--run", str(home / "run"), "--protocol", "quick", *FAST, "--out",
                 str(home / "quick")]) == 0
    return home / "quick"


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "scores.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_quick_one_has_five_pictures_and_scores_the_runs_own_first(quick: Path) -> None:
    told = rows(quick)
    assert [row["group"] for row in told] == ["Real images"] * 4 + [""] * 5
    assert all(-1 <= float(row["Light-I"]) <= 1 for row in told)
    assert [row["prompt"] for row in told][4:] == [
        "a olis backpack in the jungle", "a olis backpack on top of a wooden floor",
        "a olis backpack with a wheat field in the background",
        "a olis backpack on top of green grass with sunflowers around it", "a red olis backpack"]
    assert {(quick / "pictures" / f"{row['key']}.png").is_file() for row in told} == {True}
    said = json.loads((quick / "evaluation.json").read_text(encoding="utf-8"))
    assert (said["benchmark"], said["protocol"], said["name"]) == ("dreambench", "quick", "run")
    assert (said["sampler"]["steps"], said["methods"], said["bases"][0]["name"]) == (2, ["dreambooth"], "tiny")
    assert "--out" not in said["options"] and said["options"]["--clip"] == "light"
    assert said["warnings"][0] == "drawn with steps 2 where the protocol has 50"
    page = (quick / "README.md").read_text(encoding="utf-8")
    assert page.index("Real images") < page.index("| all | 5 |") and "![sheet](sheet.png)" in page


def test_it_goes_on_where_it_was_stopped(home: Path, quick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Stopped among the pictures, and after them: all files but the embeddings' parts are the same, byte for byte."""
    def files(out: Path) -> dict[str, bytes]:
        return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*")
                if path.is_file() and "seen" not in path.parts}

    drawn = [f"pictures/{row['key']}.png" for row in rows(quick) if row["prompt"]]
    for gone in ([drawn[1], drawn[4], "seen", "scores.csv", "evaluation.json"], ["table.md", "evaluation.json"]):
        out = home / "stopped"
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(quick, out)
        for name in gone:
            shutil.rmtree(out / name) if (out / name).is_dir() else (out / name).unlink()
        assert main(["evaluate", "dreambench", "--run", str(home / "run"), "--protocol", "quick", *FAST, "--out",
                     str(out)]) == 0
        assert files(out) == files(quick)
    assert "| Real images | 4 |" in capsys.readouterr().out


def test_repeats_have_noise_of_their_own_and_are_compared(home: Path, quick: Path,
                                                          capsys: pytest.CaptureFixture[str]) -> None:
    out = home / "repeats"
    assert main(["evaluate", "dreambench", "--run", str(home / "run"), "--protocol", "quick", *FAST, "--repeats", "2",
                 "--out", str(out)]) == 0
    one, other = ({row["key"]: (out / number / "pictures" / f"{row['key']}.png").read_bytes()
                   for row in rows(out / number) if row["prompt"]} for number in "12")
    assert one.keys() == other.keys() and all(one[key] != other[key] for key in one)
    assert main(["compare", str(out), str(quick), "--out", str(home / "compared")]) == 0
    assert "±" in (home / "compared" / "README.md").read_text(encoding="utf-8")
    capsys.readouterr()


def test_composition_tells_how_near_the_token_stayed(home: Path) -> None:
    """The checkpoint of step 2 is all there is. Nothing is drawn here."""
    options = Dreambench(run=str(home / "run"), protocol="composition")
    [run] = evaluate.open_runs(options.runs)
    [said] = evaluate._PLANNED[Dreambench](options, [run]).facts["cosine of token and class"]
    words = re.fullmatch(r"pack (0\.[0-9]{3}|1\.000) at step 2", said)
    assert words, said


def test_what_cannot_be_evaluated_is_one_line(home: Path, quick: Path, tmp_path: Path,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    whole, page = ["dreambench", "--run", str(home / "run"), "--protocol", "quick"], home / "run" / "README.md"
    before = page.read_bytes()
    trouble = {
        "no such run": ["dreambench", "--run", str(home / "none")],
        "no run.json in that folder": ["dreambench", "--run", str(tmp_path)],
        "--data is a subject dataset, not a retribooru dataset": ["retribooru", "--run", str(home / "run")],
        "dreambooth inverts no concept": ["coti", "--run", str(home / "run")],
        "--out holds what no evaluation wrote": [*whole, "--out", str(home / "run")],
        "--out is an evaluation, and repeats": [*whole, "--repeats", "2", "--out", str(quick)],
    }
    for said, words in trouble.items():
        out = [] if "--out" in words else ["--out", str(tmp_path / "out")]
        assert main(["evaluate", *words, *FAST, *out]) == 2, said
        told = capsys.readouterr().err
        assert said in told and told.startswith("trainers: ") and told.count("\n") == 1, told
    assert page.read_bytes() == before


def test_models_are_judged_before_anything_is_drawn(home: Path, tmp_path: Path,
                                                    capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text").write_text("no model")
    random_eyes.save_dino(tmp_path / "dino")
    for name, said in (("text", "no folder with a model"), ("dino", "--clip is a DINO")):
        assert main(["evaluate", "dreambench", "--run", str(home / "run"), "--protocol", "quick", "--dino", "none",
                     "--clip", str(tmp_path / name), "--out", str(tmp_path / "out")]) == 2
        told = capsys.readouterr().err
        assert said in told and told.count("\n") == 1, told
        assert not (tmp_path / "out").exists()
