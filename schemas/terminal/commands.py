"""The commands of a program: their table, its help, and which of them the words ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from schemas.errors import UsageError
from schemas.terminal import arguments


class Command(NamedTuple):
    """What a command runs with its words, its options, and one line about it."""

    run: Callable[[Sequence[str]], int]
    parser: Callable[[], arguments.Parser]
    about: str


Groups = Mapping[str, Mapping[str, Command]]
"""Commands by group and name, in the order of the help. A name may have two words: "weights convert"."""


def usage(prog: str, about: str, groups: Groups, exit_codes: str) -> str:
    """The text of `PROG --help`."""
    lines = [f"usage: {prog} COMMAND [options]", "", about, ""]
    for group, commands in groups.items():
        lines += [f"{group}:", *(f"  {name:<19} {one.about}" for name, one in commands.items()), ""]
    return "\n".join([*lines, f"`{prog} COMMAND --help` tells more.", "", exit_codes])


def find(prog: str, groups: Groups, words: Sequence[str]) -> tuple[Command, Sequence[str]]:
    """The command that the words begin with, and the words after its name. Raises UsageError where there is none."""
    known = {name: one for commands in groups.values() for name, one in commands.items()}
    family = [name for name in known if name.startswith(f"{words[0]} ")]
    name = " ".join(words[: 2 if family else 1])
    if name not in known:
        raise UsageError("unknown command", seen=name, allowed=", ".join(family or known),
                         next_command=f"{prog} --help")
    return known[name], words[len(name.split()):]
