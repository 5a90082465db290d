"""CLIP-T on a tiny CLIP, saved and loaded through the code that loads the real one."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from annotators.base import Annotator  # noqa: E402
from annotators.clip_t import BATCH, ClipT  # noqa: E402
from benchmarks import random_diffusion  # noqa: E402
from schemas.errors import UsageError  # noqa: E402


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_diffusion.save_clip(tmp_path_factory.mktemp("clip"))


def pairs(count: int) -> dict[str, list]:
    rng = np.random.default_rng(3)
    return {"image": [rng.integers(0, 256, (40, 50, 3)).astype(np.uint8) for _ in range(count)],
            "text": [f"a photo of a dog, number {at}" + " and another" * at for at in range(count)]}


def by_hand(folder: Path, image: np.ndarray, text: str) -> float:
    """The cosine from the model's own two towers, one pair at a time."""
    from transformers import CLIPModel, CLIPProcessor

    torch.set_num_threads(1)
    model, processor = CLIPModel.from_pretrained(folder).eval(), CLIPProcessor.from_pretrained(folder)
    given = processor(images=image, text=text, return_tensors="pt", padding="max_length", truncation=True)
    with torch.inference_mode():
        seen = model.visual_projection(model.vision_model(given["pixel_values"]).pooler_output)[0]
        read = model.text_projection(model.text_model(given["input_ids"]).pooler_output)[0]
    return float(seen @ read / seen.norm() / read.norm())


def test_scores_are_cosines_of_the_two_towers(tiny: Path) -> None:
    scorer, asked = ClipT(str(tiny)), pairs(BATCH + 3)
    assert isinstance(scorer, Annotator)
    found = scorer(asked)["clip_t"]
    assert found == pytest.approx([by_hand(tiny, image, text) for image, text in zip(*asked.values(), strict=True)],
                                  abs=1e-5)
    assert len(set(found)) == BATCH + 3 and all(-1 <= score <= 1 for score in found)


def test_a_score_does_not_depend_on_the_other_pairs(tiny: Path) -> None:
    scorer, asked = ClipT(str(tiny)), pairs(BATCH + 3)
    whole = scorer(asked)["clip_t"]
    some = {name: values[::-1][:5] for name, values in asked.items()}
    assert scorer(some)["clip_t"] == whole[::-1][:5]


def test_words_beyond_what_clip_reads_are_cut_off(tiny: Path) -> None:
    scorer, asked = ClipT(str(tiny)), pairs(1)
    long = {**asked, "text": ["dog " * 200]}
    assert scorer(long)["clip_t"] == scorer({**asked, "text": ["dog " * 201]})["clip_t"]


def test_identity_and_provenance(tiny: Path, tmp_path: Path) -> None:
    scorer = ClipT(str(tiny))
    copy = Path(shutil.copytree(tiny, tmp_path / "copy"))
    assert ClipT(str(copy)).identity == scorer.identity
    assert str(tmp_path) not in str(ClipT(str(copy)).provenance)
    assert scorer.provenance["backend"].startswith("CLIP, transformers, float32 on ")
    other = random_diffusion.save_clip(tmp_path / "other", seed=1)
    assert ClipT(str(other)).identity != scorer.identity


def test_what_is_no_clip_is_told_in_one_line(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder with a model, and no name of one"):
        ClipT(str(tmp_path))
    broken = Path(shutil.copytree(tiny, tmp_path / "broken"))
    (broken / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(UsageError, match="cannot read the CLIP"):
        ClipT(str(broken))(pairs(1))
