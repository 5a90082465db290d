"""All of it together: a list of pictures in, what became of each out.

One loop in one process makes all requests, so that it knows of every host how often it is being asked; worker processes
are there to make pictures smaller, where that is wanted.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import IO

import httpx2

from annotators import images
from builders.engines import begin
from builders.fetching import Fetched, Settings, Wanted
from builders.fetching.addresses import checked
from builders.fetching.answers import ask
from builders.fetching.hosts import Errand, Host, Hosts
from builders.fetching.network import PassingError, connect, port_of
from builders.fetching.opt_out import OptOut
from builders.fetching.records import Records
from builders.fetching.shrink import Shrunk, shrink
from builders.interrupts import ctrl_c_waits
from schemas.errors import BuildError, RowError
from schemas.records import Drop

REQUESTS = 128
"""Pictures under way at a time, over all hosts."""
REDIRECTS = 5
"""Most times that a picture's address may point to another."""
_BATCH = 4096
"""Wanted pictures that are looked up at once."""
_LOOKUPS = 32
"""Hosts that are looked up at a time."""
_HANDS = 8
"""Whole pictures in memory at a time; the others wait on disk where they are large."""
_PAUSE = 0.02
"""Seconds for which outcomes are gathered."""

Heard = Callable[[int, int], None]


class Fetcher:
    """Fetches pictures into tars below `folder` (OUT/.annotations), with `workers` processes to resize them."""

    def __init__(self, folder: Path, settings: Settings, opt_out: OptOut, workers: int) -> None:
        self._folder = folder / f"fetched-{settings.identity[:16]}"
        self._settings, self._opt_out, self._workers = settings, opt_out, workers

    def fetch(self, wanted: Iterable[Wanted], heard: Heard) -> Iterator[Fetched]:
        """What became of each wanted picture, in any order; `heard` is told of pictures and of those that came.

        What earlier runs of the same settings learnt for good is not asked again. One caller at a time. Raises
        BuildError when a worker dies, OSError where the disk fails.
        """
        with ExitStack() as held:
            records = held.enter_context(Records(self._folder))
            hosts = Hosts(self._settings.per_host)
            rest = iter(wanted)
            while some := list(islice(rest, _BATCH)):
                new: list[tuple[str, Errand]] = []
                for picture in some:
                    known = self._known(picture, records, new)
                    if known is not None:
                        heard(1, int(known.drop is None))
                        yield known
                hosts.add(new)
            if not hosts.left:
                return
            pool = held.enter_context(_workers(self._workers)) if self._settings.resize else None
            runner = held.enter_context(asyncio.Runner())
            runner.get_loop().set_default_executor(ThreadPoolExecutor(_LOOKUPS))
            crew = _Crew(self._settings, self._opt_out, records, hosts, pool)
            while found := runner.run(crew.some()):
                for one in found:
                    heard(1, int(one.drop is None))
                    yield one

    def _known(self, one: Wanted, records: Records, new: list[tuple[str, Errand]]) -> Fetched | None:
        """What is known of a picture without asking; None, and an errand among the `new` ones, when it must be."""
        try:
            url = checked(one.url)
        except RowError as error:
            return Fetched(one.id, "", Drop(error.reason, "fetch", error.detail))
        if listed := self._opt_out.domain(host_of(url)):
            return Fetched(one.id, "", Drop("opted_out", "fetch", listed))
        found = records.find(one.url)
        if found is None:
            new.append((host_of(url), Errand(one.id, one.url, str(url))))
            return None
        if listed := self._opt_out.file(found.sha256, found.md5):
            return Fetched(one.id, "", Drop("opted_out", "fetch", listed))
        return Fetched(one.id, found.path, found.drop)


def host_of(url: httpx2.URL) -> str:
    """Host in lower case and IDNA, without the dot that may end it."""
    return url.raw_host.decode("ascii").rstrip(".")


@contextmanager
def _workers(count: int) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), initializer=begin)
    try:
        with ctrl_c_waits():  # they start here
            pool.submit(int)
        yield pool
    finally:
        with ctrl_c_waits():
            pool.shutdown(wait=True, cancel_futures=True)


class _Crew:
    """The requests of one run, and what they brought."""

    def __init__(self, settings: Settings, opt_out: OptOut, records: Records, hosts: Hosts,
                 pool: ProcessPoolExecutor | None) -> None:
        self._settings, self._opt_out, self._records = settings, opt_out, records
        self._hosts, self._pool = hosts, pool
        self._tasks: set[asyncio.Task[None]] = set()
        self._done: list[Fetched] = []
        self._failure: BaseException | None = None
        self._hands = asyncio.Semaphore(_HANDS)

    async def some(self) -> list[Fetched]:
        """Outcomes since the last call, at least one; none when nothing is left to do."""
        while self._hosts.left and not self._done and self._failure is None:
            self._begin()
            self._hosts.rested.clear()
            await self._hosts.rested.wait()
        if self._done:
            self._begin()
            await asyncio.sleep(_PAUSE)
        if self._failure is not None:
            raise self._failure
        found, self._done = self._done, []
        return found

    def _begin(self) -> None:
        """Begins as many requests as may be made."""
        while len(self._tasks) < REQUESTS and (turn := self._hosts.turn()) is not None:
            task = asyncio.create_task(self._run(*turn))
            self._tasks.add(task)
            task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = error
        if self._failure is None and not task.cancelled():
            self._begin()
        self._hosts.rested.set()

    async def _run(self, host: Host, errand: Errand) -> None:
        """One request, and what follows from it."""
        try:
            try:
                body = await self._asked(host, errand)
            finally:
                self._hosts.done(host)
            if isinstance(body, httpx2.URL):
                self._follow(errand, body)
            else:
                with body:
                    await self._keep(errand, body)
        except PassingError as trouble:
            if host.given_up or errand.tries >= self._settings.retries:
                self._finish(errand, "", Drop(trouble.reason, "fetch", trouble.detail))
            else:
                self._hosts.again(host.name, errand._replace(tries=errand.tries + 1))
        except RowError as error:
            drop = Drop(error.reason, "fetch", error.detail)
            if error.reason != "opted_out":  # the list may be another one tomorrow
                self._records.refuse(errand.url, drop)
            self._finish(errand, "", drop)

    async def _asked(self, host: Host, errand: Errand) -> IO[bytes] | httpx2.URL:
        """The host's answer; its troubles and connections are noted. Raises RowError, PassingError."""
        if host.given_up:
            raise PassingError("unreachable", f"{host.name} was given up: {host.given_up}")
        if listed := self._opt_out.domain(host.name):
            raise RowError("opted_out", listed)
        url, began = httpx2.URL(errand.at), asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._settings.timeout):
                answer = await self._request(host, url)
        except TimeoutError:
            self._hosts.trouble(host, began, None)
            raise PassingError("timeout", f"{self._settings.timeout:g} s") from None
        except PassingError as trouble:
            self._hosts.trouble(host, began, trouble.after)
            raise
        except RowError as error:
            if error.reason != "private_address":
                host.troubles = 0
            raise
        host.troubles = 0
        return answer

    async def _request(self, host: Host, url: httpx2.URL) -> IO[bytes] | httpx2.URL:
        connection, origin = None, (url.scheme, port_of(url))
        while host.idle and connection is None:
            one = host.idle.pop()
            if one.origin == origin and not one.has_expired():
                connection = one
            else:
                one.hang_up()
        connection = connection or await connect(url, allow_private=self._settings.allow_private)
        try:
            return await ask(connection, url, self._settings)
        finally:
            if connection.is_idle():
                host.idle.append(connection)
            else:
                connection.hang_up()

    def _follow(self, errand: Errand, url: httpx2.URL) -> None:
        """Sends the errand where a server pointed to. Raises RowError."""
        trail = f"{errand.trail}{errand.at}\n"
        if str(url) in trail.splitlines():
            raise RowError("redirects", "a circle")
        if trail.count("\n") > REDIRECTS:
            raise RowError("redirects", f"more than {REDIRECTS}")
        self._hosts.again(host_of(url), errand._replace(at=str(url), trail=trail))

    async def _keep(self, errand: Errand, body: IO[bytes]) -> None:
        """Puts the picture on the shelf, smaller where that is wanted. Raises RowError."""
        async with self._hands:
            data = body.read()
            _ending(data)
            small = Shrunk(data, "", "", "", "")
            if self._pool is not None:
                small = await self._shrunk(data)
        if small.reason:
            drop = Drop(small.reason, "fetch", small.detail)
            self._records.refuse(errand.url, drop, small.sha256, small.md5)
            self._finish(errand, "", drop)
            return
        path = self._records.keep(errand.url, _ending(small.data), small.data, small.sha256, small.md5)
        if listed := self._opt_out.file(small.sha256, small.md5):
            raise RowError("opted_out", listed)
        self._finish(errand, path, None)

    async def _shrunk(self, data: bytes) -> Shrunk:
        assert self._pool is not None
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._pool, shrink, data, self._settings.resize, self._settings.max_pixels)
        except BrokenProcessPool as error:
            raise BuildError("a worker process died (out of memory, or killed); what was fetched is kept: run the same "
                             "command again, with fewer --workers if memory was short") from error

    def _finish(self, errand: Errand, path: str, drop: Drop | None) -> None:
        self._hosts.left -= 1
        self._done.append(Fetched(errand.id, path, drop))


def _ending(data: bytes) -> str:
    """Ending for a picture's name, by its first bytes. Raises RowError (not_an_image)."""
    kind = images.kind(data) or ("BMP" if data.startswith(b"BM") else "")
    if not kind:
        raise RowError("not_an_image", f"begins {data[:12]!r}")
    return {"JPEG": ".jpg"}.get(kind, f".{kind.lower()}")
