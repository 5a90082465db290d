"""Turns an options dataclass into a command line: one option a field, grouped, unknown names answered by near ones."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from types import NoneType
from typing import Any, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from upath import UPath

from schemas.errors import UsageError
from schemas.locations import location
from schemas.terminal.fields import flag_of

OptionsT = TypeVar("OptionsT")


RawText = argparse.RawDescriptionHelpFormatter


class Parser(argparse.ArgumentParser):
    """argparse that raises UsageError in place of its own exit."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, next_command=f"{self.prog} --help")


def parser_for(kind: type[Any], prog: str, description: str, epilog: str = "") -> Parser:
    """A parser with an option for each field of a dataclass made with `schemas.terminal.fields.option`; a field that is
    a tuple takes the words that belong to no option."""
    parser = Parser(prog=prog, description=description, epilog=epilog, allow_abbrev=False,
                    formatter_class=RawText)
    groups: dict[str, Any] = {}
    hints = get_type_hints(kind)
    for one in fields(kind):
        said = one.metadata
        if said["group"] not in groups:
            groups[said["group"]] = parser.add_argument_group(said["group"])
        group = groups[said["group"]]
        flag = flag_of(one.name)
        text = said["help"] + _default(one.default)
        if hints[one.name] is bool:
            # What is on by default has a --no- form that turns it off.
            switch: Any = argparse.BooleanOptionalAction if one.default else "store_true"
            group.add_argument(flag, action=switch, default=one.default, help=text)
            continue
        if get_origin(hints[one.name]) is tuple:
            group.add_argument(one.name, nargs="*", default=one.default, help=text, metavar=said["metavar"],
                               type=get_args(hints[one.name])[0])
            continue
        choices = "|".join(filter(None, said["choices"]))
        group.add_argument(flag, type=_reader(hints[one.name]), default=one.default, help=text,
                           metavar=said["metavar"] or choices)
    return parser


def _default(value: Any) -> str:
    if value is True or value in (None, "", False, ()) or value == Path():
        return ""
    return f" (default: {value:,})" if isinstance(value, int) and value >= 10_000 else f" (default: {value})"


def _reader(hint: Any) -> Any:
    kinds = [kind for kind in (get_args(hint) or (hint,)) if kind is not NoneType]
    return location if UPath in kinds else path if kinds[0] is Path else kinds[0]


def path(text: str) -> Path:
    """A path on this machine. Raises UsageError for a URL."""
    found = location(text)
    if isinstance(found, Path):
        return found
    raise UsageError("a URL where only a path will do", seen=text, allowed="a path on this machine")


def read(kind: type[OptionsT], parser: Parser, words: Sequence[str]) -> OptionsT:
    """Options from command-line words. Raises UsageError; an unknown option is answered by the nearest known ones."""
    found, unknown = parser.parse_known_intermixed_args(list(words))
    if unknown:
        known = [flag for action in parser._actions for flag in action.option_strings]
        near = difflib.get_close_matches(unknown[0].split("=")[0], known, n=3)
        raise UsageError("unknown option", seen=unknown[0], allowed=", ".join(near),
                         next_command=f"{parser.prog} --help")
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in vars(found).items()})


def words(options: Any) -> list[str]:
    """The command line that `read` makes these options of."""
    given = {flag_of(one.name): value for one in fields(options)
             if (value := getattr(options, one.name)) != one.default}
    return [word for flag, value in given.items() for word in _words(flag, value)]


def _words(flag: str, value: Any) -> list[str]:
    if isinstance(value, tuple):
        return [*value]
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    return [f"{flag}={value}"] if flag.startswith("--") else [flag, str(value)]

