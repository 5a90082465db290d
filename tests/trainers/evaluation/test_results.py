"""OUT of an evaluation: what was written is read again, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import UsageError
from tests.trainers.evaluation.results_made import job, result
from trainers.evaluation import results
from trainers.evaluation.plans import CLIP_I, CLIP_T, FID, Job, Result, Shown

JOBS = [job("dog", 0), job("dog", 1, prompt='a sks dog, "wet"\nin the snow'), job("=cat|", 2, "unseen", "a sks cat")]


def written(folder: Path) -> Result:
    made = result(folder, JOBS, {CLIP_I: [0.1 + 0.2, 1 / 3, 0.5], CLIP_T: [float("nan"), 0.25, -1e-17]},
                  {FID: {("", ""): 12.5, ("unseen", "=cat|"): float("nan")}}, out=folder)
    results.write_plan(folder, JOBS)
    results.write(made)
    return made


def test_what_is_written_is_read_to_the_last_bit(tmp_path: Path) -> None:
    made, found = written(tmp_path / "one"), results.read(tmp_path / "one")
    assert found.folder == tmp_path / "one" and found.scored.jobs == tuple(JOBS)
    assert list(found.scored.columns) == [CLIP_I, CLIP_T]
    for name, values in made.scored.columns.items():
        np.testing.assert_array_equal(found.scored.columns[name], values)
    assert found.scored.sets[FID]["", ""] == 12.5 and np.isnan(found.scored.sets[FID]["unseen", "=cat|"])
    assert found.scored.models == made.scored.models
    assert found.said["sampler"]["steps"] == 200 and found.said["out"] == str(tmp_path / "one")


def test_scores_are_a_row_a_job_with_its_name(tmp_path: Path) -> None:
    written(tmp_path)
    lines = (tmp_path / "scores.csv").read_text().splitlines()
    assert lines[0] == "key,run,subject,group,prompt,seed,CLIP-I,CLIP-T"
    assert lines[1] == "dog/all/0-0,run,dog,Real images,,0,0.30000000000000004,"
    assert lines[-1] == "=cat|/unseen/2-0,run,=cat|,unseen,a sks cat,0,0.5,-1e-17"


def test_a_plan_keeps_all_of_its_jobs(tmp_path: Path) -> None:
    jobs = (Job(key="a/1", run="r", subject="s", shown=(Shown("x", "face"),), scale=0.25, asked=("Is it red?",)),)
    results.write_plan(tmp_path, jobs)
    assert results.read_plan(tmp_path) == jobs


def test_a_folder_of_evaluations_is_its_repeats(tmp_path: Path) -> None:
    for name in ("2", "1"):
        written(tmp_path / name)
    (tmp_path / "pictures").mkdir()
    assert [one.folder.name for one in results.read_all(tmp_path)] == ["1", "2"]
    assert [one.folder.name for one in results.read_all(tmp_path / "2")] == ["2"]


def test_evaluation_json_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr(results.atomic, "write", lambda path, data: order.append(path.name))
    written(tmp_path)
    assert order == ["plan.jsonl", "scores.csv", "evaluation.json"]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def _told(path: Path, **said: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **said}))


@pytest.mark.parametrize(("name", "change", "said"), [
    ("evaluation.json", Path.unlink, "the evaluation is not done .*goes on"),
    ("evaluation.json", _cut, "evaluation.json cannot be read"),
    ("evaluation.json", lambda path: path.write_text("[]"), "evaluation.json cannot be read"),
    ("evaluation.json", lambda path: path.write_text('{"benchmark": "coti"}'), "missing required field"),
    ("evaluation.json", lambda path: path.write_bytes(b'{"benchmark": "\xff"}'), "evaluation.json cannot be read"),
    ("evaluation.json", lambda path: _told(path, sampler=[1]), r"cannot be read: .*\$\.sampler"),
    ("evaluation.json", lambda path: _told(path, sampler={"guidance": "7"}), r"\$\.sampler\.guidance"),
    ("evaluation.json", lambda path: _told(path, name=["a"]), r"cannot be read: .*\$\.name"),
    ("evaluation.json", lambda path: _told(path, bases=[1]), r"cannot be read: .*\$\.bases"),
    ("evaluation.json", lambda path: _told(path, facts={"deep": 1}, warnings=3), r"cannot be read: .*\$\.warnings"),
    ("scores.csv", Path.unlink, "a file of the evaluation is missing .*scores.csv"),
    ("scores.csv", lambda path: path.write_text(""), "scores.csv cannot be read"),
    ("scores.csv", lambda path: path.write_text("a,b\n"), "its first line is another"),
    ("scores.csv", lambda path: path.write_text(path.read_text().replace("0.5", "half")), "could not convert"),
    ("scores.csv", lambda path: path.write_text(path.read_text().replace(",0.5,", ",0.5,1,")), "more or fewer columns"),
    ("scores.csv", lambda path: path.write_text(path.read_text().replace("0.5", "inf")), "a score is infinite"),
    ("scores.csv", lambda path: path.write_text("".join(path.open().readlines()[:-1])), "not the jobs of plan.jsonl"),
    ("plan.jsonl", Path.unlink, "a file of the evaluation is missing .*plan.jsonl"),
    ("plan.jsonl", _cut, "plan.jsonl cannot be read"),
])
def test_damage_is_one_line(tmp_path: Path, name: str, change: object, said: str) -> None:
    written(tmp_path)
    change(tmp_path / name)  # type: ignore[operator]
    with pytest.raises(UsageError, match=said) as caught:
        results.read(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_evaluation_of_nothing_is_damaged(tmp_path: Path) -> None:
    results.write_plan(tmp_path, [])
    results.write(result(tmp_path, [], {CLIP_I: []}))
    with pytest.raises(UsageError, match="it has no row"):
        results.read(tmp_path)


def test_a_folder_without_an_evaluation_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path, tmp_path / "none", tmp_path / "file"):
        with pytest.raises(UsageError, match=r"no evaluation is there .*trainers evaluate"):
            results.read(folder)


def test_warnings_of_the_scoring_are_kept(tmp_path: Path) -> None:
    made = result(tmp_path, JOBS, {CLIP_I: [1, 2, 3]}, warnings=["a"])
    results.write_plan(tmp_path, JOBS)
    results.write(made._replace(scored=made.scored._replace(warnings=("b", "a"))))
    assert results.read(tmp_path).said["warnings"] == ["a", "b"]


def test_hostile_names_in_a_record_are_only_text(tmp_path: Path) -> None:
    written(tmp_path)
    said = json.loads((tmp_path / "evaluation.json").read_text())
    said["name"] = "../../x\u202e"
    (tmp_path / "evaluation.json").write_text(json.dumps(said))
    assert results.read(tmp_path).said["name"] == "../../x\u202e"
