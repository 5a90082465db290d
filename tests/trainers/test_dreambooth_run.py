import json
from pathlib import Path

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("peft")
pytest.importorskip("accelerate")
pytest.importorskip("tensorboard")

import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import load_file

from tests.trainers import made
from trainers.cli import main


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    place = tmp_path_factory.mktemp("data")
    return str(made.subject(place / "pack").parent), str(made.regularization(place / "set"))


def dreambooth(folders: tuple[str, str], out: Path, *more: str) -> int:
    return main(["dreambooth", "--data", folders[0], "--regularization", folders[1], "--base", "tiny", "--out",
                 str(out), "--resolution", "32", "--sample-every", "0", *more])


def test_a_run_leaves_a_model_its_card_and_what_lies_within_the_range(
        folders: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("schemas.terminal.progress._QUIET_SECONDS", 0)
    out = tmp_path / "out"
    range_ = ["--steps", "4", "--checkpoint-every", "1", "--publish-from", "2"]
    assert dreambooth(folders, out, *range_) == 0
    assert [path.name for path in sorted((out / "steps").iterdir())] == ["2", "3"]
    assert "of 4," in capsys.readouterr().err  # not of those to the first that is published
    unets = [load_file(folder / "unet" / "diffusion_pytorch_model.safetensors")["conv_in.weight"]
             for folder in (out / "steps" / "2", out / "steps" / "3", out)]
    assert not torch.equal(unets[0], unets[1]) and not torch.equal(unets[1], unets[2])
    StableDiffusionPipeline.from_pretrained(out / "steps" / "3")
    said = json.loads((out / "run.json").read_text())
    assert said["finished"] and said["method"] == "dreambooth"
    named = {name: said["options"][name] for name in ("steps", "lr", "lora", "word_dropout", "crop_ratio", "captions")}
    assert named == {"steps": 4, "lr": 2e-6, "lora": 0, "word_dropout": 0.5, "crop_ratio": 0.75, "captions": "own"}
    assert [said["data"][flag]["digest"] for flag in ("data", "regularization")] == [made.DIGEST] * 2
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert all(line["loss"] == pytest.approx(line["instance"] + line["prior"]) for line in lines)
    assert 'pipe("a olis backpack")' in (out / "README.md").read_text()


def test_a_frozen_text_encoder_is_published_as_it_was(folders: tuple[str, str], tmp_path: Path) -> None:
    assert dreambooth(folders, tmp_path, "--steps", "1", "--precision", "bf16", "--freeze-text-encoder") == 0
    for name, changed in (("text_encoder/model", False), ("vae/diffusion_pytorch_model", False),
                          ("unet/diffusion_pytorch_model", True)):
        before, after = (load_file(folder / f"{name}.safetensors") for folder in (tmp_path / "base/tiny", tmp_path))
        assert changed != all(torch.equal(weight, after[key]) for key, weight in before.items())


def test_a_run_that_was_stopped_within_the_range_publishes_the_rest(folders: tuple[str, str], tmp_path: Path,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    range_ = ["--steps", "3", "--checkpoint-every", "1", "--publish-from", "1"]
    assert dreambooth(folders, whole, *range_) == 0
    from trainers.training import loop

    publish = loop.Loop.publish

    def stop(self: loop.Loop, name: str) -> None:
        if name == "steps/2":
            raise KeyboardInterrupt
        publish(self, name)

    monkeypatch.setattr(loop.Loop, "publish", stop)
    assert dreambooth(folders, stopped, *range_) == 130
    monkeypatch.undo()
    assert not (stopped / "steps" / "2").exists()
    assert dreambooth(folders, stopped, *range_, "--resume") == 0
    for name in ("steps/1", "steps/2", "."):
        one, other = (load_file(out / name / "unet" / "diffusion_pytorch_model.safetensors")
                      for out in (whole, stopped))
        assert all(torch.equal(weight, other[key]) for key, weight in one.items())


@pytest.mark.parametrize(("more", "said"), [
    (["--preset", "dreambooth-baseline"], "every prompt is the class"),
    (["--preset", "paper-sdxl"], "--preset is for SDXL, and this base is SD"),
    (["--resolution", "31"], "multiple of 4"),
    (["--data", "SET"], "--data is a regularization dataset, not a subject dataset"),
    (["--regularization", "SUBJECT"], "--regularization is a subject dataset, not a regularization dataset")])
def test_what_will_not_do_is_one_line(folders: tuple[str, str], tmp_path: Path, more: list[str], said: str,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    more = [{"SET": folders[1], "SUBJECT": folders[0]}.get(word, word) for word in more]
    assert dreambooth(folders, tmp_path / "out", *more) == 2
    [line] = [one for one in capsys.readouterr().err.splitlines() if one.startswith("trainers: ")]
    assert said in line
