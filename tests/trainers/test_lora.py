from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("peft")

import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from safetensors.torch import load_file, save_file
from torch import Tensor

from trainers import kohya, lora
from trainers.bases import Base, open_base

KINDS = {"tiny": StableDiffusionPipeline, "tiny-sdxl": StableDiffusionXLPipeline}


def picture(pipeline: Any) -> Tensor:
    pipeline.set_progress_bar_config(disable=True)
    made = pipeline("a olis backpack", num_inference_steps=2, generator=torch.Generator().manual_seed(0),
                    output_type="pt", height=32, width=32)
    found: Tensor = made.images
    return found


def fresh(base: Base) -> Any:
    return type(base.pipeline).from_pretrained(base.folder)


@pytest.fixture(params=KINDS)
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Base:
    torch.set_num_threads(1)
    return open_base(request.param, tmp_path_factory.getbasetemp() / "bases")


def moved(base: Base, rank: int = 3, encoders: bool = True) -> Base:
    """The base with a LoRA that is no longer zero."""
    lora.add_lora([base.unet, *(base.text_encoders if encoders else [])], rank, 0)
    chance = torch.Generator().manual_seed(1)
    for part in base.modules.values():
        for weight in part.parameters():
            if weight.requires_grad:
                weight.data = torch.randn(weight.shape, generator=chance) / 10
    return base


def test_it_begins_with_no_change_and_freezes_all_else(base: Base) -> None:
    before = picture(base.pipeline)
    lora.add_lora([base.unet, *base.text_encoders], 3, 0)
    assert torch.equal(picture(base.pipeline), before)
    trains = [(name, weight) for part in base.modules.values() for name, weight in part.named_parameters()
              if weight.requires_grad]
    assert all("lora_" in name and weight.dtype == torch.float32 for name, weight in trains)
    attentions = sum(name.endswith(("to_q", "q_proj")) for part in base.modules.values()
                     if part is not base.vae for name, _ in part.named_modules())
    assert len(trains) == attentions * 4 * 2  # query, key, value and out; down and up


def test_the_first_values_follow_from_the_seed_alone(base: Base) -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    lora.add_lora([base.unet], 3, 5)
    assert torch.equal(torch.get_rng_state(), before)
    other = open_base(base.name, base.folder.parent)
    lora.add_lora([other.unet], 3, 5)
    assert all(torch.equal(one, two) for one, two in
               zip(base.unet.parameters(), other.unet.parameters(), strict=True))


@pytest.mark.parametrize("encoders", [True, False])
def test_plain_diffusers_loads_both_files(base: Base, encoders: bool, tmp_path: Path) -> None:
    before = picture(base.pipeline)
    lora.save_lora(moved(base, encoders=encoders).pipeline, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {lora.FILE, kohya.FILE}
    wanted = picture(base.pipeline)
    assert (wanted - before).abs().max() > 0.01
    for named in ({}, {"weight_name": kohya.FILE}):
        pipeline = fresh(base)
        pipeline.load_lora_weights(tmp_path, **named)
        assert torch.equal(picture(pipeline), wanted)


def test_an_alpha_that_is_not_the_rank_is_read_back(base: Base, tmp_path: Path) -> None:
    lora.save_lora(moved(base).pipeline, tmp_path)
    file = load_file(tmp_path / kohya.FILE)
    halved = {name: weight / 2 if name.endswith("alpha") else weight for name, weight in file.items()}
    save_file(halved, tmp_path / "half.safetensors")
    for part in base.modules.values():
        for name, weight in part.named_parameters():
            if "lora_B" in name:
                weight.data /= 2  # alpha / rank of 1/2 is half of what is added
    pipeline = fresh(base)
    pipeline.load_lora_weights(tmp_path, weight_name="half.safetensors")
    assert torch.allclose(picture(pipeline), picture(base.pipeline), atol=1e-5)
    assert {weight.item() for name, weight in file.items() if name.endswith("alpha")} == {3.0}
