"""Embeddings by tiny models, saved and loaded through the code that loads the real ones."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
diffusers = pytest.importorskip("diffusers")

from safetensors.torch import load_file, save_file  # noqa: E402

from annotators.embeddings import Embeddings, open_embeddings  # noqa: E402
from annotators.model_embeddings import BATCHES  # noqa: E402
from annotators.towers import TEXTS  # noqa: E402
from benchmarks import random_captioner, random_diffusion  # noqa: E402
from schemas.errors import UsageError  # noqa: E402

KINDS = ("clip", "dino", "dinov2", "vae")


def save_dino(folder: Path, version: int) -> Path:
    """A tiny DINO with its processor."""
    torch.manual_seed(3)
    sizes: dict[str, Any] = {"hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32,
                             "patch_size": 8}
    if version == 1:
        model = transformers.ViTModel(transformers.ViTConfig(**sizes, intermediate_size=24), add_pooling_layer=False)
        processor = transformers.ViTImageProcessorPil(size={"height": 32, "width": 32})
    else:
        model = transformers.Dinov2Model(transformers.Dinov2Config(**sizes, mlp_ratio=2))
        processor = transformers.BitImageProcessorPil(size={"shortest_edge": 32},
                                                      crop_size={"height": 32, "width": 32})
    with torch.no_grad():  # as drawn, the last norm does nothing that its absence would not
        model.layernorm.weight.copy_(torch.rand(12) + 0.5)
        model.layernorm.bias.copy_(torch.rand(12))
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    there = tmp_path_factory.mktemp("models")
    return {"clip": random_diffusion.save_clip(there / "clip"), "dino": save_dino(there / "dino", 1),
            "dinov2": save_dino(there / "dinov2", 2), "vae": random_diffusion.save(there / "pipeline")}


def pictures(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (40 + at, 50, 3)).astype(np.uint8) for at in range(count)]


def by_hand(kind: str, folder: Path, picture: np.ndarray) -> np.ndarray:
    """The embedding from the model's own parts, one picture at a time."""
    torch.set_num_threads(1)
    shown = Image.fromarray(picture)
    with torch.inference_mode():
        if kind == "clip":
            model = transformers.CLIPModel.from_pretrained(folder).eval()
            pixels = transformers.CLIPProcessor.from_pretrained(folder).image_processor(shown, return_tensors="pt")
            made = model.visual_projection(model.vision_model(pixels["pixel_values"]).pooler_output)[0]
        elif kind == "vae":
            vae = diffusers.AutoencoderKL.from_pretrained(folder / "vae").eval()
            assert shown.size == (50, 40)  # scaled by 0.4 to 20 x 16, whose middle 16 x 16 is shown
            square = shown.resize((16, 16), Image.Resampling.BICUBIC, box=(5, 0, 45, 40))
            pixels = torch.tensor(np.asarray(square).transpose(2, 0, 1)[None] / 127.5 - 1, dtype=torch.float32)
            made = (vae.config.scaling_factor * vae.encode(pixels).latent_dist.mode()).flatten()
        else:
            model = transformers.AutoModel.from_pretrained(folder).eval()
            pixels = transformers.AutoImageProcessor.from_pretrained(folder)(shown, return_tensors="pt")
            before = model.encoder(model.embeddings(pixels["pixel_values"])).last_hidden_state if kind == "dinov2" \
                else _v1_before_the_norm(model, pixels["pixel_values"])
            made = torch.nn.functional.layer_norm(before[0, 0], (12,), model.layernorm.weight, model.layernorm.bias,
                                                  model.config.layer_norm_eps)
    return (made / made.norm()).numpy()


def _v1_before_the_norm(model: Any, pixels: Any) -> Any:
    seen: list[Any] = []
    model.layernorm.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    model(pixels)
    return seen[0]


@pytest.mark.parametrize(("kind", "width"), [("clip", 16), ("dino", 12), ("dinov2", 12), ("vae", 4 * 8 * 8)])
def test_embeddings_are_those_of_the_models_own_parts(models: dict[str, Path], kind: str, width: int) -> None:
    found, shown = open_embeddings(str(models[kind]), "clip"), pictures(BATCHES["CLIP"] + 3)
    assert isinstance(found, Embeddings) and found.width == width and found.reads_text == (kind == "clip")
    said = found({"image": shown})["clip"]
    assert pa.array(said, found.features.field("clip").type).type == pa.list_(pa.float32(), width)
    assert np.linalg.norm(np.stack(said), axis=1) == pytest.approx(np.ones(len(shown)), abs=1e-6)
    assert said[0] == pytest.approx(by_hand(kind, models[kind], shown[0]), abs=1e-5)
    assert len({one.tobytes() for one in said}) == len(shown)
    assert found({"image": []}) == {"clip": []}


@pytest.mark.parametrize("kind", KINDS)
def test_an_embedding_depends_on_no_other_picture(models: dict[str, Path], kind: str) -> None:
    found, shown = open_embeddings(str(models[kind])), pictures(BATCHES["CLIP"] + 3)
    whole = found({"image": shown})["embedding"]
    again = pickle.loads(pickle.dumps(found))({"image": shown[::-1][:5]})["embedding"]
    assert np.stack(again).tobytes() == np.stack(whole[::-1][:5]).tobytes()


@pytest.mark.parametrize("kind", ["clip", "dino", "dinov2"])
def test_of_a_line_of_pixels_the_middle_is_seen(models: dict[str, Path], kind: str) -> None:
    """Scaled to a shorter side of 224 pixels as it is, the second picture would have three thousand million."""
    line, middle = np.random.default_rng(1).integers(0, 256, (1, 100, 3)).astype(np.uint8), slice(42, 58)
    longest = np.repeat(line[:, :1], 60_000, axis=1)
    found = open_embeddings(str(models[kind]))({"image": [line, line[:, middle], longest, longest[:, :16],
                                                          np.ascontiguousarray(line.transpose(1, 0, 2))]})["embedding"]
    assert found[0].tobytes() == found[1].tobytes() != found[2].tobytes() == found[3].tobytes()
    assert np.linalg.norm(found[4]) == pytest.approx(1, abs=1e-6)


def test_texts_share_the_space_of_a_clips_pictures(models: dict[str, Path]) -> None:
    """As CLIP's own cosine of a picture and a text has it."""
    found, shown, said = open_embeddings(str(models["clip"])), pictures(1)[0], ["a dog", "a cat " * 200]
    made = found.texts(said)
    assert made.shape == (2, 16) and made.dtype == np.float32
    model = transformers.CLIPModel.from_pretrained(models["clip"]).eval()
    given = transformers.CLIPProcessor.from_pretrained(models["clip"])(
        images=Image.fromarray(shown), text=said, return_tensors="pt", padding="max_length", truncation=True)
    with torch.inference_mode():
        logits = model(**given).logits_per_image[0] / model.logit_scale.exp()
    assert made @ found({"image": [shown]})["embedding"][0] == pytest.approx(logits.numpy(), abs=1e-5)


def test_a_blip_compares_pictures_and_texts_as_its_itc_branch_does(tmp_path: Path) -> None:
    folder = random_captioner.save_retrieval(tmp_path / "blip")
    found, shown, said = open_embeddings(str(folder)), pictures(3), ["a red backpack", "a t-shirt on a rock", "a " * 50]
    assert isinstance(found, Embeddings) and (found.width, found.reads_text) == (10, True)
    made = np.stack(found({"image": shown})["embedding"]) @ found.texts(said).T
    torch.set_num_threads(1)
    model = transformers.BlipForImageTextRetrieval.from_pretrained(folder).eval()
    processor = transformers.BlipProcessor.from_pretrained(folder)
    with torch.inference_mode():
        for at, picture in enumerate(shown):
            for text in range(3):
                given = processor(images=Image.fromarray(picture), text=said[text], return_tensors="pt",
                                  truncation=True, max_length=35)
                itc = model(input_ids=given["input_ids"], pixel_values=given["pixel_values"],
                            attention_mask=given["attention_mask"], use_itm_head=False).itm_score
                assert made[at, text] == pytest.approx(float(itc), abs=1e-5)
    assert made.std() > 0.01


def test_a_blip_for_captions_lacks_what_compares(tmp_path: Path) -> None:
    found = open_embeddings(str(random_captioner.save(tmp_path / "blip")))
    with pytest.raises(UsageError, match=r"cannot read the BLIP: \d+ of its tensors are missing"):
        found({"image": pictures(1)})


def test_a_text_depends_on_no_other_text(models: dict[str, Path]) -> None:
    found, said = open_embeddings(str(models["clip"])), [f"a dog, number {at}" for at in range(TEXTS + 3)]
    assert found.texts(said)[::-1][:5].tobytes() == found.texts(said[::-1][:5]).tobytes()


@pytest.mark.parametrize("kind", ["dino", "vae"])
def test_what_reads_no_text_says_so(models: dict[str, Path], kind: str) -> None:
    with pytest.raises(UsageError, match=r"a (DINO|VAE) reads no text.*a penguin"):
        open_embeddings(str(models[kind])).texts(["a penguin"])


def test_identity_is_that_of_the_weights_and_not_of_their_place(models: dict[str, Path], tmp_path: Path) -> None:
    found = {kind: open_embeddings(str(folder)) for kind, folder in models.items()}
    assert len({one.identity for one in found.values()}) == 4
    for kind, folder in models.items():
        copy = shutil.copytree(folder, tmp_path / "copy" / kind)
        again = open_embeddings(str(copy), "clip")
        assert again.identity == found[kind].identity and str(tmp_path) not in str(again.provenance)
    assert open_embeddings(str(models["vae"] / "vae")).identity == found["vae"].identity
    other = random_diffusion.save_clip(tmp_path / "other", seed=1)
    assert open_embeddings(str(other)).identity != found["clip"].identity
    backends = [found[kind].provenance["backend"].partition(", float32 on ")[0] for kind in KINDS]
    assert backends == ["CLIP, transformers", "DINO, transformers", "DINO, transformers", "VAE, diffusers"]


def test_what_else_lies_beside_a_vae_does_not_count(models: dict[str, Path], tmp_path: Path) -> None:
    alone = Path(shutil.copytree(models["vae"] / "vae", tmp_path / "vae"))
    (alone / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"half as many")
    assert open_embeddings(str(alone)).identity == open_embeddings(str(models["vae"])).identity


@pytest.mark.parametrize(("said", "match"), [
    (None, "no model that embeds pictures.*config.json"),
    ({"model_type": "bert"}, r"no embeddings are known of this kind of model: bert.*a CLIP, a DINO \(vit"),
    ({"_class_name": "UNet2DConditionModel"}, "kind of model: UNet2DConditionModel"),
    ({}, "kind of model: nothing"),
    ([], "cannot read the configuration"),
    ({"_class_name": "AutoencoderKL"}, "cannot read the configuration: 'block_out_channels'"),
    ({"model_type": "clip", "vision_config": 3}, "cannot read the configuration"),
])
def test_what_is_no_such_model_is_told_in_one_line(tmp_path: Path, said: Any, match: str) -> None:
    if said is not None:
        (tmp_path / "config.json").write_text(json.dumps(said))
    with pytest.raises(UsageError, match=match) as told:
        open_embeddings(str(tmp_path))
    assert "\n" not in str(told.value).strip()


def test_no_folder_and_no_name() -> None:
    with pytest.raises(UsageError, match=r"no folder with a model, and no name of one.*nowhere/to/be/found"):
        open_embeddings("nowhere/to/be/found")


@pytest.mark.parametrize(("kind", "file"), [
    ("clip", "model.safetensors"), ("dino", "model.safetensors"), ("dinov2", "preprocessor_config.json"),
    ("vae", "vae/diffusion_pytorch_model.safetensors"),
])
@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_damaged_weights_are_told_in_one_line(models: dict[str, Path], tmp_path: Path, kind: str, file: str,
                                              damage: str) -> None:
    broken = Path(shutil.copytree(models[kind], tmp_path / "broken"))
    (broken / file).unlink()
    if damage == "damaged":
        (broken / file).write_bytes(b"no weights")
    with pytest.raises(UsageError, match=f"cannot read the {kind.removesuffix('v2').upper()}"):
        open_embeddings(str(broken))({"image": pictures(1)})


@pytest.mark.parametrize(("kind", "file", "tensor"), [
    ("clip", "model.safetensors", "visual_projection.weight"), ("dinov2", "model.safetensors", "layernorm.weight"),
    ("vae", "vae/diffusion_pytorch_model.safetensors", "encoder.conv_in.weight"),
])
def test_a_tensor_that_would_be_drawn_at_random_is_missed(models: dict[str, Path], tmp_path: Path, kind: str, file: str,
                                                          tensor: str) -> None:
    broken = Path(shutil.copytree(models[kind], tmp_path / "broken"))
    kept = load_file(broken / file)
    del kept[tensor]
    save_file(kept, broken / file, {"format": "pt"})
    with pytest.raises(UsageError, match=f"1 of its tensors are missing: {tensor}"):
        open_embeddings(str(broken))({"image": pictures(1)})
