"""Chance by key: everything that is random in training follows from the seed, the step, the slot and the row's id.

No generator is carried from step to step, so a run that is resumed, shared by several processes or fed ahead of time
draws what any other run draws. Draws are made on the CPU, whatever the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch

from schemas.draws import draw


class At(NamedTuple):
    """A place in training: the optimizer's step, 0 .., and the slot of its whole batch, 0 .. whole - 1, where `whole`
    counts the slots of all processes and micro-batches of a step."""

    seed: int
    step: int
    slot: int
    whole: int = 1

    @property
    def position(self) -> int:
        """How many slots came before."""
        return self.step * self.whole + self.slot


def generator(at: At, row: str, purpose: str) -> torch.Generator:
    """One that is seeded by these words alone. `whole` is not among them: the slot says enough."""
    made = torch.Generator()
    made.manual_seed(_number(at, row, purpose))
    return made


def noise(shape: Sequence[int], at: At, row: str) -> torch.Tensor:
    """The noise that is added to the latents: normal, float32."""
    return torch.randn(tuple(shape), generator=generator(at, row, "noise"))


def latent_noise(shape: Sequence[int], at: At, row: str) -> torch.Tensor:
    """The noise with which latents are drawn from the VAE's posterior: normal, float32."""
    return torch.randn(tuple(shape), generator=generator(at, row, "latents"))


def timestep(at: At, row: str, count: int) -> int:
    """One of 0 .. count - 1, each as likely."""
    return whole_number(at, row, "timestep", count)


def uniform(at: At, row: str, purpose: str) -> float:
    """A number in [0, 1)."""
    return (_number(at, row, purpose) >> 11) / 2**53


def whole_number(at: At, row: str, purpose: str, count: int) -> int:
    """One of 0 .. count - 1, each as likely."""
    return _number(at, row, purpose) % count


def turn(rows: int, seed: int, position: int, stream: str) -> int:
    """The row at a position, 0 .., of an endless deck: every row stands once in each epoch, in an order of its own.

    Streams with other names have other orders.
    """
    epoch, place = divmod(position, rows)
    return _order(rows, seed, epoch, stream)[place]


@lru_cache(maxsize=16)
def _order(rows: int, seed: int, epoch: int, stream: str) -> tuple[int, ...]:
    return tuple(sorted(range(rows), key=lambda row: draw("turn", str(seed), stream, str(epoch), str(row))))


def _number(at: At, row: str, purpose: str) -> int:
    return draw("train", str(at.seed), str(at.step), str(at.slot), row, purpose)
