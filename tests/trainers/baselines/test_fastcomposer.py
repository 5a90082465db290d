import json
from pathlib import Path
from typing import Any, cast

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("accelerate")
pytest.importorskip("tensorboard")

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from schemas.errors import UsageError
from tests.trainers import made
from tests.trainers.baselines import runs
from trainers import cli
from trainers.baselines.fastcomposer import FastComposer, view
from trainers.baselines.fastcomposer_options import FastComposer as Options
from trainers.baselines.fastcomposer_pipeline import FastComposerPipeline
from trainers.baselines.image_encoders import open_encoder
from trainers.bases import open_base
from trainers.data import open_data
from trainers.training.feeding import Batch, gather
from trainers.views.identities import COLUMNS

pytestmark = pytest.mark.xdist_group("fastcomposer")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place")
    made.figures(folder / "data")
    return folder


def options(place: Path, **given: Any) -> Options:
    return Options(**{"data": str(place / "data"), "out": place / "out", "resolution": 32, **given})


def method_of(place: Path, **given: Any) -> FastComposer:
    return FastComposer(open_base("tiny", place), open_encoder("tiny", place), options(place, **given))


def batch_of(method: FastComposer, place: Path, slots: int = 2, **chances: float) -> dict[str, Any]:
    data = open_data(str(place / "data"), "--data", "retribooru", COLUMNS)
    return cast(dict[str, Any], gather(view(data, method.base, options(place), **chances), 0, 0, range(slots), slots))


def loss(method: FastComposer, batch: dict[str, Any], name: str = "loss") -> torch.Tensor:
    return method(cast(Batch, batch))[name]


@pytest.mark.parametrize(("layers", "trained"), [(2, ["0", "1"]), (1, ["1"]), (0, []), (9, ["0", "1"])])
def test_unet_fusion_and_last_layers_train_and_nothing_else(layers: int, trained: list[str], place: Path) -> None:
    method = method_of(place, image_layers=layers)
    before = {name: one.detach().clone() for name, one in method.named_parameters()}
    allowed = ("unet.", "fusion.", *(f"encoder.vision_model.encoder.layers.{layer}." for layer in trained))
    expected = {name for name in before if name.startswith(allowed)}
    assert set(method.trained()) == expected and any(name.startswith("text_encoders.") for name in before)
    optimizer = torch.optim.AdamW(method.groups(1e-3), weight_decay=0)
    loss(method, batch_of(method, place)).backward()
    # None would let the processes of a run wait for one another for ever.
    assert [name for name, one in method.trained().items() if one.grad is None] == []
    optimizer.step()
    moved = {name for name, one in method.named_parameters() if not torch.equal(one, before[name])}
    assert moved <= expected and len(moved) > 0.9 * len(expected)
    assert {name.split(".")[4] for name in moved if name.startswith("encoder.")} == set(trained)


def test_all_that_trains_gets_a_gradient_where_no_row_has_a_figure(place: Path) -> None:
    method = method_of(place)
    loss(method, batch_of(method, place, both=1.0)).backward()
    assert [name for name, one in method.trained().items() if one.grad is None] == []


def test_the_reference_is_heeded_where_there_is_a_mark(place: Path) -> None:
    method = method_of(place)
    with torch.no_grad():
        for chance, heeded in ((0.0, True), (1.0, False)):
            batch = batch_of(method, place, reference=chance)
            other = {**batch, "references": -batch["references"]}
            assert bool(loss(method, batch, "error") != loss(method, other, "error")) is heeded


def test_the_error_is_the_mean_over_the_picture_also_where_the_figure_alone_counts(place: Path) -> None:
    """A base that says nothing is wrong by the square of the noise; bars and what is masked count as no error."""
    method = method_of(place, localization=0.5)
    for values in method.unet.conv_out.parameters():
        values.data.zero_()
    for chance in (0.0, 1.0):
        batch = batch_of(method, place, masked=chance)
        rows = []
        for noise, mask, valid in zip(batch["noise"], batch["mask"], batch["valid"], strict=True):
            assert (mask.sum() < valid.sum()) == (chance == 1)
            rows.append(float((noise**2 * mask).sum() / (4 * valid.sum())))
        with torch.no_grad():
            found = method(cast(Batch, batch))
        assert found["error"].item() == pytest.approx(np.mean(rows), rel=1e-5)
        assert found["loss"].item() == pytest.approx(np.mean(rows) + 0.5 * found["astray"].item(), rel=1e-5)


def test_attention_to_the_token_comes_to_the_figure(place: Path) -> None:
    method = method_of(place)
    batch = batch_of(method, place)
    optimizer = torch.optim.AdamW(method.groups(1e-3), weight_decay=0)
    seen = []
    for _ in range(10):
        optimizer.zero_grad()
        strayed = loss(method, batch, "astray")
        strayed.backward()
        optimizer.step()
        seen.append(strayed.item())
    assert seen[-1] < seen[0] - 0.01


def test_what_does_not_fit_is_one_line(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match=r"tiny-sdxl: 64, tiny: 32"):
        FastComposer(open_base("tiny-sdxl", place), open_encoder("tiny", place), options(place))
    assert cli.main(["fastcomposer", "--data", str(place / "data"), "--base", "tiny", "--masked", "2", "--out",
                     str(tmp_path / "out")]) == 2
    assert "--masked is out of range" in capsys.readouterr().err


@pytest.fixture(scope="module")
def trained(place: Path) -> Path:
    """A run on a base that heeds words more than any that was trained for seconds."""
    base = open_base("tiny", place)
    for name, values in base.unet.named_parameters():
        if "attn2.to_out" in name or "attn2.to_q" in name:
            values.data.mul_(100)
    base.pipeline.save_pretrained(place / "attentive")
    return runs.trained("fastcomposer", place / "data", place / "run", "--lr", "1e-3", "--base",
                        str(place / "attentive"), "--image-encoder", "tiny")


def test_the_code_of_the_card_draws_the_last_samples(trained: Path, tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    prompts = json.loads((trained / "run.json").read_text())["facts"]["prompts"]
    assert prompts == ["a girl<|image|>, ^_^, long sleeves"] * 4
    rows = runs.cells(trained)
    differ = []
    for number, (reference, _, sample) in enumerate(rows[:2]):
        reference.save("reference.png")
        scope = runs.loaded(trained)
        found = runs.drawn(scope["pipe"], prompts[number], number, image=scope["reference"])
        assert np.abs(found - np.asarray(sample, np.float32)).max() <= 1
        without = runs.drawn(scope["pipe"], prompts[number].replace("<|image|>", ""), number)
        differ.append(np.abs(found - without).max())
    assert max(differ) > 2


@pytest.fixture(scope="module")
def pipe(trained: Path) -> Any:
    found = FastComposerPipeline.from_pretrained(trained)
    found.set_progress_bar_config(disable=True)
    return found


def told(pipe: Any, prompt: str, **more: Any) -> list[list[bool]]:
    """By step: of the texts that the UNet is told, no prompt's first, whether their place 2 is another than that of the
    words alone."""
    seen: list[torch.Tensor] = []
    hook = pipe.unet.register_forward_pre_hook(
        lambda _, args, given: seen.append(given["encoder_hidden_states"]), with_kwargs=True)
    pipe(prompt, height=64, width=64, output_type="latent", **more)
    hook.remove()
    plain = pipe.encode_prompt(["a girl, hat"], "cpu", 1, False)[0][0]
    empty = pipe.encode_prompt([""], "cpu", 1, False)[0][0]
    steps = []
    for words in seen:
        guided = len(words) // 2 if pipe.do_classifier_free_guidance else 0
        assert all(torch.allclose(one, empty, atol=1e-5) for one in words[:guided])
        assert all(torch.allclose(one[3:], plain[3:], atol=1e-5) for one in words[guided:])
        steps.append([not torch.allclose(one[2], plain[2], atol=1e-3) for one in words[guided:]])
    return steps


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_the_picture_is_told_after_the_first_steps(pipe: Any, guidance: float) -> None:
    prompt, more = "a girl<|image|>, hat", {"image": Image.new("RGB", (40, 60), "red"), "guidance_scale": guidance}
    assert told(pipe, prompt, num_inference_steps=6, **more) == [[False]] * 2 + [[True]] * 4  # up to step 6 // 5
    assert told(pipe, prompt, num_inference_steps=4, start_merge_step=0, **more) == [[False]] + [[True]] * 3
    assert told(pipe, prompt, num_inference_steps=2, start_merge_step=2, **more) == [[False]] * 2
    assert told(pipe, "a girl, hat", num_inference_steps=2, **more) == [[False]] * 2
    assert told(pipe, prompt, num_inference_steps=2, num_images_per_prompt=2, **more) == [[False] * 2, [True] * 2]


def test_a_mark_needs_a_picture(pipe: Any) -> None:
    with pytest.raises(ValueError, match="no image"):
        pipe("a girl<|image|>, hat")


def test_a_run_says_what_it_was_made_of(trained: Path) -> None:
    said = json.loads((trained / "run.json").read_text())
    assert said["finished"] and set(said["data"]) == {"data", "image-encoder"}
    assert "/tmp" not in "".join(path.read_text() for path in trained.glob("*/config.json"))


def test_a_run_in_half_precision(place: Path, tmp_path: Path) -> None:
    out = runs.trained("fastcomposer", place / "data", tmp_path / "out", "--precision", "bf16", "--setting", "a",
                       "--gradient-checkpointing", "--image-layers", "1")
    begun = load_file(out / "base" / "tiny-image-encoder" / "model.safetensors")
    found = load_file(out / "image_encoder" / "model.safetensors")
    assert {one.dtype for one in found.values()} == {torch.float32} and found.keys() == begun.keys()
    moved = {name for name, one in found.items() if not torch.equal(one, begun[name])}
    assert moved and all(name.startswith("vision_model.encoder.layers.1.") for name in moved)
    for part in ("text_encoder", "vae"):
        file = "model.safetensors" if part == "text_encoder" else "diffusion_pytorch_model.safetensors"
        one, other = (load_file(folder / part / file) for folder in (out, out / "base" / "tiny"))
        assert one.keys() == other.keys() and all(torch.equal(values, other[name]) for name, values in one.items())


def test_sparing_activations_changes_nothing(place: Path) -> None:
    gradients = []
    for spare in (False, True):
        method = method_of(place, localization=1.0)
        if spare:
            method.spare_activations()
        loss(method, batch_of(method, place)).backward()
        gradients.append({name: cast(torch.Tensor, one.grad) for name, one in method.trained().items()})
    assert all(torch.allclose(one, gradients[1][name], atol=1e-6) for name, one in gradients[0].items())
