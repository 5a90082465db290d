"""Runs as an evaluation finds them: by folder, by folders of folders, with what they were trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("accelerate")
pytest.importorskip("tensorboard")

from schemas.errors import UsageError
from tests.trainers import made
from tests.trainers.evaluation import trained
from trainers.evaluation.pictures import File, Pictures
from trainers.evaluation.runs import Run, inverted, open_runs, subjects

pytestmark = pytest.mark.xdist_group("evaluation-runs")


def said(method: str, **options: Any) -> dict[str, Any]:
    """run.json as a finished run leaves it."""
    tokens = {"tokens": ["<a>", "<b>"]} if method == "custom" else {"token": "<it>"}
    return {"method": method, "finished": True, "options": {"out": "out/run", "data": "", **options}, "facts": tokens,
            "base": {"name": "tiny", "pipeline": "StableDiffusionPipeline", "sha256": "0" * 64},
            "data": {flag: {"digest": made.DIGEST} for flag in ("data", "data 2")}}


def written(folder: Path, text: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(text))
    return folder


def run_of(folder: Path, text: dict[str, Any], data: str = "") -> Run:
    return open_runs([str(written(folder, text))], data)[0]


def test_a_run_as_it_was_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made.subject(tmp_path / "out" / "pack")
    monkeypatch.chdir(tmp_path)
    trained.run("dreambooth", Path("out/run"), "--data", "out/pack", "--regularization", "none", "--base", "tiny")
    monkeypatch.chdir("/")  # paths in run.json are relative to where it was trained
    [run] = open_runs([str(tmp_path / "out" / "run")])
    assert (run.name, run.method, run.takes, run.scales, run.sdxl) == ("run", "dreambooth", "none", False, False)
    assert run.base["name"] == "tiny" and run.concepts == ()
    [one], pictures = subjects(run)
    assert (one.run, one.name, one.token, one.class_name, one.kind, one.alone) == (
        "run", "pack", "olis", "backpack", "object", False)
    assert [caption for _, caption in one.pictures] == [
        "a backpack on a rock", "a backpack in the snow", "a backpack on a table", "a backpack"]
    assert pictures[one.pictures[1].id] == made.encoded(made.painted((30, 200, 30)))
    assert len(pictures) == 4


def test_folders_of_folders(tmp_path: Path) -> None:
    for name in ("b", "a"):
        written(tmp_path / "runs" / name, said("dreambooth"))
    (tmp_path / "runs" / "data").mkdir()
    written(tmp_path / "c", said("retrinet", task="compose", references=4))
    found = open_runs([str(tmp_path / "runs"), str(tmp_path / "c")])
    assert [(run.name, run.method) for run in found] == [("a", "dreambooth"), ("b", "dreambooth"), ("c", "retrinet")]


def test_what_is_no_run_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("[1")
    written(tmp_path / "strange", {**said("dreambooth"), "method": "alchemy"})
    written(tmp_path / "begun", {**said("dreambooth"), "finished": False})
    written(tmp_path / "list", {**said("dreambooth"), "options": []})
    for name, what in (("empty", r"no run\.json in that folder"), ("gone", "no such run"),
                       ("broken", r"run\.json cannot be read"), ("list", r"run\.json cannot be read"),
                       ("strange", "a run of an unknown method"), ("begun", "a run that is not finished")):
        with pytest.raises(UsageError, match=what) as caught:
            open_runs([str(tmp_path / name)])
        assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="no run to evaluate"):
        open_runs([])
    for home in ("one", "two"):
        written(tmp_path / home / "run", said("dreambooth"))
    with pytest.raises(UsageError, match="two runs have one name"):
        open_runs([str(tmp_path / "one"), str(tmp_path / "two")])


def test_what_a_run_must_have_said_is_told_before_anything_is_opened(tmp_path: Path) -> None:
    """A file of a run that somebody edited, or another program wrote."""
    whole = said("dreambooth", data="x")
    lacking = [{name: value for name, value in whole.items() if name != gone} for gone in ("base", "facts", "options")]
    wrong = [{**whole, "facts": {}}, {**whole, "method": ["dreambooth"]}, {**whole, "base": {"name": "tiny"}},
             {**whole, "options": {"out": 3}}, {**whole, "options": {"out": "x", "resolution": "wide"}},
             said("retrinet"), said("retrinet", task="compose", references="four")]
    for number, text in enumerate([*lacking, *wrong]):
        with pytest.raises(UsageError, match=r"run\.json cannot be read: .*what a run wrote") as caught:
            open_runs([str(written(tmp_path / str(number), text))])
        assert "\n" not in str(caught.value)
    (tmp_path / "0" / "run.json").write_text("[" * 100_000)
    with pytest.raises(UsageError, match=r"run\.json cannot be read"):
        open_runs([str(tmp_path / "0")])
    for text in ("{", "[]", "{}"):
        (tmp_path / "model_index.json").write_text(text)
        [base] = open_runs([str(tmp_path)])
        with pytest.raises(UsageError, match=r"model_index\.json cannot be read"):
            _ = base.sdxl


def test_tokens_that_stand_alone_and_tokens_of_several(tmp_path: Path) -> None:
    data = str(made.subject(tmp_path / "pack"))
    [word], _ = subjects(run_of(tmp_path / "word", said("inversion", data=data, initial="")))
    assert (word.token, word.class_name, word.alone) == ("<it>", "backpack", True)
    other = str(made.subject(tmp_path / "backpack_dog", 2))
    several, pictures = subjects(run_of(tmp_path / "both", said("custom", data=f"{data},{other}", tokens="<a>,<b>")))
    assert [(one.name, one.token, one.alone, len(one.pictures)) for one in several] == [
        ("pack", "<a>", False, 4), ("backpack_dog", "<b>", False, 2)]
    assert len(pictures) == 6  # though rows of both have the same ids
    [base], _ = subjects(open_runs(["tiny"], data)[0])
    assert (base.run, base.token, base.class_name, base.alone) == ("tiny", "backpack", "backpack", True)


def test_what_personalize_built_is_named_after_the_photos(tmp_path: Path) -> None:
    """Its datasets are all called "subject": two of them would be one."""
    within = made.subject(tmp_path / "mine" / "data" / "subject")
    [one], _ = subjects(run_of(tmp_path / "mine", said("dreambooth", data=str(within))))
    assert one.name == "pack"
    elsewhere = made.subject(tmp_path / "other" / "subject")
    [one], _ = subjects(run_of(tmp_path / "mine", said("dreambooth", data=str(elsewhere))))
    assert one.name == "subject"


def test_data_that_are_not_the_runs_are_one_line(tmp_path: Path) -> None:
    data = str(made.subject(tmp_path / "pack"))
    text = said("dreambooth", data=data)
    text["data"]["data"]["digest"] = "cd" * 32
    with pytest.raises(UsageError, match="not those that the run was trained on"):
        subjects(run_of(tmp_path / "run", text))
    [one], _ = subjects(run_of(tmp_path / "run", text, data))  # somebody asked for them
    assert one.name == "pack"
    with pytest.raises(UsageError, match="retrinet learns no token"):
        subjects(run_of(tmp_path / "other", said("retrinet", task="compose", references=4)))
    with pytest.raises(UsageError, match="a base was trained on no subject"):
        subjects(open_runs(["tiny"])[0])
    with pytest.raises(UsageError, match="no folder and no name"):
        subjects(run_of(tmp_path / "gone", said("dreambooth", data=str(tmp_path / "nothing"))))


def test_concepts_and_the_pictures_they_are_compared_with(tmp_path: Path) -> None:
    data = str(made.subject(tmp_path / "pack"))
    word = run_of(tmp_path / "word", said("inversion", data=data, initial=""))
    concept, pictures = inverted(word)
    assert concept[:4] == ("word", "backpack", "inversion", "<it>")
    assert len(concept.pictures) == 4 and {one.id for one in concept.pictures} == set(pictures)
    real = tmp_path / "real"
    real.mkdir()
    for name in ("b.png", "a.png"):
        made.painted((1, 2, len(name))).save(real / name)
    (real / "notes.txt").write_text("no picture")
    concept, pictures = inverted(word, real)
    assert [one.id.rpartition("/")[2] for one in concept.pictures] == ["a.png", "b.png"] and len(pictures) == 2
    with pytest.raises(UsageError, match="--real holds no picture"):
        inverted(word, tmp_path / "word")
    with pytest.raises(UsageError, match="dreambooth inverts no concept"):
        inverted(run_of(tmp_path / "other", said("dreambooth", data=data)))


def test_what_pipelines_are_shown(tmp_path: Path) -> None:
    def run(method: str, **options: Any) -> Run:
        return run_of(tmp_path / "run", said(method, **options))

    assert run("retrinet", task="compose", references=3).concepts == ("clothes", "face", "clothes")
    assert run("retrinet", task="multitask", references=2).concepts == ("figure", "figure")
    assert run("ip-adapter", resolution=None).concepts == ("figure",)  # None: the base's own
    assert run("kandinsky", part="decoder").concepts == ("figure",)
    assert run("kandinsky", part="prior").concepts == ()
    assert run("fastcomposer").written("1girl, long_hair", "x") == "a girl<|image|>, long hair"
    assert run("controlnet").written("1girl, long_hair", "x") == "1girl, long hair"


def test_a_picture_that_is_gone_is_one_line(tmp_path: Path) -> None:
    pictures = Pictures()
    [name] = pictures.files([File("a.png", tmp_path / "a.png")], "given")
    with pytest.raises(UsageError, match=r"a picture cannot be read: missing_file \(got 'given/a.png'\)"):
        pictures[name]
    with pytest.raises(KeyError):
        pictures["none"]
