"""Ctrl-C that has to wait a moment."""

import os
import signal
import threading

import pytest

from schemas.terminal.interrupts import ctrl_c_waits


def test_ctrl_c_while_a_worker_starts_comes_right_after() -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), ctrl_c_waits():
        os.kill(os.getpid(), signal.SIGINT)
        # Another thread takes the signal that this one has blocked.
        thread = threading.Thread(target=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT}))
        thread.start()
        thread.join()
        steps.append("started")
    assert steps == ["started"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
