"""All of it together: a list of pictures in, what became of each out.

One loop decides whom to ask and when, so that it knows of every host how often it is being asked. It asks by itself, or
has worker processes do so where pictures are made smaller.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import httpx2

from builders.fetching import Fetched, Settings, Wanted
from builders.fetching.addresses import checked
from builders.fetching.asking import Asker, Told
from builders.fetching.hosts import Errand, Host, Hosts
from builders.fetching.opt_out import OptOut
from builders.fetching.records import Records
from builders.fetching.workers import Workers
from builders.sources.trees import printable
from schemas.errors import RowError
from schemas.records import Drop

REQUESTS = 128
"""Pictures under way at a time, over all hosts."""
REDIRECTS = 5
"""Most times that a picture's address may point to another."""
_BATCH = 4096
"""Wanted pictures that are looked up at once."""
_PAUSE = 0.02
"""Seconds for which outcomes are gathered."""

Heard = Callable[[int, int], None]


class Fetcher:
    """Fetches pictures into tars below `folder` (OUT/.annotations), by `workers` processes where they are resized."""

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
            runner = held.enter_context(asyncio.Runner())
            asker = runner.run(self._asker())
            held.callback(asker.close)
            crew = _Crew(self._opt_out, self._settings.retries, records, hosts, asker)
            while found := runner.run(crew.some()):
                for one in found:
                    heard(1, int(one.drop is None))
                    yield one

    async def _asker(self) -> Asker | Workers:
        if not self._settings.resize:
            return Asker(self._settings)
        workers = Workers(self._settings, self._workers)
        await workers.open()
        return workers

    def _known(self, one: Wanted, records: Records, new: list[tuple[str, Errand]]) -> Fetched | None:
        """What is known of a picture without asking; None, and an errand among the `new` ones, when it must be."""
        try:
            url = checked(one.url)
        except RowError as error:
            return Fetched(one.id, "", Drop(error.reason, "fetch", error.detail))
        if drop := opted_out(self._opt_out.domain(host_of(url))):
            return Fetched(one.id, "", drop)
        found = records.find(one.url)
        if found is None:
            new.append((host_of(url), Errand(one.id, one.url, str(url))))
            return None
        if drop := opted_out(self._opt_out.file(found.sha256, found.md5)):
            return Fetched(one.id, "", drop)
        return Fetched(one.id, found.path, found.drop)


class _Crew:
    """The requests of one run, and what they brought."""

    def __init__(self, opt_out: OptOut, retries: int, records: Records, hosts: Hosts, asker: Asker | Workers) -> None:
        self._opt_out, self._retries, self._records, self._hosts = opt_out, retries, records, hosts
        self._asker = asker
        self._tasks: set[asyncio.Task[None]] = set()
        self._done: list[Fetched] = []
        self._failure: BaseException | None = None

    async def some(self) -> list[Fetched]:
        """Outcomes since the last call, at least one; none when nothing is left to do."""
        while self._hosts.left and not self._done and self._failure is None:
            self._begin()
            self._hosts.rested.clear()
            await self._hosts.rested.wait()
        if self._done:
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
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            self._failure = error
        if self._failure is None:
            self._begin()
        self._hosts.rested.set()

    async def _run(self, host: Host, errand: Errand) -> None:
        """One request, and what follows from it."""
        try:
            told = await self._told(host, errand)
        finally:
            self._hosts.done(host)
        if told.to:
            self._follow(errand, told.to)
        elif told.passing and not host.given_up and errand.tries < self._retries:
            self._hosts.again(host.name, errand._replace(tries=errand.tries + 1))
        elif told.reason:
            self._refuse(errand, told)
        else:
            self._keep(errand, told)

    async def _told(self, host: Host, errand: Errand) -> Told:
        """What comes of asking the host, if it may be asked; its troubles are noted."""
        if host.given_up:
            return Told(reason="unreachable", detail=f"{host.name} was given up: {host.given_up}", passing=True)
        if drop := opted_out(self._opt_out.domain(host.name)):
            return Told(reason=drop.reason, detail=drop.value)
        began = asyncio.get_running_loop().time()
        told = await self._asker.ask(errand.at)
        if told.passing:
            self._hosts.trouble(host, began, told.after)
        elif told.reason != "private_address":
            host.troubles = 0
        return told

    def _follow(self, errand: Errand, url: str) -> None:
        """Sends the errand where a server pointed to, but not in a circle nor for ever."""
        trail = f"{errand.trail}{errand.at}\n"
        if url in trail.splitlines():
            self._refuse(errand, Told(reason="redirects", detail="a circle"))
        elif trail.count("\n") > REDIRECTS:
            self._refuse(errand, Told(reason="redirects", detail=f"more than {REDIRECTS}"))
        else:
            self._hosts.again(host_of(httpx2.URL(url)), errand._replace(at=url, trail=trail))

    def _keep(self, errand: Errand, told: Told) -> None:
        path = self._records.keep(errand.url, told.ending, told.data, told.sha256, told.md5)
        drop = opted_out(self._opt_out.file(told.sha256, told.md5))
        self._finish(errand, "" if drop else path, drop)

    def _refuse(self, errand: Errand, told: Told) -> None:
        drop = Drop(told.reason, "fetch", printable(told.detail))  # servers have a say in it
        # What may pass is not kept, nor is what stands on a list that may be another one tomorrow.
        if not told.passing and told.reason != "opted_out":
            self._records.refuse(errand.url, drop, told.sha256, told.md5)
        self._finish(errand, "", drop)

    def _finish(self, errand: Errand, path: str, drop: Drop | None) -> None:
        self._hosts.left -= 1
        self._done.append(Fetched(errand.id, path, drop))


def host_of(url: httpx2.URL) -> str:
    """Host in lower case and IDNA, without the dot that may end it."""
    return url.raw_host.decode("ascii").rstrip(".")


def opted_out(listed: str) -> Drop | None:
    """The drop for what stands on the opt-out list, None for ""."""
    return Drop("opted_out", "fetch", listed) if listed else None
