"""Askers in processes of their own, for pictures that are made smaller: bytes that will not be kept never come here.

Each process is told addresses and tells what came of them over a socket, in messages with their length before them.
"""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import socket
import struct
from contextlib import suppress
from multiprocessing.process import BaseProcess

import msgspec

from builders.engines import begin
from builders.fetching import Settings
from builders.fetching.asking import Asker, Told
from schemas.errors import BuildError
from schemas.terminal.interrupts import ctrl_c_waits

_LENGTH = struct.Struct("<I")
_KEPT = 32 * 2**20
"""Bytes of memory that are kept for the next picture; given back and asked for again they take a tenth of its time."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as malloc.h has them
_GOODBYE = 5.0
"""Seconds for which a process may finish what it is at."""


class Workers:
    """`count` processes, started by `open` and ended by `close`; each address goes to the least busy one."""

    def __init__(self, settings: Settings, count: int) -> None:
        self._settings, self._count = settings, count
        self._workers: list[_Worker] = []

    async def open(self) -> None:
        """Starts them; they are ready some moments later. Ends with the running loop at the latest."""
        with ctrl_c_waits():  # they start here
            for _ in range(self._count):
                ours, theirs = socket.socketpair()
                with theirs:
                    process = multiprocessing.get_context("spawn").Process(
                        target=_work, args=(theirs, self._settings), daemon=True)
                    process.start()
                self._workers.append(_Worker(process, *await asyncio.open_connection(sock=ours)))

    async def ask(self, url: str) -> Told:
        """As `Asker.ask`. Raises BuildError when the process dies."""
        worker = min(self._workers, key=lambda worker: len(worker.waiting))
        return await worker.ask(url)

    def close(self) -> None:
        """Ends the processes."""
        with ctrl_c_waits():
            for worker in self._workers:
                worker.end()
            for worker in self._workers:
                worker.process.join(_GOODBYE)
                worker.process.kill()
                worker.process.join()


class _Worker:
    """One process, seen from here."""

    def __init__(self, process: BaseProcess, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.process, self._reader, self._writer = process, reader, writer
        self.waiting: dict[int, asyncio.Future[Told]] = {}
        self._asked = 0
        self._listening = asyncio.create_task(self._listen())

    async def ask(self, url: str) -> Told:
        if self._listening.done():
            raise _died()
        self._asked += 1
        answer: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self.waiting[self._asked] = answer
        _say(self._writer, (self._asked, url))
        return await answer

    def end(self) -> None:
        self._listening.cancel()
        with suppress(OSError):  # it has died
            # At once: a transport would only close once the loop runs again.
            self._writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    async def _listen(self) -> None:
        decoder = msgspec.msgpack.Decoder(tuple[int, Told])
        try:
            while True:
                number, told = decoder.decode(await _hear(self._reader))
                answer = self.waiting.pop(number)
                if not answer.done():
                    answer.set_result(told)
        except (asyncio.IncompleteReadError, OSError):
            for answer in self.waiting.values():
                if not answer.done():
                    answer.set_exception(_died())


def _died() -> BuildError:
    return BuildError("a worker process died (out of memory, or killed); what was fetched is kept: run the same "
                      "command again, with fewer --workers if memory was short")


def _work(sock: socket.socket, settings: Settings) -> None:
    """A process's whole life."""
    begin()
    with suppress(AttributeError):  # other C libraries have other ways
        for limit in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
            ctypes.CDLL(None).mallopt(limit, _KEPT)
    asyncio.run(_serve(sock, settings))


async def _serve(sock: socket.socket, settings: Settings) -> None:
    reader, writer = await asyncio.open_connection(sock=sock)
    asker, decoder = Asker(settings), msgspec.msgpack.Decoder(tuple[int, str])
    tasks: set[asyncio.Task[None]] = set()
    failures: list[BaseException] = []

    async def answer(number: int, url: str) -> None:
        _say(writer, (number, await asker.ask(url)))
        with suppress(OSError):  # nobody wants it any more
            await writer.drain()

    def end(task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            failures.append(error)
            writer.transport.abort()  # who waits for the answer must not wait for ever

    with suppress(asyncio.IncompleteReadError, OSError):  # nobody wants more
        while True:
            task = asyncio.create_task(answer(*decoder.decode(await _hear(reader))))
            tasks.add(task)
            task.add_done_callback(end)
    if failures:
        raise failures[0]


def _say(writer: asyncio.StreamWriter, message: object) -> None:
    said = msgspec.msgpack.encode(message)
    writer.write(_LENGTH.pack(len(said)))
    writer.write(said)


async def _hear(reader: asyncio.StreamReader) -> bytes:
    """The next message. Raises IncompleteReadError after the last one."""
    return await reader.readexactly(_LENGTH.unpack(await reader.readexactly(_LENGTH.size))[0])
