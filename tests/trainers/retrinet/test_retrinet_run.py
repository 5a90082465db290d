import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("diffusers")
pytest.importorskip("accelerate")
pytest.importorskip("tensorboard")

import torch
from PIL import Image
from safetensors.torch import load_file

from schemas.draws import draw
from tests.trainers import made
from trainers.bases import open_base
from trainers.cli import main
from trainers.data import open_data
from trainers.retrinet import retrinet
from trainers.retrinet.pipeline import RetriNetPipeline
from trainers.retrinet.retrinet_options import RetriNet as Options
from trainers.training.draws import At
from trainers.views.identities import COLUMNS

pytestmark = pytest.mark.xdist_group("retrinet")
SIDE, STEPS = 32, 3


def run(data: Path, out: Path, *more: str) -> int:
    return main(["retrinet", "--data", str(data), "--base", "tiny", "--out", str(out), "--task", "multitask",
                 "--resolution", str(SIDE), "--references", "3", "--lr", "1e-2", "--sample-steps", str(STEPS),
                 "--sample-count", "2", "--guidance", "2", *more])


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The data, with a split of other characters, and OUT."""
    home = tmp_path_factory.mktemp("run")
    version = made.figures(home / "data")
    held = made.figures(home / "held", {"u": ["w"], "w": ["u"]}, split="test_unseen")
    shard = next((held / "data").iterdir())
    shard.rename(version / "data" / shard.name)
    manifest = json.loads((version / "manifest.json").read_text())
    manifest["splits"] |= {"test_unseen": 2}
    (version / "manifest.json").write_text(json.dumps(manifest))
    assert run(home / "data", home / "out", "--steps", "4", "--checkpoint-every", "2") == 0
    return home / "data", home / "out"


def shown(data: Path, out: Path) -> list[Any]:
    """The rows of a grid: the first four places of the other characters, each with its prompt."""
    given = Options(data=str(data), out=out / "none", task="multitask", resolution=SIDE, references=3).resolved(64)
    opened = open_data(str(data), "--data", "retribooru", COLUMNS, "test_unseen")
    view = retrinet.view_of(opened, open_base("tiny", out / "base"), given, 0.0)
    return [view.rows(At(0, 0, slot, 4))[0] for slot in range(4)]


def levels(picture: torch.Tensor) -> np.ndarray:
    return ((picture.permute(1, 2, 0) + 1) * 127.5).round().numpy()


def test_a_row_of_the_grid_is_references_target_and_what_the_card_draws(done: tuple[Path, Path]) -> None:
    data, out = done
    grid = np.asarray(Image.open(out / "samples" / "step-00000004.png").convert("RGB"), np.float32)
    assert grid.shape == (4 * SIDE, (3 + 1 + 2) * SIDE, 3)
    code = (out / "README.md").read_text().split("```python\n")[1].split("references =")[0]
    scope: dict[str, Any] = {}
    exec(code.replace('"OUT"', f'"{out}"'), scope)
    pipe = scope["pipe"]
    pipe.set_progress_bar_config(disable=True)
    for number, row in enumerate(shown(data, out)):
        assert row["id"] in {"u", "w"}
        line = [grid[number * SIDE : (number + 1) * SIDE, at * SIDE : (at + 1) * SIDE] for at in range(6)]
        for cell, picture in zip(line, [*row["references"], row["pixels"]], strict=False):
            assert np.abs(cell - levels(picture)).max() <= 1
        for column in (0, 1):
            chance = torch.Generator().manual_seed(draw("sample", "0", str(number), str(column)))
            drawn = pipe(row["text"], row["references"], row["concepts"], num_inference_steps=STEPS,
                         guidance_scale=2.0, generator=chance, output_type="np").images[0]
            assert np.abs(line[4 + column] - drawn * 255).max() <= 1


def test_the_run_is_told(done: tuple[Path, Path]) -> None:
    said = json.loads((done[1] / "run.json").read_text())
    assert said["finished"] and said["data"]["data"]["digest"] == made.DIGEST
    assert said["facts"]["prompts"] == ["1girl, ^_^, long sleeves"] * 4
    lines = [json.loads(line) for line in (done[1] / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert all(line["loss"] == pytest.approx(line["whole_error"] + line["face_error"]) for line in lines)
    assert all(1 <= line["references"] <= 3 for line in lines)


def test_what_was_stopped_goes_on_as_if_it_had_not_been(done: tuple[Path, Path], tmp_path: Path,
                                                        monkeypatch: pytest.MonkeyPatch,
                                                        capsys: pytest.CaptureFixture[str]) -> None:
    data, whole = done
    from trainers.training import loop

    def stop(self: loop.Loop, name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(loop.Loop, "publish", stop)
    out, more = tmp_path / "out", ("--steps", "4", "--checkpoint-every", "2", "--sample-every", "0")
    assert run(data, out, *more) == 130
    newest = max((out / "checkpoints").iterdir())
    for path in newest.iterdir():
        path.unlink()
    newest.rmdir()
    monkeypatch.undo()
    capsys.readouterr()
    assert run(data, out, *more, "--resume", "--threads", "1") == 0
    said = capsys.readouterr().err
    assert "going on after step 2\n" in said and "references a row, fewer than 3 for 4 of 5; 1 named in similar" in said
    for part in ("unet", "retrieval"):
        one, other = (load_file(folder / part / "diffusion_pytorch_model.safetensors") for folder in (whole, out))
        assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_activations_computed_twice_train_the_same(done: tuple[Path, Path], tmp_path: Path) -> None:
    assert run(done[0], tmp_path / "twice", "--steps", "2", "--sample-every", "0", "--gradient-checkpointing") == 0
    assert run(done[0], tmp_path / "plain", "--steps", "2", "--sample-every", "0") == 0
    one, other = (load_file(tmp_path / name / "retrieval" / "diffusion_pytorch_model.safetensors")
                  for name in ("twice", "plain"))
    assert all(torch.allclose(one[name], other[name], atol=1e-4) for name in one)


def test_what_is_rounded_in_training_is_published_as_it_was(done: tuple[Path, Path], tmp_path: Path) -> None:
    half = tmp_path / "half"
    assert run(done[0], half, "--steps", "2", "--precision", "bf16", "--lock-both") == 0
    pipe, base = RetriNetPipeline.from_pretrained(half), open_base("tiny", half / "base")
    assert torch.equal(pipe.retrieval.conv_in.weight, base.unet.conv_in.weight)
    assert all(torch.equal(one, base.unet.get_parameter(name)) for name, one in pipe.unet.named_parameters())


@pytest.mark.parametrize(("more", "said"), [
    (["--resolution", "31"], "multiple of"), (["--data", "LONE"], r"rows without a reference .*b"),
    (["--base", "tiny-sdxl"], "Stable Diffusion 1 and 2 alone")])
def test_what_will_not_do_is_one_line(done: tuple[Path, Path], tmp_path: Path, more: list[str], said: str,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    lone = made.figures(tmp_path / "lone", {"a": ["b"], "b": ["gone"]})
    more = [str(lone) if word == "LONE" else word for word in more]
    assert run(done[0], tmp_path / "out", "--steps", "2", *more) == 2
    [line] = [one for one in capsys.readouterr().err.splitlines() if one.startswith("trainers: ")]
    assert re.search(said, line)
