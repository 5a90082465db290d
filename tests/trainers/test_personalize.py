"""Five photos, one command."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")
import torch
from safetensors.torch import load_file

from schemas.errors import BuildError, UsageError
from schemas.terminal.progress import Progress
from tests.trainers import made
from trainers import cli, kohya, lora, personalize, tiny
from trainers.personalize import Chosen, Speed, duration, remembered, told
from trainers.personalize_options import Personalize
from trainers.plans import PLANS, TINY

_WORDS = ["personalize", "--class-name", "backpack", "--base", "tiny", "--count", "4", "--steps", "3"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, red in enumerate((200, 210, 190, 220)):
        made.painted((red, 30, 30)).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def small_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = personalize.training
    monkeypatch.setattr(personalize, "training",
                        lambda *given: replace(whole(*given), sample_steps=1, sample_count=1))


@pytest.mark.xdist_group("build")
def test_photos_become_a_lora_under_both_names_and_a_rerun_does_nothing_more(
        photos: Path, tmp_path: Path, small_samples: None, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    words = [*_WORDS, "--images", str(photos), "--out", str(out)]
    assert cli.main(words) == 0
    said, asides = capfd.readouterr()
    assert "plan for a CPU: tiny, 64 px, a LoRA of rank 16" in asides and "training: 3 steps, " in asides
    assert asides.index("training: 3 steps, ") < asides.index("data/regularization")
    assert "a olis backpack" in said and "published" not in said

    run = json.loads((out / "run.json").read_text())
    assert run["finished"] and run["options"]["steps"] == 3 and run["options"]["lora"] == TINY.rank
    assert {flag: one["recipe"] for flag, one in run["data"].items()} == {
        "data": "subject", "regularization": "regularization"}
    ours, theirs = load_file(out / lora.FILE), load_file(out / kohya.FILE)
    assert all(weight.shape[0] == 16 for name, weight in theirs.items() if name.endswith("lora_down.weight"))
    # Two matrices a layer, and of kohya's a layer's alpha.
    assert len(theirs) * 2 == len(ours) * 3 and any(name.startswith("lora_te_text_model_") for name in theirs)

    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.safetensors")}
    assert cli.main(words) == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.safetensors")} == before
    assert "plan for" not in capfd.readouterr().err

    assert cli.main([*words, "--vram", "12"]) == 2
    assert "another --base or --vram" in capfd.readouterr().err


def test_what_build_refuses_ends_with_its_exit_code(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert cli.main([*_WORDS, "--images", str(empty), "--out", str(tmp_path / "out")]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert any(line.startswith("build: ") for line in lines)
    assert lines[-1].startswith("trainers: `build subject` refused")


@pytest.mark.parametrize(("code", "kind"), [(1, BuildError), (2, UsageError), (130, KeyboardInterrupt)])
def test_exit_codes_of_build(code: int, kind: type[BaseException], monkeypatch: pytest.MonkeyPatch,
                             tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\nexit {code}\n")
    program.chmod(0o755)
    monkeypatch.setattr(personalize.sys, "executable", str(program))
    with pytest.raises(kind) as seen:
        personalize.build("subject", out=tmp_path)
    assert type(seen.value) is kind


@pytest.mark.parametrize(("words", "what"), [
    ([], "--images is no folder"), (["--images", "nowhere"], "--images is no folder"),
    (["--images", "HERE", "--class-name", "the dog"], "--class-name is no bare noun"),
    (["--images", "HERE", "--class-name", "dog"], "--out is missing"),
    (["--images", "HERE", "--class-name", "dog", "--out", "o", "--kind", "thing"], "--kind is not known"),
])
def test_options_are_checked_before_anything_is_loaded(words: list[str], what: str, tmp_path: Path,
                                                       capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["personalize", *[str(tmp_path) if word == "HERE" else word for word in words]]) == 2
    assert what in capsys.readouterr().err


def _options(out: Path, **more: object) -> Personalize:
    return Personalize(images=out, class_name="backpack", out=out, **more)  # type: ignore[arg-type]


def test_a_real_base_wants_a_gpu(tmp_path: Path, no_gpu: None) -> None:
    with pytest.raises(UsageError, match=r"there is no GPU here.*--base tiny"):
        personalize.memory(_options(tmp_path))
    with pytest.raises(UsageError, match="there is no GPU here"):
        personalize.run(_options(tmp_path))
    assert not list(tmp_path.iterdir())  # before the photos are looked at
    assert personalize.memory(_options(tmp_path, vram=11.5)) == 11.5
    assert personalize.memory(_options(tmp_path, base="tiny-sdxl")) == 0


def test_a_plan_that_does_not_fit_gives_way_to_the_next(tmp_path: Path, no_gpu: None, monkeypatch: pytest.MonkeyPatch,
                                                        capsys: pytest.CaptureFixture[str]) -> None:
    tiny.save("tiny-sdxl", tmp_path / "base")
    seen = []

    def trial(options: Personalize, chosen: Chosen, place: Path, folder: Path) -> Speed:
        seen.append((chosen.plan.card, chosen.plan.side))
        if chosen.plan.rank == 32:
            raise torch.cuda.OutOfMemoryError("no room")
        return Speed(2, 0.1, 11.5)

    monkeypatch.setattr(personalize, "_trial", trial)
    options = _options(tmp_path, base=str(tmp_path / "base"), vram=24)
    chosen = personalize.choose(options, Progress())
    assert seen == [("24 GB", 64), ("12 GB", 64)]  # no larger than what the base was trained on
    assert chosen == remembered(options)
    assert (chosen.base, chosen.precision, chosen.plan.rank) == (str(tmp_path / "base"), "no", 16)
    assert "the plan for a card of 24 GB does not fit" in capsys.readouterr().err
    with pytest.raises(UsageError, match="begun with another"):
        remembered(replace(options, vram=12))

    monkeypatch.setattr(personalize, "plans_for", lambda free, family: [PLANS[0]])
    with pytest.raises(UsageError, match=r"too little free memory.*10 GiB and more"):
        personalize.choose(options, Progress())


def test_what_is_told_first(tmp_path: Path) -> None:
    plan = next(one for one in PLANS if (one.card, one.family) == ("24 GB", "sdxl"))
    chosen = Chosen("OWNER/NAME", "bf16", plan, ("", None))
    # 400 pictures of 50 steps of 0.06 s; 8,000 steps of 1.5 s.
    assert told(_options(tmp_path), chosen, Speed(1.5, 0.06, 18.25), 22.04) == [
        "plan for a card of 24 GB (22.0 GiB free): OWNER/NAME, 1024 px, a LoRA of rank 32, precision bf16, gradient "
        "checkpointing",
        "drawing:  400 pictures of the class, 3.0 s each or less: 20 min",
        "training: 8,000 steps, 1.50 s each: 3 h 20 min; 18.2 GiB at most"]
    assert len(told(_options(tmp_path, regularization="none"), chosen, Speed(1.5, 0.06, 18.25), 22.04)) == 2


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (5340, "89 min"),
                                               (5400, "1 h 30 min"), (12_000, "3 h 20 min"), (7199, "2 h 0 min")])
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said
