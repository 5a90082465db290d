from pathlib import Path
from typing import Any

import pytest

from schemas.errors import UsageError
from trainers.dreambooth_options import Dreambooth


def options(**given: Any) -> Dreambooth:
    return Dreambooth(**{"data": "subject", "regularization": "set", "out": Path("out"), **given})


@pytest.mark.parametrize(("family", "given", "steps", "lora", "lr"), [
    ("sd", {}, 4000, 0, 2e-6),
    ("sd", {"lora": 8}, 4000, 8, 1e-4),
    ("sdxl", {}, 8000, 32, 1e-4),
    ("sdxl", {"lora": 0}, 8000, 0, 2e-6),
    ("sd", {"preset": "dreambooth-baseline"}, 1500, 0, 2e-6),
    ("sd", {"preset": "table4:can", "lr": 1e-5, "steps": 7}, 7, 0, 1e-5)])
def test_what_is_not_given_is_the_presets(family: str, given: dict[str, Any], steps: int, lora: int,
                                          lr: float) -> None:
    found = options(**given).resolved(family)
    assert (found.steps, found.lora, found.lr) == (steps, lora, lr)
    assert found.preset == given.get("preset", f"paper-{family}")


def test_a_zero_is_given_too() -> None:
    found = options(word_dropout=0.0, crop_ratio=1.0, captions="class").resolved("sd")
    assert (found.word_dropout, found.crop_ratio, found.captions) == (0.0, 1.0, "class")
    found = options().resolved("sd")
    assert (found.word_dropout, found.crop_ratio, found.captions) == (0.5, 0.75, "own")


@pytest.mark.parametrize(("given", "kept"), [
    ({}, []),
    ({"preset": "table4:dog"}, [1000, 1500, 2000, 2500]),
    ({"preset": "table4:dog", "checkpoint_every": 700}, [1400, 2100, 2800]),
    ({"preset": "table4:dog", "publish_from": 0}, []),
    ({"steps": 40, "publish_from": 25, "checkpoint_every": 10}, [30])])
def test_checkpoints_within_the_range_are_published_and_the_last_weights_always(given: dict[str, Any],
                                                                                kept: list[int]) -> None:
    assert list(options(**given).resolved("sd").kept_steps()) == kept


@pytest.mark.parametrize(("given", "said"), [
    ({"data": ""}, "--data is missing.*build subject"),
    ({"regularization": ""}, "--regularization is missing.*none to train without.*build regularization"),
    ({"preset": "papersd"}, "--preset is not known"),
    ({"word_dropout": 1.5}, "--word-dropout is out of range"),
    ({"crop_ratio": 0.0}, "--crop-ratio is out of range"),
    ({"captions": "none"}, "--captions is not known"),
    ({"lora": -1}, "--lora is out of range"),
    ({"out": Path()}, "--out is missing")])
def test_what_is_wrong_is_said_before_anything_is_loaded(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        options(**given).check()


def test_a_warmup_is_compared_with_the_presets_steps() -> None:
    with pytest.raises(UsageError, match="--warmup leaves no step"):
        options(schedule="linear", warmup=4000).resolved("sd")
