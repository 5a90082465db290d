"""Cosines of a token and its class, by hand from what the run published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("peft")
pytest.importorskip("accelerate")
pytest.importorskip("tensorboard")

import shutil

import torch

from schemas.errors import UsageError
from tests.trainers import made
from tests.trainers.evaluation import trained
from trainers.evaluation.meanings import token_class_cosines
from trainers.evaluation.runs import open_runs, subjects

pytestmark = pytest.mark.xdist_group("evaluation-meanings")


@torch.no_grad()
def cosine(pipe: Any, phrase: str, noun: str, part: str = "") -> float:
    """Of the encoder's output at the end of each text, that the tokenizer's own id tells."""
    tokenizer, encoder = (getattr(pipe, f"{name}{part}") for name in ("tokenizer", "text_encoder"))
    vectors = []
    for text in (f"a photo of a {phrase}", f"a photo of a {noun}"):
        ids = tokenizer(pipe.maybe_convert_prompt(text, tokenizer), return_tensors="pt").input_ids
        vectors.append(encoder(ids).last_hidden_state[0, ids[0].tolist().index(tokenizer.eos_token_id)])
    return float(vectors[0] @ vectors[1] / vectors[0].norm() / vectors[1].norm())


@pytest.mark.parametrize(("method", "more", "phrase"), [
    ("dreambooth", ("--regularization", "none"), "olis backpack"),
    ("dreambooth", ("--regularization", "none", "--lora", "2", "--lr", "0.1"), "olis backpack"),
    ("dreambooth", ("--regularization", "none", "--base", "tiny-sdxl", "--lr", "0.1"), "olis backpack"),
    ("inversion", ("--vectors", "2", "--lr", "1"), "<it>"),
    ("custom", ("--lr", "0.3", "--class-guidance", "0"), "<new1> backpack"),
])
def test_every_checkpoint_is_compared_with_the_class(tmp_path: Path, method: str, more: tuple[str, ...],
                                                     phrase: str) -> None:
    torch.set_num_threads(1)
    made.subject(tmp_path / "pack")
    base = () if "--base" in more else ("--base", "tiny")
    out = trained.run(method, tmp_path / "out", "--data", str(tmp_path / "pack"), *base, *more, "--checkpoint-every",
                      "1", "--keep", "2")
    [run] = open_runs([str(out)])
    found = token_class_cosines(run, subjects(run)[0])
    assert [(one.step, one.subject) for one in found] == [(1, "pack"), (2, "pack")]
    pipe = trained.card(out)["pipe"]
    parts = ("", "_2") if "tiny-sdxl" in more else ("",)
    wanted = sum(cosine(pipe, phrase, "backpack", part) for part in parts) / len(parts)
    assert found[1].cosine == pytest.approx(wanted, abs=1e-5)
    assert found[0].cosine != pytest.approx(found[1].cosine, abs=1e-6)
    shutil.rmtree(out / "checkpoints")
    with pytest.raises(UsageError, match="no checkpoint of the run is left"):
        token_class_cosines(run, subjects(run)[0])
