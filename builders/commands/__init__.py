"""The commands of `build`: of each its options, and what runs. Builders load late, when a command is known.

`tools` look at datasets, `recipes` make them, `weights` are about models.
"""

from __future__ import annotations

from schemas.terminal import arguments

EXIT_CODES = """exit codes:
  0    done
  1    the build could not go on, or verify found faults; the same command resumes a build
  2    the command or its input must be changed
  130  stopped by Ctrl-C; the same command resumes
"""


def tool(prog: str, description: str) -> arguments.Parser:
    """The parser of a command that is no recipe."""
    return arguments.Parser(prog=prog, description=description, epilog=EXIT_CODES, formatter_class=arguments.RawText,
                            allow_abbrev=False)
