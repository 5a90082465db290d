from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
from safetensors import safe_open
from safetensors.torch import load_file

from trainers import kohya

DOWN, UP = torch.arange(8.0).reshape(2, 4), torch.arange(6.0).reshape(3, 2)


def one(layer: str) -> dict[str, torch.Tensor]:
    return {f"{layer}.lora_A.weight": DOWN, f"{layer}.lora_B.weight": UP}


def names(part: str, layer: str, blocks: int | None) -> list[str]:
    return [name for name in kohya.weights({part: one(layer)}, 1, blocks) if name.endswith(".alpha")]


def test_a_layer_is_three_tensors_with_the_real_alpha() -> None:
    made = kohya.weights({"unet": one("down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_out.0")}, 16, None)
    name = "lora_unet_down_blocks_0_attentions_1_transformer_blocks_0_attn2_to_out_0"
    assert set(made) == {f"{name}.lora_down.weight", f"{name}.lora_up.weight", f"{name}.alpha"}
    assert torch.equal(made[f"{name}.lora_down.weight"], DOWN) and torch.equal(made[f"{name}.lora_up.weight"], UP)
    assert made[f"{name}.alpha"].item() == 16.0 and made[f"{name}.alpha"].shape == ()


@pytest.mark.parametrize("written", ["encoder.layers.11.self_attn.q_proj",
                                     "text_model.encoder.layers.11.self_attn.q_proj"])
def test_text_encoders_keep_text_model_whichever_transformers_wrote_them(written: str) -> None:
    tail = "text_model_encoder_layers_11_self_attn_q_proj.alpha"
    assert names("text_encoder", written, None) == [f"lora_te_{tail}"]
    assert names("text_encoder", written, 2) == [f"lora_te1_{tail}"]
    assert names("text_encoder_2", written, 2) == [f"lora_te2_{tail}"]


@pytest.mark.parametrize(("layer", "first"), [
    # SDXL's own: levels of two blocks, attentions on the second and third way down, the first and second way up.
    ("down_blocks.1.attentions.0", "input_blocks_4_1"), ("down_blocks.1.attentions.1", "input_blocks_5_1"),
    ("down_blocks.2.attentions.0", "input_blocks_7_1"), ("down_blocks.2.attentions.1", "input_blocks_8_1"),
    ("mid_block.attentions.0", "middle_block_1"),
    ("up_blocks.0.attentions.0", "output_blocks_0_1"), ("up_blocks.0.attentions.2", "output_blocks_2_1"),
    ("up_blocks.1.attentions.0", "output_blocks_3_1"), ("up_blocks.1.attentions.2", "output_blocks_5_1")])
def test_sdxls_blocks_are_counted_as_in_its_first_release(layer: str, first: str) -> None:
    rest = "transformer_blocks.3.attn1.to_k"
    assert names("unet", f"{layer}.{rest}", 2) == [f"lora_unet_{first}_transformer_blocks_3_attn1_to_k.alpha"]


def test_what_is_no_attention_or_no_lora_is_an_error() -> None:
    with pytest.raises(ValueError, match="lies in no attention"):
        kohya.first_name("down_blocks.0.resnets.0.conv1", 2)
    with pytest.raises(ValueError, match="no weight of a LoRA"):
        kohya.weights({"unet": {"conv_in.weight": DOWN}}, 1, None)


def test_the_file_says_what_readers_ask_for(tmp_path: Path) -> None:
    kohya.save({"unet": one("mid_block.attentions.0.proj_in")}, 1.0, None, tmp_path / "a.safetensors")
    with safe_open(tmp_path / "a.safetensors", "pt") as file:
        said = file.metadata()
    assert said == {"format": "pt", "ss_network_module": "networks.lora", "ss_network_dim": "2",
                    "ss_network_alpha": "1"}
    assert len(load_file(tmp_path / "a.safetensors")) == 3
