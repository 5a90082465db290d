"""The loss against arrays worked out by numpy and by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("transformers")

from diffusers import DDPMScheduler  # noqa: E402

from trainers import objective  # noqa: E402
from trainers.bases import open_base  # noqa: E402

STEPS = [0, 10, 500, 999]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return tmp_path_factory.mktemp("bases")


def alphas() -> np.ndarray:
    """Products of SD's alphas: betas are squares of even steps between the roots of 0.00085 and 0.012."""
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    return np.cumprod(1 - betas)[STEPS].reshape(-1, 1, 1, 1)


def drawn(*shape: int) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(sum(shape)).normal(size=shape), dtype=torch.float32)


def batch(sizes: list[int] | None = None) -> dict[str, object]:
    return {"pixels": drawn(4, 3, 32, 32).clamp(-1, 1), "noise": drawn(4, 4, 8, 8), "latent_noise": drawn(4, 4, 8, 8),
            "timesteps": torch.tensor(STEPS), "sizes": torch.tensor([sizes or [16, 16, 0, 0, 16, 16]] * 4),
            "prior": torch.tensor([False, False, True, True]), "mask": None}


def means(pixels: torch.Tensor) -> np.ndarray:
    """What the tiny base's VAE says of pictures: means of 4 x 4 pixels, and of their colours."""
    small = pixels.numpy().reshape(4, 3, 8, 4, 8, 4).mean((3, 5))
    return np.concatenate([small, small.mean(1, keepdims=True)], axis=1)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_the_target_follows_the_prediction_type(kind: str) -> None:
    scheduler = DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type=kind)
    clean, noise, a = drawn(4, 4, 8, 8), drawn(4, 4, 8, 9)[..., :8], alphas()
    found = objective.target(scheduler, clean, noise, torch.tensor(STEPS)).numpy()
    wanted = {"epsilon": noise.numpy(), "sample": clean.numpy(),
              "v_prediction": np.sqrt(a) * noise.numpy() - np.sqrt(1 - a) * clean.numpy()}[kind]
    assert np.allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("kind", ["tiny", "tiny-v"])
def test_errors_are_those_of_the_noised_latents(kind: str, place: Path) -> None:
    """A UNet that says what it was given: its error is the difference of what it got and what it should say."""
    base, given = open_base(kind, place), batch()
    said = objective.errors(base, given, base.encode(["a"] * 4), unet=lambda noisy, *_: SimpleNamespace(sample=noisy))
    clean = 2 * (means(given["pixels"]) + 0.02 * given["latent_noise"].numpy())  # 2 is its scaling factor
    a, noise = alphas(), given["noise"].numpy()
    noisy = np.sqrt(a) * clean + np.sqrt(1 - a) * noise
    wanted = noise if kind == "tiny" else np.sqrt(a) * noise - np.sqrt(1 - a) * clean
    assert np.allclose(said.numpy(), ((noisy - wanted) ** 2).mean((1, 2, 3)), rtol=2e-3)
    mask = torch.zeros(4, 1, 8, 8)
    mask[:, :, 2:5, 1:7] = 1
    masked = objective.errors(base, given | {"mask": mask}, base.encode(["a"] * 4),
                              unet=lambda noisy, *_: SimpleNamespace(sample=noisy))
    assert np.allclose(masked.numpy(), ((noisy - wanted) ** 2)[:, :, 2:5, 1:7].mean((1, 2, 3)), rtol=2e-3)
    nothing = objective.errors(base, given | {"mask": torch.zeros(4, 1, 8, 8)}, base.encode(["a"] * 4),
                               unet=lambda noisy, *_: SimpleNamespace(sample=noisy))
    assert nothing.tolist() == [0] * 4


def test_sdxl_is_told_the_sentence_and_the_sizes(place: Path) -> None:
    base, heard = open_base("tiny-sdxl", place), {}

    def unet(noisy: torch.Tensor, steps: torch.Tensor, embeds: torch.Tensor, **also: object) -> SimpleNamespace:
        heard.update(also, embeds=embeds, steps=steps)
        return SimpleNamespace(sample=noisy)

    words = base.encode(["a cat", "a dog", "a", ""])
    objective.errors(base, batch([85, 64, 12, 3, 64, 64]), words, unet)
    told = heard["added_cond_kwargs"]
    assert told["time_ids"].tolist() == [[85, 64, 12, 3, 64, 64]] * 4
    assert torch.equal(told["text_embeds"], words.pooled) and torch.equal(heard["embeds"], words.embeds)
    assert heard["steps"].tolist() == STEPS
    small, large = (objective.errors(base, batch([side, side, 0, 0, 64, 64]), words) for side in (64, 512))
    assert not torch.equal(small, large)  # and the UNet hears it


def test_gradients_reach_unet_and_encoders_but_not_the_vae(place: Path) -> None:
    base = open_base("tiny-sdxl", place)
    for module in base.modules.values():
        module.requires_grad_(True)
    objective.errors(base, batch(), base.encode(["a photo of a cat", "a dog", "a", ""])).mean().backward()
    moved = {name: any(one.grad is not None and bool(one.grad.any()) for one in module.parameters())
             for name, module in base.modules.items()}
    assert moved == {"unet": True, "text_encoder": True, "text_encoder_2": True, "vae": False}


def test_the_prior_is_weighed_after_its_mean() -> None:
    errors, prior = torch.tensor([1.0, 3.0, 10.0, 20.0, 60.0]), torch.tensor([False, False, True, True, True])
    loss, parts = objective.with_prior(errors, prior, 0.5)
    assert float(loss) == 2 + 0.5 * 30 and {name: float(one) for name, one in parts.items()} == {"instance": 2,
                                                                                                 "prior": 30}
    assert float(objective.with_prior(errors, prior)[0]) == 32
    loss, parts = objective.with_prior(errors[:2], prior[:2], 0.5)
    assert float(loss) == 2 and list(parts) == ["instance"]
    assert float(objective.with_prior(errors[2:], prior[2:], 0.5)[0]) == 15
