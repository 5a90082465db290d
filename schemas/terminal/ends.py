"""How a program ends: its exit code, and one line on stderr where something went wrong."""

from __future__ import annotations

import io
import os
import signal
import sqlite3
import sys
from collections.abc import Callable

from schemas.errors import BuildError

_STORES = ("aiobotocore", "aiohttp", "botocore", "gcsfs", "azure")
"""Packages whose errors mean that an object store did not answer, or did not want to."""


def ended(prog: str, run: Callable[[], int], kept: str, again: str = "the same command") -> int:
    """Runs a program and returns its exit code; what the person can mend is one line on stderr.

    `kept` says what an interruption leaves ("finished shards are kept"), `again` which command goes on from there.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # tags hold any letter, terminals do not
    try:
        return run()
    except BuildError as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is being obeyed
        print(f"{prog}: stopped; {kept}, {again} goes on from there", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone; say nothing more
        return 1
    except Exception as error:
        store = type(error).__module__.partition(".")[0] in _STORES
        if not (store or isinstance(error, OSError | sqlite3.OperationalError)):
            raise
        print(f"{prog}: {error}; {kept}: mend the cause (disk full? permissions? network?) and run {again} again",
              file=sys.stderr)
        return 1
