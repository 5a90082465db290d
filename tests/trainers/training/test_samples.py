"""The loop with a tiny Stable Diffusion: grids of samples, activations computed twice, what is published."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
pytest.importorskip("diffusers")

from diffusers import StableDiffusionPipeline  # noqa: E402

from schemas.draws import draw  # noqa: E402
from tests.trainers import made  # noqa: E402
from tests.trainers.training.test_loop import lines  # noqa: E402
from trainers import cli, objective, tiny, tiny_options  # noqa: E402
from trainers.bases import Base, open_base  # noqa: E402
from trainers.data import open_data  # noqa: E402
from trainers.options import Training  # noqa: E402
from trainers.training import loop  # noqa: E402
from trainers.training.feeding import Batch  # noqa: E402
from trainers.training.method import Method  # noqa: E402
from trainers.training.record import Run  # noqa: E402
from trainers.views.decks import Deck, Frame  # noqa: E402
from trainers.views.pairs import Pairs  # noqa: E402

pytestmark = pytest.mark.xdist_group("samples")
PROMPTS = ["a photo of a olis backpack", "a red backpack"]


class Whole(Method):
    """Trains the whole UNet, and the encoder's first layer."""

    def __init__(self, base: Base) -> None:
        super().__init__(base)
        base.unet.requires_grad_(True)
        base.text_encoders[0].encoder.layers[0].requires_grad_(True)

    def forward(self, batch: Batch) -> dict[str, torch.Tensor]:
        wrong = objective.errors(self.base, batch, self.base.encode(batch["texts"]))
        return {"loss": wrong.mean()}

    def publish(self, folder: Path) -> None:
        self.base.pipeline.save_pretrained(folder)

    def facts(self) -> dict[str, Any]:
        return super().facts() | {"prompts": PROMPTS, "usage": 'StableDiffusionPipeline.from_pretrained("OUT")'}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tiny base and the data lie."""
    folder = tmp_path_factory.mktemp("place")
    made.subject(folder / "backpack")
    tiny.save("tiny", folder / "tiny")
    return folder


def made_of(place: Path, out: Path, **others: Any) -> loop.Loop:
    usual = {"base": "tiny", "steps": 3, "lr": 1e-3, "sample_every": 2, "sample_steps": 3, "sample_count": 2}
    options = Training(out=out, **{**usual, **others})
    options.check()
    data, base = open_data(str(place / "backpack"), "--data", "subject"), open_base("tiny", place)
    view = Pairs(Deck(data.rows, Frame(side=64, latent=base.latent_shape(64), timesteps=1000)))
    run = Run(method="whole", options=options, data={"data": data}, base=base.provenance())
    return loop.Loop(Whole(base), view, options, run)


@pytest.fixture(scope="module")
def trained(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    one = made_of(place, tmp_path_factory.mktemp("trained"))
    one.train(3)
    one.finish()
    return one.options.out


def _of_plain_diffusers(folder: Path, prompt: str, seed: int) -> np.ndarray:
    pipe = StableDiffusionPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    picture = pipe(prompt, num_inference_steps=3, generator=torch.Generator().manual_seed(seed)).images[0]
    return np.asarray(picture, np.int16)


def test_a_grid_shows_what_the_published_weights_draw(trained: Path) -> None:
    with Image.open(trained / "samples/step-00000003.png") as picture:
        grid = np.asarray(picture, np.int16)
    assert grid.shape == (2 * 64, 2 * 64, 3)
    # Second prompt, first of its samples; the tiny base's scheduler is the DDIM that samples have.
    there = _of_plain_diffusers(trained, PROMPTS[1], draw("sample", "0", "1", "0"))
    assert np.abs(grid[64:, :64] - there).max() <= 1
    assert np.abs(grid[64:, 64:] - there).max() > 50


def test_published_files_name_no_folder_of_this_machine(place: Path, trained: Path) -> None:
    published = [path for path in trained.rglob("*.json") if path.name != "run.json"]
    assert len(published) > 4
    for path in (*published, trained / "README.md"):
        assert str(place) not in path.read_text() and str(trained) not in path.read_text(), path


def test_grids_come_when_they_are_due_and_at_the_end(trained: Path) -> None:
    assert sorted(path.name for path in (trained / "samples").iterdir()) == ["step-00000002.png", "step-00000003.png"]
    with Image.open(trained / "samples/step-00000002.png") as one, Image.open(trained / "samples/step-00000003.png") \
            as other:
        assert one.size == other.size and one.tobytes() != other.tobytes()


def test_samples_change_no_step(place: Path, trained: Path, tmp_path: Path) -> None:
    one = made_of(place, tmp_path, sample_every=0)
    one.train(3)
    assert lines(tmp_path) == lines(trained)


def test_activations_computed_twice_give_the_same_steps(place: Path, trained: Path, tmp_path: Path) -> None:
    one = made_of(place, tmp_path, sample_every=0, gradient_checkpointing=True)
    assert one.method.unet.is_gradient_checkpointing
    assert one.method.text_encoders[0].encoder.layers[0].gradient_checkpointing
    one.train(2)
    one.checkpoint()
    again = made_of(place, tmp_path, sample_every=0, resume=True)  # without it again: what is learnt is the same
    again.train(3)
    assert [line["loss"] for line in lines(tmp_path)] == pytest.approx([line["loss"] for line in lines(trained)],
                                                                      rel=1e-4)


def test_bf16_samples_and_trains(place: Path, tmp_path: Path) -> None:
    one = made_of(place, tmp_path, precision="bf16", sample_every=1)
    one.train(1)
    assert one.method.unet.conv_in.weight.dtype == torch.float32
    assert one.method.text_encoders[0].encoder.layers[1].mlp.fc1.weight.dtype == torch.bfloat16
    with Image.open(tmp_path / "samples/step-00000001.png") as picture:
        assert len(np.unique(np.asarray(picture))) > 50


def test_ones_own_prompts_take_the_place_of_the_methods(place: Path, tmp_path: Path) -> None:
    one = made_of(place, tmp_path, sample_prompts="a cat | a dog | a bird", sample_count=1)
    assert one.prompts == ["a cat", "a dog", "a bird"]
    one.sample()
    with Image.open(tmp_path / "samples/step-00000000.png") as picture:
        assert picture.size == (64, 3 * 64)


def test_the_card_says_how_to_load_and_what_it_is_made_of(trained: Path) -> None:
    card = (trained / "README.md").read_text()
    assert 'StableDiffusionPipeline.from_pretrained("OUT")' in card and f"- `{PROMPTS[0]}`" in card
    assert f"| data | backpack | 1.0.0 | {made.DIGEST} |" in card
    head = card.split("---")[1]
    # The tiny base is none of the Hub's, and its licence is told in words.
    assert "base_model" not in head and "license" not in head and '"whole"' in head


def test_trainers_tiny_writes_the_base_that_methods_train(place: Path, tmp_path: Path,
                                                          capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["tiny", "--out", str(tmp_path / "new")]) == 0
    for name in ("unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"):
        assert (tmp_path / "new" / name).read_bytes() == (place / "tiny" / name).read_bytes()
    assert cli.main(["tiny", "--out", str(tmp_path / "new")]) == 2
    assert "--out is no new folder" in capsys.readouterr().err


def test_each_tiny_base_can_be_asked_for() -> None:
    kind = tiny_options.Tiny.__dataclass_fields__["kind"]
    assert kind.metadata["choices"] == (*tiny.KINDS, "clip")  # a CLIP is no base


def test_a_method_without_a_loss_is_refused_before_it_begins(place: Path) -> None:
    base = open_base("tiny", place)
    with pytest.raises(TypeError, match=r"forward.*publish"):
        Method(base)  # type: ignore[abstract]
