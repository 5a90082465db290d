"""Ray: the same shard task in actors on the nodes of a cluster, where nodes come and go.

An actor keeps its task, models included, for all its shards, and holds one shard more than it works on. A lost one (its
process or node died) gives its shards to others and is replaced where there is room. A part of the store is named after
its rows, so that a shard done twice leaves one part.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from schemas.errors import BuildError, UsageError
from schemas.terminal.interrupts import ctrl_c_waits

AHEAD = 2
"""Shards that an actor holds: one under way, one that waits."""
DEATHS = 3
"""Actors that may die over one shard until the build stops; before any work, until it stops or, with others, rests."""
REST = 60.0
"""Seconds until others are hired, when several died before they ran and some live: a node may be on its way."""
PATIENCE = 600.0
"""Seconds without any worker before the build stops; an autoscaler needs minutes for a node."""
_KNOCK = 10.0

ShardT = TypeVar("ShardT")
ResultT = TypeVar("ResultT")


class Ray(Generic[ShardT, ResultT]):
    """Actors of a Ray cluster, `workers` at most; a context manager, which joins the cluster or starts one here.

    `address` is "HOST:PORT" of the cluster's head or "auto" for the one that runs on this machine; "" starts one of its
    own. Each actor asks for one core and `gpus` GPUs. Of the paths in `shared`, those that exist here must exist on
    every node. `say` hears of workers that were lost. Raises UsageError when there is no Ray or no such cluster.
    """

    def __init__(self, workers: int, address: str, gpus: float, shared: Sequence[Path],
                 say: Callable[[str], None]) -> None:
        self.workers = workers
        self._address, self._gpus, self._shared, self._say = address, gpus, tuple(shared), say

    def __enter__(self) -> Self:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        if self._address:  # else it asks a port that is not Ray's 20 times, 41 seconds each
            os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")
        try:
            import ray
        except ImportError:
            raise UsageError("--engine ray needs a package that is not installed: ray", seen="ray",
                             allowed="local, or Ray installed",
                             next_command="pip install 'likeness[ray]', or the same command with --engine local"
                             ) from None
        # Ray's own words go to its log files; this one prints what it hears of dead workers, whatever it is told.
        ray._private.worker._worker_logs_enabled = False
        quiet: dict[str, Any] = {"logging_level": "CRITICAL", "log_to_driver": False}
        try:
            if not self._address:
                os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # else it leaves one in the home
                with ctrl_c_waits():  # it starts processes
                    ray.init("local", num_cpus=self.workers, include_dashboard=False, **quiet)
            else:
                if self._address != "auto":
                    _knock(self._address)
                ray.init(self._address, **quiet)
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            said = next(iter(str(error).splitlines()), type(error).__name__)
            raise UsageError(f"cannot {'join the' if self._address else 'start a'} Ray cluster: {said}",
                             seen=self._address or "no --address",
                             allowed="HOST:PORT of its head, or auto, on a machine that is one of its nodes",
                             next_command="ray status --address HOST:PORT") from None
        if not self._address:
            self._refuse_gpus_that_are_not_here(ray.cluster_resources().get("GPU", 0.0))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        import ray

        with ctrl_c_waits():
            ray.shutdown()

    def _refuse_gpus_that_are_not_here(self, there: float) -> None:
        if self._gpus > there:
            self.__exit__(None, None, None)
            raise UsageError("--gpus asks for more than this machine has", seen=self._gpus, allowed=f"0 to {there:g}",
                             next_command="the same command with --address of a cluster that has them")

    def run(self, task: Callable[[ShardT], ResultT], shards: Iterable[ShardT]) -> Iterator[ResultT]:
        """Results as they come. Raises what a task raises, and BuildError when no worker is left or when a shard has
        killed several.
        """
        import ray

        actor = ray.remote(Worker).options(num_cpus=1, num_gpus=self._gpus, scheduling_strategy="SPREAD")
        shared = [path for path in self._shared if path.exists()]
        crew = _Crew(lambda: actor.remote(task, shared), self.workers, shards, self._say)
        try:
            yield from crew.work()
        finally:
            with ctrl_c_waits():
                crew.dismiss()


def _knock(address: str) -> None:
    # Ray itself knocks for minutes where nobody answers.
    host, _, port = address.rpartition(":")
    socket.create_connection((host, int(port)), _KNOCK).close()


class Worker:
    """What an actor holds: the task with its models."""

    def __init__(self, task: Callable[[Any], Any], shared: Sequence[Path]) -> None:
        self._task, self._shared = task, shared

    def begin(self) -> str:
        """Tells where it runs. Raises UsageError when a shared path is not there."""
        for path in self._shared:
            if not path.exists():
                raise UsageError("a worker's node does not have a folder of this build",
                                 seen=f"{path} on {socket.gethostname()}",
                                 allowed="folders that every node sees under the same path",
                                 next_command="mount it on all nodes, or choose another --out or --root")
        return f"{socket.gethostname()}, process {os.getpid()}"

    def run(self, shard: Any) -> Any:
        """What the task returns."""
        return self._task(shard)


@dataclass(eq=False)
class _Job:
    shard: Any
    deaths: int = 0


@dataclass(eq=False)
class _Hand:
    """A worker as seen from here. `place` is empty until it runs; `jobs` are in the order in which it takes them."""

    actor: Any
    place: str = ""
    jobs: list[_Job] = field(default_factory=list)


class _Crew:
    """The workers of one task, and who has which shard.

    A worker gets shards only after it told that it runs: those that never get a place cost nothing.
    """

    def __init__(self, hire: Callable[[], Any], workers: int, shards: Iterable[Any],
                 say: Callable[[str], None]) -> None:
        self._new, self._workers, self._shards, self._say = hire, workers, iter(shards), say
        self._queue: deque[_Job] = deque()
        self._hands: list[_Hand] = []
        self._heard_by: dict[Any, tuple[_Hand, _Job | None]] = {}
        """What was asked and not answered yet: a job, or None for the question whether it runs."""
        self._stillborn, self._rested = 0, 0.0

    def work(self) -> Iterator[Any]:
        """Results, until no shard is left."""
        while self._queued(1) or any(hand.jobs for hand in self._hands):
            self._hire()
            self._hand_out()
            yield from self._hear()

    def _queued(self, wanted: int) -> bool:
        """Whether so many jobs wait; takes shards only as they are needed."""
        while len(self._queue) < wanted:
            for shard in self._shards:
                self._queue.append(_Job(shard))
                break
            else:
                return False
        return True

    def _hire(self) -> None:
        # Each of those who do not run yet needs a job that nobody else has.
        coming = sum(not hand.place for hand in self._hands)
        while (len(self._hands) < self._workers and self._queued(coming + 1)
               and (time.monotonic() >= self._rested or not self._hands)):
            hand = _Hand(self._new())
            self._hands.append(hand)
            self._heard_by[hand.actor.begin.remote()] = hand, None
            coming += 1

    def _hand_out(self) -> None:
        for held in range(AHEAD):  # everybody gets one before somebody gets two
            for hand in self._hands:
                if hand.place and len(hand.jobs) == held and self._queued(1):
                    job = self._queue.popleft()
                    hand.jobs.append(job)
                    self._heard_by[hand.actor.run.remote(job.shard)] = hand, job

    def _hear(self) -> Iterator[Any]:
        """Waits for one answer; a result is yielded."""
        import ray

        running = any(hand.place for hand in self._hands)
        done, _ = ray.wait(list(self._heard_by), timeout=None if running else PATIENCE)
        if not done:
            raise _nobody(f"none got a place within {PATIENCE / 60:.0f} minutes")
        hand, job = self._heard_by[done[0]]
        try:
            said = ray.get(done[0])
        except ray.exceptions.RayTaskError as error:  # the task's own error, as a worker of this machine would raise it
            raise error.cause from error
        except ray.exceptions.RayError as error:
            self._lose(hand, str(error))
            return
        del self._heard_by[done[0]]
        if job is None:
            hand.place, self._stillborn = said, 0
        else:
            hand.jobs.remove(job)
            yield said

    def _lose(self, hand: _Hand, why: str) -> None:
        """Gives the shards of a worker that died to others. Raises BuildError when that is no use."""
        import ray

        ray.kill(hand.actor)  # it may only be out of reach
        self._hands.remove(hand)
        self._heard_by = {ref: heard for ref, heard in self._heard_by.items() if heard[0] is not hand}
        told = [line.strip() for line in why.splitlines() if line.strip() and "never ran" not in line]
        cause = told[-1].partition(". ")[0] if told else "no reason known"
        self._stillborn += not hand.place
        if self._stillborn >= DEATHS:
            if not self._hands:
                raise _nobody(f"{DEATHS} died before they ran, the last one with: {cause}")
            self._say(f"{DEATHS} workers died before they ran; {len(self._hands)} go on, others are asked for in "
                      f"{REST:.0f} s; Ray says: {cause}")
            self._stillborn, self._rested = 0, time.monotonic() + REST
        if not hand.place:
            return
        self._say(f"lost a worker ({hand.place}); shards that others do: {len(hand.jobs)}; Ray says: {cause}")
        self._queue.extendleft(reversed(hand.jobs))
        if hand.jobs:
            suspect = hand.jobs[0]  # the one it worked on
            suspect.deaths += 1
            if suspect.deaths >= DEATHS:
                raise BuildError(f"{DEATHS} workers died over one shard, which begins {repr(suspect.shard)[:400]}; "
                                 "finished shards are kept: look into Ray's logs (out of memory?), mend or exclude "
                                 "what is in it, and run the same command again")

    def dismiss(self) -> None:
        """Ends all workers, busy or not."""
        import ray

        for hand in self._hands:
            ray.kill(hand.actor)


def _nobody(why: str) -> BuildError:
    import ray

    there = {name: count for name, count in sorted(ray.cluster_resources().items()) if name in ("CPU", "GPU")}
    return BuildError(f"no Ray worker runs: {why} (the cluster has {there}); finished shards are kept: see "
                      "`ray status`, make room or ask for fewer --gpus, and run the same command again")
