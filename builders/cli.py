"""`build …`: recipes make datasets, tools look at them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from builders.commands import EXIT_CODES
from builders.commands.recipes import RECIPES
from builders.commands.tools import TOOLS
from builders.commands.weights import WEIGHTS
from schemas.terminal import commands
from schemas.terminal.ends import ended

COMMANDS: commands.Groups = {"recipes": RECIPES, "tools": TOOLS, "weights": WEIGHTS}


def usage() -> str:
    """The text of `build --help`."""
    return commands.usage("build", "Construct datasets for identity-preserving image generation.", COMMANDS, EXIT_CODES)


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; user errors are one line on stderr."""
    given = sys.argv[1:] if words is None else words
    return ended("build", lambda: _run(given), "finished shards are kept")


def _run(words: Sequence[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if words else 2
    command, rest = commands.find("build", COMMANDS, words)
    return command.run(rest)


if __name__ == "__main__":
    sys.exit(main())
