"""`build …`: recipes make datasets, tools look at them."""

from __future__ import annotations

import io
import os
import signal
import sqlite3
import sys
from collections.abc import Mapping, Sequence

from builders.commands import EXIT_CODES, Command
from builders.commands.recipes import RECIPES
from builders.commands.tools import TOOLS
from builders.commands.weights import WEIGHTS
from schemas.errors import BuildError, UsageError

COMMANDS: Mapping[str, Mapping[str, Command]] = {"recipes": RECIPES, "tools": TOOLS, "weights": WEIGHTS}
"""By group and name."""

_STORES = ("aiobotocore", "aiohttp", "botocore", "gcsfs", "azure")
"""Packages whose errors mean that an object store did not answer, or did not want to."""


def usage() -> str:
    """The text of `build --help`."""
    lines = ["usage: build COMMAND [options]", "", "Construct datasets for identity-preserving image generation.", ""]
    for group, commands in COMMANDS.items():
        lines += [f"{group}:", *(f"  {name:<19} {one.about}" for name, one in commands.items()), ""]
    return "\n".join([*lines, "`build COMMAND --help` tells more.", "", EXIT_CODES])


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; user errors are one line on stderr."""
    words = sys.argv[1:] if words is None else words
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # tags hold any letter, terminals do not
    try:
        return _run(words)
    except BuildError as error:
        print(f"build: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is being obeyed
        print("build: stopped; finished shards are kept, the same command goes on from there", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone; say nothing more
        return 1
    except Exception as error:
        store = type(error).__module__.partition(".")[0] in _STORES
        if not (store or isinstance(error, OSError | sqlite3.OperationalError)):
            raise
        print(f"build: {error}; finished shards are kept: mend the cause (disk full? permissions? network?) and run "
              "the same command again", file=sys.stderr)
        return 1


def _run(words: Sequence[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if words else 2
    known = {name: entry for commands in COMMANDS.values() for name, entry in commands.items()}
    name = " ".join(words[:2]) if words[0] == "weights" else words[0]
    if name not in known:
        raise UsageError("unknown command", seen=name, allowed=", ".join(known), next_command="build --help")
    return known[name].run(words[len(name.split()):])


if __name__ == "__main__":
    sys.exit(main())
