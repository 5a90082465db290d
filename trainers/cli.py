"""`trainers …`: thin trainers over published datasets."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from schemas.terminal import commands
from schemas.terminal.ends import ended
from trainers.commands import EVALUATIONS, EXIT_CODES, METHODS, TOOLS

COMMANDS: commands.Groups = {"methods": METHODS, "evaluations": EVALUATIONS, "tools": TOOLS}
_ABOUT = """Train on datasets that `build` published, or on others with the same columns: whatever datasets.load_dataset
opens. OUT gets the weights, checkpoints, samples and the log of a run; `--base tiny` tries a method out on a CPU."""


def usage() -> str:
    """The text of `trainers --help`."""
    return commands.usage("trainers", _ABOUT, COMMANDS, EXIT_CODES)


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; user errors are one line on stderr."""
    given = sys.argv[1:] if words is None else words
    return ended("trainers", lambda: _run(given), "what is done is kept",
                 "the same command, with --resume where it trains")


def _run(words: Sequence[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if words else 2
    command, rest = commands.find("trainers", COMMANDS, words)
    return command.run(rest)


if __name__ == "__main__":
    sys.exit(main())
