"""Tiny Stable Diffusions of the real architecture, saved and loaded through the code that loads the real ones."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("diffusers")

from benchmarks import random_diffusion  # noqa: E402
from builders.generators import Generator, Request  # noqa: E402
from builders.generators.diffusion import Diffusion, Sampling  # noqa: E402
from schemas.errors import UsageError  # noqa: E402

ASKED = [Request({}, "dog", f"a photo of a dog, number {at}", 100 + at) for at in range(6)]
SAMPLING = Sampling(steps=3, batch=4)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_diffusion.save(tmp_path_factory.mktemp("sd"))


@pytest.fixture(scope="module")
def tiny_xl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_diffusion.save(tmp_path_factory.mktemp("sdxl"), xl=True)


def plain(folder: Path, asked: list[Request], guidance: float, steps: int) -> list[np.ndarray]:
    """What anybody would write: the pipeline called with prompts."""
    from diffusers import DiffusionPipeline

    torch.set_num_threads(1)
    pipeline = DiffusionPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    made = pipeline([one.text for one in asked], num_inference_steps=steps, guidance_scale=guidance,
                    generator=[torch.Generator().manual_seed(one.seed) for one in asked]).images
    return [np.asarray(image) for image in made]


@pytest.mark.parametrize("model", ["tiny", "tiny_xl"])
@pytest.mark.parametrize("guidance", [None, 0.0])
def test_pictures_are_those_of_the_plain_pipeline(model: str, guidance: float | None,
                                                  request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(model)
    generator = Diffusion(str(folder), Sampling(steps=3, batch=4, guidance=guidance))
    assert isinstance(generator, Generator)
    assert generator.guidance == (guidance if guidance == 0 else {"tiny": 7.5, "tiny_xl": 5.0}[model])
    assert generator.size == 16  # 8 latents, of which the VAE makes 16 pixels
    found = generator(ASKED[:4])
    assert all(np.array_equal(mine, theirs)
               for mine, theirs in zip(found, plain(folder, ASKED[:4], generator.guidance, 3), strict=True))
    assert found[0].shape == (16, 16, 3) and found[0].dtype == np.uint8
    assert not np.array_equal(found[0], found[1])


def test_a_picture_does_not_depend_on_its_neighbours_or_place(tiny: Path) -> None:
    generator = Diffusion(str(tiny), SAMPLING)
    whole = generator(ASKED)
    assert len(whole) == 6
    for at in (0, 3, 5):
        (alone,) = generator([ASKED[at]])
        assert np.array_equal(alone, whole[at])
    assert all(np.array_equal(mine, theirs)
               for mine, theirs in zip(generator(ASKED[::-1]), whole[::-1], strict=True))


def test_another_process_draws_the_same(tiny: Path, tmp_path: Path) -> None:
    generator = Diffusion(str(tiny), SAMPLING)
    (tmp_path / "generator").write_bytes(pickle.dumps(generator))
    program = ("import pickle, sys, numpy; from builders.generators import Request; "
               "made = pickle.loads(open(sys.argv[1], 'rb').read())([Request({}, 'dog', sys.argv[2], 100)]); "
               "numpy.save(sys.argv[3], made[0])")
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "generator"), ASKED[0].text,
                    str(tmp_path / "made.npy")], check=True)
    assert np.array_equal(np.load(tmp_path / "made.npy"), generator(ASKED[:1])[0])


def test_everything_that_can_change_a_picture_is_in_the_identity(tiny: Path, tiny_xl: Path, tmp_path: Path) -> None:
    asked = [Sampling(steps=3, batch=4), Sampling(steps=4, batch=4), Sampling(steps=3, batch=2),
             Sampling(steps=3, batch=4, guidance=2.0), Sampling(steps=3, batch=4, size=32)]
    found = [Diffusion(str(tiny), one).identity for one in asked] + [Diffusion(str(tiny_xl), asked[0]).identity]
    assert len(set(found)) == len(found)
    assert Diffusion(str(tiny), Sampling(steps=3, batch=4, size=16, guidance=7.5)).identity == found[0]
    copy = Path(shutil.copytree(tiny, tmp_path / "elsewhere"))
    (copy / "unet" / "notes.md").write_text("what others keep there does not matter")
    (copy / "unet.safetensors").write_bytes(b"neither do weights of no part")
    same = Diffusion(str(copy), asked[0])
    assert same.identity == found[0] and str(tmp_path) not in str(same.provenance)
    config = json.loads((copy / "scheduler" / "scheduler_config.json").read_text())
    (copy / "scheduler" / "scheduler_config.json").write_text(json.dumps(config | {"beta_end": 0.02}))
    assert Diffusion(str(copy), asked[0]).identity != found[0]


def test_pictures_that_the_model_s_own_filter_blanks_are_none(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from builders.generators import diffusion

    generator = Diffusion(str(tiny), SAMPLING)
    pipeline = diffusion._pipeline(str(tiny), generator._device, generator.guidance)._pipeline
    monkeypatch.setattr(pipeline, "run_safety_checker", lambda image, *_: (image, [False, True, True, False]))
    assert [made is None for made in generator(ASKED[:4])] == [False, True, True, False]


@pytest.mark.parametrize(("spoil", "said"), [
    (lambda folder: (folder / "model_index.json").unlink(), "no folder with a pipeline, and no name of one"),
    (lambda folder: (folder / "model_index.json").write_text("{"), "not a text-to-image pipeline of diffusers"),
    (lambda folder: (folder / "model_index.json").write_text('{"_class_name": "StableDiffusionUpscalePipeline"}'),
     "not a text-to-image pipeline of diffusers"),
    (lambda folder: (folder / "model_index.json").write_text('{"_class_name": "UNet2DModel"}'),
     "not a text-to-image pipeline of diffusers"),
    (lambda folder: (folder / "unet" / "config.json").unlink(), "the pipeline does not tell its own size"),
    (lambda folder: (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"no weights"),
     "cannot read the pipeline"),
])
def test_what_is_no_pipeline_is_told_in_one_line(tiny: Path, tmp_path: Path, spoil: object, said: str) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "model"))
    spoil(folder)  # type: ignore[operator]
    with pytest.raises(UsageError) as told:
        Diffusion(str(folder), SAMPLING)(ASKED[:1])
    assert said in str(told.value) and "\n" not in str(told.value)
