import json
from pathlib import Path
from typing import Any, cast

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("accelerate")
pytest.importorskip("tensorboard")

import numpy as np
import torch
from diffusers import ControlNetModel

from tests.trainers import made
from tests.trainers.baselines import runs
from trainers.baselines.controlnet import ControlNet
from trainers.baselines.controlnet_options import ControlNet as Options
from trainers.baselines.feeding import view_of
from trainers.bases import Base, open_base
from trainers.data import open_data
from trainers.objective import errors
from trainers.training.feeding import Batch, gather
from trainers.views.identities import COLUMNS

pytestmark = pytest.mark.xdist_group("controlnet")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place")
    made.figures(folder / "data")
    return folder


def options(place: Path, **given: Any) -> Options:
    return Options(**{"data": str(place / "data"), "out": place / "out", "resolution": 32, **given})


def method_of(place: Path, kind: str = "tiny", **given: Any) -> ControlNet:
    return ControlNet(open_base(kind, place), options(place, **given))


def batch_of(base: Base, given: Options, slots: int = 2) -> Batch:
    data = open_data(given.data, "--data", "retribooru", COLUMNS)
    return gather(view_of(data, base, given, given.prompt_drop), 0, 0, range(slots), slots)


def steps(method: ControlNet, batch: Batch, count: int) -> None:
    optimizer = torch.optim.AdamW(method.groups(1e-2), weight_decay=0)
    for _ in range(count):
        optimizer.zero_grad()
        method(batch)["loss"].backward()
        # None would let the processes of a run wait for one another for ever.
        assert [name for name, one in method.trained().items() if one.grad is None] == []
        optimizer.step()


@pytest.mark.parametrize("kind", ["tiny", "tiny-v", "tiny-sdxl"])
def test_training_begins_at_the_base_bit_for_bit(kind: str, place: Path) -> None:
    method = method_of(place, kind)
    batch = batch_of(method.base, options(place))
    with torch.no_grad():
        plain = errors(method.base, batch, method.base.encode(batch["texts"])).mean()
        assert torch.equal(method(batch)["loss"], plain)


@pytest.mark.parametrize("kind", ["tiny", "tiny-sdxl"])
def test_the_copy_moves_and_the_base_stays_bit_for_bit(kind: str, place: Path) -> None:
    method = method_of(place, kind)
    before = {name: one.detach().clone() for name, one in method.named_parameters()}
    copied = {name: one for name, one in before.items() if name.startswith("controlnet.")}
    assert set(method.trained()) == set(copied)
    for name in ("conv_in.weight", "mid_block.resnets.0.conv1.weight", "down_blocks.0.resnets.0.conv1.weight"):
        assert torch.equal(before[f"controlnet.{name}"], before[f"unet.{name}"])
    batch = batch_of(method.base, options(place))
    method(batch)["loss"].backward()
    # What lies before the convolutions of nought is reached by the second step.
    reached = {name.split(".")[1] for name, one in method.trained().items() if cast(torch.Tensor, one.grad).any()}
    assert reached == {"controlnet_down_blocks", "controlnet_mid_block"}
    steps(method, batch, 4)
    moved = {name for name, one in method.named_parameters() if not torch.equal(one, before[name])}
    # What comes before a layer norm, or a softmax, may be told by a gradient of nothing.
    assert moved <= set(copied) and len(moved) > 0.9 * len(copied)
    assert any("cond_embedding.conv_in" in name for name in moved)


def test_it_heeds_the_reference_after_training(place: Path) -> None:
    method = method_of(place)
    batch = batch_of(method.base, options(place))
    other = cast(Batch, {**batch, "references": -cast(dict[str, Any], batch)["references"]})
    with torch.no_grad():
        assert torch.equal(method(batch)["loss"], method(other)["loss"])
    steps(method, batch, 4)
    with torch.no_grad():
        assert (method(batch)["loss"] - method(other)["loss"]).abs() > 1e-5


def test_the_copy_sees_levels_of_0_to_1(place: Path) -> None:
    method, given = method_of(place), []
    batch = batch_of(method.base, options(place))
    method.controlnet.controlnet_cond_embedding.register_forward_pre_hook(lambda _, args: given.append(args[0]))
    with torch.no_grad():
        method(batch)
    white, red = torch.ones(3), torch.tensor([200, 30, 30]) / 255
    colours = given[0].permute(0, 2, 3, 1).reshape(-1, 3)
    assert given[0].shape == (2, 3, 32, 32) and float(colours.min()) >= -1e-6 and float(colours.max()) <= 1 + 1e-6
    for colour in (white, red):
        assert ((colours - colour).abs().max(1).values < 1e-3).any()


def test_the_seed_draws_what_sees_the_reference(place: Path) -> None:
    torch.manual_seed(1)
    first = method_of(place).controlnet.controlnet_cond_embedding.conv_in.weight
    torch.manual_seed(2)
    same, other = (method_of(place, seed=seed).controlnet.controlnet_cond_embedding.conv_in.weight for seed in (0, 1))
    assert torch.equal(first, same) and not torch.equal(first, other)


def test_prompts_are_dropped(place: Path) -> None:
    base = open_base("tiny", place)
    for chance, texts in ((0.0, {"1girl, ^_^, long sleeves"}), (1.0, {""}), (0.5, {"1girl, ^_^, long sleeves", ""})):
        assert set(batch_of(base, options(place, prompt_drop=chance), 20)["texts"]) == texts


@pytest.mark.parametrize("kind", ["tiny", "tiny-sdxl"])
def test_the_code_of_the_card_draws_the_last_samples(kind: str, place: Path, tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = runs.trained("controlnet", place / "data", tmp_path / "out", "--lr", "1e-2", "--steps", "4", "--base", kind)
    assert ControlNetModel.from_pretrained(out).config.conditioning_embedding_out_channels == [16, 32, 96]
    prompts = json.loads((out / "run.json").read_text())["facts"]["prompts"]
    rows = runs.cells(out)
    assert len(rows) == len(prompts) == 4
    differ = []
    for number, (reference, _, sample) in enumerate(rows[:2]):
        reference.save("reference.png")
        scope = runs.loaded(out)
        found, without = (runs.drawn(scope["pipe"], prompts[number], number, image=scope["reference"],
                                     controlnet_conditioning_scale=scale) for scale in (1.0, 0.0))
        assert np.abs(found - np.asarray(sample, np.float32)).max() <= 1
        differ.append(np.abs(found - without).max())
    assert max(differ) > 2
    assert "/tmp" not in (out / "config.json").read_text()


def test_a_run_in_half_precision(place: Path, tmp_path: Path) -> None:
    out = runs.trained("controlnet", place / "data", tmp_path / "out", "--precision", "bf16",
                       "--gradient-checkpointing", "--setting", "a", "--no-flip", "--crop-ratio", "1")
    assert {one.dtype for one in ControlNetModel.from_pretrained(out).parameters()} == {torch.float32}
    for reference, target, _ in runs.cells(out):
        assert reference.tobytes() == target.tobytes()
