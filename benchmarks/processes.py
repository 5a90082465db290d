"""What a command costs: wall time, CPU time and the most memory that its process tree held at once."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY = 0.1
"""Seconds between two looks at the tree."""


@dataclass(frozen=True)
class Cost:
    """Of one command: seconds of wall and of CPU, megabytes resident in all its processes together."""

    wall: float
    cpu: float
    peak: float


def run(words: Sequence[str], stop: Callable[[float], bool] = lambda seconds: False) -> Cost:
    """Runs the command to its end, or until `stop`, asked every tenth of a second, kills the tree (SIGKILL).

    Raises RuntimeError when the command fails by itself.
    """
    begun = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    os.set_blocking(process.stderr.fileno(), False)  # type: ignore[union-attr]
    said, peak, killed = b"", 0, False
    while True:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        said = (said + (process.stderr.read() or b""))[-4000:]  # type: ignore[union-attr]
        if pid:
            break
        peak = max(peak, _resident(process.pid))
        if stop(time.perf_counter() - begun):
            os.killpg(process.pid, signal.SIGKILL)
            killed = True
        time.sleep(_EVERY)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode and not killed:
        raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}: {said.decode(errors='replace')}")
    return Cost(time.perf_counter() - begun, used.ru_utime + used.ru_stime, peak / 1e6)


def _resident(root: int) -> int:
    """Bytes resident in a process and all its descendants; pages that they share count for each of them."""
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (OSError, IndexError):  # it has ended since
            continue
    return total
