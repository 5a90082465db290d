"""The tiny bases: an autoencoder that needs no training, words that are single tokens, the same bits each time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("transformers")

from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline  # noqa: E402

from annotators.weights import files_digest  # noqa: E402
from trainers import tiny, vocabulary  # noqa: E402

CLASSES = {"tiny": StableDiffusionPipeline, "tiny-v": StableDiffusionPipeline, "tiny-sdxl": StableDiffusionXLPipeline}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    whole = tmp_path_factory.mktemp("tiny")
    for kind in tiny.KINDS:
        tiny.save(kind, whole / kind)
    return whole


def pictures() -> torch.Tensor:
    """Noise, hard edges between the brightest and darkest colours, black, and a gradient: 4 x 3 x 64 x 64 in -1..1."""
    draw = np.random.default_rng(0)
    noise = draw.uniform(-1, 1, (3, 64, 64))
    edges = draw.choice([-1.0, 1.0], (3, 64, 64))
    slope = np.broadcast_to(np.linspace(-1, 1, 64), (3, 64, 64))
    return torch.tensor(np.stack([noise, edges, np.full((3, 64, 64), -1.0), slope]), dtype=torch.float32)


def pooled(given: torch.Tensor) -> torch.Tensor:
    """Means of squares of 4 x 4, by numpy."""
    count, colours, height, width = given.shape
    return torch.tensor(given.numpy().reshape(count, colours, height // 4, 4, width // 4, 4).mean((3, 5)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_autoencoder_gives_back_means_of_squares(dtype: torch.dtype) -> None:
    vae = tiny.autoencoder().to(dtype)
    given = pictures()
    with torch.no_grad():
        latents = vae.encode(given.to(dtype)).latent_dist
        found = vae.decode(latents.mean).sample.float()
    wanted = pooled(given).repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
    assert float((found - wanted).abs().max()) * 127.5 < (0.1 if dtype == torch.float32 else 1)  # grey levels


def test_latents_are_the_colours_and_their_mean() -> None:
    given = pictures()
    with torch.no_grad():
        latents = tiny.autoencoder().encode(given).latent_dist
    assert torch.allclose(latents.mean[:, :3], pooled(given), atol=1e-3)
    assert torch.allclose(latents.mean[:, 3], pooled(given).mean(1), atol=1e-3)
    assert torch.allclose(latents.std, torch.tensor(0.02), atol=1e-5)


def test_a_sampled_latent_far_outside_stays_a_picture() -> None:
    far = torch.full((1, 4, 8, 8), 5.0)
    with torch.no_grad():
        assert torch.allclose(tiny.autoencoder().decode(far).sample, torch.tensor(5.0), atol=0.05)


@pytest.mark.parametrize("kind", list(tiny.KINDS))
def test_a_plain_pipeline_opens_and_draws(folder: Path, kind: str) -> None:
    torch.set_num_threads(1)
    pipeline = CLASSES[kind].from_pretrained(folder / kind)
    pipeline.set_progress_bar_config(disable=True)
    made = pipeline("a photo of olis backpack", num_inference_steps=2, generator=torch.Generator().manual_seed(0))
    assert made.images[0].size == (tiny.SIDE, tiny.SIDE)
    assert pipeline.scheduler.config.prediction_type == ("v_prediction" if kind == "tiny-v" else "epsilon")
    assert sum(path.stat().st_size for path in (folder / kind).rglob("*") if path.is_file()) < 8e6


def test_another_process_draws_the_same_bits(folder: Path, tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from trainers import tiny; tiny.save('tiny', Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "again")], check=True, capture_output=True,
                   env={**os.environ, "PYTHONHASHSEED": "7"})
    assert files_digest(tmp_path / "again") == files_digest(folder / "tiny")
    tiny.save("tiny", tmp_path / "other", seed=1)
    assert files_digest(tmp_path / "other") != files_digest(folder / "tiny")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "other"]  # nothing unfinished is left


def test_weights_come_from_the_seed_by_a_generator_that_all_machines_share(folder: Path) -> None:
    pipeline = StableDiffusionPipeline.from_pretrained(folder / "tiny")
    twister = np.random.RandomState(0)  # MT19937 seeded as torch seeds it; a number is its lowest 24 bits over 2^24
    first = pipeline.unet.conv_in.weight.detach().flatten().numpy()
    drawn = (twister.randint(0, 2**32, first.size, dtype=np.uint32) & (2**24 - 1)) / 2**24
    assert np.allclose(first, (drawn - 0.5) * np.sqrt(12 / (4 * 3 * 3)), atol=1e-6)


def test_global_chance_is_left_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    tiny.save("tiny", tmp_path / "tiny")
    assert torch.equal(torch.rand(3), wanted)


def test_common_words_are_single_tokens_and_others_split() -> None:
    tokenizer = vocabulary.tokenizer()
    text = "a photo of a olis backpack on a cobblestone street"
    assert tokenizer.tokenize(text) == [f"{word}</w>" for word in text.split()]
    assert all(len(tokenizer.tokenize(word)) == 1 for word in vocabulary._WORDS.split())
    pieces = tokenizer.tokenize("backpackx")
    assert len(pieces) > 1 and "".join(pieces) == "backpackx</w>"
    assert tokenizer.tokenize("Qx7,") == ["q", "x</w>", "7</w>", ",</w>"]  # SD's own tokenizer makes letters small, too


def test_texts_are_framed_and_filled_up_as_those_of_sd() -> None:
    first, second = vocabulary.tokenizer(), vocabulary.tokenizer("!")
    start, end = len(first) - 2, len(first) - 1
    ids = first("a photo", padding="max_length").input_ids
    assert len(ids) == 77 and ids[0] == start and ids[3:] == [end] * 74
    assert second("a photo", padding="max_length").input_ids == [*ids[:4], *[0] * 73]
