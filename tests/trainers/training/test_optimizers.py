from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file  # noqa: E402
from torch import nn  # noqa: E402

from trainers.training.checkpoints import save_tensors  # noqa: E402
from trainers.training.optimizers import factor, open_optimizer, packed, unpack  # noqa: E402


@pytest.mark.parametrize(("schedule", "by_hand"), [
    ("constant", [1, 1, 1, 1, 1, 1]),
    ("constant_with_warmup", [0, 0.5, 1, 1, 1, 1]),
    ("linear", [0, 0.5, 1, 0.75, 0.5, 0.25]),
    ("cosine", [0, 0.5, 1, 0.853553, 0.5, 0.146447]),
])
def test_schedules(schedule: str, by_hand: list[float]) -> None:
    warmup = 0 if schedule == "constant" else 2
    assert [factor(schedule, step, 6, warmup) for step in range(6)] == pytest.approx(by_hand, abs=1e-6)


def test_after_the_last_step_nothing_is_left() -> None:
    assert factor("linear", 9, 6, 2) == 0 and factor("cosine", 9, 6, 2) == pytest.approx(0)


@pytest.mark.parametrize("name", ["adamw", "adamw8bit"])
def test_a_state_that_was_kept_goes_on_bit_for_bit(name: str, tmp_path: Path) -> None:
    if name == "adamw8bit":
        pytest.importorskip("bitsandbytes")
    big, small = torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)
    mine = {"big": nn.Parameter(torch.randn(100, 100, generator=big)),
            "small": nn.Parameter(torch.randn(5, generator=small))}
    one = open_optimizer(name, [{"params": list(mine.values()), "lr": 0.1}], 0.01)
    _steps(one, mine, range(3))
    tensors, numbers = packed(one, mine)
    save_tensors(tensors, tmp_path / "state.safetensors")
    others = {key: nn.Parameter(value.detach().clone()) for key, value in mine.items()}
    other = open_optimizer(name, [{"params": list(others.values()), "lr": 0.1}], 0.01)
    unpack(other, others, load_file(tmp_path / "state.safetensors"), numbers)
    _steps(one, mine, range(3, 6))
    _steps(other, others, range(3, 6))
    assert all(torch.equal(mine[key], others[key]) for key in mine)


def _steps(optimizer: torch.optim.Optimizer, trained: dict[str, nn.Parameter], seeds: range) -> None:
    for seed in seeds:
        for value in trained.values():
            value.grad = torch.randn(value.shape, generator=torch.Generator().manual_seed(seed))
        optimizer.step()
