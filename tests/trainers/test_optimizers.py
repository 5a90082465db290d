import pytest

pytest.importorskip("torch")

from trainers.optimizers import factor


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
