"""Plain diffusers loads what each method wrote, by the very code that the card tells: its pictures are those of the
run's last grid of samples."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")
import torch
from diffusers import (
    AnimateDiffPipeline,
    DDIMScheduler,
    DiffusionPipeline,
    MotionAdapter,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
)
from PIL import Image

from schemas.draws import draw
from tests.trainers import made
from trainers import cli, kohya
from trainers.tiny import SIDE

pytestmark = pytest.mark.xdist_group("downstream")
_STEPS, _GUIDANCE = 3, 2.0
"""Of the samples."""
_LORA = ["dreambooth", "--regularization", "none", "--lora", "4", "--lr", "1e-2", "--captions", "class"]
_RUNS = {
    "whole": ["dreambooth", "--regularization", "none", "--base", "tiny", "--lr", "1e-3"],
    "lora": [*_LORA, "--base", "tiny"],
    "lora-v": [*_LORA, "--base", "tiny-v"],
    "lora-xl": [*_LORA, "--base", "tiny-sdxl"],
    "word": ["inversion", "--base", "tiny", "--vectors", "2", "--lr", "1e-1"],
    "word-xl": ["inversion", "--base", "tiny-sdxl", "--vectors", "2", "--lr", "1e-1"],
    "custom": ["custom", "--base", "tiny", "--initial", "photo", "--lr", "1e-2"],
    "custom-xl": ["custom", "--base", "tiny-sdxl", "--initial", "photo", "--lr", "1e-2"],
}
Trained = Callable[[str], Path]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A function that trains one of `_RUNS` when it is first asked for, and gives its OUT."""
    home = tmp_path_factory.mktemp("runs")
    made.subject(home / "data")

    def train(name: str) -> Path:
        out = home / name
        if not out.exists():
            common = ["--steps", "2", "--sample-count", "1", "--sample-steps", str(_STEPS), "--guidance",
                      str(_GUIDANCE), "--data", str(home / "data"), "--out", str(out)]
            assert cli.main([*_RUNS[name], *common]) == 0
        return out

    return train


def _card(out: Path) -> list[str]:
    """The code of the card, in the parts that it is divided into by empty lines; no picture is drawn."""
    text = (out / "README.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    lines = [line for line in code.replace('"OUT', f'"{out}').splitlines() if "pipe(" not in line]
    return "\n".join(lines).split("\n\n")


def _loaded(out: Path) -> Any:
    scope: dict[str, Any] = {}
    exec("\n".join(_card(out)), scope)
    return _quiet(scope["pipe"])


def _quiet(pipe: Any) -> Any:
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config, clip_sample=False)
    return pipe


def _latents(pipe: Any, row: int) -> torch.Tensor:
    """What the samples of a row begin with, by the run's seed 0."""
    chance = torch.Generator().manual_seed(draw("sample", "0", str(row), "0"))
    side = SIDE // pipe.vae_scale_factor
    return torch.randn(1, 4, side, side, generator=chance)


def _drawn(pipe: Any, prompts: list[str]) -> np.ndarray:
    """A picture of each prompt, beginning as the run's samples do."""
    pictures = [pipe(prompt, height=SIDE, width=SIDE, num_inference_steps=_STEPS, guidance_scale=_GUIDANCE,
                     latents=_latents(pipe, row), output_type="np").images[0] for row, prompt in enumerate(prompts)]
    return np.concatenate(pictures) * 255


def _prompts(out: Path) -> list[str]:
    return list(json.loads((out / "run.json").read_text())["facts"]["prompts"])


def _check(pipe: Any, out: Path) -> None:
    """Draws as the trained method did, which the base does not."""
    grid = np.asarray(Image.open(out / "samples" / "step-00000002.png").convert("RGB"), np.float32)
    assert np.abs(_drawn(pipe, _prompts(out)) - grid).max() <= 1
    [base] = (out / "base").iterdir()
    plain = _quiet(DiffusionPipeline.from_pretrained(base))
    assert np.abs(_drawn(plain, _prompts(out)) - grid).max() > 8


@pytest.mark.parametrize("name", _RUNS)
def test_the_code_of_the_card_draws_the_last_samples(name: str, trained: Trained) -> None:
    out = trained(name)
    _check(_loaded(out), out)


@pytest.mark.parametrize("name", ["whole", "custom", "custom-xl"])
def test_a_whole_pipeline_is_there(name: str, trained: Trained) -> None:
    out = trained(name)
    kind = StableDiffusionXLPipeline if name.endswith("xl") else StableDiffusionPipeline
    _check(_quiet(kind.from_pretrained(out)), out)


@pytest.mark.parametrize("name", ["lora", "lora-v"])
def test_kohyas_names(name: str, trained: Trained) -> None:
    out = trained(name)
    [base] = (out / "base").iterdir()
    pipe = StableDiffusionPipeline.from_pretrained(base)
    pipe.load_lora_weights(out, weight_name=kohya.FILE)
    _check(_quiet(pipe), out)


@pytest.mark.parametrize("name", ["whole", "lora", "word", "custom"])
def test_animatediff_draws_frames_of_it(name: str, trained: Trained) -> None:
    """With a motion module that adds nothing, each frame is the picture of its noise."""
    out = trained(name)
    still = _loaded(out)
    levels = still.unet.config.block_out_channels
    motion = MotionAdapter(block_out_channels=levels, motion_layers_per_block=1, motion_norm_num_groups=8,
                           motion_num_attention_heads=4, motion_max_seq_length=4)
    with torch.no_grad():
        for part, values in motion.named_parameters():
            if ".proj_out." in part:
                values.zero_()
    whole = (out / "model_index.json").is_file()
    pipe = _quiet(AnimateDiffPipeline.from_pretrained(out if whole else out / "base" / "tiny", motion_adapter=motion))
    if name == "lora":
        pipe.load_lora_weights(out)
    if name == "word":
        pipe.load_textual_inversion(out, weight_name="learned_embeds.safetensors")
    prompt = _prompts(out)[0]
    frames = pipe(prompt, num_frames=2, height=SIDE, width=SIDE, num_inference_steps=_STEPS, guidance_scale=_GUIDANCE,
                  latents=torch.stack([_latents(pipe, 0), _latents(pipe, 1)], 2), output_type="np").frames[0]
    assert np.abs(frames.reshape(2 * SIDE, SIDE, 3) * 255 - _drawn(still, [prompt, prompt])).max() < 1
