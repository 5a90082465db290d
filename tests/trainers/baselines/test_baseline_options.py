from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import UsageError
from trainers.baselines.baseline_options import Baseline
from trainers.baselines.controlnet_options import ControlNet
from trainers.baselines.fastcomposer_options import FastComposer
from trainers.baselines.ip_adapter_options import IpAdapter
from trainers.baselines.kandinsky_options import Kandinsky


def options(**given: Any) -> IpAdapter:
    return IpAdapter(**{"data": "data", "out": Path("out"), **given})


@pytest.mark.parametrize(("side", "given", "resolution"), [(512, None, 256), (64, None, 64), (512, 384, 384)])
def test_pictures_are_the_papers_or_the_bases(side: int, given: int | None, resolution: int) -> None:
    assert options(resolution=given).resolved(side).resolution == resolution


@pytest.mark.parametrize("kind", [IpAdapter, ControlNet, FastComposer, Kandinsky])
def test_the_preset_is_the_papers_and_what_is_given_wins(kind: type[Baseline]) -> None:
    """256 px and fp16 (its section 3.1); of a method's other numbers it tells none."""
    plain, paper, wins = (kind(data="data", out=Path("out"), **given).resolved(512) for given in (
        {}, {"preset": "paper"}, {"preset": "paper", "precision": "no", "resolution": 384}))
    assert [(one.resolution, one.precision) for one in (plain, paper, wins)] == [
        (256, "no"), (256, "fp16"), (384, "no")]
    assert replace(paper, preset="", precision="no") == plain


@pytest.mark.parametrize(("given", "said"), [
    ({"preset": "paper-9k"}, r"--preset is not known \(got 'paper-9k'\); allowed: paper$"),
    ({"data": ""}, "--data is missing.*build retribooru"),
    ({"setting": "c"}, "--setting is not known"),
    ({"crop_ratio": 0.0}, "--crop-ratio is out of range"),
    ({"reference_drop": 0.5, "prompt_drop": 0.4, "both_drop": 0.2}, r"exclude one another.*0\.5 \+ 0\.4 \+ 0\.2"),
    ({"out": Path()}, "--out is missing")])
def test_what_is_wrong_is_said_before_anything_is_loaded(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        options(**given).check()


def test_all_may_be_dropped() -> None:
    options(reference_drop=0.5, prompt_drop=0.25, both_drop=0.25).check()
