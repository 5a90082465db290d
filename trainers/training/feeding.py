"""From rows to batches, ahead of the model.

A view says which rows stand in a slot of a step. Threads fetch the batches that come next: decoding and resizing leave
Python's lock, so no worker processes are needed, and since a row depends on its place alone, nothing has to be saved.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple, NotRequired, Protocol, TypedDict

import torch

from trainers.training.draws import At


class Row(TypedDict):
    """One picture as the model sees it."""

    id: str
    pixels: torch.Tensor
    """float32 3 x H x W, -1 .. 1"""
    text: str
    noise: torch.Tensor
    """float32, shape of the latents; so is `latent_noise`"""
    latent_noise: torch.Tensor
    timestep: int
    size: tuple[int, int, int, int, int, int]
    """pixels: height and width before the crop, its top and left, its height and width"""
    prior: bool
    """whether the row regularizes"""
    mask: NotRequired[torch.Tensor]
    """float32 1 x h x w at the latents' size: 1 where the loss counts; all of it where there is none"""


class Batch(TypedDict):
    """Rows put together, those of the subject first, then those that regularize."""

    ids: list[str]
    texts: list[str]
    pixels: torch.Tensor
    noise: torch.Tensor
    latent_noise: torch.Tensor
    timesteps: torch.Tensor
    """int64 B"""
    sizes: torch.Tensor
    """int64 B x 6"""
    prior: torch.Tensor
    """bool B"""
    mask: torch.Tensor | None
    """float32 B x 1 x h x w; None where no row has one"""


class View(Protocol):
    """Rows in the order in which a method wants them."""

    def rows(self, at: At) -> list[Row]:
        """The rows of one slot: one of the subject, and where the set has such, one that regularizes. They follow from
        the place alone; called from several threads."""


class Share(NamedTuple):
    """How a step's slots are dealt out: `accumulation` micro-batches of `batch` slots for each of the processes.

    The processes' parts of a micro-batch follow one another, so that several are one with a bigger batch.
    """

    batch: int = 1
    accumulation: int = 1
    processes: int = 1
    process: int = 0

    @property
    def whole(self) -> int:
        """Slots of a step in all."""
        return self.batch * self.accumulation * self.processes

    def slots(self) -> list[range]:
        """This process's slots, by micro-batch."""
        firsts = ((micro * self.processes + self.process) * self.batch for micro in range(self.accumulation))
        return [range(first, first + self.batch) for first in firsts]


def batches(view: View, seed: int, steps: Sequence[int], share: Share, threads: int) -> Iterator[list[Batch]]:
    """For each step this process's micro-batches, in order; made ahead by `threads`, one of them each.

    They are in page-locked memory where there is a GPU. What a view raises is raised here, at its place. Closing the
    iterator stops the threads.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="feed")
    try:
        jobs = (pool.submit(_ready, view, seed, step, slots, share.whole) for step in steps for slots in share.slots())
        ahead = deque(islice(jobs, threads + share.accumulation))
        for _ in steps:
            made = []
            for _ in range(share.accumulation):
                made.append(ahead.popleft().result())
                ahead.extend(islice(jobs, 1))
            yield made
    finally:
        pool.shutdown(cancel_futures=True)


def gather(view: View, seed: int, step: int, slots: Sequence[int], whole: int) -> Batch:
    """The batch of these slots of a step that has `whole` of them.

    What a view's rows hold besides those of `Row` is put together by its own name: tensors as one, all else as lists.
    """
    found = [row for slot in slots for row in view.rows(At(seed, step, slot, whole))]
    rows = sorted(found, key=lambda row: row["prior"])
    batch: Batch = {
        "ids": [row["id"] for row in rows],
        "texts": [row["text"] for row in rows],
        "pixels": torch.stack([row["pixels"] for row in rows]),
        "noise": torch.stack([row["noise"] for row in rows]),
        "latent_noise": torch.stack([row["latent_noise"] for row in rows]),
        "timesteps": torch.tensor([row["timestep"] for row in rows]),
        "sizes": torch.tensor([row["size"] for row in rows]),
        "prior": torch.tensor([row["prior"] for row in rows]),
        "mask": _masks(rows),
    }
    for name in rows[0].keys() - Row.__annotations__.keys():
        values = [row[name] for row in rows]  # type: ignore[literal-required]
        batch[name] = torch.stack(values) if isinstance(values[0], torch.Tensor) else values  # type: ignore[literal-required]
    return batch


def _masks(rows: Sequence[Row]) -> torch.Tensor | None:
    if not any("mask" in row for row in rows):
        return None
    return torch.stack([row.get("mask", torch.ones(1, *row["noise"].shape[1:])) for row in rows])


def _ready(view: View, seed: int, step: int, slots: Sequence[int], whole: int) -> Batch:
    batch = gather(view, seed, step, slots, whole)
    if torch.cuda.is_available():
        for name, value in batch.items():
            if isinstance(value, torch.Tensor):
                batch[name] = value.pin_memory()  # type: ignore[literal-required]
    return batch
