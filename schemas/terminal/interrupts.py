"""Ctrl-C at moments that cannot be left half done."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ctrl_c_waits() -> Iterator[None]:
    """Ctrl-C takes effect at the end of the block, and never in a process that starts within it.

    A terminal sends Ctrl-C to workers too, and until they can ignore it they import for seconds. They inherit that it
    is blocked. Here blocking is not enough: another thread may take the signal, and Python would then stop this one
    between a worker's start and the message that the worker waits for.
    """
    pressed = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True

    usual = signal.getsignal(signal.SIGINT)
    if callable(usual):  # else somebody had it ignored, as shells do for what runs in the background
        signal.signal(signal.SIGINT, note)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, usual)
    if pressed and callable(usual):
        usual(signal.SIGINT, None)
