"""All ways run, on tiny models, take the very same steps, and are told."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")

from benchmarks import training, training_bases  # noqa: E402
from benchmarks.training import Bare, Case, in_memory, opened  # noqa: E402
from tests.trainers import made  # noqa: E402
from tests.trainers.conftest import _alone, _cache  # noqa: E402, F401
from trainers.training.feeding import Share, batches  # noqa: E402

CASES = (Case("tiny", training_bases.TINY, "cpu", 0, "no"), Case("tiny xl", training_bases.TINY_XL, "cpu", 2, "no"))


@pytest.fixture
def data(tmp_path: Path) -> tuple[Path, Path]:
    return made.subject(tmp_path / "pack").parent, made.regularization(tmp_path / "reg").parent


def test_the_sizes_are_the_real_ones() -> None:
    """Numbers of parameters as the models' publishers have them."""
    with torch.device("meta"):
        counts = [sum(one.numel() for one in training_bases._unet(sizes).parameters())
                  for sizes in (training_bases.SD15, training_bases.SDXL)]
    assert counts == [859_520_964, 2_567_463_684]


def test_the_bare_loop_takes_our_steps(tmp_path: Path, data: tuple[Path, Path]) -> None:
    weights = []
    for number in range(2):
        loop, view = opened(CASES[0], data, tmp_path / f"run{number}")
        stored = list(batches(view, 0, range(3), Share(), threads=1))
        if number:
            in_memory(loop, stored, 3)
        else:
            Bare(loop.model, list(loop.trained.values()), loop.options.lr, stored, torch.enable_grad)(3)
        weights.append({name: one.clone() for name, one in loop.method.weights().items()})
    assert all(torch.equal(one, weights[1][name]) for name, one in weights[0].items())


def test_every_way_is_told(tmp_path: Path, data: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch,
                           capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(training, "CPU", CASES)
    monkeypatch.setattr(training, "build", lambda *_: data)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    training.main(["--rounds", "1", "--steps", "2", "--out", str(tmp_path / "out")])
    told = capsys.readouterr()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in told.out.splitlines()]
    sides, cells = cells[-2:], cells[4:-5]
    assert [side[0] for side in sides] == ["512", "1024"] and float(sides[0][1]) > 0
    assert [(cell[0], cell[1]) for cell in cells] == [(case.name, way) for case in CASES for way in training.WAYS]
    assert all(float(cell[2]) > 0 and float(cell[4]) > 0 for cell in cells)
    assert "SDXL's sizes are not run" in told.err
