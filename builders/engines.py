"""Engines run one task over many shards and give back what each returned, in any order.

An engine gets (task, shards) and nothing else; the result of a build does not depend on which one runs it.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.connection import wait as wait_for_handles
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from schemas.errors import BuildError
from schemas.terminal.interrupts import ctrl_c_waits

ShardT = TypeVar("ShardT")
ResultT = TypeVar("ResultT")

_tasks: dict[int, Callable[[Any], Any]] = {}
"""The task that this worker has set up, by its number; only the last one stays, with its models."""


class Engine(Protocol):
    """What a build needs of one. `workers` is how many may run at a time."""

    workers: int

    def run(self, task: Callable[[Any], Any], shards: Iterable[Any]) -> Iterator[Any]:
        """Results in any order; takes shards only as workers need them."""


def in_order(engine: Engine, task: Callable[[Any], Any], shards: Iterable[Any]) -> Iterator[Any]:
    """Results in the order of their shards."""
    early: dict[int, Any] = {}
    wanted = 0
    for number, result in engine.run(_Numbered(task), enumerate(shards)):
        early[number] = result
        while wanted in early:
            yield early.pop(wanted)
            wanted += 1


class _Numbered:
    """A task whose result comes with the number that its shard came with."""

    def __init__(self, task: Callable[[Any], Any]) -> None:
        self._task = task

    def __call__(self, shard: tuple[int, Any]) -> tuple[int, Any]:
        number, inner = shard
        return number, self._task(inner)


class Local(Generic[ShardT, ResultT]):
    """Spawned worker processes, each with its own models. One worker means this very process.

    A context manager: workers start with the first task and stay for the next ones. Ctrl-C stops cleanly: shards under
    way end and are kept, waiting ones are not begun.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._numbers = itertools.count()
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._pool is not None:
            with ctrl_c_waits():  # pressed again, it would leave workers that nobody waits for
                self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def run(self, task: Callable[[ShardT], ResultT], shards: Iterable[ShardT]) -> Iterator[ResultT]:
        """Results as they come. Raises BuildError when a worker dies, and what a task raises."""
        if self.workers == 1:
            yield from map(task, shards)
            return
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.workers, context, initializer=begin)
        try:
            yield from _windowed(self._pool, partial(_run, next(self._numbers), task), shards, ahead=2 * self.workers)
        except BrokenProcessPool as error:
            raise BuildError("a worker process died (out of memory, or killed); finished shards are kept: "
                             "run the same command again, with fewer --workers if memory was short") from error


def _windowed(pool: ProcessPoolExecutor, run: Callable[[Any], Any], shards: Iterable[Any], ahead: int) -> Iterator[Any]:
    # Only a few shards wait in the pool, so that memory stays flat however many there are.
    waiting: set[Future[Any]] = set()
    try:
        for shard in shards:
            with ctrl_c_waits():  # a worker may start here
                waiting.add(pool.submit(run, shard))
            if len(waiting) >= ahead:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        for future in waiting:
            yield future.result()
    finally:
        for future in waiting:
            future.cancel()


def begin() -> None:
    """Sets a worker process up: it leaves Ctrl-C to its parent and dies with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    # A parent that is killed cannot tell its workers; without this they would wait forever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_handles([parent.sentinel])
        os._exit(1)


def _run(number: int, task: Callable[[Any], Any], shard: Any) -> Any:
    # A task travels with each of its shards; the first copy stays, because it holds the models once they are loaded.
    if number not in _tasks:
        _tasks.clear()
        _tasks[number] = task
    return _tasks[number](shard)
