"""When COTI leaves a learning rate, begins a cycle, and has converged: decisions alone, no model and no picture.

Algorithm 1, line 5 repeats training "until gamma(v) declines", where section 3.3 means phi(v); the released code leaves
a rate when the best sum of its scores fails to rise. Both are: a block of steps whose previews score no higher than
the best block of the cycle so far ends its rate. The best embedding so far, not the last, goes on to the next rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

Turn = Literal["block", "rate", "cycle"]
"""What comes next: another block at the same rate, the next rate, or what follows the cycle's last rate."""


class Plan(NamedTuple):
    """The schedule that the options ask for."""

    rates: tuple[float, ...]
    """Learning rates in the order in which they are taken."""
    longest: int
    """Blocks that a rate may take at most."""
    dynamic: bool
    """A block without gain ends its rate; else every rate takes all its blocks."""
    cycles: int
    """Cycles after cycle 0."""
    patience: int
    """Cycles without gain after which training has converged."""


class Choice(msgspec.Struct, frozen=True):
    """A picture that joined X_T, with the scores it was chosen by; None for seeds, which somebody chose by hand."""

    id: str
    aesthetic: float | None = None
    concept: float | None = None
    score: float | None = None
    """What the strategy ranks by: S_int for coti. None where chance or everything is chosen."""


class Block(msgspec.Struct, frozen=True):
    """What a block of steps came to, by the previews at its end."""

    rate: float
    step: int
    """Steps of the whole run at its end."""
    gamma_aesthetic: float
    gamma_concept: float
    phi: float
    indicator: float
    """What the schedule goes by: phi, or with --rule code the sum of both gammas."""
    better: bool
    """Higher than every block of the cycle before."""


class Compared(msgspec.Struct, frozen=True):
    """What the best previews of a cycle score by the scores of a later one, or of its own."""

    gamma_aesthetic: float
    gamma_concept: float
    indicator: float


class Record(msgspec.Struct):
    """cycles/NN.json: what a cycle chose, by which weights, and what came of its blocks."""

    cycle: int
    pool: int
    """Pictures in X_T."""
    chosen: list[Choice]
    gamma_aesthetic: float = 0.0
    gamma_concept: float = 0.0
    weight_aesthetic: float = 1.0
    """Of S_aes in S_int: 1 - gamma_aesthetic / 10 (Eq. 11), or 1 with --rule code."""
    weight_concept: float = 1.0
    blocks: list[Block] = []
    compared: list[Compared] = []
    """At its end: every cycle so far, by the scores of this one."""

    @property
    def best(self) -> Block | None:
        """The block whose embedding the cycle keeps; None before the first."""
        return next((block for block in reversed(self.blocks) if block.better), None)


class State(msgspec.Struct):
    """Where a run stands between two blocks; all that a resumed one needs beside the weights."""

    records: list[Record]
    """One a cycle, the last of the cycle that runs."""
    rate: int = 0
    spent: int = 0
    """Blocks done at this rate."""
    done: int = 0
    """Blocks done in the whole run."""
    over: str = ""
    """Why training ended; "" while it goes on."""

    @property
    def record(self) -> Record:
        """That of the cycle that runs."""
        return self.records[-1]

    @property
    def chosen(self) -> list[str]:
        """Ids of X_T, in the order in which they joined."""
        return [one.id for record in self.records for one in record.chosen]

    def settle(self, block: Block, plan: Plan) -> Turn:
        """Takes a block's outcome; `block.better` is set here."""
        best = self.record.best
        better = best is None or block.indicator > best.indicator
        self.record.blocks.append(msgspec.structs.replace(block, better=better))
        self.done += 1
        self.spent += 1
        if self.spent < plan.longest and (better or not plan.dynamic):
            return "block"
        self.spent = 0
        if self.rate + 1 < len(plan.rates):
            self.rate += 1
            return "rate"
        return "cycle"

    def follow(self, record: Record) -> None:
        """Begins the next cycle."""
        self.records.append(record)
        self.rate = self.spent = 0


def best_cycle(indicators: Sequence[float]) -> int:
    """The cycle whose embedding is the best; of equal ones the first. `indicators` are by one yardstick: S_con follows
    X_T, so that what a cycle scored in its own time does not compare."""
    return max(range(len(indicators)), key=lambda cycle: (indicators[cycle], -cycle))


def ended(indicators: Sequence[float], left: int, plan: Plan) -> str:
    """Why no cycle follows those with these `indicators`, of which the first is cycle 0; "" when one does. `left`
    pictures of the pool are in no X_T yet."""
    done = len(indicators) - 1
    if done >= plan.cycles:
        return f"all cycles are done: {plan.cycles} after the first"
    if done - best_cycle(indicators) >= plan.patience:
        return f"no gain for so many cycles: {plan.patience}"
    return "" if left else "every picture of the pool is chosen"
