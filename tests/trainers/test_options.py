from dataclasses import dataclass
from pathlib import Path

import pytest

from schemas.errors import UsageError
from schemas.terminal import arguments
from schemas.terminal.fields import option
from trainers import commands
from trainers.options import PLACES, Said, Training


@dataclass(frozen=True, kw_only=True)
class Toy(Training):
    steps: int = option(30, "optimizer steps", group="training", low=1, metavar="N")
    data: str = option("", "what to train on", group="data", metavar="DATA")


def test_a_methods_default_wins_over_the_common_one() -> None:
    parser = arguments.parser_for(Toy, "trainers toy", "")
    options = arguments.read(Toy, parser, ["--out", "x", "--data", "y", "--resume"])
    assert (options.steps, options.data, options.resume, options.out) == (30, "y", True, Path("x"))
    options.check()


@pytest.mark.parametrize(("wrong", "said"), [
    ({"out": Path()}, "--out is missing"),
    ({"lr": float("nan")}, "--lr is out of range"),
    ({"batch_size": 0}, "--batch-size is out of range"),
    ({"schedule": "sine"}, "--schedule is not known"),
    ({"warmup": 3}, "--warmup is for other schedules"),
    ({"warmup": 30, "schedule": "linear"}, "0 to 29"),
    ({"ema": 1.0}, "--ema is out of range"),
])
def test_what_cannot_be_is_one_line(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Toy(**{"out": Path("x"), **wrong}).check()  # type: ignore[arg-type]


def test_prompts_are_split_at_bars() -> None:
    assert Toy(sample_prompts=" a dog | a cat on a rock|").prompts() == ["a dog", "a cat on a rock"]
    assert Toy().prompts() == []


def test_all_that_may_differ_on_resume_is_no_matter_of_learning() -> None:
    assert not PLACES & {"steps", "lr", "seed", "batch_size", "accumulation", "ema", "precision", "resolution"}


def test_a_command_checks_before_it_loads_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    toy = commands.method("no_such_module", Toy, Said("a toy", "A toy.", ""))
    with pytest.raises(UsageError, match="--out is missing"):
        toy.run([])
    with pytest.raises(ModuleNotFoundError):
        toy.run(["--out", "x"])


def test_a_folder_with_a_run_is_noticed_before_anything_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    toy = commands.method("no_such_module", Toy, Said("a toy", "A toy.", ""))
    with pytest.raises(UsageError, match="--resume"):
        toy.run(["--out", str(tmp_path)])
    with pytest.raises(ModuleNotFoundError):
        toy.run(["--out", str(tmp_path), "--resume"])


def test_a_missing_extra_is_named() -> None:
    with pytest.raises(UsageError, match=r"likeness\[trainers\]"), commands.extra():
        raise ModuleNotFoundError("No module named 'diffusers.models'", name="diffusers.models")
    with pytest.raises(ModuleNotFoundError), commands.extra():
        raise ModuleNotFoundError("No module named 'nonsense'", name="nonsense")
