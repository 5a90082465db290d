import json
from pathlib import Path
from typing import Any, cast

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("accelerate")
pytest.importorskip("tensorboard")

import numpy as np
import torch
from diffusers import KandinskyV22Pipeline, KandinskyV22PriorPipeline
from diffusers.image_processor import VaeImageProcessor
from diffusers.models.transformers.prior_transformer import PriorTransformerOutput
from torch.nn.functional import avg_pool2d

from schemas.draws import draw
from schemas.errors import UsageError
from tests.trainers import made
from tests.trainers.baselines import runs
from trainers import cli
from trainers.baselines.feeding import view_of
from trainers.baselines.kandinsky import Decoder, Prior, fed
from trainers.baselines.kandinsky_base import Kandinsky, open_kandinsky
from trainers.baselines.kandinsky_options import Kandinsky as Options
from trainers.bases import open_base
from trainers.data import open_data
from trainers.training.feeding import Batch, gather
from trainers.views.identities import COLUMNS

pytestmark = pytest.mark.xdist_group("kandinsky")
PARTS = ("decoder", "prior")
TEXT = "1girl, ^_^, long sleeves"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place")
    made.figures(folder / "data")
    return folder


def options(place: Path, **given: Any) -> Options:
    return Options(**{"data": str(place / "data"), "out": place / "out", "base": "tiny", "resolution": 32, "drop": 0.0,
                      **given})


def method_of(place: Path, **given: Any) -> Decoder | Prior:
    wanted = options(place, **given)
    return (Decoder if wanted.part == "decoder" else Prior)(open_kandinsky(wanted, place), wanted)


def batch_of(method: Decoder | Prior, given: Options, slots: int = 2) -> dict[str, Any]:
    data = open_data(given.data, "--data", "retribooru", COLUMNS)
    base = cast(Kandinsky, method.base)
    return cast(dict[str, Any], gather(fed(view_of(data, base, given), base, given), 0, 0, range(slots), slots))


def loss(method: Decoder | Prior, batch: dict[str, Any], **changed: Any) -> torch.Tensor:
    with torch.no_grad():
        return method(cast(Batch, batch | changed))["loss"]


@pytest.mark.parametrize("part", PARTS)
def test_what_trains_moves_and_all_else_stays_bit_for_bit(part: str, place: Path) -> None:
    method = method_of(place, part=part)
    modules = {"decoder": "unet.", "prior": "prior."}
    # Not weights: the mean and deviation of vectors.
    wanted = {name for name, _ in method.named_parameters() if name.startswith(modules[part])} - {
        "prior.clip_mean", "prior.clip_std"}
    before = {name: one.detach().clone() for name, one in method.named_parameters()}
    assert set(method.trained()) == wanted and len(wanted) < len(before)
    batch = batch_of(method, options(place, part=part))
    optimizer = torch.optim.AdamW(method.groups(1e-3), weight_decay=0)
    for _ in range(3):
        optimizer.zero_grad()
        method(cast(Batch, batch))["loss"].backward()
        # None would let the processes of a run wait for one another for ever.
        assert [name for name, one in method.trained().items() if one.grad is None] == []
        optimizer.step()
    moved = {name for name, one in method.named_parameters() if not torch.equal(one, before[name])}
    # A bias of keys moves no softmax.
    assert moved <= wanted and len(moved) > 0.9 * len(wanted)


def test_the_decoder_is_told_the_reference_and_no_words(place: Path) -> None:
    method = method_of(place)
    batch = batch_of(method, options(place))
    assert not any(name.startswith("text_encoders") for name, _ in method.named_parameters())
    plain = loss(method, batch)
    assert torch.equal(plain, loss(method, batch, texts=["a red dog"] * 2))
    assert (plain - loss(method, batch, references=-batch["references"])).abs() > 1e-6


def test_the_decoder_predicts_the_noise_where_the_picture_lies(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its UNet says the noise, then the variance, of which nothing counts."""
    method = method_of(place)
    batch, given = batch_of(method, options(place)), []

    def all_but(part: slice) -> Any:
        def forward(noisy: torch.Tensor, timesteps: torch.Tensor, words: None, added_cond_kwargs: Any) -> Any:
            given.append(noisy)
            said = torch.cat([batch["noise"].clone(), torch.full_like(noisy, 9.0)], dim=1)
            said[:, part] += 2.0 * (batch["mask"] if part.start == 0 else 1 - batch["mask"])
            return type("Said", (), {"sample": said})
        return forward

    assert 0 < batch["mask"].mean() < 1
    for part, wrong in ((slice(0, 4), 4.0), (slice(1, 4), 0.0)):
        monkeypatch.setattr(method.unet, "forward", all_but(part))
        assert loss(method, batch) == pytest.approx(wrong, abs=1e-5)
    # Latents of the tiny base: twice the mean of 4 x 4 pixels; noise as the decoder's linear betas have it.
    colours = 2 * avg_pool2d(batch["pixels"], 4)
    kept = torch.linspace(0.00085, 0.012, 1000).neg().add(1).cumprod(0)[batch["timesteps"]][:, None, None, None]
    expected = kept.sqrt() * colours + (1 - kept).sqrt() * batch["noise"][:, :3]
    assert torch.allclose(given[0][:, :3], expected, atol=1e-3)


def test_a_dropped_reference_is_what_guidance_is_held_against(place: Path) -> None:
    method = method_of(place)
    batch = batch_of(method, options(place, drop=1.0))
    assert not batch["reference_mask"].any()
    assert torch.equal(loss(method, batch), loss(method, batch, references=-batch["references"]))
    prior = KandinskyV22PriorPipeline.from_pretrained(cast(Kandinsky, method.base).other.folder)
    found = method.vectors(batch["references"].squeeze(1), batch["reference_mask"].squeeze(1))
    assert torch.allclose(found, prior.get_zero_embed(2), atol=1e-6)
    masks = batch_of(method, options(place, drop=0.5), 40)["reference_mask"]
    assert 8 < int(masks.sum()) < 32


def test_the_encoder_sees_what_it_sees_in_a_pipeline(place: Path) -> None:
    method = method_of(place)
    squares = batch_of(method, options(place))["references"].squeeze(1)
    pictures = VaeImageProcessor().postprocess(squares, output_type="pil")
    prior = KandinskyV22PriorPipeline.from_pretrained(cast(Kandinsky, method.base).other.folder)
    for found, picture in zip(method.vectors(squares), pictures, strict=True):
        [expected] = prior.image_encoder(prior.image_processor(picture, return_tensors="pt").pixel_values).image_embeds
        assert torch.nn.functional.cosine_similarity(found, expected, dim=0) > 0.999


@pytest.mark.parametrize("predict", ["target", "reference"])
def test_the_prior_makes_the_vector_of_the_target_or_the_reference(predict: str, place: Path,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    method = method_of(place, part="prior", predict=predict)
    batch = batch_of(method, options(place, part="prior"))
    squares = {"target": batch["pixels"], "reference": batch["references"].squeeze(1)}
    assert batch["noise"].shape == (2, 32)
    mean, deviation = torch.linspace(-1, 1, 32), torch.linspace(0.5, 3, 32)
    method.prior.clip_mean.data[0], method.prior.clip_std.data[0] = mean, deviation
    plain, given = loss(method, batch), []
    assert (plain - loss(method, batch, texts=["a red dog"] * 2)).abs() > 1e-7
    assert (plain == loss(method, batch, pixels=-batch["pixels"])) == (predict == "reference")
    assert (plain == loss(method, batch, references=-batch["references"])) == (predict == "target")

    def knowing(noisy: torch.Tensor, *_: Any) -> PriorTransformerOutput:
        given.append(noisy)
        return PriorTransformerOutput((method.vectors(squares[predict]) - mean) / deviation)

    monkeypatch.setattr(method.prior, "forward", knowing)
    assert loss(method, batch) < 1e-8
    kept = method.base.scheduler.alphas_cumprod[batch["timesteps"]][:, None]
    expected = kept.sqrt() * (method.vectors(squares[predict]) - mean) / deviation
    assert torch.allclose(given[0], expected + (1 - kept).sqrt() * batch["noise"], atol=1e-4)


def test_the_prior_is_told_words_as_in_a_pipeline_and_sometimes_none(place: Path,
                                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    method = method_of(place, part="prior")
    for chance, texts in ((0.0, {TEXT}), (1.0, {""}), (0.5, {TEXT, ""})):
        assert set(batch_of(method, options(place, part="prior", drop=chance), 20)["texts"]) == texts
    given: list[Any] = []
    monkeypatch.setattr(method.prior, "forward",
                        lambda *told, **_: (given.append(told), PriorTransformerOutput(told[0]))[1])
    loss(method, batch_of(method, options(place, part="prior"), 1))
    pipe = method.base.pipeline
    monkeypatch.setattr(pipe.prior, "forward", lambda noisy, timestep, **told: (
        given.append(told), PriorTransformerOutput(noisy))[1])
    pipe(TEXT, num_inference_steps=2, guidance_scale=1.0)
    for found, name in zip(given[0][2:], ("proj_embedding", "encoder_hidden_states", "attention_mask"), strict=True):
        assert torch.equal(found, given[1][name])
    assert given[0][4].dtype == torch.bool and not given[0][4].all()


@pytest.mark.parametrize("part", PARTS)
def test_settings_differ_in_the_file_alone(part: str, place: Path) -> None:
    method = method_of(place, part=part)
    own, other = (batch_of(method, options(place, part=part, setting=one, drop=0.5, crop_ratio=1.0), 8)
                  for one in "ab")
    assert own["reference_ids"] == [[name] for name in own["ids"]]
    assert all(name not in shown for name, shown in zip(other["ids"], other["reference_ids"], strict=True))
    differ = {name for name, value in own.items()
              if not (torch.equal(value, other[name]) if isinstance(value, torch.Tensor) else value == other[name])}
    assert differ == {"references", "reference_ids"}


def drawn(pipe: Any, chance: torch.Tensor, **seen: torch.Tensor) -> np.ndarray:
    """0..255, H x W x 3: as samples are drawn by a generator of this state."""
    generator = torch.Generator()
    generator.set_state(chance)
    made: np.ndarray = pipe(**seen, height=runs.SIDE, width=runs.SIDE, num_inference_steps=runs.STEPS,
                            guidance_scale=runs.GUIDANCE, generator=generator, output_type="np").images[0]
    return made * 255


@pytest.mark.parametrize("part", PARTS)
def test_the_code_of_the_card_draws_the_last_samples(part: str, place: Path, tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = runs.trained("kandinsky", place / "data", tmp_path / "out", "--part", part, "--lr", "1e-2", "--steps", "4",
                       "--accumulation", "1")
    prompts = json.loads((out / "run.json").read_text())["facts"]["prompts"]
    rows = runs.cells(out)
    assert prompts == [TEXT] * 4 and len(rows) == 4
    for number, (reference, _, sample) in enumerate(rows[:2]):
        reference.save("reference.png")
        scope = runs.loaded(out, ddim=False)
        assert isinstance(scope["pipe"], KandinskyV22Pipeline) and isinstance(scope["prior"], KandinskyV22PriorPipeline)
        scope["prior"].set_progress_bar_config(disable=True)
        chance = torch.Generator().manual_seed(draw("sample", "0", str(number), "0"))
        seen = scope["prior"](TEXT, generator=chance) if part == "prior" else scope["seen"]
        began = chance.get_state()
        found = drawn(scope["pipe"], began, **seen)
        assert np.abs(found - np.asarray(sample, np.float32)).max() <= 1
        nothing = seen["negative_image_embeds"]
        without = drawn(scope["pipe"], began, image_embeds=nothing, negative_image_embeds=nothing)
        assert np.abs(found - without).max() > 2
    assert not any("/tmp" in path.read_text() for path in out.rglob("*/config.json"))


@pytest.mark.parametrize("part", PARTS)
def test_a_run_in_half_precision_publishes_what_it_left_alone_as_it_was(part: str, place: Path, tmp_path: Path) -> None:
    more = ("--gradient-checkpointing",) if part == "decoder" else ()
    out = runs.trained("kandinsky", place / "data", tmp_path / "out", "--precision", "bf16", "--part", part,
                       "--setting", "a", "--no-flip", "--crop-ratio", "1", *more)
    kind = KandinskyV22Pipeline if part == "decoder" else KandinskyV22PriorPipeline
    trained, base = (kind.from_pretrained(folder) for folder in (out, out / "base" / f"tiny-{kind.__name__}"))
    for name, module in trained.components.items():
        if isinstance(module, torch.nn.Module):
            before = base.components[name].state_dict()
            moved = {key for key, value in module.state_dict().items() if not torch.equal(value, before[key])}
            assert bool(moved) == (name == {"decoder": "unet", "prior": "prior"}[part])
            assert not moved & {"clip_mean", "clip_std"}
            assert {value.dtype for value in before.values()} >= {one.dtype for one in module.parameters()}
    for reference, target, _ in runs.cells(out):
        assert reference.tobytes() == target.tobytes()


def test_the_tiny_autoencoder_gives_back_squares_of_one_colour(place: Path) -> None:
    base = method_of(place).base
    pixels = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0)).mul(2).sub(1)
    pixels = pixels.repeat_interleave(4, 2).repeat_interleave(4, 3)
    assert torch.allclose(base.pixels(base.latents(pixels, torch.zeros(()))), pixels, atol=1e-3)


def test_tiny_weights_follow_from_nothing_but_their_seed(place: Path, tmp_path: Path) -> None:
    torch.manual_seed(5)
    again = open_kandinsky(options(place, part="prior"), tmp_path)
    before = open_kandinsky(options(place, part="prior"), place)
    assert (again.sha256, again.other.digest) == (before.sha256, before.other.digest)


def test_what_does_not_fit_is_said_in_a_line(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    method = method_of(place)
    with pytest.raises(UsageError, match=r"no side of pictures.*24.*a multiple of 16.*--resolution 64"):
        method.base.latent_shape(24)
    assert method.base.latent_shape(32) == (4, 8, 8)
    open_base("tiny", tmp_path)
    decoder, prior = (str(place / f"tiny-KandinskyV22{kind}Pipeline") for kind in ("", "Prior"))
    for base, also, said in ((str(tmp_path / "tiny"), "", "cannot be trained"), (prior, "tiny", "KandinskyV22Pipeline"),
                             (decoder, decoder, "KandinskyV22PriorPipeline"), ("gone/", "", "no such base")):
        assert cli.main(["kandinsky", "--data", str(place / "data"), "--base", base, "--prior", also,
                         "--out", str(tmp_path / "out")]) == 2
        assert said in capsys.readouterr().err


def test_a_decoder_takes_the_prior_that_it_belongs_to(place: Path, tmp_path: Path) -> None:
    base = method_of(place).base
    config = dict(base.unet.config) | {"encoder_hid_dim": 16}
    KandinskyV22Pipeline(unet=type(base.unet).from_config(config), scheduler=base.pipeline.scheduler,
                         movq=base.vae).save_pretrained(tmp_path / "other")
    with pytest.raises(UsageError, match=r"another image encoder.*32 numbers of tiny, 16 of other"):
        open_kandinsky(options(place, base=str(tmp_path / "other"), prior="tiny"), place)


@pytest.mark.parametrize(("given", "said"), [
    ({"predict": "reference"}, "--predict is for the prior.*--part prior"),
    ({"part": "prior", "gradient_checkpointing": True}, "--gradient-checkpointing is for the decoder"),
    ({"part": "both"}, "--part is not known")])
def test_options_that_do_not_go_together(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        options(Path("place"), **given).check()
