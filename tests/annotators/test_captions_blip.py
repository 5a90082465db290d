"""BLIP's captions on a tiny model of its architecture, saved and loaded through the code that loads the real one."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from annotators import captions  # noqa: E402
from annotators.captions import BATCH, NEW_TOKENS, BlipCaptions, LightCaptions, captioner  # noqa: E402
from benchmarks import random_captioner  # noqa: E402
from schemas.errors import UsageError  # noqa: E402


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_captioner.save(tmp_path_factory.mktemp("captioner"))


def pictures(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(8)
    sizes = rng.integers(20, 60, (count, 2))
    return [rng.integers(0, 256, (height, width, 3)).astype(np.uint8) for height, width in sizes.tolist()]


def one_by_one(folder: Path, shown: Sequence[np.ndarray | Image.Image], prompt: str) -> list[str]:
    """The loop of the model's own card: one picture at a time."""
    from transformers import BlipForConditionalGeneration, BlipProcessor

    torch.set_num_threads(1)
    model = BlipForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    processor = BlipProcessor.from_pretrained(folder)
    said = []
    for one in shown:
        with torch.inference_mode():
            made = model.generate(**processor(one, prompt, return_tensors="pt"), do_sample=False, num_beams=1,
                                  max_new_tokens=NEW_TOKENS)
        said.append(" ".join(processor.decode(made[0], skip_special_tokens=True).split()))
    return said


def test_captions_are_those_of_the_plain_loop(tiny: Path) -> None:
    shown = pictures(BATCH + 3)
    found = BlipCaptions(str(tiny))({"image": shown, "class_name": ["backpack"] * len(shown)})["caption"]
    assert found == one_by_one(tiny, shown, "a backpack")
    assert len(set(found)) > 3  # the tiny model does look at the pictures
    assert all(caption.startswith("a backpack") for caption in found)


def test_company_order_and_other_classes_change_no_caption(tiny: Path) -> None:
    blip = BlipCaptions(str(tiny))
    shown = pictures(BATCH + 2)
    names = ["backpack", "2d cartoon devil"] * (len(shown) // 2)
    together = blip({"image": shown, "class_name": names})["caption"]
    assert blip({"image": shown[::-1], "class_name": names[::-1]})["caption"] == together[::-1]
    alone = [blip({"image": [one], "class_name": [name]})["caption"][0]
             for one, name in zip(shown, names, strict=True)]
    assert alone == together
    assert [caption.startswith("a 2d cartoon devil") for caption in together] == [False, True] * (len(shown) // 2)
    assert blip({"image": [], "class_name": []}) == {"caption": []}


def test_the_class_words_are_spelt_as_they_were_given(tiny: Path) -> None:
    shown = pictures(2)
    [shirt, apple] = BlipCaptions(str(tiny))({"image": shown, "class_name": ["T-shirt", "apple"]})["caption"]
    assert shirt.startswith("a T-shirt") and apple.startswith("an apple")
    assert shirt.removeprefix("a T-shirt") == one_by_one(tiny, shown[:1], "a t-shirt")[0].removeprefix("a t - shirt")


def test_a_picture_three_pixels_high_is_seen_as_it_is(tiny: Path) -> None:
    flat = np.random.default_rng(1).integers(0, 256, (3, 40, 3)).astype(np.uint8)
    assert (BlipCaptions(str(tiny))({"image": [flat], "class_name": ["backpack"]})["caption"]
            == one_by_one(tiny, [Image.fromarray(flat)], "a backpack"))


def test_identity_follows_weights_and_vocabulary_and_nothing_else(tiny: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny, copy)
    (copy / "pytorch_model.bin").write_bytes(b"never opened")
    one, same = BlipCaptions(str(tiny)), BlipCaptions(str(copy))
    assert one.identity == same.identity and one.identity != LightCaptions().identity
    assert str(tmp_path) not in str(same.provenance)
    assert ("float32 on cpu" in same.provenance["backend"]) or torch.cuda.is_available()
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert BlipCaptions(str(copy)).identity != one.identity


def test_files_that_are_no_blip_are_a_usage_error(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds config\.json"):
        captioner(str(tmp_path))
    shutil.copytree(tiny, tmp_path / "half")
    (tmp_path / "half" / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(UsageError, match="cannot read the BLIP"):
        captioner(str(tmp_path / "half"))({"image": pictures(1), "class_name": ["cup"]})


def test_a_worker_without_the_gpu_of_the_identity_is_refused(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    captions._blip.cache_clear()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    blip = BlipCaptions(str(tiny))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="has no GPU"):
        blip({"image": pictures(1), "class_name": ["cup"]})
