"""The concept score of COTI's released code, in place of Eq. 8: a small network tells the concept from what it is not.

As coded: linear to 4096, batch norm, linear to 2048, batch norm, ReLU, linear to 2 without bias, on CLIP features of
unit length; cross-entropy, Adam at 3e-4 with a cosine schedule, batches of 64, 50 epochs, drawn anew in every cycle;
the score is ten times the softmax of "target". Left open there and chosen here: all 50 epochs are run (one version of
the code stops once the loss moves by less than 0.1), the cosine ends at 0 with the last of them, and a last batch of
one picture, which batch norm cannot read, is left out of its epoch. A seed makes it repeatable: it is trained on the
CPU by one thread, so that two machines of one kind agree in every bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from annotators import pretrained
from schemas.errors import UsageError

LAYERS = (4096, 2048)
EPOCHS = 50
BATCH = 64
RATE = 3e-4
_ROWS = 4096  # that are scored at a time

Numbers = npt.NDArray[np.float64]


class Classifier(NamedTuple):
    """What was learnt. Before the ReLU there is nothing but linear layers and norms, which at rest are one linear map:
    `weights` (width x 2048) and `bias`. `out` weighs what the ReLU lets through, "target" less the other class."""

    weights: Numbers
    bias: Numbers
    out: Numbers

    def scores(self, embeddings: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
        """N x width, memory-mapped or not, to N scores, 0..10."""
        made = np.empty(len(embeddings), np.float32)
        for start in range(0, len(embeddings), _ROWS):
            rows = np.asarray(embeddings[start:start + _ROWS], np.float64)
            margin = np.maximum(rows @ self.weights + self.bias, 0) @ self.out
            made[start:start + _ROWS] = 5 * (1 + np.tanh(margin / 2))  # ten times the softmax of two
        return made


def train(positives: npt.NDArray[np.float32], negatives: npt.NDArray[np.float32], seed: int) -> Classifier:
    """Learns from embeddings of the concept (P x width) and of other things (Q x width), by at least one of each. The
    released code takes as many negatives as positives from each of up to three places. Raises UsageError without
    them, and when torch is not installed."""
    pretrained.device("the concept classifier", "--concept-rule code", "another --concept-rule")
    if not len(positives) or not len(negatives):
        raise UsageError("the concept classifier learns from pictures of the concept and of other things",
                         seen=f"{len(positives)} and {len(negatives)}", allowed="at least one of each")
    import torch

    given = torch.from_numpy(np.concatenate([positives, negatives]).astype(np.float32))
    target = torch.cat([torch.zeros(len(positives)), torch.ones(len(negatives))]).long()
    with _alone(seed):
        net = network(given.shape[1])
        optimizer = torch.optim.Adam(net.parameters(), lr=RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)
        for _ in range(EPOCHS):
            for some in torch.randperm(len(given)).split(BATCH):
                if len(some) > 1:
                    optimizer.zero_grad()
                    torch.nn.functional.cross_entropy(net(given[some]), target[some]).backward()
                    optimizer.step()
            schedule.step()
    return folded(net)


def network(width: int) -> Any:
    """The released code's network, drawn at random."""
    from torch import nn

    first, second = LAYERS
    return nn.Sequential(nn.Linear(width, first), nn.BatchNorm1d(first), nn.Linear(first, second),
                         nn.BatchNorm1d(second), nn.ReLU(), nn.Linear(second, 2, bias=False))


def folded(net: Any) -> Classifier:
    """The network at rest."""
    first, shift = _step(net[0], net[1])
    second, bias = _step(net[2], net[3])
    target, other = _array(net[5].weight)
    return Classifier(first @ second, shift @ second + bias, target - other)


def _step(linear: Any, norm: Any) -> tuple[Numbers, Numbers]:
    """A linear layer and its batch norm, which at rest scales and shifts by what it saw while learning, as one map."""
    scale = _array(norm.weight) / np.sqrt(_array(norm.running_var) + norm.eps)
    return (_array(linear.weight).T * scale,
            (_array(linear.bias) - _array(norm.running_mean)) * scale + _array(norm.bias))


def _array(tensor: Any) -> Numbers:
    return np.asarray(tensor.detach().numpy(), dtype=np.float64)


@contextmanager
def _alone(seed: int) -> Iterator[None]:
    """Torch's numbers drawn from `seed` and by one thread; both are as they were afterwards."""
    import torch

    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
