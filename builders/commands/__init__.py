"""The commands of `build`: of each its options, and what runs. Builders load late, when a command is known.

`tools` look at datasets, `recipes` make them, `weights` are about models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from builders import arguments

EXIT_CODES = """exit codes:
  0    done
  1    the build could not go on, or verify found faults; the same command resumes a build
  2    the command or its input must be changed
  130  stopped by Ctrl-C; the same command resumes
"""


class Command(NamedTuple):
    """What a command runs with its words, its options, and one line about it."""

    run: Callable[[Sequence[str]], int]
    parser: Callable[[], arguments.Parser]
    about: str


def tool(prog: str, description: str) -> arguments.Parser:
    """The parser of a command that is no recipe."""
    return arguments.Parser(prog=prog, description=description, epilog=EXIT_CODES, formatter_class=arguments.RawText,
                            allow_abbrev=False)
