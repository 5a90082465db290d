"""Options of `trainers coti`: what is refused, in one line, before anything is loaded."""

from pathlib import Path

import pytest

from schemas.errors import UsageError
from trainers.coti.coti_options import Coti


def options(**more: object) -> Coti:
    return Coti(**{"pool": "POOL", "out": Path("OUT"), **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(("more", "said"), [
    ({"pool": ""}, "--pool is missing.*build coti"),
    ({"out": Path()}, "--out is missing"),
    ({"lr": "5e-4,fast"}, "--lr is no list of rates.*5e-4,fast"),
    ({"lr": "5e-4,0"}, "--lr is no list of rates"),
    ({"lr": "nan"}, "--lr is no list of rates"),
    ({"confusable": Path("DIR")}, "--confusable is for --scorer refresh"),
    ({"steps_per_rate": 250}, "--steps-per-rate is no whole number of blocks.*250.*multiple of 100"),
    ({"select": "best"}, "--select is not known.*coti, aesthetic, concept, is, lpips, vlad, random, full"),
    ({"schedule": "cosine"}, "--schedule is not known.*dynamic, fixed"),
    ({"warmup": 5}, "--warmup is not for coti"),
    ({"ema": 0.9}, "--ema is not for coti"),
    ({"budget": 0}, "--budget is out of range"),
])
def test_what_is_refused(more: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        options(**more).check()


def test_the_defaults_are_those_of_the_paper() -> None:
    mine = options()
    mine.check()
    assert mine.rates() == (5e-4, 2.5e-4, 7.5e-5, 5e-5, 2.5e-5)
    assert (mine.cycles, mine.budget, mine.block, mine.steps_per_rate, mine.previews) == (20, 10, 100, 2000, 10)
    assert (mine.vectors, mine.batch_size, mine.patience) == (8, 2, 3)


def test_the_loop_is_told_numbers() -> None:
    told = options(lr="0.5,0.25", seed=7, resolution=64).training()
    assert (told.lr, told.schedule, told.seed, told.resolution, told.batch_size) == (0.5, "constant", 7, 64, 2)
    told.check()
