from pathlib import Path
from typing import Any

import pytest

from schemas.errors import UsageError
from trainers.retrinet.retrinet_options import RetriNet


def options(**given: Any) -> RetriNet:
    return RetriNet(data="d", out=Path("out"), **given)


@pytest.mark.parametrize(("given", "side", "wanted"), [
    ({}, 512, (9_000, 1, 384)), ({}, 64, (9_000, 1, 64)), ({"preset": "paper-9k"}, 512, (9_000, 8, 384)),
    ({"preset": "paper-45k"}, 512, (45_000, 8, 384)),
    ({"preset": "paper-45k", "steps": 5, "accumulation": 2, "resolution": 256}, 512, (5, 2, 256))])
def test_presets_are_the_papers_and_what_is_given_wins(given: dict[str, Any], side: int,
                                                       wanted: tuple[int, int, int]) -> None:
    made = options(**given).resolved(side)
    assert (made.steps, made.accumulation, made.resolution) == wanted
    assert (made.batch_size, made.precision, made.references, made.prompt_drop) == (1, "no", 4, 0.5)


def test_the_share_of_concepts_is_the_tasks() -> None:
    assert [options(task=task).compose for task in ("reconstruct", "compose", "multitask")] == [0, 1, 0.5]
    assert options(task="multitask", compose_share=0.2).compose == 0.2


@pytest.mark.parametrize(("given", "said"), [
    ({"data": ""}, "--data is missing"), ({"task": "both"}, "--task is not known"),
    ({"setting": "c"}, "--setting is not known"), ({"preset": "paper"}, "paper-9k, paper-45k"),
    ({"references": 0}, "--references is out of range"), ({"normalise": "mask"}, "all, area")])
def test_what_will_not_do_is_told(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        RetriNet(**{"data": "d", "out": Path("out"), **given}).check()
