import math
from collections import Counter

import pytest

torch = pytest.importorskip("torch")

from trainers.training.draws import At, latent_noise, noise, timestep, turn, uniform, whole_number  # noqa: E402

HERE = At(seed=1, step=2, slot=3)


def test_noise_follows_from_its_place_alone() -> None:
    first = noise((4, 8, 8), HERE, "a")
    torch.manual_seed(5)
    assert torch.equal(first, noise([4, 8, 8], At(1, 2, 3, whole=16), "a"))
    for other in (At(0, 2, 3), At(1, 3, 3), At(1, 2, 4)):
        assert not torch.equal(first, noise((4, 8, 8), other, "a"))
    assert not torch.equal(first, noise((4, 8, 8), HERE, "b"))
    assert not torch.equal(first, latent_noise((4, 8, 8), HERE, "a"))


def test_noise_is_normal() -> None:
    drawn = torch.stack([noise((1000,), At(0, step, 0), "a") for step in range(100)])
    assert abs(drawn.mean()) < 0.015 and abs(drawn.std() - 1) < 0.015  # five standard errors
    assert abs(drawn[:-1].mul(drawn[1:]).mean()) < 0.015  # one step says nothing of the next


def test_timesteps_are_even() -> None:
    seen = Counter(timestep(At(0, step, 0), "a", 10) for step in range(10_000))
    assert set(seen) == set(range(10))
    assert all(abs(count - 1000) < 5 * math.sqrt(900) for count in seen.values())


def test_numbers_are_even_and_their_purposes_apart() -> None:
    found = [uniform(At(0, step, 0), "a", "this") for step in range(2000)]
    assert 0 <= min(found) < 0.01 and 0.99 < max(found) < 1
    assert abs(sum(found) / 2000 - 0.5) < 0.035
    other = [uniform(At(0, step, 0), "a", "that") for step in range(2000)]
    assert abs(sum((one - 0.5) * (two - 0.5) for one, two in zip(found, other, strict=True)) / 2000) < 0.01
    assert {whole_number(At(0, step, 0), "a", "one", 1) for step in range(5)} == {0}


@pytest.mark.parametrize("rows", [1, 4, 7])
def test_a_deck_is_shuffled_anew_in_each_epoch(rows: int) -> None:
    turns = [turn(rows, 3, position, "instances") for position in range(40 * rows)]
    epochs = [tuple(turns[first : first + rows]) for first in range(0, 40 * rows, rows)]
    assert all(sorted(epoch) == list(range(rows)) for epoch in epochs)
    if rows > 1:
        assert len(set(epochs)) > 10
        assert turns != [turn(rows, 3, position, "priors") for position in range(40 * rows)]
        assert turns != [turn(rows, 4, position, "instances") for position in range(40 * rows)]


def test_a_place_counts_slots_not_steps() -> None:
    assert [At(0, step, slot, whole=3).position for step in range(2) for slot in range(3)] == list(range(6))
