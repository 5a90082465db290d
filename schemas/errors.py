"""One error tree, ordered by consequence.

    LikenessError
    ├── RowError        one row is rejected, with a reason; the build goes on
    └── BuildError      the build stops; running it again resumes          (exit code 1)
        └── UsageError  the person must change the command or the files    (exit code 2)

Nothing else is raised on purpose. A message says what is wrong, the value seen, what is allowed and
the next command to type.
"""

from __future__ import annotations


class LikenessError(Exception):
    """Root of the tree; never raised itself."""


class RowError(LikenessError):
    """One row cannot be used. `reason` is from the closed vocabulary of `schemas.records.REASONS`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class BuildError(LikenessError):
    """The build cannot go on (disk full, a worker died); the same command resumes it."""

    exit_code = 1


class UsageError(BuildError):
    """The command or its input is wrong; one clear line, exit code 2, no traceback."""

    exit_code = 2

    def __init__(self, what: str, *, seen: object = None, allowed: str = "", next_command: str = "") -> None:
        parts = [what if seen is None else f"{what} (got {seen!r})"]
        if allowed:
            parts.append(f"allowed: {allowed}")
        if next_command:
            parts.append(f"try: {next_command}")
        super().__init__("; ".join(parts))
