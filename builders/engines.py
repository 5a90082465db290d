"""Engines run one task over many shards and give back what each returned, in any order.

An engine gets (task, shards) and nothing else; the result of a build does not depend on which one runs it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for_handles
from typing import Any, Generic, TypeVar

from builders.interrupts import ctrl_c_waits
from schemas.errors import BuildError

ShardT = TypeVar("ShardT")
ResultT = TypeVar("ResultT")

_task: Callable[[Any], Any] | None = None


class Local(Generic[ShardT, ResultT]):
    """Spawned worker processes, each with its own models. One worker means this very process.

    Ctrl-C stops cleanly: shards under way end and are kept, waiting ones are not begun.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def run(self, task: Callable[[ShardT], ResultT], shards: Iterable[ShardT]) -> Iterator[ResultT]:
        """Results as they come. Raises BuildError when a worker dies, and what a task raises."""
        if self.workers == 1:
            yield from map(task, shards)
            return
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(self.workers, context, initializer=_begin, initargs=(task,))
        try:
            yield from _windowed(pool, shards, ahead=2 * self.workers)
        except BrokenProcessPool as error:
            raise BuildError("a worker process died (out of memory, or killed); finished shards are kept: "
                             "run the same command again, with fewer --workers if memory was short") from error
        finally:
            with ctrl_c_waits():  # pressed again, it would leave workers that nobody waits for
                pool.shutdown(wait=True, cancel_futures=True)


def _windowed(pool: ProcessPoolExecutor, shards: Iterable[Any], ahead: int) -> Iterator[Any]:
    # Only a few shards wait in the pool, so that memory stays flat however many there are.
    waiting: set[Future[Any]] = set()
    for shard in shards:
        with ctrl_c_waits():  # a worker may start here
            waiting.add(pool.submit(_run, shard))
        if len(waiting) >= ahead:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    for future in waiting:
        yield future.result()


def _begin(task: Callable[[Any], Any]) -> None:
    """Sets a worker up: the task with its models stays for all its shards."""
    global _task
    _task = task
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    # A parent that is killed cannot tell its workers; without this they would wait forever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_handles([parent.sentinel])
        os._exit(1)


def _run(shard: Any) -> Any:
    if _task is None:
        raise BuildError("worker was not set up")
    return _task(shard)
