from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from schemas.errors import BuildError, UsageError
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


def test_a_command_checks_before_it_loads_anything(tmp_path: Path) -> None:
    toy = commands.method("no_such_module", Toy, Said("a toy", "A toy.", ""))
    with pytest.raises(UsageError, match="--out is missing"):
        toy.run([])
    with pytest.raises(ModuleNotFoundError):
        toy.run(["--out", str(tmp_path / "new")])
    assert not (tmp_path / "new").exists()


def test_a_folder_with_a_run_is_noticed_before_anything_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    toy = commands.method("no_such_module", Toy, Said("a toy", "A toy.", ""))
    with pytest.raises(UsageError, match="--resume"):
        toy.run(["--out", str(tmp_path)])
    with pytest.raises(ModuleNotFoundError):
        toy.run(["--out", str(tmp_path), "--resume"])


@pytest.mark.parametrize("name", ["model_index.json", "README.md"])
def test_what_no_run_wrote_is_not_replaced(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    for resume in (False, True):
        with pytest.raises(UsageError, match=f"OUT holds {name}, which no run wrote"):
            Toy(out=tmp_path, resume=resume).check()
    (tmp_path / "run.json").write_text("{}")
    Toy(out=tmp_path, resume=True).check()


def test_one_run_at_a_time_writes_to_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "a" / "out"
    with commands.alone(out):
        with pytest.raises(UsageError, match="another run is writing there"), commands.alone(out):
            pass
        with commands.alone(tmp_path / "b"):
            (tmp_path / "b" / "weights").write_text("x")
        monkeypatch.setenv("RANK", "1")  # another process of this run
        with commands.alone(out):
            pass
        monkeypatch.delenv("RANK")
    assert not out.exists()
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["weights"]
    with commands.alone(out):
        pass


@pytest.mark.parametrize("where", ["file", "file/out"])
def test_a_folder_that_cannot_be_written_is_one_line(where: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    toy = commands.method("no_such_module", Toy, Said("a toy", "A toy.", ""))
    with pytest.raises(UsageError, match="--out cannot be written"):
        toy.run(["--out", str(tmp_path / where)])
    with pytest.raises(UsageError, match="--out cannot be written"), commands.possible(tmp_path / "file" / "out"):
        pass
    assert (tmp_path / "file").read_text() == "x"


def test_a_folder_to_be_made_leaves_nothing(tmp_path: Path) -> None:
    with commands.possible(tmp_path / "a" / "out"):
        assert not list((tmp_path / "a").iterdir())


def test_too_little_memory_of_a_gpu_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")

    def run(options: Toy) -> int:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has\nmore to say.")

    monkeypatch.setattr(commands, "import_module", lambda name: SimpleNamespace(run=run))
    with pytest.raises(BuildError, match=r"Tried to allocate 2\.00 GiB; .*--gradient-checkpointing") as caught:
        commands.method("toy", Toy, Said("a toy", "A toy.", "")).run(["--out", str(tmp_path / "new")])
    assert "\n" not in str(caught.value)


def test_a_missing_extra_is_named() -> None:
    with pytest.raises(UsageError, match=r"likeness\[trainers\]"), commands.extra():
        raise ModuleNotFoundError("No module named 'diffusers.models'", name="diffusers.models")
    with pytest.raises(ModuleNotFoundError), commands.extra():
        raise ModuleNotFoundError("No module named 'nonsense'", name="nonsense")
