from pathlib import Path
from typing import Any, cast

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("accelerate")

import torch
from diffusers import DDIMScheduler
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d

from schemas.errors import UsageError
from tests.trainers import made
from trainers.bases import Base, open_base
from trainers.data import open_data
from trainers.retrinet import retrinet
from trainers.retrinet.pipeline import RetriNetPipeline
from trainers.retrinet.retrieval import Retrieval
from trainers.retrinet.retrinet import RetriNet, masked
from trainers.retrinet.retrinet_options import RetriNet as Options
from trainers.training.feeding import Batch, gather
from trainers.views.identities import COLUMNS

pytestmark = pytest.mark.xdist_group("retrinet")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With data, and with bases when they are asked for."""
    folder = tmp_path_factory.mktemp("place")
    made.figures(folder / "data")
    return folder


def options(place: Path, **given: Any) -> Options:
    return Options(**{"data": str(place / "data"), "out": place / "out", "resolution": 32, **given}).resolved(64)


def batch_of(base: Base, given: Options, slots: int = 2) -> Batch:
    data = open_data(given.data, "--data", "retribooru", COLUMNS)
    return gather(retrinet.view_of(data, base, given, given.prompt_drop), 0, 0, range(slots), slots)


def steps(method: RetriNet, batch: Batch, count: int = 2, lr: float = 1e-3) -> None:
    optimizer = torch.optim.AdamW(method.groups(lr))
    for _ in range(count):
        optimizer.zero_grad()
        method(batch)["loss"].backward()
        optimizer.step()


def copies(method: RetriNet) -> dict[str, Tensor]:
    return {name: one.detach().clone() for name, one in method.named_parameters()}


DECODER = ("unet.up_blocks.", "unet.conv_norm_out.", "unet.conv_out.")
ENCODER = ("retrieval.conv_in.", "retrieval.down_blocks.")
BETWEEN = ("retrieval.retrievers.",)


@pytest.mark.parametrize(("given", "trains"), [
    ({}, (*DECODER, *ENCODER, *BETWEEN)), ({"lock_decoder": True}, (*ENCODER, *BETWEEN)),
    ({"lock_both": True}, BETWEEN), ({"repeat": "mask", "task": "multitask"}, (*DECODER, *ENCODER, *BETWEEN))])
def test_what_trains_moves_and_all_else_stays_bit_for_bit(given: dict[str, Any], trains: tuple[str, ...],
                                                          place: Path) -> None:
    base = open_base("tiny", place)
    method = RetriNet(base, options(place, **given))
    before, batch = copies(method), batch_of(base, options(place, **given))
    method(batch)["loss"].backward()
    # None would let the processes of a run wait for one another for ever.
    assert [name for name, one in method.trained().items() if one.grad is None] == []
    steps(method, batch)
    after = copies(method)
    moved = {name for name, one in after.items() if not torch.equal(one, before[name])}
    # What comes before a layer norm, or a softmax, may be told by a gradient of nothing.
    assert moved <= {name for name in before if name.startswith(trains)} == set(method.trained())
    assert {start for start in trains if any(name.startswith(start) for name in moved)} == set(trains)


def test_the_retrieval_encoder_is_reached_after_the_first_step(place: Path) -> None:
    base = open_base("tiny", place)
    method = RetriNet(base, options(place, task="compose"))
    batch = batch_of(base, options(place, task="compose"))

    def lengths() -> dict[str, float]:
        method.zero_grad()
        method(batch)["loss"].backward()
        return {name: float(one.grad.norm()) for name, one in method.trained().items() if name.startswith(ENCODER)}

    assert set(lengths().values()) == {0.0}  # the convolutions behind are nought
    steps(method, batch, 1)
    found = lengths()
    assert sum(value > 0 for value in found.values()) > 0.9 * len(found)
    # Of the words, too: they are told by the keys and values of the encoder's own attention to them.
    assert all(value > 0 for name, value in found.items() if "attn2.to_v" in name)


def test_eq_3_by_hand() -> None:
    wrong = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]])  # 1 x 2 x 2 x 2
    top, none = torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]]), torch.zeros(1, 1, 2, 2)
    assert masked(wrong, top, "all").item() == 14 / 8
    assert masked(wrong, top, "area").item() == 14 / 4
    assert masked(wrong, none, "all").item() == masked(wrong, none, "area").item() == 0
    two, masks = torch.cat([wrong, wrong]), torch.cat([top, torch.ones_like(top)])
    assert masked(two, masks, "all").item() == (14 + 36) / 16
    assert masked(two, masks, "area").item() == (14 / 4 + 36 / 8) / 2


def test_the_loss_is_the_picture_and_so_much_of_the_face_and_nothing_of_the_bars(place: Path) -> None:
    """A base that says nothing is wrong by the square of the noise."""
    base = open_base("tiny", place)
    batch = cast(dict[str, Any], batch_of(base, options(place)))
    bars, face = batch["valid"] == 0, batch["face"] == 1
    assert bars.any() and face.any() and not (bars & face).any()
    for weight in (0.0, 2.5):
        method = RetriNet(base, options(place, face_weight=weight))
        for values in base.unet.conv_out.parameters():
            values.data.zero_()
        said, squared = method(cast(Batch, batch)), batch["noise"] ** 2
        whole, of_face = (float((squared * mask).sum()) / squared.numel() for mask in (~bars, face))
        assert said["whole_error"].item() == pytest.approx(whole, rel=1e-5)
        assert said["face_error"].item() == pytest.approx(of_face, rel=1e-5)
        assert said["loss"].item() == pytest.approx(whole + weight * of_face, rel=1e-5)
        louder = {**batch, "noise": torch.where(bars, batch["noise"] + 100, batch["noise"])}
        assert method(cast(Batch, louder))["loss"].item() == pytest.approx(said["loss"].item(), rel=1e-5)


def told(retrieval: Retrieval, patch: pytest.MonkeyPatch) -> list[tuple[Tensor, ...]]:
    """What its encoder is given from now on: latents, the time's embedding, words."""
    seen: list[tuple[Tensor, ...]] = []
    remember = retrieval.remember
    patch.setattr(retrieval, "remember", lambda *given: (seen.append(given), remember(*given))[1])
    return seen


def test_references_are_told_clean_with_their_words_at_the_targets_timestep(place: Path,
                                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    """The first latents of the tiny base are twice the mean of 4 x 4 pixels."""
    base = open_base("tiny", place)
    method, batch = RetriNet(base, options(place)), cast(dict[str, Any], batch_of(base, options(place, task="compose")))
    seen = told(method.retrieval, monkeypatch)
    method(cast(Batch, batch))
    [(latents, time, words)] = seen
    assert torch.allclose(latents[:, :, :3], 2 * avg_pool2d(batch["references"].flatten(0, 1), 4).unflatten(0, (2, 4)),
                          atol=1e-3)
    first, second = batch["timesteps"].tolist()
    assert first != second
    assert torch.equal(time, base.unet.time_embedding(base.unet.time_proj(torch.tensor([first, second]))))
    for row, names in enumerate(batch["concepts"]):
        assert set(names) == {"face", "clothes"}
        assert all(torch.allclose(words[row, number], base.encode([name]).embeds[0], atol=1e-5)
                   for number, name in enumerate(names))


def test_drawing_tells_references_as_training_does(loud: RetriNetPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, square = told(loud.retrieval, monkeypatch), torch.rand(2, 3, 32, 32) * 2 - 1
    drawn(loud, square, count=3)
    times = [loud.unet.time_embedding(loud.unet.time_proj(one[None])) for one in loud.scheduler.timesteps]
    assert len(seen) == len(times) == 3 and not torch.equal(times[0], times[1])
    for (latents, time, words), expected in zip(seen, times, strict=True):
        assert torch.equal(time, expected) and torch.equal(words[0], loud.words(CONCEPTS))
        assert torch.allclose(latents[0, :, :3], 2 * avg_pool2d(square, 4), atol=1e-3)


def test_v_is_learnt_where_the_base_says_v(place: Path) -> None:
    base = open_base("tiny-v", place)
    batch, method = batch_of(base, options(place)), RetriNet(base, options(place))
    for values in base.unet.conv_out.parameters():
        values.data.zero_()
    latents = base.latents(batch["pixels"], batch["latent_noise"])
    alphas = base.scheduler.alphas_cumprod[batch["timesteps"]][:, None, None, None]
    wrong = (alphas.sqrt() * batch["noise"] - (1 - alphas).sqrt() * latents) ** 2
    valid = cast(dict[str, Any], batch)["valid"]
    assert method(batch)["whole_error"].item() == pytest.approx(float((wrong * valid).mean()), rel=1e-5)


def test_the_log_tells_what_was_shown(place: Path) -> None:
    base = open_base("tiny", place)
    said = RetriNet(base, options(place))(batch_of(base, options(place, task="compose"), 5))
    assert set(said) == {"loss", "whole_error", "face_error", "references", "figure", "face", "clothes"}
    assert said["figure"] == 0 and float(said["face"] + said["clothes"]) == pytest.approx(1)


@pytest.mark.parametrize(("task", "words"), [("reconstruct", {"figure"}), ("compose", {"face", "clothes"}),
                                             ("multitask", {"figure", "face", "clothes"})])
def test_tasks_and_settings(task: str, words: set[str], place: Path) -> None:
    base = open_base("tiny", place)
    for setting in ("a", "b"):
        batch = cast(dict[str, Any], batch_of(base, options(place, task=task, setting=setting, prompt_drop=1.0), 20))
        assert {word for row in batch["concepts"] for word in row} == words
        own = {names == [name] * 4 for name, names in zip(batch["ids"], batch["reference_ids"], strict=True)}
        assert own == {setting == "a"} and batch["texts"] == [""] * 20
        assert all(name not in names for name, names in zip(batch["ids"], batch["reference_ids"], strict=True)
                   ) == (setting == "b")


@pytest.fixture(scope="module")
def trained(place: Path) -> RetriNet:
    base = open_base("tiny", place)
    given = options(place, task="compose")
    method = RetriNet(base, given)
    steps(method, batch_of(base, given), 4, 1e-2)
    return method


@pytest.fixture(scope="module")
def loud(place: Path) -> RetriNetPipeline:
    """A tiny model that heeds words and references more than any that was trained for seconds."""
    base = open_base("tiny", place)
    method = RetriNet(base, options(place))
    for name, values in method.named_parameters():
        if "attn2.to_out" in name:
            values.data.mul_(100)
        if "retrievers" in name and ".out." in name:
            values.data = torch.randn(values.shape, generator=torch.Generator().manual_seed(len(name)))
    return method.pipeline()


CONCEPTS = ["face", "clothes"]


def drawn(pipe: RetriNetPipeline, references: Any = None, prompt: str = "a red dog", count: int = 2,
          **more: Any) -> Tensor:
    pipe.set_progress_bar_config(disable=True)
    pictures = references if references is not None else [made.painted((200, 30, 30)), made.figure(3)]
    result: Tensor = pipe(prompt, pictures, CONCEPTS, num_inference_steps=count,
                          generator=torch.Generator().manual_seed(0), **{"output_type": "latent", **more}).images
    return result


def test_what_was_published_draws_what_was_trained(trained: RetriNet, tmp_path: Path) -> None:
    trained.publish(tmp_path)
    loaded = RetriNetPipeline.from_pretrained(tmp_path)
    # Convolutions may go another way, by where in memory weights come to lie.
    assert torch.allclose(drawn(loaded), drawn(trained.pipeline()), atol=1e-3)
    [picture] = drawn(loaded, output_type="pil", latents=torch.randn(1, 4, 12, 16))
    assert isinstance(picture, Image.Image) and picture.size == (64, 48)
    assert not list(tmp_path.rglob("*.bin")) and (tmp_path / "retrieval" / "config.json").is_file()
    # Parts that did not train are the base's own.
    assert torch.equal(loaded.unet.conv_in.weight, open_base("tiny", tmp_path / "base").unet.conv_in.weight)


def test_drawing_goes_by_the_references_whatever_their_order(trained: RetriNet, loud: RetriNetPipeline) -> None:
    two = [made.painted((200, 30, 30)), made.figure(3)]
    for pipe in (trained.pipeline(), loud):
        first = drawn(pipe, two)
        swapped = pipe("a red dog", two[::-1], CONCEPTS[::-1], num_inference_steps=2, output_type="latent",
                       generator=torch.Generator().manual_seed(0)).images
        assert torch.allclose(first, swapped, atol=1e-4)
        assert (first - drawn(pipe, [two[0], made.painted((20, 200, 30))])).abs().max() > 1e-2


def test_pictures_are_laid_as_in_training(loud: RetriNetPipeline) -> None:
    """A tensor of the view, 60 x 80 pixels whole on white, is what the picture itself becomes."""
    square = torch.ones(3, 32, 32)
    square[:, :, 4:28] = torch.tensor([-1.0, 0.5, 1.0])[:, None, None]
    plain = Image.new("RGB", (60, 80), (0, 191, 255))
    tensor, picture = drawn(loud, torch.stack([square] * 2)), drawn(loud, [plain] * 2)
    assert torch.allclose(tensor, picture, atol=2e-2) and (tensor - drawn(loud)).abs().max() > 5e-2


def test_guidance_is_away_from_no_prompt_with_the_same_references(loud: RetriNetPipeline) -> None:
    """One step of DDIM is a linear function of what was said; from the last timestep on all of it counts."""
    pipe = RetriNetPipeline(**{**loud.components, "scheduler": DDIMScheduler.from_config(
        loud.scheduler.config, timestep_spacing="trailing")})
    without, with_it = (drawn(pipe, prompt=prompt, count=1, guidance_scale=1.0) for prompt in ("", "a red dog"))
    elsewhere = drawn(pipe, [made.painted((20, 200, 30))] * 2, prompt="", count=1, guidance_scale=1.0)
    assert (with_it - without).abs().max() > 1 and (elsewhere - without).abs().max() > 0.05
    guided = drawn(pipe, count=1, guidance_scale=3.0)
    assert torch.allclose(guided, without + 3 * (with_it - without), atol=1e-3)


def test_several_prompts_are_drawn_after_the_same_references(loud: RetriNetPipeline) -> None:
    noise = torch.randn(2, 4, 16, 16, generator=torch.Generator().manual_seed(3))
    both = drawn(loud, prompt=["a cat", "a red dog"], latents=noise)  # type: ignore[arg-type]
    for number, prompt in enumerate(["a cat", "a red dog"]):
        assert torch.allclose(both[number], drawn(loud, prompt=prompt, latents=noise[number:number + 1])[0], atol=1e-4)


def test_other_schedulers_serve(loud: RetriNetPipeline) -> None:
    from diffusers import EulerAncestralDiscreteScheduler

    pipe = RetriNetPipeline(**{**loud.components, "scheduler": EulerAncestralDiscreteScheduler.from_config(
        loud.scheduler.config)})
    assert torch.equal(drawn(pipe), drawn(pipe)) and drawn(pipe).isfinite().all()


def test_one_concept_a_reference(loud: RetriNetPipeline) -> None:
    with pytest.raises(ValueError, match="1 references and 2 concepts"):
        drawn(loud, [made.figure(0)])


def test_of_sdxl_there_is_none(place: Path) -> None:
    with pytest.raises(UsageError, match=r"Stable Diffusion 1 and 2 alone.*tiny-sdxl"):
        RetriNet(open_base("tiny-sdxl", place), options(place))
